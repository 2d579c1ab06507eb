"""What a loss or an objective computes, as the papers write it: a value beside the function."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


def formula(text: str) -> Callable[[Function], Function]:
    """Say what the decorated loss or objective computes.

    Args:
        text: the formula as a paper would write it, in plain letters, without a full stop.

    Returns:
        A decorator that leaves the function as it is.
    """

    def attach(function: Function) -> Function:
        function.formula = text  # type: ignore[attr-defined]
        return function

    return attach


def formula_of(function: Callable[..., Any] | None) -> str:
    """What `function`, or what is bound in it, computes; its name where nobody said so; "none" for None."""
    while isinstance(function, partial):
        function = function.func
    if function is None:
        return "none"
    return str(getattr(function, "formula", "") or f"{getattr(function, '__name__', 'unnamed')}, without a formula")
