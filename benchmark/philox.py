"""Philox4x32: random bits as a function of a counter and a key (Salmon et al. 2011, "as easy as 1, 2, 3")."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

#: The fewest rounds that pass BigCrush (table 2 of the paper); more would only cost time.
ROUNDS = 7

MASK = 0xFFFFFFFF
_MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
_WEYL = 0x9E3779B9, 0xBB67AE85

#: How many buffers `philox` works in.
BUFFERS = 6


def philox(counter: Sequence[Any], key: tuple[int, int], buffers: Sequence[Any], rounds: int = ROUNDS) -> list[Any]:
    """Four words of 32 random bits for each counter, the same ones wherever they are computed.

    All that is computed with are products, shifts and bits of int64, whose overflow wraps around on every device.
    Little is allocated: fresh memory costs a processor more than the arithmetic.

    Args:
        counter: four words, each a number or an int64 array or tensor of numbers from 0 to 2^32 - 1; their shapes
            broadcast to that of the buffers.
        key: two words.
        buffers: six int64 arrays or tensors, which are overwritten.
        rounds: 7 or 10 in Random123.

    Returns:
        The four words, in four of the buffers: in the low 32 bits of each int64, those above are arbitrary. The two
        buffers that are free again follow.
    """
    a, b, c, d, e, f = buffers
    shift = right_shift(namespace(a))
    first, second = key
    begun = 0
    if rounds >= 2 and not isinstance(counter[0], int) and not isinstance(counter[2], int):
        _two_rounds(counter, key, (c, d, e, f))
        a, b, c, e, f = e, c, f, a, b
        first, second = _next(*_next(*key))
        begun = 2
    else:
        for word, given in zip((a, b, c, d), counter, strict=True):
            word[...] = given
    for _ in range(begun, rounds):
        a *= _MULTIPLIERS[0]
        c *= _MULTIPLIERS[1]
        shift(c, 32, out=e)
        e ^= b
        e ^= first
        e &= MASK
        shift(a, 32, out=f)
        f ^= d
        f ^= second
        f &= MASK
        a, b, c, d, e, f = e, c, f, a, b, d
        first, second = _next(first, second)
    return [a, b, c, d, e, f]


def _two_rounds(counter: Sequence[Any], key: tuple[int, int], buffers: Sequence[Any]) -> None:
    """The first two rounds, with as little as the words of the counter have where those of the buffers are more.

    A word that counts places says nothing of examples, nor the other way round: half of what two rounds compute is
    the same for all of a row or a column. The words end in the third, first, fourth and second of the `buffers`.
    """
    c, d, e, f = buffers
    xp = namespace(c)
    shift = right_shift(xp)
    first, second = key
    low, high = counter[0] * _MULTIPLIERS[0], counter[2] * _MULTIPLIERS[1]
    c[...] = (shift(low, 32) ^ second) & MASK
    c ^= counter[3]
    a = (shift(high, 32) ^ counter[1] ^ first) & MASK
    first, second = _next(*key)
    a = a * _MULTIPLIERS[0]
    c *= _MULTIPLIERS[1]
    shift(c, 32, out=e)
    e ^= high ^ first
    e &= MASK
    f[...] = (shift(a, 32) ^ second) & MASK
    f ^= low & MASK
    d[...] = a


def _next(first: int, second: int) -> tuple[int, int]:
    """The key of the next round."""
    return (first + _WEYL[0]) & MASK, (second + _WEYL[1]) & MASK


def namespace(values: Any) -> ModuleType:
    """The module whose functions compute with these values."""
    return torch if isinstance(values, Tensor) else np


def right_shift(module: ModuleType) -> Any:
    """What the module calls it."""
    return torch.bitwise_right_shift if module is torch else np.right_shift
