"""Paired tests, ranks, power: against published numbers, brute force and simulation."""

from __future__ import annotations

import dataclasses
import math
from itertools import combinations, product

import numpy as np
import pytest
from evaluation_toys import evaluation, outcome
from hypothesis import given
from hypothesis import strategies as st

from benchmark.analysis.paired import bootstrap, check_comparable, compare, mcnemar, p_values, scores
from benchmark.analysis.power import smallest_difference
from benchmark.analysis.ranks import holm, ranks
from benchmark.errors import BadInput


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
    assert found.p == pytest.approx(2 * (1 + 9) / 2**9)
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
        assert len({dataclasses.replace(each, metric="") for each in found}) == 1
        assert (found[0].p, found[0].only_first) == (pytest.approx(14 / 64), 5)


def test_an_image_that_counts_in_part_has_no_exact_p():
    """Of both networks in two norms: differences of 1, ½, 0 and −½, whose mean and spread make a normal p."""
    first = in_two_norms("a", [1, 1, 0, 0], [1, 0, 0, 0])
    second = in_two_norms("b", [0, 0, 0, 1], [0, 0, 0, 0])
    found = compare(first, second, "ravg")
    assert (found.difference, found.only_first, found.only_second) == (pytest.approx(0.25), None, None)
    deviation = np.sqrt(np.var([1, 0.5, 0, -0.5]) / 4)
    assert found.p == pytest.approx(math.erfc(0.25 / deviation / math.sqrt(2)))


def test_ranks_and_comparisons_have_the_same_p():
    draw = np.random.default_rng(3)
    table = (draw.random((5, 60, 3)) < 0.6).mean(2)
    table[:2] = np.round(table[:2])
    p = p_values(table)
    assert np.array_equal(p, p.T)
    for i, j in combinations(range(5), 2):
        assert p[i, j] == p_values(table[[i, j]])[0, 1]
    assert p[0, 1] == mcnemar((table[0] > table[1]).sum(), (table[0] < table[1]).sum())
    same = p_values(np.full((2, 4), 0.5))
    assert same[0, 1] == 1.0
    assert p_values(np.array([[0.5] * 4, [0.25] * 4]))[0, 1] == 0.0


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
def test_ranks_are_shared_where_a_difference_may_be_chance(metric):
    def made(name, count):
        flags = np.arange(400) < count
        return network(name, flags, ~flags if metric == "clean" else None)

    table = [made("low", 100), made("best", 300), made("nearly best", 298), made("middle", 200)]
    assert ranks(table, metric) == [4, 1, 1, 3]
    assert ranks(table[::-1], metric) == [3, 1, 1, 4]
    assert ranks(table[:1], metric) == [1]
    assert ranks([], metric) == []


def test_a_network_without_a_value_has_no_rank():
    flags = np.arange(400) < 300
    broken = network("failed", flags)
    broken = dataclasses.replace(broken, outcomes=(dataclasses.replace(broken.outcomes[0], errors=("broke down",)),))
    assert ranks([network("a", flags), broken, network("b", ~flags)], "linf") == [1, None, 2]
    assert ranks([broken], "linf") == [None]


def test_chance_alone_makes_no_ranks():
    draw = np.random.default_rng(0)
    for metric in ("rworst", "ravg"):
        wrong = 0
        for _ in range(60):
            table = [network(str(number), draw.random(200) < 0.5) for number in range(5)]
            wrong += max(ranks(table, metric)) > 1
        assert wrong <= 8  # 5 % of 60 expected


def test_the_smallest_difference_is_found_as_often_as_promised():
    for images, discordant in ((1000, 0.1), (450, 0.2)):
        difference = smallest_difference(images, discordant)
        draw = np.random.default_rng(0)
        only_first = (discordant + difference) / 2
        counts = draw.multinomial(images, [only_first, discordant - only_first, 1 - discordant], size=3000)
        found = (mcnemar(counts[:, 0], counts[:, 1]) < 0.05).mean()
        assert found == pytest.approx(0.8, abs=0.05)


def test_fewer_images_show_less_and_very_few_show_nothing():
    sizes = [smallest_difference(images, 0.2) for images in (100, 1000, 10000)]
    assert sizes[0] > sizes[1] > sizes[2] > 0
    assert smallest_difference(10, 0.05) is None
