"""The score test and interval against Tango's closed form, statsmodels, scipy, and what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, norm

from benchmark.statistics.holm import holm
from benchmark.statistics.mcnemar import mcnemar
from benchmark.statistics.score import histogram, most_probable, score, score_interval, score_p, support
from benchmark.statistics.wilson import wilson

Z = float(norm.ppf(0.975))

#: Of (only first, only second, images): z², asymptotic p and exact p, by statsmodels 0.15.0
#: (`contingency_tables.mcnemar`, without continuity correction, and with exact=True).
MCNEMAR = [
    (40, 20, 160, 6.666666666666667, 0.009823274507519235, 0.01348929373119186),
    (1, 7, 21, 4.5, 0.033894853524689295, 0.0703125),
    (23, 3, 122, 15.384615384615385, 8.769942375590228e-05, 8.797645568847656e-05),
    (12, 0, 40, 12.0, 0.0005320055051392492, 0.00048828125),
    (5, 6, 450, 0.09090909090909091, 0.763024600552995, 1.0),
    (173, 0, 450, 173.0, 1.6367005779486208e-39, 1.6704779438076223e-52),
    (84, 39, 450, 16.463414634146343, 4.959798167765306e-05, 6.099636236844482e-05),
]
#: Of (successes, total): Wilson's interval by statsmodels 0.15.0 (`proportion_confint`).
WILSON = [
    (0, 20, 0.0, 0.1611251580528194),
    (7, 450, 0.007555094832788611, 0.03175700077666742),
    (237, 450, 0.48050500052295136, 0.5723769024710235),
    (450, 450, 0.9915356811370294, 1.0),
    (9123, 10000, 0.9065965642806005, 0.9176867906629395),
]


def tango(only_first: int, only_second: int, images: int, difference: float) -> float:
    """The score of Tango (1998), whose constrained estimate is the root of a quadratic."""
    middle = -only_first - only_second + (2 * images - only_first + only_second) * difference
    product = -only_second * difference * (1 - difference)
    chance = (np.sqrt(middle**2 - 8 * images * product) - middle) / (4 * images)
    variance = images * (2 * chance + difference * (1 - difference))
    return float((only_first - only_second - images * difference) / np.sqrt(variance))


def counts(only_first: int, only_second: int, images: int) -> list[list[int]]:
    return [[only_second, images - only_first - only_second, only_first]]


@pytest.mark.parametrize(("first", "second", "images", "square", "p", "exact"), MCNEMAR)
def test_without_a_supposed_difference_it_is_mcnemars(first, second, images, square, p, exact):
    z = score(counts(first, second, images))
    assert float(z[0] ** 2) == pytest.approx(square, rel=1e-9)
    assert float(score_p(z)[0]) == pytest.approx(p, rel=1e-9)
    assert float(mcnemar(first, second)) == pytest.approx(exact, rel=1e-9)
    assert float(mcnemar(first, second)) == pytest.approx(binomtest(first, first + second).pvalue, rel=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 200), st.integers(-90, 90))
def test_of_flags_it_is_tangos(first, second, same, percent):
    difference = percent / 100
    images = first + second + same + 1
    found = float(score(counts(first, second, images), difference)[0])
    if first == second and difference == 0:
        assert found == 0
        return
    assert found == pytest.approx(tango(first, second, images, difference), rel=1e-6, abs=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 200), st.sampled_from([1.645, Z, 3.1]))
def test_the_interval_ends_where_the_test_rejects(first, second, same, critical):
    images = first + second + same
    low, high = (float(ends[0]) for ends in score_interval(counts(first, second, images), critical))
    assert -1 <= low < (first - second) / images < high <= 1
    assert tango(first, second, images, low) == pytest.approx(critical, rel=1e-6)
    assert tango(first, second, images, high) == pytest.approx(-critical, rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=7, max_size=7).filter(lambda found: sum(found) > 0))
def test_interval_and_p_agree_for_shares_too(found):
    (low,), (high,) = score_interval([found], Z)
    p = float(score_p(score([found]))[0])
    if abs(p - 0.05) > 1e-9:
        assert (low > 0 or high < 0) == (p < 0.05)
    mirrored = score_interval([found[::-1]], Z)
    assert (float(mirrored[0][0]), float(mirrored[1][0])) == pytest.approx((-high, -low), abs=1e-9)


def test_networks_that_differ_on_no_image_are_not_known_to_be_equal():
    """With 20 images a difference of 16 points may go unseen: ±z²/(n + z²)."""
    (low,), (high,) = score_interval(counts(0, 0, 20), Z)
    assert (low, high) == pytest.approx((-(Z**2) / (20 + Z**2), Z**2 / (20 + Z**2)))
    assert float(score(counts(0, 0, 20))[0]) == 0
    assert float(score_interval(counts(0, 0, 10_000), Z)[1][0]) < 0.0004


def test_a_difference_on_every_image_is_bounded_by_one():
    (low,), (high,) = score_interval(counts(20, 0, 20), Z)
    assert high == pytest.approx(1.0)
    assert 0 < low < 1


def test_a_ravg_that_differs_by_one_threat_has_that_threats_p():
    """Six images of half a difference each are six coins, and the interval is half as wide."""
    flags, halves = [[0, 194, 6]], [[0, 0, 194, 6, 0]]
    assert float(score(halves)[0]) == pytest.approx(float(score(flags)[0])) == pytest.approx(np.sqrt(6))
    ends = np.array(score_interval(halves, Z)) * 2
    assert ends == pytest.approx(np.array(score_interval(flags, Z)))


def test_values_that_were_not_seen_change_nothing_between_the_ends():
    """Ravg over two threats that agree on every image is a flag."""
    seven, three = [[4, 0, 0, 30, 0, 0, 9]], [[4, 30, 9]]
    for mean in (-0.3, 0.0, 0.2):
        assert float(score(seven, mean)[0]) == pytest.approx(float(score(three, mean)[0]), rel=1e-9)


def test_the_constrained_distribution_has_the_supposed_mean_and_is_the_most_probable():
    """Against a search over the distributions on -1, -½, 0, ½, 1 of that mean."""
    from scipy.optimize import minimize

    found, mean = np.array([3.0, 5, 20, 9, 4]), 0.2
    values = support(2)
    best = minimize(
        lambda weights: -found @ np.log(weights),
        np.full(5, 0.2),
        bounds=[(1e-9, 1)] * 5,
        constraints=[
            {"type": "eq", "fun": lambda weights: weights.sum() - 1},
            {"type": "eq", "fun": lambda weights: weights @ values - mean},
        ],
        options={"ftol": 1e-13},
    )
    tilts = np.linspace(-0.99, 0.99, 100_001)
    found_at = most_probable(np.tile(found, (len(tilts), 1)), tilts)
    nearest = found_at[np.abs(found_at @ values - mean).argmin()]
    assert nearest == pytest.approx(best.x, abs=1e-3)


def test_histograms_count_differences_of_shares():
    first, second = np.array([1, 2 / 3, 1 / 3, 0, 1]), np.array([0, 2 / 3, 2 / 3, 1, 1 / 3])
    assert histogram(first, second, 3).tolist() == [1, 0, 1, 1, 0, 1, 1]
    assert histogram(np.array([1, 0, 0]), np.array([0, 0, 1])).tolist() == [1, 1, 1], "of flags"


@pytest.mark.parametrize(("successes", "total", "low", "high"), WILSON)
def test_wilsons_interval_is_that_of_others(successes, total, low, high):
    assert wilson(successes, total) == pytest.approx((low, high), abs=1e-9)
    scipys = binomtest(successes, total).proportion_ci(method="wilson")
    assert wilson(successes, total) == pytest.approx((scipys.low, scipys.high), abs=1e-9)


def test_holm_is_that_of_statsmodels():
    """statsmodels 0.15.0, `multipletests(..., method="holm")`."""
    assert holm([0.01, 0.04, 0.03, 0.005, 0.2, 0.0004]) == pytest.approx([0.04, 0.09, 0.09, 0.025, 0.2, 0.0024])
