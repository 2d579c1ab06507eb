"""Whether code of one's own may run: only within a call that was told to trust it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import ParamSpec, TypeVar

Options = ParamSpec("Options")
Answer = TypeVar("Answer")

_TRUSTED: ContextVar[bool] = ContextVar("trusted", default=False)


def is_trusted() -> bool:
    """Whether code that somebody names may run."""
    return _TRUSTED.get()


@contextmanager
def trusting(yes: bool) -> Iterator[None]:
    """Within this context code may run if `yes`, or if it may around it."""
    token = _TRUSTED.set(yes or _TRUSTED.get())
    try:
        yield
    finally:
        _TRUSTED.reset(token)


def trusts(verb: Callable[Options, Answer]) -> Callable[Options, Answer]:
    """Have what `verb` does be within `trusting(trust_remote_code)`, an argument of it."""
    signature = inspect.signature(verb)

    @functools.wraps(verb)
    def told(*args: Options.args, **options: Options.kwargs) -> Answer:
        given = signature.bind_partial(*args, **options).arguments
        with trusting(given.get("trust_remote_code") is True):
            return verb(*args, **options)

    return told
