"""Samples of what cheap attacks left standing: exact intervals, unbiased estimates, and the width that was asked."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import hypergeom

from benchmark.statistics.hypergeometric import at_most, total_interval, upper_bound
from benchmark.statistics.two_phase import Total, estimate, first_size, second_size


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


def test_small_numbers() -> None:
    assert first_size(1, 5.0, 0.05) == 1
    assert second_size(1, (1, 1), 5.0, 0.05) == 0
    assert estimate(1, (1, 0), (0, 0), 0.05) == Total(0, 0, 0)
    assert estimate(10, (0, 0), (0, 0), 0.05).half_width == 5
