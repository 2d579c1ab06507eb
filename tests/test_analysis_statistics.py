"""Paired tests and ranks of evaluations: by hand and by brute force. The formulas have test_statistics_*.py."""

from __future__ import annotations

import dataclasses
import math
from itertools import product

import numpy as np
import pytest
from evaluation_toys import evaluation, outcome
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from benchmark.analysis.paired import bootstrap, check_comparable, compare, family, scores, stated_margin
from benchmark.analysis.ranks import ranks
from benchmark.errors import BadInput
from benchmark.statistics.holm import holm
from benchmark.statistics.mcnemar import mcnemar
from benchmark.statistics.power import smallest_difference


def network(name, robust, clean_errors=None):
    """A network that one linf attack leaves robust on these images."""
    robust = np.asarray(robust, bool)
    clean = np.zeros(len(robust), bool) if clean_errors is None else np.asarray(clean_errors, bool)
    return evaluation(clean, outcome("pgd-linf", "linf", ~robust | clean), name=name)


def test_mcnemar_is_a_sign_test_by_brute_force():
    for n10, n01 in product(range(6), range(6)):
        total, extreme = n10 + n01, abs(n10 - n01)
        tosses = list(product((1, -1), repeat=total))
        expected = sum(abs(sum(toss)) >= extreme for toss in tosses) / len(tosses)
        assert float(mcnemar(n10, n01)) == pytest.approx(expected)


def test_mcnemar_takes_arrays():
    assert mcnemar([[1, 0], [10, 3]], [[1, 0], [0, 3]]) == pytest.approx(np.array([[1, 1], [2 / 1024, 1]]))


def test_a_comparison_counts_who_alone_is_right():
    first = network("a", [1, 1, 1, 1, 0, 1, 1, 1, 1, 1])
    second = network("b", [0, 0, 0, 1, 1, 0, 0, 0, 0, 0])
    found = compare(first, second, "linf")
    assert (found.only_first, found.only_second, found.images) == (8, 1, 10)
    assert (found.first, found.second) == pytest.approx((0.9, 0.2))
    assert found.difference == pytest.approx(0.7)
    assert found.low < 0.7 < found.high
    assert found.exact == pytest.approx(2 * (1 + 9) / 2**9)
    assert found.p == pytest.approx(math.erfc(7 / math.sqrt(9) / math.sqrt(2)))  # (8 - 1)/√(8 + 1) standard errors
    assert found.p == found.corrected
    assert found.detectable == pytest.approx(smallest_difference(10, 9 / 10, norm.isf(0.025)), rel=1e-3)
    assert found.verdict == "better"
    mirrored = compare(second, first, "linf")
    assert mirrored.p == found.p
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low))


def test_scores_average_to_the_metrics():
    found = evaluation([1, 0, 0, 0], outcome("a-linf", "linf", [1, 1, 0, 0]), outcome("b-l2", "l2", [1, 1, 1, 0]))
    assert scores(found, "clean").tolist() == [0, 1, 1, 1]
    assert scores(found, "linf").tolist() == [0, 0, 1, 1]
    assert scores(found, "ravg").tolist() == [0, 0, 0.5, 1]
    assert scores(found, "rworst").tolist() == [0, 0, 0, 1]
    failed = dataclasses.replace(found.outcomes[0], errors=("broke down",))
    unknown = evaluation([1, 0, 0, 0], failed, found.outcomes[1])
    assert [scores(unknown, metric) is None for metric in ("clean", "linf", "l2", "ravg", "rworst")] == [
        False, True, False, True, True,
    ]  # fmt: skip
    assert compare(found, unknown, "ravg") is None


def test_the_bootstrap_has_the_textbook_standard_error():
    values = np.random.default_rng(0).random((2, 400))
    resampled = bootstrap(values, resamples=4000)
    assert resampled.std(1) == pytest.approx(values.std(1) / np.sqrt(400), rel=0.05)
    assert resampled.mean(1) == pytest.approx(values.mean(1), abs=2e-3)
    assert np.array_equal(resampled, bootstrap(values, resamples=4000))


def test_pairing_finds_what_two_intervals_would_miss():
    draw = np.random.default_rng(1)
    first = draw.random(1000) < 0.5
    second = first & (draw.random(1000) < 0.95)
    found = compare(network("a", first), network("b", second), "rworst")
    assert found.p < 1e-6
    assert found.low > 0


def test_only_what_is_alike_is_compared():
    one = network("a", [1, 0])
    for change in ({"suite": {"digest": "t"}}, {"dataset": {"name": "mnist", "digest": "m", "images": 2}}):
        with pytest.raises(BadInput, match=r"(suite|dataset) differs.*a.*b"):
            compare(one, dataclasses.replace(network("b", [1, 0]), **change), "linf")
    with pytest.raises(BadInput, match="number of images differs"):
        check_comparable([one, network("c", [1, 0, 1])])


def test_random_networks_are_compared_with_random_ones_only():
    judging = {"draws": 8, "verdict_passes": 20}
    one, two, *drawn = (network(name, [1, 0]) for name in "abcd")
    drawn = [dataclasses.replace(each, judging=judging) for each in drawn]
    check_comparable(drawn)
    with pytest.raises(BadInput) as refused:
        check_comparable([one, drawn[0], two, drawn[1]])
    assert str(refused.value) == (
        "these results can't be compared: c, d draws random numbers and was judged by the votes of 20 passes, a, b "
        "by one pass: another question, which no test answers for both. Compare random networks with random ones"
    )


def in_two_norms(name, linf, l2):
    """A network that one attack in each norm leaves robust on these images."""
    flags = [~np.asarray(each, bool) for each in (linf, l2)]
    clean = np.zeros(len(flags[0]), bool)
    return evaluation(clean, outcome("a", "linf", flags[0]), outcome("b", "l2", flags[1]), name=name)


def test_one_quantity_has_one_p():
    """Over a single threat Rworst, Ravg and that threat are the same per image; so they are where all norms agree."""
    one, other = np.ones(40, bool), np.ones(40, bool)
    one[0] = other[1:6] = False  # five images to one: p = 14/64, and 0.05 by the spread of the differences
    for pair in (
        (network("a", one), network("b", other)),
        (in_two_norms("a", one, one), in_two_norms("b", other, other)),
    ):
        found = [compare(*pair, metric) for metric in ("rworst", "ravg", "linf")]
        numbers = [(each.difference, each.low, each.high, each.p, each.exact, each.only_second) for each in found]
        assert numbers[1] == pytest.approx(numbers[0], rel=1e-9)
        assert numbers[2] == pytest.approx(numbers[0], rel=1e-9)
        assert (found[0].exact, found[0].only_first) == (pytest.approx(14 / 64), 5)


def test_an_image_that_counts_in_part_has_no_exact_p():
    """Of both networks in two norms: differences of 1, ½, 0 and −½."""
    first = in_two_norms("a", [1, 1, 0, 0], [1, 0, 0, 0])
    second = in_two_norms("b", [0, 0, 0, 1], [0, 0, 0, 0])
    found = compare(first, second, "ravg")
    assert (found.difference, found.exact) == (pytest.approx(0.25), None)
    assert (found.only_first, found.only_second) == (None, None)
    assert found.low < 0 < found.high
    assert 0.05 < found.p < 1


def test_a_pair_of_a_family_is_corrected_for_all_pairs():
    """The leader of equal networks against the last: picked after looking it is better in nearly every case."""
    draw = np.random.default_rng(4)
    evaluations = [network(str(number), draw.random(300) < 0.5) for number in range(20)]
    order = np.argsort([-scores(each, "linf").mean() for each in evaluations])
    picked = compare(evaluations[order[0]], evaluations[order[-1]], "linf")
    found = family(evaluations, "linf").compare(order[0], order[-1])
    assert (picked.verdict, found.verdict) == ("better", "undetermined")
    assert (found.p, found.difference, found.exact) == (picked.p, picked.difference, picked.exact)
    assert found.corrected > 0.05 > found.p
    assert found.low < 0 < picked.low
    assert found.detectable > picked.detectable


def test_what_only_the_later_steps_find_has_its_sign_and_no_more():
    """Six images to none: less than an interval for all pairs asks for, and enough once the clear pairs are out."""
    right = {"a": 106, "b": 100, "last": 20, "first": 190}
    found = family([network(name, np.arange(200) < count) for name, count in right.items()], "linf")
    better, worse = found.compare(0, 1), found.compare(1, 0)
    assert (better.low, better.verdict) == (0, "better")
    assert (worse.high, worse.verdict) == (0, "worse")
    assert better.high == pytest.approx(-worse.low)
    assert better.high > better.difference == pytest.approx(0.03)
    assert better.corrected < 0.05


def test_of_two_networks_without_a_value_there_is_no_comparison():
    failed = network("failed", [1, 0])
    failed = dataclasses.replace(failed, outcomes=(dataclasses.replace(failed.outcomes[0], errors=("broke down",)),))
    assert compare(failed, failed, "linf") is None
    assert compare(failed, network("a", [1, 0]), "linf") is None


def test_a_network_without_a_value_makes_no_pair():
    flags = np.arange(40) < 20
    broken = network("failed", flags)
    broken = dataclasses.replace(broken, outcomes=(dataclasses.replace(broken.outcomes[0], errors=("broke down",)),))
    found = family([network("a", flags), broken, network("b", ~flags)], "linf")
    assert found.compare(0, 1) is None
    assert found.compare(0, 2).images == 40
    assert family([broken, broken], "linf") is None


def with_margin(found, margin):
    return dataclasses.replace(found, suite=found.suite | ({} if margin is None else {"margin": margin}))


@pytest.mark.parametrize(
    ("margins", "expected"),
    [((1, 1), 0.01), ((1, 1.0), 0.01), ((1, 2), None), ((1, None), None), ((None, None), None)],
)
def test_only_a_margin_that_all_evaluations_were_made_under_counts(margins, expected):
    flags = np.arange(10_000) < 5000
    pair = [with_margin(network(name, flags), margin) for name, margin in zip("ab", margins, strict=True)]
    assert stated_margin(pair) == expected
    found = compare(*pair, "linf")
    assert found.verdict == ("equivalent" if expected else "undetermined")
    assert found.margin == expected


def test_few_images_make_no_networks_equivalent():
    """Without any difference on 20 of them, up to 16 points may be there."""
    flags = np.arange(20) < 10
    found = compare(*(with_margin(network(name, flags), 1) for name in "ab"), "linf")
    assert (found.difference, found.p, found.verdict) == (0, 1, "undetermined")
    assert found.high == pytest.approx(0.161, abs=0.001)


def test_holm_on_the_textbook_example():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert len(holm([])) == 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_lies_between_no_correction_and_bonferronis(p):
    corrected = holm(p)
    assert (corrected >= np.asarray(p)).all()
    assert (corrected <= np.minimum(1, len(p) * np.asarray(p)) + 1e-12).all()
    order = np.argsort(p, kind="stable")
    assert (np.diff(corrected[order]) >= 0).all()


@pytest.mark.parametrize("metric", ["linf", "rworst", "ravg", "clean"])
def test_ranks_are_those_that_networks_may_have(metric):
    def made(name, count):
        flags = np.arange(400) < count
        return network(name, flags, ~flags if metric == "clean" else None)

    table = [made("low", 100), made("best", 300), made("nearly best", 298), made("middle", 200)]
    assert ranks(table, metric) == [(4, 4), (1, 2), (1, 2), (3, 3)]
    assert list(map(str, ranks(table[::-1], metric))) == ["3", "1–2", "1–2", "4"]
    assert ranks(table[:1], metric) == [(1, 1)]
    assert ranks([], metric) == []


def test_a_network_without_a_value_has_no_rank():
    flags = np.arange(400) < 300
    broken = network("failed", flags)
    broken = dataclasses.replace(broken, outcomes=(dataclasses.replace(broken.outcomes[0], errors=("broke down",)),))
    assert ranks([network("a", flags), broken, network("b", ~flags)], "linf") == [(1, 1), None, (2, 2)]
    assert ranks([broken], "linf") == [None]


def test_who_is_left_out_takes_no_rank_from_others():
    table = [network(name, np.arange(400) < count) for name, count in (("a", 100), ("b", 300), ("c", 200))]
    assert ranks(table, "linf", left_out=[False, True, False]) == [(2, 2), None, (1, 1)]
    assert ranks(table, "linf", left_out=[True] * 3) == [None] * 3
