"""Accuracies: the worked example with its traps, and what must hold for any numbers."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from evaluation_toys import evaluation, outcome
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from benchmark.analysis.aggregate import (
    attack_accuracy,
    broken_within,
    clean_accuracy,
    is_conditional,
    left_standing,
    norm_accuracy,
    r_avg,
    r_worst,
    robust,
)
from benchmark.statistics.wilson import wilson

INF = np.inf
CLEAN_ERRORS = [1, 0, 0, 0, 0, 0]
FGSM = outcome("fgsm-linf", "linf", [1, 0, 1, 0, 0, 0])
PGD = outcome("pgd-linf", "linf", [1, 1, 0, 0, 0, 0])
DDN = outcome("ddn-l2", "l2", None, [0, 0.70, 0.50, 0.51, 0.49, INF], epsilon=0.5)
SALT = outcome("salt-and-pepper-l1", "l1", None, [0, 40, INF, 12, 13, 12.5], epsilon=12)
WORKED = evaluation(CLEAN_ERRORS, FGSM, PGD, DDN, SALT)


def test_the_worked_example():
    assert clean_accuracy(WORKED) == pytest.approx(5 / 6)
    assert attack_accuracy(WORKED, "fgsm-linf") == pytest.approx(4 / 6)
    assert attack_accuracy(WORKED, "pgd-linf") == pytest.approx(4 / 6)
    assert norm_accuracy(WORKED, "linf") == pytest.approx(3 / 6)  # not the minimum of the two
    assert norm_accuracy(WORKED, "l2") == pytest.approx(3 / 6)  # the tie at 0.50 is broken
    assert norm_accuracy(WORKED, "l1") == pytest.approx(4 / 6)  # so is the one at 12, and inf survives
    assert r_avg(WORKED) == pytest.approx((3 + 3 + 4) / 18)
    assert r_worst(WORKED) == pytest.approx(1 / 6)  # below every norm's accuracy


@pytest.mark.parametrize("trouble", [{"errors": ["it broke down"]}, {"missing": 1}])
def test_an_attack_that_did_not_finish_leaves_what_depends_on_it_unknown(trouble):
    found = evaluation(CLEAN_ERRORS, FGSM, dataclasses.replace(PGD, **trouble), DDN, SALT)
    assert attack_accuracy(found, "pgd-linf") is None
    assert norm_accuracy(found, "linf") is None
    assert r_avg(found) is None
    assert r_worst(found) is None
    assert attack_accuracy(found, "fgsm-linf") == pytest.approx(4 / 6)
    assert norm_accuracy(found, "l2") == pytest.approx(3 / 6)


def test_a_norm_without_attacks_and_a_label_that_is_not_there():
    assert norm_accuracy(WORKED, "l0") is None
    with pytest.raises(KeyError):
        attack_accuracy(WORKED, "pgd-l0")


def test_in_worst_case_mode_accuracies_of_attacks_are_conditional():
    second = outcome("pgd-linf", "linf", [0, 1, 0, 0, 0, 0], evaluated=[1, 1, 0, 1, 1, 1])
    found = evaluation(CLEAN_ERRORS, FGSM, second, mode="worst-case")
    assert is_conditional(found, "pgd-linf")
    assert not is_conditional(found, "fgsm-linf")
    assert attack_accuracy(found, "pgd-linf") == pytest.approx(3 / 4)
    assert norm_accuracy(found, "linf") == pytest.approx(3 / 6)
    nothing_left = outcome("mim-linf", "linf", np.zeros(6), evaluated=np.zeros(6))
    assert attack_accuracy(evaluation(CLEAN_ERRORS, FGSM, nothing_left, mode="worst-case"), "mim-linf") is None


@st.composite
def evaluations(draw):
    """Any evaluation: clean errors are broken under every attack, at distance 0."""
    images = draw(st.integers(1, 12))
    flags = st.lists(st.booleans(), min_size=images, max_size=images)
    clean = np.array(draw(flags))
    outcomes = []
    for number in range(draw(st.integers(1, 6))):
        norm = draw(st.sampled_from(["linf", "l2", "l1"]))
        broken = np.array(draw(flags)) | clean
        made = outcome(f"{number}-{norm}", norm, broken)
        outcomes.append(dataclasses.replace(made, distance=np.where(clean, 0, made.distance)))
    return evaluation(clean, *outcomes)


def everything(found):
    return [
        r_avg(found),
        r_worst(found),
        clean_accuracy(found),
        *(norm_accuracy(found, norm) for norm in found.norms),
    ]


@given(evaluations())
def test_the_order_of_accuracies(found):
    for norm in found.norms:
        labels = [outcome.label for outcome in found.outcomes if outcome.norm == norm]
        accuracies = [attack_accuracy(found, label) for label in labels]
        assert r_worst(found) <= norm_accuracy(found, norm) <= min(accuracies)
        assert max(accuracies) <= clean_accuracy(found)
    norms = [norm_accuracy(found, norm) for norm in found.norms]
    assert min(norms) - 1e-12 <= r_avg(found) <= max(norms) + 1e-12


@given(evaluations(), st.randoms())
def test_the_order_of_the_examples_and_of_the_attacks_does_not_matter(found, random):
    order = list(range(len(found.clean_errors)))
    random.shuffle(order)
    arrays = ("broken", "distance", "evaluated")
    outcomes = [
        dataclasses.replace(outcome, **{name: getattr(outcome, name)[order] for name in arrays})
        for outcome in found.outcomes
    ]
    shuffled = evaluation(found.clean_errors[order], *outcomes)
    assert everything(shuffled) == pytest.approx(everything(found))
    random.shuffle(outcomes)
    mixed = evaluation(found.clean_errors[order], *outcomes)
    assert r_worst(mixed) == r_worst(found)
    assert r_avg(mixed) == pytest.approx(r_avg(found))


@given(evaluations(), evaluations())
def test_another_attack_never_raises_what_is_robust(found, other):
    images = min(len(found.clean_errors), len(other.clean_errors))
    arrays = ("broken", "distance", "evaluated")

    def cut(outcome, label=None):
        changes = {name: getattr(outcome, name)[:images] for name in arrays}
        return dataclasses.replace(outcome, label=label or outcome.label, **changes)

    before = evaluation(found.clean_errors[:images], *map(cut, found.outcomes))
    extra = cut(other.outcomes[0], "extra")
    after = evaluation(found.clean_errors[:images], *before.outcomes, extra)
    assert r_worst(after) <= r_worst(before)
    for norm in before.norms:
        assert norm_accuracy(after, norm) <= norm_accuracy(before, norm)


@pytest.mark.parametrize(
    ("successes", "total", "low", "high"),
    # Newcombe 1998, Table I: Wilson's interval without continuity correction.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_published_intervals(successes, total, low, high):
    assert wilson(successes, total) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 2000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_wilson_holds_the_share_and_is_symmetric(pair):
    successes, total = pair
    low, high = wilson(successes, total)
    assert 0 <= low <= successes / total <= high <= 1
    assert low < high
    mirrored = wilson(total - successes, total)
    assert (1 - high, 1 - low) == pytest.approx(mirrored)


def test_wilson_covers_the_truth_about_as_often_as_it_says():
    for truth in (0.1, 0.5, 0.9):
        successes = np.arange(201)
        covered = [low <= truth <= high for low, high in (wilson(int(k), 200) for k in successes)]
        assert binom.pmf(successes, 200, truth)[covered].sum() == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize(("successes", "total"), [(-1, 10), (11, 10), (0, 0)])
def test_wilson_refuses_what_is_no_share(successes, total):
    with pytest.raises(ValueError, match="no share"):
        wilson(successes, total)


@pytest.mark.parametrize(("mode", "expected"), [("complete", [1, 2, 3, 4]), ("worst-case", [3, 4])])
def test_an_attack_is_there_to_break_what_stands_when_it_comes(mode, expected):
    """In worst-case mode under its own threat: what another norm or radius broke still stands for it."""

    def broken(*images):
        return np.isin(np.arange(6), images)

    found = evaluation(
        broken(0),
        outcome("first", "linf", broken(0, 1)),
        outcome("l2", "l2", broken(0, 3)),
        outcome("wider", "linf", broken(0, 3), epsilon=2.0),
        outcome("second", "linf", broken(0, 2)),
        outcome("third", "linf", broken(0, 4), evaluated=broken(0, 1, 2, 3, 4)),
        outcome("later", "linf", broken(0, 3)),
        mode=mode,
    )
    assert np.flatnonzero(left_standing(found, "third")).tolist() == expected
    assert np.flatnonzero(left_standing(found, "first")).tolist() == [1, 2, 3, 4, 5]


def test_what_an_attack_found_within_another_radius():
    """A distance says so; flags do not, and the strength of a change without a ball is no distance."""
    measured = outcome("fmn", "l2", None, [0.2, 0.5, 0.9, np.inf], epsilon=0.5)
    assert broken_within(measured, "l2", 0.5).tolist() == [True, True, False, False]
    assert broken_within(measured, "l2", 0.4).tolist() == [True, False, False, False]
    assert broken_within(measured, "l2", 1.0).tolist() == [True, True, True, False]
    assert broken_within(measured, "l1", 0.5) is None
    fog = outcome("fog", "fog", [True, False], epsilon=2.0)
    assert broken_within(fog, "fog", 2.0).tolist() == [True, False]
    assert broken_within(fog, "fog", 3.0) is None


def test_what_is_misclassified_unattacked_is_robust_to_nothing():
    found = evaluation([True, False, False], outcome("a", "linf", [False, True, False]))
    for threat in (None, *found.threats):
        assert robust(found, threat).tolist() == [False, False, True]
