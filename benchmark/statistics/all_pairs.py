"""All differences of several networks at once: max-T over all pairs, by a paired bootstrap, with step-down.

With ten networks there are 45 differences, and the largest is large by chance alone. How large, one can learn from
the images: let each image's deviation from the networks' means keep or change its sign at random, for all networks
together, so that pairs stay paired and whatever the networks have in common stays, and note the largest of all pairs'
statistics; again and again. A difference stands if few of these maxima are as large (Romano & Wolf 2005, Econometrica
73:1237; a wild bootstrap, Liu 1988, Annals of Statistics 16:1696). For one pair of equal networks the signs are
McNemar's fair coins. Then what stands is taken out of the family, since it can't be a false claim any more, and the
rest meets smaller maxima: step-down.

Signs, and not images drawn with replacement, because many pairs on a leaderboard differ on a handful of images: there
drawn images have a long tail that no real difference of so few images could reach; see docs/statistics.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from benchmark.statistics.score import histogram, score, score_p

Floats = NDArray[np.float64]

#: Draws of signs for up to `MANY` pairs, a hundred networks, and for more: p has a resolution of 1/5000 or 1/1000.
DRAWS, FEWER_DRAWS, MANY = 4999, 999, 5000

#: So many numbers of a block are in memory at once.
_BLOCK = 1_000_000

#: The signs that the eight bits of each byte stand for.
_SIGNS = (2 * np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).astype(np.float32)) - 1

#: Up to so many parts of an image differences are counted for all pairs at once.
_FEW_PARTS = 4

#: What a standard deviation of sums of shares is for no other reason than rounding.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class AllPairs:
    """The differences of M networks; the first index is the network that is ahead where z is positive.

    Attributes:
        z: M×M scores, see `score`; antisymmetric.
        p: M×M two-sided p of each pair alone.
        corrected: M×M p corrected for all pairs, step-down; at least p, and never 0.
        critical: the score beyond which any difference of the family stands, without step-down: for intervals that
            hold for all pairs together.
        better: M×M flags: the first network of the pair is better than the second. The chance that one of them is
            wrong is at most the level.
    """

    z: Floats
    p: Floats
    corrected: Floats
    critical: float
    better: NDArray[np.bool_]


def all_pairs(
    table: Floats, parts: int = 1, level: float = 0.05, seed: int = 0, draws: int | None = None
) -> AllPairs:
    """Test all pairs of M networks on the same N images as one family.

    Args:
        table: M×N, what each image adds to a network's mean: multiples of 1/`parts` in [0, 1].
        parts: 1 for flags, the number of threats for Ravg.
        level: chance that any difference at all is called real by mistake.
        seed, draws: of the signs; see `DRAWS`.
    """
    networks = len(table)
    one, other = np.triu_indices(networks, k=1)
    z = score(histograms(table, parts)) if len(one) else np.zeros(0)
    p = score_p(z)
    corrected, critical = p, float(-ndtri(level / 2))
    if len(one) > 1:
        ahead, behind = np.where(z < 0, (other, one), (one, other))
        draws = draws or (DRAWS if len(z) <= MANY else FEWER_DRAWS)
        found, beyond = _max_t(table, ahead, behind, z, level, seed, draws)
        corrected, critical = np.maximum(found, p), max(critical, beyond)
    whole = np.zeros((3, networks, networks))
    whole[1:] = 1.0
    for place, values in enumerate((z, p, corrected)):
        whole[place, one, other] = values
        whole[place, other, one] = -values if place == 0 else values
    z, p, corrected = whole
    return AllPairs(z, p, corrected, critical, (z > 0) & (corrected <= level))


def histograms(table: Floats, parts: int = 1) -> Floats:
    """P×S counts of the differences of all pairs of M rows, in the order of `np.triu_indices`; see `histogram`."""
    one, other = np.triu_indices(len(table), k=1)
    if parts == 1:
        only_row = np.rint(table @ (1 - table).T)
        ahead, behind = only_row[one, other], only_row[other, one]
        return np.stack([behind, table.shape[1] - ahead - behind, ahead], axis=1)
    if parts > _FEW_PARTS:
        return np.stack([histogram(table[row], table[column], parts) for row, column in zip(one, other, strict=True)])
    shares = np.rint(table * parts)
    has = [(shares == share).astype(np.float32) for share in range(parts + 1)]
    counts = np.zeros((len(one), 2 * parts + 1))
    for share, own in enumerate(has):
        for another, theirs in enumerate(has):
            counts[:, parts + share - another] += (own @ theirs.T)[one, other]  # whole numbers, exact below 2^24
    return counts


def _max_t(
    table: Floats, ahead: NDArray[np.intp], behind: NDArray[np.intp], z: Floats, level: float, seed: int, draws: int
) -> tuple[Floats, float]:
    """p of P pairs corrected by step-down, and the critical score of the whole family.

    The hypotheses are directed: "the one ahead is not better", for each pair, and the reverse ones, which nothing
    here can reject, so that they stay in the family and wrong directions count as mistakes, too.
    """
    centred = table - table.mean(1, keepdims=True)
    products = centred @ centred.T
    spread = np.sqrt(np.maximum(0.0, products[ahead, ahead] + products[behind, behind] - 2 * products[ahead, behind]))
    order = np.argsort(-np.abs(z), kind="stable")
    sizes, spread = np.abs(z[order]), spread[order]
    # A difference that is the same on every image does not move with the signs.
    scale = np.divide(1, spread, out=np.zeros_like(spread), where=spread > _ROUNDING).astype(np.float32)
    reached, maxima = np.zeros(len(order), np.int64), []
    ahead, behind = ahead[order], behind[order]
    for sums in _signed_sums(centred, seed, draws, len(order)):
        scores = sums[ahead]  # in place from here on: with 200 networks these are 19,900 rows
        scores -= sums[behind]
        scores *= scale[:, None]
        reverse = np.maximum(0, -scores.min(0))
        rest = np.maximum.accumulate(scores[::-1], axis=0, out=scores[::-1])[::-1]
        np.maximum(rest, reverse, out=rest)
        reached += np.count_nonzero(rest >= sizes[:, None], axis=1)
        maxima.append(rest.max(0, initial=0.0))
    corrected = np.ones(len(z))
    corrected[order] = np.maximum.accumulate((reached + 1) / (draws + 1))
    beyond = np.sort(np.concatenate(maxima))[::-1]
    return corrected, float(beyond[max(0, round(level * (draws + 1)) - 1)])


def _signed_sums(centred: Floats, seed: int, draws: int, pairs: int) -> Iterator[NDArray[np.float32]]:
    """Sums over the images of the M rows' deviations, each image with a random sign: blocks of M×D."""
    generator = np.random.default_rng(seed)
    images = centred.shape[1]
    values = centred.astype(np.float32)
    block = max(1, min(draws, _BLOCK // max(images, pairs)))
    for start in range(0, draws, block):
        size = min(block, draws - start)
        octets = generator.integers(0, 256, (size, -(-images // 8)), np.uint8)
        signs = _SIGNS[octets].reshape(size, -1)[:, :images]
        yield values @ signs.T
