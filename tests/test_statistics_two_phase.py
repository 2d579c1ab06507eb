"""Samples of what cheap attacks left standing: exact intervals, unbiased estimates, and the width that was asked."""

from __future__ import annotations

from math import ceil

import numpy as np
import pytest
from scipy.stats import hypergeom

from benchmark.statistics.hypergeometric import at_most, total_interval, upper_bound
from benchmark.statistics.two_phase import (
    CAUTION,
    FIRST_LEAST,
    FIRST_SHARE,
    Total,
    estimate,
    first_size,
    second_size,
)


def test_tails_are_those_of_the_hypergeometric_distribution() -> None:
    for population, marked, drawn in [(1, 0, 1), (7, 3, 4), (60, 30, 20), (500, 499, 77)]:
        for x in range(-1, drawn + 2):
            assert at_most(x, population, marked, drawn) == pytest.approx(hypergeom.cdf(x, population, marked, drawn))


def test_intervals_are_the_numbers_that_no_tail_rejects() -> None:
    for population, drawn in [(1, 1), (9, 4), (30, 12), (30, 30)]:
        for x in range(drawn + 1):
            kept = [
                marked
                for marked in range(x, population - (drawn - x) + 1)
                if hypergeom.sf(x - 1, population, marked, drawn) > 0.025
                and hypergeom.cdf(x, population, marked, drawn) > 0.025
            ]
            assert total_interval(x, population, drawn) == (kept[0], kept[-1])


@pytest.mark.parametrize(("population", "drawn"), [(12, 5), (40, 13)])
def test_intervals_cover_whatever_the_number_is(population: int, drawn: int) -> None:
    for marked in range(population + 1):
        chances = hypergeom.pmf(range(drawn + 1), population, marked, drawn)
        covered = [
            low <= marked <= high for low, high in (total_interval(x, population, drawn) for x in range(drawn + 1))
        ]
        assert float(chances @ np.array(covered)) >= 0.95
        assert float(chances @ [marked <= upper_bound(x, population, drawn) for x in range(drawn + 1)]) >= 0.95


def test_whatever_follows_from_the_first_sample_the_estimate_is_unbiased() -> None:
    standing, robust, known = 14, 9, 4
    expected = 0.0
    for first in range(known + 1):
        drawn = 3 if first < 3 else 6  # any rule that looks at the first sample alone
        others, left = standing - known, robust - first
        for second in range(drawn + 1):
            chance = hypergeom.pmf(first, standing, robust, known) * hypergeom.pmf(second, others, left, drawn)
            expected += chance * estimate(standing, (known, first), (drawn, second), 0.05).value
    assert expected == pytest.approx(robust)


@pytest.mark.parametrize(("standing", "broken", "width"), [(300, 0.0, 20.0), (300, 0.3, 20.0), (900, 0.05, 20.0)])
def test_the_width_is_kept_and_the_interval_holds(standing: int, broken: float, width: float) -> None:
    generator, marked, runs = np.random.default_rng(0), round(broken * standing), 100
    covered, kept, values = [], [], []
    first = first_size(standing, width, 0.05)
    for _ in range(runs):
        one = int(generator.hypergeometric(marked, standing - marked, first))
        second = second_size(standing, (first, first - one), width, 0.05)
        rest = standing - first
        two = int(generator.hypergeometric(marked - one, rest - marked + one, second)) if second else 0
        found = estimate(standing, (first, first - one), (second, second - two), 0.05)
        covered.append(found.low <= standing - marked <= found.high)
        kept.append(found.half_width <= width + 1e-9)
        values.append(found.value)
    assert np.mean(covered) >= 0.95 - 2 * np.sqrt(0.05 * 0.95 / runs)
    assert np.mean(kept) >= 0.9  # else all images are attacked
    spread = np.std(values) / np.sqrt(runs)
    assert abs(np.mean(values) - (standing - marked)) <= 4 * spread + 1e-9


def test_what_is_known_of_all_has_no_width_and_of_none_every_possible_one() -> None:
    assert estimate(10, (4, 3), (6, 5), 0.05) == Total(8, 8, 8)
    assert estimate(10, (4, 3), (0, 0), 0.05) == Total(6.0, 3, 9)


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.3])
def test_bounds_and_intervals_are_those_of_their_level(alpha: float) -> None:
    population, drawn = 30, 12
    for x in range(drawn + 1):
        possible = range(x, population - (drawn - x) + 1)
        below = {marked: hypergeom.cdf(x, population, marked, drawn) for marked in possible}
        assert upper_bound(x, population, drawn, alpha) == max(m for m in possible if below[m] > alpha)
        kept = [m for m in possible if min(below[m], hypergeom.sf(x - 1, population, m, drawn)) > alpha / 2]
        assert total_interval(x, population, drawn, alpha) == (kept[0], kept[-1])


def test_small_numbers() -> None:
    assert first_size(1, 5.0, 0.05) == 1
    assert second_size(1, (1, 1), 5.0, 0.05) == 0
    assert estimate(1, (1, 0), (0, 0), 0.05) == Total(0, 0, 0)
    assert estimate(10, (0, 0), (0, 0), 0.05).half_width == 5


def half_width(withstood: int, population: int, drawn: int) -> float:
    """Of the interval, around the estimate, which is not its middle."""
    if drawn == population:
        return 0.0
    low, high = total_interval(withstood, population, drawn, 0.05)
    value = population * withstood / drawn
    return max(value - low, high - value)


@pytest.mark.parametrize(("standing", "width"), [(60, 12.0), (300, 20.0), (300, 45.0), (45, 1.0)])
def test_the_first_sample_is_a_share_of_what_the_worst_case_takes(standing: int, width: float) -> None:
    """The worst case is that half of the images withstand."""
    needed = next(drawn for drawn in range(1, standing + 1) if half_width(drawn // 2, standing, drawn) <= width)
    assert first_size(standing, width, 0.05) == min(standing, max(FIRST_LEAST, ceil(FIRST_SHARE * needed)))


@pytest.mark.parametrize(("known", "robust"), [(30, 28), (30, 15), (30, 2), (40, 40)])
@pytest.mark.parametrize("width", [10.0, 25.0])
def test_the_second_sample_is_the_smallest_that_suffices_for_what_the_first_leaves_possible(
    known: int, robust: int, width: float
) -> None:
    standing = 200
    others = standing - known
    broken = upper_bound(known - robust, standing, known, CAUTION) - (known - robust)

    def suffices(drawn: int) -> bool:
        most = min(ceil(broken / others * drawn), drawn // 2 + 1)  # half is the worst
        return all(half_width(drawn - each, others, drawn) <= width for each in {most, max(most - 1, 0)})

    found = second_size(standing, (known, robust), width, 0.05)
    assert suffices(found)
    assert not suffices(found - 1)


def test_no_interval_is_narrower_than_nothing() -> None:
    assert second_size(50, (20, 10), 0.0, 0.05) == 30
    assert first_size(50, 0.0, 0.05) == max(FIRST_LEAST, ceil(FIRST_SHARE * 50))
