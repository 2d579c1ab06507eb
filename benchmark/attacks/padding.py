"""Batches of a few sizes: images leave a search one after the other, and an accelerator prepares for every new size.

Its libraries look for the way to compute a convolution anew for each shape, a captured graph takes one shape only,
and the allocator keeps blocks of each. So a pass on an accelerator is filled up to the next of a few sizes, with
copies of an image, whose answers are left out. No image's answer may depend on the others for that: where it does,
nothing is filled up.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from benchmark.errors import FOREIGN

#: The smallest size; below it a pass takes as long as with it.
SMALLEST = 8

#: How many images the network is asked for when it is looked at, and how many stand behind them then.
ASKED, BEHIND = 2, 3

#: How far an answer may be from the same image's in another batch, as a part of the largest logit: another kernel.
_ROUNDING = 1e-3


def padded_size(images: int, most: int | None = None) -> int:
    """The size of the pass that takes so many images: 8, 12, 16, 24, 32, 48, ..., at most a third of it in vain.

    Args:
        images: how many there are.
        most: that a pass takes, at least `images`; None where there is no limit.
    """
    power = SMALLEST
    while power < images:
        power *= 2
    between = power // 4 * 3
    size = between if images <= between and between > SMALLEST else power
    return size if most is None else max(images, min(size, most))


def padded(x: Tensor, size: int) -> Tensor:
    """`x` (N×...) and copies of its last image behind it, `size` in all; gradients flow to the N alone."""
    missing = size - len(x)
    return x if missing <= 0 or not len(x) else torch.cat([x, x[-1:].detach().expand(missing, *x.shape[1:])])


def is_independent(network: Callable[[Tensor], Tensor], probe: Tensor) -> bool:
    """Whether an image's answer does not depend on how many others, and which, stand behind it in its batch.

    Args:
        network: images N×C×H×W → logits N×K, asked without gradients.
        probe: a few images on its device.
    """
    x = probe[:ASKED]
    with torch.no_grad():
        try:
            alone = network(x.clone())
            others = [network(torch.cat([x, 1 - x[-1:].expand(more, *x.shape[1:])])) for more in (1, BEHIND)]
            others += [network(padded(x, SMALLEST))]
        except FOREIGN:  # a foreign network that takes no other batches, or fails; that is told elsewhere
            return False
        if not alone.numel() or any(other.shape[1:] != alone.shape[1:] or len(other) <= len(x) for other in others):
            return False
        apart = torch.stack([(other[: len(x)] - alone).abs().amax() for other in others]).amax()
        return bool(apart <= _ROUNDING * alone.abs().amax())  # asked once: an accelerator waits for each answer
