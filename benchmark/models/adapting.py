"""Networks that return more than a tensor of logits: the one entry that has a row for each image is taken, and said.

Classifiers of transformers return an object with `.logits`, others a tuple of logits and features, or a dictionary.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor, fx, nn

#: What the logits are called where entries have names.
LOGITS = "logits"


class Adapted(nn.Module):
    """A network of which only the logits come back.

    Which entry that is, is decided at the first call and kept: another answer later is an error, not another entry.

    Args:
        network: images N×C×H×W → N×K logits, or several things of which one is that.
        num_classes: K; None where it is not known.

    Attributes:
        taken: which entry is taken, for messages; "" where the network returns a tensor.
    """

    def __init__(self, network: nn.Module, num_classes: int | None = None) -> None:
        super().__init__()
        self.network = network
        self.num_classes = num_classes
        self.taken = ""

    def forward(self, x: Tensor) -> Any:
        found = self.network(x)
        if isinstance(found, Tensor | fx.Proxy):
            return found
        entries = dict(_entries(found))
        if not entries:
            return found  # whoever asked says what it is
        if not self.taken:
            self.taken = _chosen(entries, len(x), self.num_classes, type(found).__name__)
        if self.taken not in entries:
            raise ValueError(f"it returned {self.taken} at first and does not now")
        return entries[self.taken]


def _entries(found: Any) -> Iterator[tuple[str, Tensor]]:
    """The tensors in what a network returned, by how they are got: [0], ['features'], .logits."""
    named = isinstance(found, Mapping)
    if named:
        yield from ((f"[{key!r}]", value) for key, value in found.items() if isinstance(value, Tensor))
    elif isinstance(found, tuple | list):
        yield from ((f"[{place}]", value) for place, value in enumerate(found) if isinstance(value, Tensor))
    if not named and isinstance(getattr(found, LOGITS, None), Tensor):
        yield f".{LOGITS}", found.logits


def _chosen(entries: Mapping[str, Tensor], count: int, num_classes: int | None, kind: str) -> str:
    """The entry that is the logits of `count` images.

    Raises:
        ValueError: none is, or several may be.
    """
    fitting = [
        place
        for place, value in entries.items()
        if value.dim() == 2
        and len(value) == count
        and value.is_floating_point()
        and (num_classes is None or value.shape[1] == num_classes)
    ]
    called = [place for place in fitting if place in (f".{LOGITS}", f"[{LOGITS!r}]")]
    if len(called or fitting) == 1:
        return (called or fitting)[0]
    shapes = ", ".join(f"{place}: {'×'.join(map(str, value.shape))}" for place, value in [*entries.items()][:6])
    wanted = f"{count}×{'K' if num_classes is None else num_classes}"
    which = f"{len(fitting)} entries" if fitting else "no entry"
    raise ValueError(
        f"it returns a {kind} with {which} of {wanted} ({shapes}), so that its logits can't be told; return them "
        "alone"
    )
