"""How many operations a program hands to its device, and how often it waits for an answer: the same on any device.

Counted where torch hands them out. Each operation that is no view of a tensor is taken for one launch of a kernel,
which is what it is on a GPU, but for a few that take two or three, and for convolutions that take one more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

#: What asks the device for something: numbers, sizes.
_WAITS = {"_local_scalar_dense", "nonzero", "masked_select", "_unique2", "unique_dim", "unique_consecutive"}

#: What computes nothing though it is no view.
_FREE = {"empty", "empty_like", "empty_strided", "new_empty", "detach", "set_", "resize_"}


@dataclass
class Counts:
    """What was counted.

    Attributes:
        launches: operations.
        waits: times that the host waits, as far as operations tell.
    """

    launches: int = 0
    waits: int = 0


class _Counting(TorchDispatchMode):
    def __init__(self, device: torch.device) -> None:
        super().__init__()
        self.counts, self.device = Counts(), device

    def __torch_dispatch__(self, op: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        name = op._schema.name.partition("::")[2]
        if (name in _WAITS or _by_mask(name, args)) and _is_there(args, self.device):
            self.counts.waits += 1
        if name not in _FREE and not getattr(op, "is_view", False):
            self.counts.launches += 1
        return op(*args, **(kwargs or {}))


def _by_mask(name: str, args: Any) -> bool:
    if name not in ("index", "index_put", "index_put_") or len(args) < 2:
        return False
    if name != "index" and args[2].numel() == 1:  # filled with one value, wherever it goes
        return False
    return any(isinstance(index, torch.Tensor) and index.dtype == torch.bool for index in args[1])


def _is_there(args: Any, device: torch.device) -> bool:
    """Whether what an operation asks about lies on the device; of what lies with the host the answer is there."""
    asked = args[0] if args else None
    return not isinstance(asked, torch.Tensor) or asked.device.type == device.type


def counted(program: Callable[[], object], device: torch.device | str = "cpu") -> Counts:
    """What `program` asks of its `device`, gradients included; a processor stands for an accelerator there."""
    with _Counting(torch.device(device)) as mode:
        program()
    return mode.counts


def per_step(
    program: Callable[[int], object], few: int = 4, many: int = 8, device: torch.device | str = "cpu"
) -> tuple[float, float]:
    """Launches and waits per step of a program of so many steps, without what it does once."""
    less, more = counted(lambda: program(few), device), counted(lambda: program(many), device)
    steps = many - few
    return (more.launches - less.launches) / steps, (more.waits - less.waits) / steps
