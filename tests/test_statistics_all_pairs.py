"""Many networks at once: differences that stand, the ranks they leave, verdicts, and what can be detected."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.stats import norm

from benchmark.statistics import all_pairs as all_pairs_module
from benchmark.statistics.all_pairs import DRAWS, all_pairs, histograms
from benchmark.statistics.power import smallest_difference
from benchmark.statistics.rank_sets import rank_sets
from benchmark.statistics.score import histogram, score, score_p
from benchmark.statistics.verdicts import verdict


def board(accuracies, images, seed=0, common=0.5):
    """Flags of networks of these accuracies, to which an image is hard in part alike."""
    generator = np.random.default_rng(seed)
    shared, own = generator.standard_normal(images), generator.standard_normal((len(accuracies), images))
    hard = np.sqrt(common) * shared + np.sqrt(1 - common) * own
    return (hard < norm.ppf(accuracies)[:, None]).astype(float)


def test_two_networks_are_one_score_test():
    table = board([0.5, 0.4], 300)
    family = all_pairs(table)
    p = float(score_p(score([histogram(*table)]))[0])
    assert family.p[0, 1] == family.corrected[0, 1] == family.corrected[1, 0] == pytest.approx(p)
    assert family.critical == pytest.approx(float(norm.ppf(0.975)))
    assert family.z[0, 1] == -family.z[1, 0] > 0


@pytest.mark.parametrize("parts", [1, 3])
def test_corrected_p_lie_between_p_and_bonferronis_and_are_never_zero(parts):
    generator = np.random.default_rng(0)
    levels = np.linspace(0.2, 0.8, 6)
    table = (generator.random((6, 400, parts)) < levels[:, None, None]).mean(2)
    family = all_pairs(table, parts)
    pairs = np.triu_indices(6, k=1)
    p, corrected = family.p[pairs], family.corrected[pairs]
    assert (corrected >= p).all()
    assert corrected.min() == pytest.approx(1 / (DRAWS + 1))
    # Bonferroni's, but for the chance of the draws: three standard errors.
    allowed = np.minimum(1, 15 * p) + 3 * np.sqrt(15 * p / DRAWS) + 1 / DRAWS
    assert (corrected <= allowed).all()
    assert np.array_equal(family.better, (family.z > 0) & (family.corrected <= 0.05))
    beyond = np.abs(family.z[pairs]) > family.critical
    assert (corrected[beyond] <= 0.05).all()


def of_all_signs(table, family):
    """Step-down max-T as the literature has it, over every one of the 2^N sign vectors, pair by pair.

    Returns:
        Corrected p by pair, and the largest score under each sign vector.
    """
    centred = table - table.mean(1, keepdims=True)
    signs = np.array(list(itertools.product((-1, 1), repeat=table.shape[1])))
    pairs = sorted(zip(*np.nonzero(family.z > 0), strict=True), key=lambda pair: -family.z[pair])
    sums = [signs @ (centred[one] - centred[other]) for one, other in pairs]
    scores = [
        found / np.linalg.norm(centred[one] - centred[other]) for found, (one, other) in zip(sums, pairs, strict=True)
    ]
    reverse = np.max([-found for found in scores], axis=0)
    corrected, highest = {}, 0.0
    for place, pair in enumerate(pairs):
        rest = np.maximum(reverse, np.max(scores[place:], axis=0))
        highest = max(highest, float((rest >= family.z[pair]).mean()))
        corrected[pair] = max(highest, family.p[pair])
    return corrected, np.maximum(reverse, np.max(scores, axis=0))


@pytest.mark.parametrize("parts", [1, 3])
def test_corrected_p_are_those_of_all_signs(parts):
    """Networks that resemble each other, and others: what they have in common counts in the spread of a pair."""
    table = board([0.9, 0.75, 0.4, 0.15], 14, seed=8, common=0.9)
    if parts > 1:  # all but two images alike under all threats, and of these little
        table[1] = table[0]
        table[1, :2] -= np.sign(table[1, :2] - 0.5) / parts
    family = all_pairs(table, parts)
    exact, largest = of_all_signs(table, family)
    assert sum(0.002 < p < 0.9 for p in exact.values()) >= 4, "values that could be missed"
    for pair, p in exact.items():
        assert family.corrected[pair] == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / DRAWS) + 2 / DRAWS)
    for level in (0.05, 0.3):
        chance = 4 * math.sqrt(level * (1 - level) / DRAWS)
        least, most = np.quantile(largest, (1 - level - chance, 1 - level + chance), method="nearest")
        critical = all_pairs(table, parts, level).critical
        assert least - 1e-4 <= critical <= max(most, norm.ppf(1 - level / 2)) + 1e-4
        assert critical >= norm.ppf(1 - level / 2)


def test_draws_in_several_blocks_are_as_many(monkeypatch):
    table = board([0.6, 0.5, 0.45, 0.2], 250)
    at_once = all_pairs(table)
    monkeypatch.setattr(all_pairs_module, "_BLOCK", 250 * 300)
    blockwise = all_pairs(table)
    assert blockwise.corrected == pytest.approx(at_once.corrected, abs=4 * math.sqrt(0.25 / DRAWS))
    assert blockwise.critical == pytest.approx(at_once.critical, abs=0.1)


def test_the_order_of_networks_changes_nothing():
    table = board([0.6, 0.5, 0.45, 0.2], 250)
    family, turned = all_pairs(table), all_pairs(table[::-1])
    assert turned.corrected[::-1, ::-1] == pytest.approx(family.corrected, abs=2 / DRAWS)
    assert turned.critical == pytest.approx(family.critical, abs=1e-3)


def test_a_network_that_is_there_twice_costs_nothing():
    """Holm's correction would double the number of pairs."""
    table = board([0.6, 0.5, 0.3], 400)
    family, doubled = all_pairs(table), all_pairs(np.concatenate([table, table]))
    assert doubled.critical == pytest.approx(family.critical, abs=1e-3)
    assert doubled.corrected[:3, :3] == pytest.approx(family.corrected, abs=2 / DRAWS)
    assert doubled.corrected[0, 3] == 1.0


def test_weaker_networks_do_not_merge_the_top():
    """By Holm's correction the leader's lead is gone when eight weak networks join: p of 0.008 times 45 pairs."""
    images = 450
    leader, second, third = (np.arange(images) < count for count in (300, 262, 262))
    second, third = np.roll(second, 12), np.roll(third, 20)
    few = np.stack([leader, second, third]).astype(float)
    weak = [np.roll(np.arange(images) < 20, 40 * number) for number in range(1, 9)]
    many = np.concatenate([few, np.stack(weak).astype(float)])
    alone, among = rank_sets(all_pairs(few).better), rank_sets(all_pairs(many).better)
    assert alone == [(1, 1), (2, 3), (2, 3)]
    assert among[:3] == alone


def test_a_difference_on_every_image_stands():
    """Its deviations from the mean are all 0, so that signs do not move it."""
    table = np.stack([np.ones(40), np.zeros(40), np.zeros(40)])
    family = all_pairs(table)
    assert family.better.tolist() == [[False, True, True], [False] * 3, [False] * 3]
    assert rank_sets(family.better) == [(1, 1), (2, 3), (2, 3)]
    few = all_pairs(table[:, :3])
    assert not few.better.any()  # three images: p is 0.08


def test_one_network_has_rank_one():
    assert rank_sets(all_pairs(np.ones((1, 5))).better) == [(1, 1)]


def test_among_equal_networks_a_difference_is_rarely_called_real():
    """In 5 % of 100 boards at most, but for three standard errors; docs/statistics.md has the long simulation."""
    wrong = sum(all_pairs(board([0.5] * 4, 80, seed)).better.any() for seed in range(100))
    assert wrong <= 100 * (0.05 + 3 * math.sqrt(0.05 * 0.95 / 100))


def test_rank_sets_hold_the_true_ranks():
    truth = [0.6, 0.6, 0.5, 0.3, 0.1]
    right = 0
    for seed in range(60):
        sets = rank_sets(all_pairs(board(truth, 80, seed)).better)
        right += all(low <= rank <= high for (low, high), rank in zip(sets, (1, 1, 3, 4, 5), strict=True))
    assert right >= 60 * (0.95 - 3 * math.sqrt(0.05 * 0.95 / 60))


def test_all_histograms_are_those_of_the_pairs():
    generator = np.random.default_rng(1)
    for parts in (1, 3):
        table = (generator.random((4, 50, parts)) < 0.5).mean(2)
        pairs = zip(*np.triu_indices(4, k=1), strict=True)
        assert np.array_equal(histograms(table, parts), [histogram(table[i], table[k], parts) for i, k in pairs])


@pytest.mark.parametrize(
    ("low", "high", "better", "margin", "expected"),
    [
        (0.01, 0.05, True, 0.01, "better"),
        (-0.05, -0.01, False, 0.01, "worse"),
        (0.001, 0.005, True, 0.01, "better"),
        (-0.009, 0.009, None, 0.01, "equivalent"),
        (-0.01, 0.009, None, 0.01, "undetermined"),
        (-0.009, 0.01, None, 0.01, "undetermined"),
        (-0.0, 0.0, None, None, "undetermined"),
        (-0.05, 0.06, None, 0.01, "undetermined"),
    ],
)
def test_four_verdicts(low, high, better, margin, expected):
    assert verdict(low, high, better, margin) == expected


@pytest.mark.parametrize(
    ("images", "discordant", "critical"), [(1000, 0.1, 1.96), (450, 0.24, 3.1), (10_000, 0.05, 1.96)]
)
def test_the_detectable_difference_is_found_in_four_of_five_cases(images, discordant, critical):
    difference = smallest_difference(images, discordant, critical)
    chances = [(discordant - difference) / 2, 1 - discordant, (discordant + difference) / 2]
    drawn = np.random.default_rng(0).multinomial(images, chances, size=3000)
    found = (np.abs(score(drawn)) > critical).mean()
    assert found == pytest.approx(0.8, abs=0.03)


def test_fewer_images_show_less_and_very_few_show_nothing():
    sizes = [smallest_difference(images, 0.2, 1.96) for images in (100, 1000, 10_000)]
    assert sizes[0] > sizes[1] > sizes[2] > 0
    assert smallest_difference(10, 0.05, 1.96) is None
    assert smallest_difference(450, 0.0, 1.96) is None
