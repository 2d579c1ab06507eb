"""Flags from comparable evidence alone: which images, which rivals, how sure, and what a strong one is."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from evaluation_toys import evaluation
from scipy.stats import binom
from test_analysis_insight import attack, blind

from benchmark.analysis.aggregate import attack_accuracy, left_standing, norm_accuracy
from benchmark.analysis.attribution import attribution
from benchmark.analysis.frames import tidy
from benchmark.analysis.masking import LEVEL, is_masked, masking_flags, unchecked
from benchmark.ledger.evaluation import COMMON, Probe, common

replayed = pytest.importorskip("false_alarms").replayed

STRONGER = "gradient-free attack beats gradient-based attacks"


def found(*outcomes, clean_errors=None, **more):
    clean = np.zeros(len(outcomes[0].broken), bool) if clean_errors is None else clean_errors
    return dataclasses.replace(evaluation(clean, *outcomes), **more)


def flags(*outcomes, **more):
    return [(flag.name, flag.strength) for flag in masking_flags(found(*outcomes, **more))]


def test_on_few_images_it_takes_more_dead_gradients_the_more_is_tested():
    """As docs/masking.md says of ten images, of which five are looked at."""

    def is_flagged(dead, outcomes):
        probed = [dataclasses.replace(one, probe=Probe(5, dead, 5 - dead)) for one in outcomes]
        return is_masked(masking_flags(found(*probed)))

    alone = [attack("pgd", 5, steps=20)]
    assert [is_flagged(dead, alone) for dead in (2, 3, 4)] == [False, True, True]
    several = [attack("fgsm", 5, norm=norm, steps=1) for norm in ("linf", "l2", "l1")]
    several += [attack("pgd", 5, norm=norm, steps=20) for norm in ("linf", "l2", "l1")]
    assert [is_flagged(dead, several) for dead in (2, 3, 4)] == [False, False, True]


# Which images.


@pytest.mark.parametrize("images", [1, 2, 3, 10, 199, 200, 201, 450, 10_000])
def test_the_common_images_are_spread_evenly_and_are_a_hundred_at_most(images):
    places = common(images).nonzero()[0]
    assert len(places) == min(COMMON, -(-images // 2))
    gaps = np.diff([*places, images + places[0]])
    assert gaps.max() - gaps.min() <= 1


HONEST = (attack("fgsm", 90, steps=1), attack("pgd", 120, steps=40), blind("square", 100))


def test_what_survivors_say_is_not_believed():
    """An honest network's third attack breaks some of the survivors, which its rivals have all failed at before."""
    rng = np.random.default_rng(0)
    outcomes = [dataclasses.replace(one, broken=one.broken ^ (rng.random(200) < 0.2)) for one in HONEST]
    whole = found(*outcomes)
    assert masking_flags(whole) == []
    alone = replayed(whole, np.zeros(200, bool))
    square = alone.outcomes[-1]
    assert square.broken[square.evaluated].sum() > 8  # all of which the rivals lost, by construction
    assert masking_flags(alone) == []
    assert "could not be checked" in unchecked(alone)
    together = replayed(whole, common(200))
    assert masking_flags(together) == []
    assert unchecked(together) is unchecked(whole) is None


def test_a_strong_first_attack_hides_nothing_any_more():
    """A masked network's FGSM beats its PGD; in worst-case mode PGD used to see only what FGSM had left."""
    whole = found(attack("fgsm", 100), attack("pgd", 0, steps=40))
    assert [flag.name for flag in masking_flags(whole)] == ["one-step attack beats iterative attacks"]
    worst = replayed(whole, common(200))
    (flag,) = masking_flags(worst)
    assert (flag.name, flag.evidence.split(",")[0]) == (
        "one-step attack beats iterative attacks",
        "fgsm-linf-{} succeeded on 50 of 100 images",
    )
    assert masking_flags(replayed(whole, np.zeros(200, bool))) == []


def test_one_attack_of_a_norm_can_be_judged_by_itself_in_any_mode():
    worst = found(attack("pgd", 20, steps=20, costs={"dead_gradients": 3000}), mode="worst-case")
    assert unchecked(worst) is None
    assert [flag.name for flag in masking_flags(worst)] == ["zero or non-finite gradients"]
    later = dataclasses.replace(worst.outcomes[0], evaluated=np.arange(200) < 30, label="later")
    assert unchecked(found(later, mode="worst-case")) is None
    assert unchecked(found(worst.outcomes[0], later, mode="worst-case")) == (
        "gradient masking could not be checked: these worst-case results are from an older version, in which no "
        "images were shown to all attacks; evaluate again"
    )
    assert [flag.evidence.split(":")[0] for flag in masking_flags(found(later, mode="worst-case"))] == []


def test_clean_errors_are_no_evidence():
    clean = np.arange(200) >= 150
    one, other = blind("square", 60), attack("pgd", 20, steps=40)
    for outcome in (one, other):
        outcome.broken[clean] = True
    (flag,) = masking_flags(found(one, other, clean_errors=clean))
    assert flag.evidence == f"{one.label} succeeded on 60 of 150 images, {other.label} together on 20"


def test_what_was_left_is_all_that_accuracies_and_shares_in_worst_case_mode_are_about():
    whole = found(*HONEST)
    worst = replayed(whole, common(200))
    alone = replayed(whole, np.zeros(200, bool))
    assert norm_accuracy(worst, "linf") == norm_accuracy(whole, "linf") == norm_accuracy(alone, "linf")
    for one, other in zip(worst.outcomes, alone.outcomes, strict=True):
        assert attack_accuracy(worst, one.label) == attack_accuracy(alone, other.label)
        assert np.array_equal(left_standing(worst, one.label), left_standing(alone, other.label))
    assert attribution(worst) == attribution(alone)
    names = ["accuracy", "low", "high", "conditional"]
    assert tidy([worst])[names].equals(tidy([alone])[names])
    assert worst.outcomes[1].evaluated.sum() > alone.outcomes[1].evaluated.sum()


def test_images_crafted_on_another_network_say_nothing_of_this_one():
    assert flags(attack("pgd", 0, steps=20, costs={"backwards": 0}), crafted_on={"name": "other"}) == []


# Which rivals.


def test_rivals_that_could_not_do_it_are_none():
    strong = blind("square", 60)
    assert flags(strong, attack("pgd", 20, steps=9)) == []  # too few steps
    assert flags(strong, attack("fgsm", 20)) == []
    assert flags(strong, attack("pgd", 20, steps=10)) == [(STRONGER, "strong")]

    def stride(length, **more):
        made = attack("pgd", 20, steps=20)
        inner = made.definition["attack"] | {"relative_step_size": length, "step_size": None} | more
        return dataclasses.replace(made, definition=made.definition | {"attack": inner})

    assert flags(strong, stride(0.04)) == []  # 0.8 radii, all steps together
    assert flags(strong, stride(0.05)) == [(STRONGER, "strong")]
    assert flags(strong, stride(0.05, step_size=0.01)) == []
    smaller = [dataclasses.replace(one, epsilon=0.5) for one in (strong, stride(None, step_size=0.03))]
    assert flags(*smaller) == [(STRONGER, "strong")]  # 1.2 radii of a half
    assert flags(strong, stride(None, step_size=0.03)) == []
    assert flags(strong, attack("autoattack", 20)) == [(STRONGER, "strong")]  # of which no file says how many steps
    assert flags(attack("fgsm", 60), stride(0.04)) == []
    assert flags(attack("fgsm", 60), stride(0.05)) == [("one-step attack beats iterative attacks", "strong")]


def test_unbounded_attacks_with_a_short_reach_missed_nothing():
    def ddn(**more):
        made = attack("ddn", 100, "l2", kind="minimum-norm", steps=more.pop("steps", 100))
        return dataclasses.replace(made, definition={"attack": made.definition["attack"] | more})

    missed = [("unbounded attacks do not reach 0%", "strong")]
    assert flags(ddn()) == missed
    assert flags(ddn(steps=10)) == []  # ends 1.05^10 radii away
    assert flags(ddn(steps=10, initial_radius=4.0)) == missed
    assert flags(ddn(gamma=0.01)) == []
    assert flags(ddn(steps=10, initial_radius=5.0, gamma=0.0)) == missed  # just far enough
    assert flags(ddn(steps=10, initial_radius=4.99, gamma=0.0)) == []
    closer = dataclasses.replace(ddn(steps=10, initial_radius=3.0, gamma=0.0), epsilon=0.5)
    assert flags(closer) == missed  # six radii
    assert flags(attack("fmn", 100, "l2", kind="minimum-norm", steps=5)) == []
    fmn = attack("fmn", 100, "l2", kind="minimum-norm", steps=20)
    short = fmn.definition["attack"] | {"step_size": 0.001}
    assert flags(dataclasses.replace(fmn, definition={"attack": short})) == missed  # no ball that it had to cross


def test_libraries_attacks_are_known_by_what_they_did():
    """Whether Foolbox's boundary attack asks for gradients is written nowhere."""

    def foreign(made):
        return dataclasses.replace(made, definition=made.definition | {"source": "foolbox", "gradient_free": False})

    unknown = attack("foolbox.attacks:BoundaryAttack", 0, costs={"backwards": 0})
    assert flags(foreign(unknown)) == []
    assert flags(unknown) == [("no gradients", "strong")]
    more = foreign(attack("foolbox.attacks:BoundaryAttack", 60, costs={"backwards": 0}))
    assert flags(more, attack("pgd", 20, steps=40)) == [(STRONGER, "strong")]


# How sure.


def test_in_sparse_norms_the_sign_is_weak():
    for norm, strength in (("linf", "strong"), ("l2", "strong"), ("l1", "weak"), ("l0", "weak")):
        assert flags(blind("pointwise", 60, norm), attack("pgd", 20, norm, steps=40)) == [(STRONGER, strength)]


def test_a_difference_below_two_points_is_none_however_many_images_show_it():
    def pair(ahead, images):
        square = attack("square", ahead, images=images, gradient_free=True, costs={"backwards": 0})
        return square, attack("pgd", 0, steps=40, images=images)

    assert flags(*pair(199, 10_000)) == []
    assert flags(*pair(200, 10_000)) == [(STRONGER, "strong")]
    assert flags(*pair(8, 400)) == [(STRONGER, "strong")]
    assert flags(*pair(6, 300)) == []  # two points, but p = 0.016
    square, pgd = pair(250, 10_000)
    pgd.broken[-60:] = True  # of 310 images one alone breaks, 190 net
    assert flags(square, pgd) == []
    pgd.broken[-60:-50] = False
    assert flags(square, pgd) == [(STRONGER, "strong")]


def test_p_values_are_corrected_for_the_number_of_tests():
    """A difference that one test would call real is none among many."""
    one = blind("square", 8), attack("pgd", 0, steps=40)
    several = [dataclasses.replace(blind("square", 0), label=str(number)) for number in range(12)]
    assert float(binom.cdf(0, 8, 0.5)) < LEVEL
    assert flags(*one) == [(STRONGER, "strong")]
    assert flags(*one, *several) == []


def test_what_is_no_test_needs_no_correction():
    silent = attack("pgd", 0, steps=20, costs={"backwards": 0})
    assert flags(silent, *(blind("square", number) for number in range(30))).count(("no gradients", "strong")) == 1


def test_only_strong_flags_cost_the_rank():
    weak = masking_flags(found(blind("pointwise", 60, "l1"), attack("pgd", 20, "l1", steps=40)))
    strong = masking_flags(found(blind("square", 60), attack("pgd", 20, steps=40)))
    assert (is_masked(weak), is_masked(strong), is_masked([*weak, *strong]), is_masked([])) == (
        False,
        True,
        True,
        False,
    )


def test_one_answer_that_changes_is_weak_and_many_are_strong():
    assert flags(*HONEST, unstable=2) == [("non-deterministic predictions", "weak")]
    assert flags(*HONEST, unstable=3) == [("non-deterministic predictions", "strong")]


def test_only_autoattacks_own_warnings_are_signs():
    def warned(text):
        return flags(attack("autoattack", 50, warnings=(text,)))

    assert warned("AutoAttack: there are 3 points with zero gradient!") == [("warning of an attack", "weak")]
    assert warned("memory ran out for whole shards; in smaller batches its random draws are others") == []


# Gradients that were looked at before any attack.


def looked_at(images, dead, uphill, **more):
    return dataclasses.replace(attack("pgd", 100, steps=40), probe=Probe(images, dead, uphill), **more)


@pytest.mark.parametrize(
    ("probe", "expected"),
    [
        ((100, 0, 100), []),
        ((100, 5, 95), []),
        ((100, 20, 80), ["zero or non-finite gradients"]),
        ((100, 50, 50), ["zero or non-finite gradients"]),
        ((100, 0, 90), []),
        ((100, 0, 60), ["gradients do not increase the loss"]),
        ((100, 100, 0), ["zero or non-finite gradients"]),
        ((4, 4, 0), ["zero or non-finite gradients"]),
        ((1, 1, 0), []),
        ((100, 40, 10), ["zero or non-finite gradients", "gradients do not increase the loss"]),
    ],
)
def test_gradients_that_lead_nowhere(probe, expected):
    assert flags(looked_at(*probe)) == [(name, "strong") for name in expected]


def test_each_threat_is_looked_at_once():
    same = looked_at(100, 100, 0), looked_at(100, 100, 0, label="again")
    other = looked_at(100, 0, 100, label="other", norm="l2")
    (flag,) = masking_flags(found(*same, other))
    assert flag.evidence == "linf: the gradients of 100 of 100 images are zero or not finite"
    both = masking_flags(found(*same, looked_at(100, 90, 10, label="other", norm="l2")))
    assert [one.evidence.split("; ") for one in both] == [
        [flag.evidence, "l2: the gradients of 90 of 100 images are zero or not finite"]
    ]


def test_an_attack_without_gradients_where_there_are_some_is_not_the_networks_fault():
    silent = attack("pgd", 0, steps=20, costs={"backwards": 0})
    assert flags(dataclasses.replace(silent, probe=Probe(100, 0, 100))) == []
    assert ("no gradients", "strong") in flags(dataclasses.replace(silent, probe=Probe(100, 100, 0)))


def test_more_steps_that_break_less_are_a_weak_sign():
    assert flags(attack("pgd", 60, steps=20), attack("pgd", 20, steps=100)) == [
        ("more steps have fewer successes", "weak")
    ]
