"""The API reference: every public name is on it once, and every argument is described."""

from __future__ import annotations

import inspect
import re

import api_reference
import pytest
from docstrings import linked, split_names

import benchmark
from benchmark import api, deadline

HIDDEN = ("__version__", *api_reference.REGISTER, *api_reference.RANGES, *api_reference.TABLES)


def test_the_page_is_what_the_package_has():
    assert api_reference.PLACE.read_text(encoding="utf-8") == api_reference.page(), "run scripts/api_reference.py"


def test_every_public_name_is_on_the_page_once():
    page = api_reference.page()
    for module in (benchmark, api):
        for name in module.__all__:
            if module is api and name in api_reference.TWICE:
                continue
            named = f"[](){{#{module.__name__}.{name}}}" if name not in HIDDEN else f"{module.__name__}.{name}"
            assert name == "__version__" or page.count(named) == 1, name


@pytest.mark.parametrize("name", sorted({*benchmark.__all__} - {*HIDDEN, "results", "BadInput", "PartlyFailed"}))
def test_every_argument_is_described(name):
    function = getattr(benchmark, name)
    described = re.findall(r"^    \*{0,2}(\w+): ", split_names(inspect.getdoc(function) or ""), re.MULTILINE)
    assert not [name for name in inspect.signature(function).parameters if name not in described]


def test_names_that_share_a_line_are_told_apart():
    text = "About: seed, device.\n\nArgs:\n    seed, device: as for\n        `evaluate`.\n    n: how many.\n"
    assert split_names(text).splitlines()[3:] == [
        "    seed: as for `evaluate`.",
        "    device: as for `evaluate`.",
        "    n: how many.",
    ]


def test_names_and_pages_become_links():
    assert linked("`benchmark.train`, docs/masking.md; `benchmark.given`") == (
        "[`benchmark.train`][benchmark.train], [masking](../masking.md); `benchmark.given`"
    )


def test_what_can_be_stopped_says_so():
    @deadline.stoppable
    def work(n: int, **rest: object) -> None:
        """Work.

        Args:
            n: how much.

        Raises:
            BadInput: never.
        """

    told = inspect.getdoc(work) or ""
    assert re.search(r"n: how much\.\n    stop_after: .*\n .*\n\nRaises:", told)
