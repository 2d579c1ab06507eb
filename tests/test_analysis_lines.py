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
from benchmark.analysis.ranks import ranks
from benchmark.errors import BadInput
from benchmark.statistics.power import smallest_difference


def two_norms(name, linf, l2, clean_errors=None):
    """A network that is robust in linf and l2 on these images."""
    clean = np.zeros(len(linf), bool) if clean_errors is None else np.asarray(clean_errors, bool)
    return evaluation(clean, outcome("a-linf", "linf", ~linf | clean), outcome("b-l2", "l2", ~l2 | clean), name=name)


def first(count, images=200):
    return np.arange(images) < count


#: They differ on six images, in linf only: z is √6 and p 0.0143 of both metrics; McNemar's exact p is 2/2⁶.
BETTER, WORSE = two_norms("better", first(106), first(106)), two_norms("worse", first(100), first(106))


def test_the_least_that_stands_out():
    """Four images to none are just enough for two networks, three are not."""
    for count, stands in ((4, True), (3, False)):
        pair = [two_norms("a", first(100 + count), first(200)), two_norms("b", first(100), first(200))]
        assert ranks(pair, "linf") == ([(1, 1), (2, 2)] if stands else [(1, 2), (1, 2)])
        found = compare(*pair, "linf")
        assert found.p == pytest.approx(2 * norm.sf(sqrt(count)))
        assert (found.low > 0) == stands == (found.verdict == "better")


def test_a_difference_by_one_threat_alone_has_one_p():
    linf, ravg = compare(BETTER, WORSE, "linf"), compare(BETTER, WORSE, "ravg")
    assert linf.p == pytest.approx(ravg.p) == pytest.approx(2 * norm.sf(sqrt(6)))
    assert (linf.exact, ravg.exact) == (pytest.approx(2 / 2**6), None)
    assert (2 * ravg.low, 2 * ravg.high) == pytest.approx((linf.low, linf.high))


def test_each_metric_is_ranked_by_its_own_flags():
    wide = two_norms("wide", first(150), ~first(150))
    narrow = two_norms("narrow", first(50), first(50))
    assert ranks([wide, narrow], "linf") == [(1, 1), (2, 2)]
    assert ranks([wide, narrow], "l2") == [(1, 2), (1, 2)]
    assert ranks([wide, narrow], "rworst") == [(2, 2), (1, 1)]
    assert compare(wide, narrow, "linf").first == 0.75
    assert compare(wide, narrow, "linf").second == 0.25
    assert (compare(wide, narrow, "rworst").first, compare(wide, narrow, "rworst").second) == (0, 0.25)


def test_averages_that_never_or_always_differ():
    everything, nothing = two_norms("all", first(200), first(200)), two_norms("none", first(0), first(0))
    half = two_norms("half", first(200), first(0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ranks([half, everything, half, nothing], "ravg") == [(2, 3), (1, 1), (2, 3), (4, 4)]
    assert compare(everything, half, "ravg").p == compare(half, everything, "ravg").p < 1e-40
    assert compare(half, half, "ravg").p == 1.0
    assert compare(everything, half, "ravg").low > 0.45


def test_two_averages_within_chance_share_their_ranks():
    pair = [two_norms("a", first(101), first(100)), two_norms("b", first(100), first(100))]
    assert ranks(pair, "ravg") == [(1, 2), (1, 2)]


def test_a_comparison_of_averages_is_paired_and_has_no_counts():
    found = compare(BETTER, WORSE, "ravg")
    assert (found.metric, found.only_first, found.only_second, found.images) == ("ravg", None, None, 200)
    assert found.difference == pytest.approx(3 / 200)
    assert 0 < found.low < 3 / 200 < found.high < 0.04


def test_the_bootstrap_depends_on_its_seed_alone():
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
    z_alpha, z_beta = norm.isf(alpha / 2), norm.ppf(power)
    difference = smallest_difference(images, discordant, z_alpha, power)
    if difference is None:
        return
    assert 0 < difference <= discordant
    needed = (z_alpha * sqrt(discordant) + z_beta * sqrt(discordant - difference**2)) ** 2 / difference**2
    assert needed == pytest.approx(images, rel=1e-6)


def test_the_smallest_difference_at_a_glance():
    assert smallest_difference(1000, 0.1, 1.96) == pytest.approx(0.02798, abs=1e-5)
