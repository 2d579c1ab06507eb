"""What is set for the whole of torch, such as the default dtype, and how it stays when foreign code has run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

#: How each setting is read and written.
_SETTINGS: tuple[tuple[Callable[[], Any], Callable[[Any], Any]], ...] = (
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.get_num_threads, torch.set_num_threads),
    (torch.is_grad_enabled, torch.set_grad_enabled),
    (torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode),
)


def current_settings() -> list[Any]:
    """What is set, for `put_back`."""
    return [read() for read, _ in _SETTINGS]


def put_back(settings: list[Any]) -> None:
    """Set what is not as it was when `settings` were read."""
    for (read, write), value in zip(_SETTINGS, settings, strict=True):
        if read() != value:
            write(value)


@contextmanager
def kept_settings() -> Iterator[None]:
    """Put back afterwards what foreign code set for the whole process: it would decide others' numbers, or speed."""
    before = current_settings()
    try:
        yield
    finally:
        put_back(before)
