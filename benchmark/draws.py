"""Random numbers of many examples at once, each a function of (key, draw, example, place): drawn where they are used.

Where the numbers are wanted on the CPU, NumPy computes them, whose operations cost the least there; elsewhere torch
does on the device, without the host. Both take the same steps, and every step is exact or correctly rounded
(integers, +, -, *, /, √ and float32 of an integer, one at a time), so that the numbers are equal bit for bit on every
device and whatever vector instructions a processor has. That is why logarithm, sine and cosine are polynomials here:
those of libraries differ in the last digit. All steps work in buffers that are used again and again, since fresh
memory costs a processor more than they do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from benchmark.philox import BUFFERS, MASK, namespace, philox, right_shift

#: So many numbers that follow each other come of the same word of as many blocks: a run is long enough for vector
#: instructions. It decides which numbers are drawn, as all in this file does; the size of a chunk does not.
RUN = 128
#: Blocks that are computed at once: on a processor what its caches hold, on a device what its memory easily does.
CHUNK, DEVICES_CHUNK = 1 << 15, 1 << 22

#: Bits of int32: the sign, and what makes a number negative and odd.
_SIGN, _NEGATIVE_AND_ODD = -(2**31), 1 - 2**31
#: The bits of the float32 -2^31 √½, as int32: those of √½ are 0x3F3504F3.
_PATTERN_OF_ROOT = 0x3F3504F3 + (31 << 23) - 2**31
#: -2 ln m = r·(l0 + l1 r² + l2 r⁴) with r = (m - 1)/(m + 1), for m in [√½, √2]: within 1.2e-7 relative of -2 ln m.
_LOGARITHM = -4.0, -1.3330438137054443, -0.8259493708610535
#: tan(πy/4) = z(t0 - z²)/((z² + t1)z² + t2), z being y in [-1, 1] divided by the stretch: the angle is within 9e-9 y.
_STRETCH = 12.55827581
_TANGENT = 212.54232239 / _STRETCH**3, -71.63324269 / _STRETCH**2, 270.61729285 / _STRETCH**4
_ANGLE = 2.0**-31 / _STRETCH

#: Makes the numbers of some blocks: of their words, see `philox`, in further buffers of int32, into an array for each
#: place that is asked for. Words and buffers may be overwritten.
Make = Callable[[Sequence[Any], Sequence[Any], Sequence[Any]], None]


class Kind(NamedTuple):
    """A distribution.

    Attributes:
        each: how many numbers a block of 128 random bits makes.
        dtype: of the numbers.
        buffers: how many buffers of int32 it needs.
        make: how they are made.
    """

    each: int
    dtype: torch.dtype
    buffers: int
    make: Make


@lru_cache(maxsize=1024)
def key(seed: int, *path: int) -> tuple[int, int]:
    """The key of one of many streams of a seed (from 0 to 2^64 - 1), told apart by some numbers below 2^32."""
    found = seed & MASK, seed >> 32
    for number in path:
        words = philox((number, len(path), 0, 0), found, [*np.empty((BUFFERS, 1), np.int64)])
        found = int(words[0][0]) & MASK, int(words[1][0]) & MASK
    return found


def draw(kind: Kind, key: tuple[int, int], number: int, examples: Tensor, size: int) -> Tensor:
    """`size` random numbers for each of N examples, on the device of `examples`: N×`size`.

    The first numbers do not depend on how many follow.

    Args:
        kind: of which distribution.
        key: two words; other keys, other numbers.
        number: of the draw, below 2^32; other numbers, other draws.
        examples: int64, N, from 0 to 2^63 - 1.
    """
    device, n = examples.device, len(examples)
    run = max(1, min(size, RUN))
    tiles = -(-size // (run * kind.each)) if size > run else 1
    used = max(1, min(kind.each, -(-size // run)))
    step = max(1, min(n, (CHUNK if device.type == "cpu" else DEVICES_CHUNK) // (tiles * run)))
    found = torch.empty((n, tiles, used, run), dtype=kind.dtype, device=device)
    of_words = torch.empty((BUFFERS, step, tiles, run), dtype=torch.int64, device=device)
    further = torch.empty((kind.buffers, step, tiles, run), dtype=torch.int32, device=device)
    places, rows = torch.arange(tiles * run, device=device).view(tiles, run), examples[:, None, None]
    arrays: Any = [found, of_words, further, places, rows]
    if device.type == "cpu":
        arrays = [tensor.numpy() for tensor in arrays]
    into, of_words, further, places, rows = arrays
    for start in range(0, n, step):
        chunk, part = rows[start : start + step], into[start : start + step]
        counter = places, number & MASK, chunk & MASK, chunk >> 32
        words = philox(counter, key, [buffer[: len(chunk)] for buffer in of_words])
        kind.make(words, [buffer[: len(chunk)] for buffer in further], [part[:, :, word] for word in range(used)])
    return found.view(n, tiles * used * run)[:, :size].contiguous()


def _uniform(words: Sequence[Any], _: Sequence[Any], numbers: Sequence[Any]) -> None:
    """Float32 in [0, 1): multiples of 2^-24."""
    for word, found in zip(words, numbers, strict=False):
        word &= 0xFFFFFF
        found[...] = word
        found *= 2.0**-24


def _normal(words: Sequence[Any], buffers: Sequence[Any], numbers: Sequence[Any]) -> None:
    """Two independent standard normal numbers of two words each (Box & Muller 1958).

    The radius √(-2 ln u) has 31 bits of the first and a random sign, the angle θ in [-π/2, π/2] all of the second. No
    number is beyond ±6.56, where u = 2^-31 ends: of normal ones 6 in 10^11 are.
    """
    xp = namespace(words[0])
    sign, bits, radius, *rest = buffers
    radius, z, square = (_view(each, "float32") for each in (radius, *rest))
    for first, second, cosine, sine in zip(
        words[:4:2], words[1:4:2], numbers[::2], [*numbers[1::2], None], strict=False
    ):
        bits[...] = first
        xp.bitwise_and(bits, _SIGN, out=sign)
        bits |= _NEGATIVE_AND_ODD
        _minus_two_logarithms(bits, radius, z, square)
        _root(radius)
        pattern = _view(radius, "int32")
        pattern |= sign
        # The ratio of p and q is tan θ/2, from which sin θ = 2pq/(p² + q²) and cos θ = (q² - p²)/(p² + q²) follow.
        bits[...] = second
        z[...] = bits
        z *= _ANGLE
        xp.multiply(z, z, out=square)
        q, p = _view(bits, "float32"), _view(sign, "float32")
        xp.add(square, _TANGENT[1], out=q)
        q *= square
        q += _TANGENT[2]
        square -= _TANGENT[0]
        xp.multiply(square, z, out=p)  # the sign of p is that of -θ
        xp.multiply(q, q, out=z)
        q *= p
        q += q
        p *= p
        xp.add(z, p, out=square)
        radius /= square
        z -= p
        xp.multiply(z, radius, out=cosine)
        if sine is not None:
            xp.multiply(q, radius, out=sine)


def _minus_two_logarithms(bits: Any, found: Any, ratio: Any, square: Any) -> None:
    """-2 ln u of -2^31 u in `bits` (int32), into `found`; all four buffers are overwritten, three are float32."""
    xp = namespace(bits)
    ratio[...] = bits
    pattern, exponent = _view(ratio, "int32"), bits
    xp.subtract(pattern, _PATTERN_OF_ROOT, out=exponent)
    right_shift(xp)(exponent, 23, out=exponent)
    found[...] = exponent
    exponent <<= 23
    pattern -= exponent  # now the ratio is -2^31 m, with u = 2^exponent m and m in [√½, √2)
    xp.subtract(ratio, 2.0**31, out=square)
    ratio += 2.0**31
    ratio /= square  # (m - 1)/(m + 1) = tanh(½ ln m)
    xp.multiply(ratio, ratio, out=square)
    series = _view(bits, "float32")
    xp.multiply(square, _LOGARITHM[2], out=series)
    series += _LOGARITHM[1]
    series *= square
    series += _LOGARITHM[0]
    series *= ratio
    found *= -2 * math.log(2)
    found += series


def _root(values: Any) -> None:
    """√ of float32 in place, correctly rounded as torch's own is not; in float64 its errors make no odds."""
    if isinstance(values, Tensor):
        values.copy_(values.double().sqrt())
    else:
        np.sqrt(values, out=values)


def _view(values: Any, dtype: str) -> Any:
    """The same bits as another type."""
    return values.view(getattr(torch, dtype) if isinstance(values, Tensor) else dtype)


UNIFORM = Kind(4, torch.float32, 0, _uniform)
NORMAL = Kind(4, torch.float32, 5, _normal)


@lru_cache(maxsize=1024)
def integers(low: int, high: int) -> Kind:
    """Int64 uniform on low, ..., high - 1, each with a probability within 2^-64 of the rest's.

    Raises:
        ValueError: there are none, or more than 2^31.
    """
    many = high - low
    if not 1 <= many <= 2**31:
        raise ValueError(f"from {low} to {high - 1} are {many} numbers; 1 to 2^31 can be drawn from")

    def make(words: Sequence[Any], _: Sequence[Any], numbers: Sequence[Any]) -> None:
        shift = right_shift(namespace(words[0]))
        for first, second, found in zip(words[:4:2], words[1:4:2], numbers, strict=False):
            for word in (first, second):
                word &= MASK
                word *= many
            shift(second, 32, out=second)
            first += second
            shift(first, 32, out=first)
            first += low
            found[...] = first

    return Kind(2, torch.int64, 0, make)
