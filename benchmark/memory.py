"""The memory of a device: how much there is, and going on with smaller batches when it runs out."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

#: Bytes that an accelerator is taken to have where torch does not tell.
UNTOLD = 8 << 30


def halve_on_out_of_memory(compute: Callable[[slice], Tensor], count: int) -> Tensor:
    """`compute` on the rows 0, ..., count − 1: in one go if that fits, else in halves, quarters, ...

    Args:
        compute: takes a slice of rows, returns a tensor with one row for each.
        count: how many rows there are.

    Raises:
        torch.OutOfMemoryError: not even one row fits.
    """
    size = max(count, 1)
    while True:
        try:
            return torch.cat([compute(slice(at, min(at + size, count))) for at in range(0, max(count, 1), size)])
        except RuntimeError as error:
            if not is_out_of_memory(error) or size == 1:
                raise
        # Outside the handler, so that the failed pass's tensors are no longer held by its traceback.
        free_cached()
        size = (size + 1) // 2


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` says that the device, or the host, had no memory left."""
    text = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in text or "can't allocate memory" in text


def free_cached() -> None:
    """Give back to the accelerator, if there is one, what torch keeps of its memory for later."""
    device = torch.accelerator.current_accelerator(check_available=True)
    if device is not None:
        getattr(torch.get_device_module(device), "empty_cache", lambda: None)()


def total_memory(device: torch.device) -> int:
    """Bytes of an accelerator's memory that this process may use, whoever uses them now."""
    module = torch.get_device_module(device)
    if hasattr(module, "get_device_properties"):
        share = getattr(module, "get_per_process_memory_fraction", lambda _: 1.0)(device)
        return int(share * module.get_device_properties(device).total_memory)
    return int(getattr(module, "recommended_max_memory", lambda: UNTOLD)())  # Apple's
