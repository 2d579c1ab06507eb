"""Tests of significance at their very thresholds: which test is used, on what, and corrected for how many."""

from __future__ import annotations

import dataclasses
import warnings
from math import sqrt

import numpy as np
import pytest
from evaluation_toys import evaluation, outcome
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from benchmark.analysis.paired import bootstrap, check_comparable, compare
from benchmark.analysis.power import smallest_difference
from benchmark.analysis.ranks import ranks
from benchmark.errors import BadInput


def two_norms(name, linf, l2, clean_errors=None):
    """A network that is robust in linf and l2 on these images."""
    clean = np.zeros(len(linf), bool) if clean_errors is None else np.asarray(clean_errors, bool)
    return evaluation(clean, outcome("a-linf", "linf", ~linf | clean), outcome("b-l2", "l2", ~l2 | clean), name=name)


def first(count, images=200):
    return np.arange(images) < count


#: They differ on six images, in linf only: p is 2/2⁶ = 0.03125 by McNemar's test, 0.013 by the bootstrap of ravg.
BETTER, WORSE = two_norms("better", first(106), first(106)), two_norms("worse", first(100), first(106))


def test_pairs_are_counted_once_and_p_may_equal_the_level():
    assert ranks([BETTER, WORSE], "linf") == [1, 2]
    assert ranks([BETTER, WORSE], "linf", alpha=2 / 2**6) == [1, 2]
    assert ranks([BETTER, WORSE], "linf", alpha=0.99 * 2 / 2**6) == [1, 1]


def test_flags_are_tested_exactly_and_averages_by_bootstrap():
    assert ranks([BETTER, WORSE], "linf", alpha=0.02) == [1, 1]
    assert ranks([BETTER, WORSE], "ravg", alpha=0.016) == [1, 2]
    assert ranks([BETTER, WORSE], "ravg", alpha=0.009) == [1, 1]


def test_each_metric_is_ranked_by_its_own_flags():
    wide = two_norms("wide", first(150), ~first(150))
    narrow = two_norms("narrow", first(50), first(50))
    assert ranks([wide, narrow], "linf") == [1, 2]
    assert ranks([wide, narrow], "l2") == [1, 1]
    assert ranks([wide, narrow], "rworst") == [2, 1]
    assert compare(wide, narrow, "linf").first == 0.75
    assert compare(wide, narrow, "linf").second == 0.25
    assert (compare(wide, narrow, "rworst").first, compare(wide, narrow, "rworst").second) == (0, 0.25)


def test_averages_that_never_or_always_differ():
    """There is nothing to resample then: no difference is sure to be none, a constant one to be one."""
    everything, nothing = two_norms("all", first(200), first(200)), two_norms("none", first(0), first(0))
    half = two_norms("half", first(200), first(0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ranks([half, everything, half, nothing], "ravg") == [2, 1, 2, 4]
    assert compare(everything, half, "ravg").p == 0.0
    assert compare(half, everything, "ravg").p == 0.0
    assert compare(half, half, "ravg").p == 1.0


def test_two_averages_within_chance_share_their_rank():
    assert ranks([two_norms("a", first(101), first(100)), two_norms("b", first(100), first(100))], "ravg") == [1, 1]


def test_a_comparison_of_averages_is_paired_and_has_no_counts():
    found = compare(BETTER, WORSE, "ravg")
    assert (found.metric, found.only_first, found.only_second, found.images) == ("ravg", None, None, 200)
    assert found.difference == pytest.approx(3 / 200)
    deviation = np.std(np.where((np.arange(200) >= 100) & (np.arange(200) < 106), 0.5, 0)) / sqrt(200)
    expected = 2 * norm.sf(0.015 / deviation)
    assert found.p == pytest.approx(expected, rel=0.25)
    assert (found.low, found.high) == pytest.approx((0.015 - 1.96 * deviation, 0.015 + 1.96 * deviation), abs=0.004)


def test_a_comparison_depends_on_its_seed_alone():
    assert compare(BETTER, WORSE, "ravg") == compare(BETTER, WORSE, "ravg", seed=0)
    assert compare(BETTER, WORSE, "ravg").high != compare(BETTER, WORSE, "ravg", seed=1).high
    values = np.stack([first(100), first(50)]).astype(float)
    assert np.array_equal(bootstrap(values), bootstrap(values, seed=0))
    assert bootstrap(values).shape == (2, 2000)


def test_what_can_not_be_compared_is_named_exactly():
    other = dataclasses.replace(WORSE, dataset={**WORSE.dataset, "digest": "0123456789abcdef"})
    with pytest.raises(BadInput) as caught:
        check_comparable([BETTER, other])
    assert str(caught.value) == (
        "these results can't be compared, their test images differs: d (better), 0123456789ab (worse)"
    )


@given(st.integers(200, 20_000), st.floats(0.05, 0.5), st.floats(0.001, 0.2), st.floats(0.5, 0.99))
def test_the_smallest_difference_needs_as_many_images_by_connors_formula(images, discordant, alpha, power):
    difference = smallest_difference(images, discordant, alpha, power)
    if difference is None:
        return
    assert 0 < difference <= discordant
    z_alpha, z_beta = norm.isf(alpha / 2), norm.ppf(power)
    needed = (z_alpha * sqrt(discordant) + z_beta * sqrt(discordant - difference**2)) ** 2 / difference**2
    assert needed == pytest.approx(images, rel=1e-6)


def test_the_smallest_difference_by_default():
    assert smallest_difference(1000) == smallest_difference(1000, 0.1, 0.05, 0.8) == pytest.approx(0.02798, abs=1e-5)
