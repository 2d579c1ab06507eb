"""Strategies that spoil good input a little, and a decorator that runs a few cases always and many when asked to."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

#: Words that have made programs stumble.
ODD_WORDS = [
    *(
        "",
        " ",
        "null",
        "true",
        "~",
        "-",
        "--",
        "=",
        "1e999",
        "nan",
        ".inf",
        "-1",
        "0",
        "1_000",
        "0x10",
        "1:2",
        "2001-01-01",
    ),
    *(
        "../..",
        "/",
        "a/b",
        "con",
        "%s",
        "{}",
        "{0}",
        "$HOME",
        "'",
        '"',
        "\\",
        "\x1b[31m",
        "\u202e",
        "\x85",
        "é" * 300,
    ),
    *(
        "!!python/name:os.system",
        "*a",
        "&a",
        "<<",
        "🙂",
        "x" * 5000,
        "9" * 400,
        "linf",
        "l2",
        "digits",
        "quick",
        "complete",
    ),
]

ODD_NUMBERS = [
    0,
    -1,
    1,
    2,
    2**31,
    2**63,
    2**64,
    10**30,
    0.0,
    -0.5,
    1e-300,
    1e308,
    float("inf"),
    float("-inf"),
    float("nan"),
]

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)

PLAIN = (
    st.none()
    | st.booleans()
    | st.sampled_from(ODD_NUMBERS)
    | st.integers()
    | st.floats()
    | st.sampled_from(ODD_WORDS)
    | TEXT
)

VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=6
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values inside of `value`."""
    found = [path] if path else []
    if isinstance(value, dict):
        children = list(value.items())
    else:
        children = list(enumerate(value)) if isinstance(value, list) else []
    for key, child in children:
        found += places(child, (*path, key))
    return found


@st.composite
def spoilt(draw: st.DrawFn, good: Any, most: int = 3) -> Any:
    """`good` with up to `most` of its values replaced, removed, renamed, repeated or added to."""
    document = copy.deepcopy(draw(st.sampled_from(good)) if isinstance(good, tuple) else good)
    for _ in range(draw(st.integers(0, most))):
        known = places(document)
        if not known:
            break
        *path, last = draw(st.sampled_from(known))
        home = document
        for key in path:
            home = home[key]
        change = draw(st.sampled_from(["replace", "replace", "remove", "rename", "add", "move"]))
        if change == "replace":
            home[last] = draw(VALUES)
        elif change == "remove":
            del home[last]
        elif change == "move":
            *_, other = draw(st.sampled_from(known))
            home[last] = copy.deepcopy(document.get(other)) if isinstance(document, dict) else other
        elif isinstance(home, dict):
            name = draw(TEXT | st.sampled_from(ODD_WORDS))
            home[name] = home.pop(last) if change == "rename" else draw(VALUES)
        else:
            home.insert(last, draw(VALUES))
    return document


@st.composite
def with_one_wrong(draw: st.DrawFn, good: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
    """One of `good` with one of its values replaced, and the path to that value."""
    document = copy.deepcopy(draw(st.sampled_from(good)))
    path = draw(st.sampled_from(places(document)))
    home = document
    for key in path[:-1]:
        home = home[key]
    home[path[-1]] = draw(VALUES)
    return document, path


def cases(fast: int, slow: int, **strategies: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], Any]:
    """Run the decorated function on `fast` cases, always the same ones, and on `slow` new ones in the slow tests."""

    def decorate(check: Callable[..., None]) -> Any:
        @pytest.mark.parametrize("count", [fast, pytest.param(slow, marks=pytest.mark.slow)])
        def test(count: int) -> None:
            tried = 0

            @functools.wraps(check)
            def counted(**arguments: Any) -> None:
                nonlocal tried
                tried += 1
                check(**arguments)

            limits = settings(
                max_examples=count,
                deadline=None,
                database=None,
                derandomize=count == fast,
                suppress_health_check=list(HealthCheck),
            )
            limits(given(**strategies)(counted))()
            print(f"\n{tried} cases of {check.__name__}")
            assert tried >= count

        test.__name__, test.__doc__ = check.__name__, check.__doc__
        return test

    return decorate
