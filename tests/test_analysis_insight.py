"""Curves, attribution, masking flags and frames."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from evaluation_toys import evaluation, outcome
from hypothesis import given, settings
from scipy.integrate import trapezoid
from test_analysis_aggregate import WORKED, evaluations

from benchmark.analysis.aggregate import attack_accuracy, norm_accuracy, r_worst
from benchmark.analysis.attribution import attribution
from benchmark.analysis.curves import security_curve
from benchmark.analysis.frames import per_example, tidy
from benchmark.analysis.masking import masking_flags


def _all_found():
    """The worked example, but where nothing was found, something far away was."""
    outcomes = [replace(each, distance=np.minimum(each.distance, np.float32(30))) for each in WORKED.outcomes]
    return replace(WORKED, outcomes=tuple(outcomes))


def test_a_curve_on_the_worked_example():
    curve = security_curve(WORKED, "l2")
    assert curve.accuracy([0, 0.4, 0.491, 0.5, 0.6, 1]) == pytest.approx([5 / 6, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6])
    assert curve.accuracy(curve.epsilon) == norm_accuracy(WORKED, "l2")
    assert curve.area() is None  # of one image nothing is known at any distance
    assert security_curve(_all_found(), "l2").area() == pytest.approx((0 + 0.5 + 0.5 + 0.5 + 0.49 + 0.5) / 6 / 0.5)
    epsilons, accuracies = curve.steps()
    assert epsilons == pytest.approx([0, 0.49, 0.5, 0.51, 0.7])
    assert accuracies == pytest.approx(np.array([5, 4, 3, 2, 1]) / 6)
    assert security_curve(WORKED, "l0") is None


def test_the_area_is_the_integral_of_the_staircase():
    curve = security_curve(_all_found(), "l1")
    grid = np.linspace(0, 20, 200001)
    assert curve.area(20) == pytest.approx(trapezoid(curve.accuracy(grid), grid) / 20, abs=1e-4)


@given(evaluations())
def test_a_curve_falls_and_agrees_with_the_accuracy_at_the_radius(found):
    for norm in found.norms:
        curve = security_curve(found, norm)
        values = curve.accuracy(np.linspace(0, 2, 20))
        assert (np.diff(values) <= 0).all()
        assert curve.accuracy(curve.epsilon) == pytest.approx(norm_accuracy(found, norm))


def test_a_rounded_distance_does_not_move_the_curve_off_the_verdict():
    above = np.nextafter(np.float32(0.3), np.float32(1))
    one = replace(outcome("fgsm-linf", "linf", [1, 0], epsilon=0.3), distance=np.array([above, np.inf], np.float32))
    assert security_curve(evaluation([0, 0], one), "linf").accuracy(0.3) == 0.5


def test_attribution_on_the_worked_example():
    fgsm, pgd, ddn, salt = attribution(WORKED)  # broken: {2}, {1}, {2, 4}, {3}
    assert [share.broken for share in (fgsm, pgd, ddn, salt)] == [1, 1, 2, 1]
    assert [share.first for share in (fgsm, pgd, ddn, salt)] == [1, 1, 1, 1]
    assert [share.alone for share in (fgsm, pgd, ddn, salt)] == [0, 1, 1, 1]
    assert [share.shapley for share in (fgsm, pgd, ddn, salt)] == pytest.approx([0.125, 0.25, 0.375, 0.25])


@settings(max_examples=40, deadline=None)
@given(evaluations())
def test_shapley_is_the_mean_marginal_gain_over_all_orders(found):
    sets = [set(np.flatnonzero(outcome.broken & ~found.clean_errors)) for outcome in found.outcomes]
    union = set().union(*sets)
    gains = np.zeros(len(sets))
    orders = list(permutations(range(len(sets))))
    for order in orders:
        seen: set = set()
        for member in order:
            gains[member] += len(sets[member] - seen)
            seen |= sets[member]
    shares = [share.shapley for share in attribution(found)]
    assert shares == pytest.approx(gains / len(orders) / max(len(union), 1))
    assert sum(share.first for share in attribution(found)) == len(union)


COSTS = {"attacked": 200, "forwards": 4000, "backwards": 4000, "dead_gradients": 0}


def attack(name, broken, norm="linf", images=200, gradient_free=False, **more):
    """An attack that broke the first `broken` of the images."""
    parameters = {key: more.pop(key) for key in ("steps", "loss") if key in more}
    costs = COSTS | more.pop("costs", {})
    flags = np.arange(images) < broken
    made = outcome(f"{name}-{norm}-{parameters}", norm, flags, costs=costs)
    definition = {"attack": {"name": name, **parameters}, "gradient_free": gradient_free}
    return replace(made, definition=definition, **more)


def flags(*outcomes, **more):
    found = evaluation(np.zeros(200, bool), *outcomes)
    return [flag.name for flag in masking_flags(replace(found, **more))]


def blind(name, broken, norm="linf"):
    """An attack that asked for no gradient."""
    return attack(name, broken, norm, gradient_free=True, costs={"backwards": 0})


HONEST = (attack("fgsm", 60), attack("pgd", 100, steps=40), blind("square", 90))


def test_an_honest_network_raises_no_flag():
    ddn = attack("ddn", 200, "l2", kind="minimum-norm", steps=100)
    noise = blind("gaussian-noise", 3, "l2")
    assert flags(*HONEST, ddn, noise) == []


def test_ledgers_that_do_not_say_who_is_blind_raise_no_flag():
    """Their attacks are known by what they did."""
    silent = [replace(one, definition={"attack": one.definition["attack"]}) for one in HONEST]
    assert flags(*silent) == []


def test_a_lucky_image_raises_no_flag():
    lucky = attack("fgsm", 0)
    lucky.broken[-2:] = True
    assert flags(lucky, attack("pgd", 0, steps=40)) == []


@pytest.mark.parametrize(
    ("outcomes", "name"),
    [
        ((attack("fgsm", 60), attack("pgd", 20, steps=40)), "one-step attack beats iterative attacks"),
        ((blind("square", 60), attack("pgd", 20, steps=40)), "gradient-free attack beats gradient-based attacks"),
        ((attack("pgd", 60, steps=20), attack("pgd", 20, steps=100)), "more steps have fewer successes"),
        ((attack("pgd", 20, steps=20, costs={"dead_gradients": 3000}),), "zero or non-finite gradients"),
        ((attack("pgd", 0, steps=20, costs={"backwards": 0}),), "no gradients"),
        ((attack("autoattack", 50, warnings=("AutoAttack: zero gradients",)),), "warning of an attack"),
    ],
)
def test_each_sign_raises_its_flag(outcomes, name):
    assert flags(*outcomes) == [name]


def test_an_unbounded_attack_that_does_not_reach_all():
    ddn = attack("ddn", 185, "l2", kind="minimum-norm", steps=100)
    assert flags(ddn) == ["unbounded attacks do not reach 0%"]
    assert flags(ddn, attack("cw", 200, "l2", kind="minimum-norm")) == []
    assert flags(attack("boundary", 185, "l2", kind="minimum-norm", gradient_free=True)) == []


def test_random_output_is_flagged():
    assert flags(*HONEST, unstable=3) == ["non-deterministic predictions"]


def test_cw_is_flat_by_design():
    assert flags(attack("cw", 200, "l2", costs={"dead_gradients": 3000})) == []


def test_attacks_that_failed_raise_no_flag():
    assert flags(attack("fgsm", 60), attack("pgd", 20, steps=40, errors=("broke down",))) == []


def test_the_frames_hold_every_number():
    rows = tidy([WORKED, replace(WORKED, model={"name": "other"})])
    assert len(rows) == 8
    assert set(rows["model"]) == {"toy", "other"}
    for _, row in rows[rows["model"] == "toy"].iterrows():
        assert row["accuracy"] == attack_accuracy(WORKED, row["attack"])
        assert row["low"] < row["accuracy"] < row["high"]
    images = per_example([WORKED])
    assert len(images) == 24
    worst = ~images.groupby("index")["broken"].any()
    assert worst.mean() == pytest.approx(r_worst(WORKED))


def test_the_frames_of_nothing_have_their_columns():
    assert list(tidy([]).columns) == list(tidy([WORKED]).columns)
    assert list(per_example([]).columns) == list(per_example([WORKED]).columns)


def test_a_failed_attack_has_no_accuracy_in_the_frame():
    failed = replace(WORKED.outcomes[0], errors=("broke down",))
    rows = tidy([evaluation(WORKED.clean_errors, failed)])
    assert rows["accuracy"].isna().all()
    assert rows["error"].tolist() == ["broke down"]
