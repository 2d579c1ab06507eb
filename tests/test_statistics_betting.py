"""Bets without replacement, and verdicts on pairs: what they say is true however often one looks."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from scipy.integrate import trapezoid

from benchmark.statistics.betting import Wealth, interval, lower_bound
from benchmark.statistics.pair_tests import BETTER, EQUIVALENT, OPEN, WORSE, PairTests, exact_verdicts


def looked_at_always(rows: np.ndarray, margin: float, level: float) -> np.ndarray:
    """For each row of differences the first verdict, looking after every image."""
    tests = PairTests(rows.shape[1], margin, level, len(rows))
    first = np.full(len(rows), OPEN)
    for image in range(rows.shape[1]):
        tests.take(rows[:, [image]])
        first = np.where(first == OPEN, tests.verdicts, first)
    return first


def drawn(images: int, only_first: int, only_second: int, pairs: int, seed: int = 0) -> np.ndarray:
    """Differences of `pairs` pairs, in random order."""
    both = np.zeros(images)
    both[:only_first], both[only_first : only_first + only_second] = 1, -1
    return np.random.default_rng(seed).permuted(np.tile(both, (pairs, 1)), axis=1)


@pytest.mark.parametrize(("wins", "losses"), [(1, 0), (30, 10), (4, 40), (0, 7)])
def test_with_many_images_left_it_is_the_beta_binomial_e_value(wins: int, losses: int) -> None:
    values = np.random.default_rng(0).permutation([1.0] * wins + [0.0] * losses + [0.5] * 200)
    wealth = Wealth(10**12, [0.5])
    wealth.take(values)
    share = np.linspace(0, 1, 400_001)
    expected = np.log(trapezoid((1 + share) ** wins * (1 - share) ** losses, share))
    assert wealth.highest[0] == pytest.approx(max(expected, 0.0), abs=1e-6) or wealth.highest[0] >= expected - 1e-6


def test_looking_at_blocks_or_at_single_images_ends_alike() -> None:
    values = np.random.default_rng(1).random(300)
    once, often = Wealth(400, [0.45]), Wealth(400, [0.45])
    once.take(values)
    for value in values:
        often.take([value])
    assert once._logs == pytest.approx(often._logs, rel=1e-9)
    assert often.highest[0] >= once.highest[0] - 1e-9


@pytest.mark.parametrize(
    "values", [(1, 1, 1, -1, -1, -1, 0), (1, 1, -1, -1, 0, 0, 0), (0.5, 0.25, -0.75, 1, -1, 0, 0)]
)
@pytest.mark.parametrize("level", [0.4, 0.25, 0.1])
def test_over_all_orders_an_equal_pair_is_called_better_at_most_so_often(
    values: tuple[float, ...], level: float
) -> None:
    orders = np.array(list(permutations(values)), float)
    first = looked_at_always(orders[:, :], 0.0, level)
    assert (first == BETTER).mean() <= level
    assert (first == WORSE).mean() <= level


def test_over_all_orders_the_interval_misses_at_most_so_often() -> None:
    values = (1.0, 1.0, 0.0, 0.0, -1.0, 0.5)
    truth, missed = float(np.mean(values)), []
    for order in list(permutations(values))[::6]:
        known, ever = (-1.0, 1.0), False
        for end in range(1, len(order)):
            known = interval(order[:end], len(order), 0.2, known)
            ever |= not known[0] - 1e-4 <= truth <= known[1] + 1e-4
        missed.append(ever)
    assert np.mean(missed) <= 0.4


@pytest.mark.parametrize(("only_first", "only_second"), [(10, 10), (40, 40)])
def test_equal_pairs_are_called_different_in_five_percent_at_most(only_first: int, only_second: int) -> None:
    first = looked_at_always(drawn(200, only_first, only_second, 1000), 0.01, 0.025)
    false = np.isin(first, (BETTER, WORSE)).mean()
    assert false <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 1000)
    assert (first == EQUIVALENT).mean() == pytest.approx(1 - false)  # at the latest when all images are used


def test_pairs_beyond_the_margin_are_not_called_equivalent() -> None:
    first = looked_at_always(drawn(200, 23, 20, 1000), 0.01, 0.025)  # 1.5 points apart
    assert np.isin(first, (EQUIVALENT, WORSE)).mean() <= 0.05


@pytest.mark.parametrize(("wins", "losses"), [(100, 100), (200, 100), (100, 200)])
def test_a_small_difference_is_known_to_be_small_before_all_images_are_used(wins: int, losses: int) -> None:
    """Of 2,000 images, where 20 points would matter: within them on both sides."""
    tests = PairTests(2000, 0.2, 0.025, 50)
    tests.take(drawn(2000, wins, losses, 50)[:, :500])
    assert (tests.verdicts != OPEN).mean() > 0.9
    assert tests.above[1].mean() > 0.9
    assert tests.below[1].mean() > 0.9


@pytest.mark.parametrize("turn", [1, -1])
def test_a_difference_beyond_the_margin_is_small_on_one_side_only(turn: int) -> None:
    tests = PairTests(2000, 0.2, 0.025, 50)
    tests.take(turn * drawn(2000, 800, 100, 50)[:, :500])
    small, large = (tests.above, tests.below)[::turn]
    assert small[1].mean() > 0.9
    assert large[1].mean() <= 0.05
    assert not (tests.verdicts == EQUIVALENT).any()


def test_a_clear_difference_is_known_early_and_rightly() -> None:
    tests, rows = PairTests(1000, 0.01, 0.025, 200), drawn(1000, 180, 40, 200)
    tests.take(rows[:, :300])
    assert (tests.verdicts == BETTER).mean() > 0.9
    mirrored = PairTests(1000, 0.01, 0.025, 200)
    mirrored.take(-rows[:, :300])
    np.testing.assert_array_equal(mirrored.verdicts == WORSE, tests.verdicts == BETTER)


def test_once_all_images_are_used_the_exact_difference_decides() -> None:
    rows = np.zeros((4, 100))
    rows[0, :3], rows[1, :3], rows[2, :1], rows[3, :2] = 1, -1, 1, [1, -1]
    tests = PairTests(100, 0.01, 0.025, 4)
    tests.take(rows)
    assert tests.verdicts.tolist() == [BETTER, WORSE, EQUIVALENT, EQUIVALENT]
    assert exact_verdicts([0.0, 0.001], 0.0).tolist() == [EQUIVALENT, BETTER]


def test_what_is_left_to_draw_bounds_the_mean_for_certain() -> None:
    low, high = interval(np.ones(90), 100, 1e-12)
    assert low >= 0.8 - 1e-3
    assert high == 1.0
    assert interval(np.r_[np.ones(50), np.zeros(50)], 100, 0.025) == (0.5, 0.5)
    assert lower_bound(np.ones(100), 100, 0.025) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("end", [3, 20, 90, 250])
def test_the_bound_is_the_largest_mean_that_is_rejected(end: int) -> None:
    values = np.random.default_rng(end).beta(3, 1, 300)[:end]
    candidates = np.linspace(0, 1, 2001)
    wealth = Wealth(300, candidates)
    wealth.take(values)
    rejected = candidates[wealth.rejected(0.025)]
    highest = rejected.max() if len(rejected) else 0.0
    found = lower_bound(values, 300, 0.025)
    assert highest - 16**-4 <= found <= highest + 1 / 2000


def test_what_an_earlier_look_gave_remains() -> None:
    row = drawn(400, 70, 30, 1)[0][:200]
    low, high = interval(row, 400, 0.025)
    assert -1 < low < 0.1 < high < 1
    narrow = interval(row, 400, 0.025, (low + 0.02, high - 0.02))
    assert narrow == pytest.approx((low + 0.02, high - 0.02), abs=1e-12)
    wide = interval(row, 400, 0.025, (low - 0.02, high + 0.02))
    assert wide == pytest.approx((low, high), abs=1e-4)
    assert lower_bound([], 400, 0.025, 0.3) == 0.3
    assert lower_bound([1.0], 1, 0.025, 0.3) == pytest.approx(1.0, abs=1e-4)


def test_the_interval_of_mirrored_differences_is_mirrored() -> None:
    row = drawn(400, 70, 30, 1)[0][:150]
    low, high = interval(row, 400, 0.025)
    assert interval(-row, 400, 0.025) == pytest.approx((-high, -low), abs=1e-12)


def test_the_interval_says_what_the_verdict_says() -> None:
    for seed in range(5):
        row = drawn(400, 70, 30, 1, seed)[0]
        for end in (20, 60, 120, 250, 399):
            tests = PairTests(400, 0.0, 0.025)
            tests.take(row[None, :end])
            low, high = interval(row[:end], 400, 0.025)
            assert (tests.verdicts[0] == BETTER) == (low > 1e-3) or abs(low) < 1e-3
            assert low <= row.mean() + 0.3
            assert low <= high
