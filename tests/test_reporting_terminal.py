"""Lists are tables where they fit, and paragraphs where a table would tear its words."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from benchmark.reporting import print_rows, text_tables
from benchmark.reporting.terminal import WIDE

SHORT = [
    {"name": "at", "gradient_free": False, "norms": ["linf"]},
    {"name": "mat", "gradient_free": True, "norms": []},
]


def test_what_fits_is_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows(SHORT)
    head, *rows = (line.split() for line in capsys.readouterr().out.splitlines())
    assert head == ["name", "gradient", "free", "norms"]
    assert rows == [["at", "no", "linf"], ["mat", "yes"]]


def test_what_is_far_too_wide_is_a_paragraph_per_row(capsys: pytest.CaptureFixture[str]) -> None:
    words = "adversarially " * (2 * WIDE // 10)
    print_rows([{**SHORT[0], "about": words}, SHORT[1]])
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if not line.startswith(" ")] == ["at", "mat"]
    assert max(map(len, lines)) <= WIDE
    assert " ".join(lines).split().count("adversarially") == words.split().count("adversarially")
    assert sum("norms" in line for line in lines) == 1, "what is empty is left out"


def test_of_many_doubtful_networks_the_others_are_counted_and_never_a_single_one() -> None:
    def told(number: int) -> tuple[list[str], str]:
        entries = [SimpleNamespace(name=f"n{place}", is_masked=True, has_failed=False) for place in range(number)]
        (doubt,) = text_tables.doubts(entries)  # type: ignore[arg-type]
        return list(doubt.names), doubt.rest

    named = text_tables.NAMED
    every = [f"n{place}" for place in range(named + 2)]
    assert told(named) == (every[:named], "")
    assert told(named + 1) == (every[: named + 1], "")
    assert told(named + 2) == (every[:named], " and 2 others")
