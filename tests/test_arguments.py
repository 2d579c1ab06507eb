"""What Python lets pass for an argument, and the command line would not."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import benchmark
from benchmark.arguments import checked_arguments
from benchmark.errors import BadInput


@checked_arguments
def verb(
    first: object = None,
    *,
    n: int | None = None,
    seed: int = 0,
    share: float = 1.0,
    sure: bool = False,
    place: str | Path = "here",
    device: str = "auto",
    paper: str = "",
    size: int | str | None = None,
    several: tuple[int, ...] | int = 1,
    **more: int,
) -> dict[str, Any]:
    return {name: value for name, value in locals().items() if value is not None}


@pytest.mark.parametrize(
    ("given", "as_what"),
    [
        ({"n": np.int64(5)}, 5),
        ({"seed": torch.tensor(3)}, 3),
        ({"share": np.float32(0.5)}, 0.5),
        ({"share": 1}, 1),
        ({"sure": np.True_}, True),
        ({"sure": 0}, False),
        ({"place": Path("there")}, Path("there")),
        ({"device": torch.device("cuda:1")}, "cuda:1"),
        ({"size": "256x256"}, "256x256"),
        ({"size": 256}, 256),
        ({"paper": ""}, ""),
        ({"several": "anything"}, "anything"),
        ({"other": "anything"}, {"other": "anything"}),
    ],
)
def test_what_means_a_plain_value_becomes_one(given: dict[str, Any], as_what: object) -> None:
    found = verb(None, **given)["more" if "other" in given else next(iter(given))]
    assert (found, type(found)) == (as_what, type(as_what))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"n": 5.0}, "n must be a whole number or None, not 5.0"),
        ({"n": "5"}, "n must be a whole number or None, not '5'"),
        ({"n": True}, "n must be a whole number or None, not True"),
        ({"seed": None}, "seed must be a whole number, not None"),
        ({"seed": np.array([1, 2])}, r"seed must be a whole number, not array\(\[1, 2\]\)"),
        ({"share": "half"}, "share must be a number, not 'half'"),
        ({"sure": "no"}, "sure must be True or False, not 'no'"),
        ({"sure": 2}, "sure must be True or False, not 2"),
        ({"place": None}, "place must be a path, not None"),
        ({"place": ""}, "place is empty; give it a value or leave it out"),
        ({"first": ""}, "first is empty; give it a value or leave it out"),
        ({"device": 0}, "device must be a text, not 0"),
        ({"size": 1.5}, "size must be a whole number or a text or None, not 1.5"),
        ({"n": "5", "sure": "no"}, "^n must .*\nsure must .*$"),
    ],
)
def test_anything_else_is_one_clear_error(given: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        verb(**given)


def test_what_python_itself_refuses_it_still_does() -> None:
    with pytest.raises(TypeError, match="positional"):
        verb(1, 2)  # type: ignore[misc]


def _verbs() -> dict[str, Callable[..., Any]]:
    found = {name: getattr(benchmark, name) for name in benchmark.__all__ if name.islower()}
    return {name: each for name, each in found.items() if inspect.isfunction(each)}


def _switches() -> list[tuple[str, str]]:
    """All switches of all public functions: what is no truth must not be taken for one, the text "no" for a yes."""
    return [
        (name, parameter.name)
        for name, each in _verbs().items()
        for parameter in inspect.signature(each).parameters.values()
        if parameter.annotation == "bool"
    ]


@pytest.mark.parametrize(("name", "switch"), _switches())
def test_no_public_function_takes_the_word_no_for_a_yes(name: str, switch: str) -> None:
    function = _verbs()[name]
    parameters = inspect.signature(function).parameters.values()
    named = [each for each in parameters if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)]
    needed = {each.name: "x" for each in named if each.default is each.empty}
    with pytest.raises(BadInput, match=f"{switch} must be True or False, not 'no'"):
        function(**{**needed, switch: "no"})
