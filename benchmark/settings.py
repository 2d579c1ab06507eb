"""What is set for the whole of torch, such as the default dtype, and how it stays when foreign code has run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
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


@contextmanager
def usual_settings() -> Iterator[None]:
    """Within this context tensors are made in float32 on the processor, and products are not cast.

    A caller's default dtype or device, or a mode such as autocast around the call, would decide what attacks compute,
    which records then tell otherwise. Afterwards all is as the caller had it.
    """
    dtype = torch.get_default_dtype()
    with ExitStack() as stack:
        if torch.is_inference_mode_enabled():
            stack.enter_context(torch.inference_mode(False))
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        for kind in _casting():
            stack.enter_context(torch.autocast(kind, enabled=False))
        if dtype == torch.float32:
            yield
            return
        torch.set_default_dtype(torch.float32)
        try:
            yield
        finally:
            torch.set_default_dtype(dtype)


def _casting() -> list[str]:
    """The kinds of devices on which autocast is on."""
    accelerator = torch.accelerator.current_accelerator()
    kinds = ["cpu", *([] if accelerator is None else [accelerator.type])]
    return [kind for kind in kinds if torch.is_autocast_enabled(kind)]
