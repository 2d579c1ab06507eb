"""Going on with smaller batches when the memory of the device runs out."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


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
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        size = (size + 1) // 2


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` says that the device, or the host, had no memory left."""
    text = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in text or "can't allocate memory" in text
