"""Security curves: where they are measured, where they are an upper bound, and what they agree with."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from evaluation_toys import evaluation, outcome
from hypothesis import given
from hypothesis import strategies as st

from benchmark.analysis.aggregate import norm_accuracy
from benchmark.analysis.curves import minimises, security_curve
from benchmark.analysis.distances import is_reached, median_distance, searched

#: A hundred images whose closest adversarials lie 0.01, 0.02, ..., 1 away; the attacks below are allowed 0.5.
TRUE = np.arange(1, 101) / 100
HERE = np.zeros(100, bool)


def budget(label="pgd", broken=TRUE <= 0.5, epsilon=0.5, **more):
    """An attack that takes all that it may: its adversarials lie at the end of the ball."""
    made = outcome(label, "l1", broken, epsilon=epsilon, **more)
    return dataclasses.replace(made, distance=np.where(broken, np.float32(epsilon), np.float32(np.inf)))


def minimal(label="fmn", distances=TRUE, restarts=1, evaluated=None):
    more = {} if evaluated is None else {"evaluated": evaluated}
    distances = np.where(more.get("evaluated", True), distances, np.inf)
    made = outcome(label, "l1", None, distances, epsilon=0.5, **more)
    return dataclasses.replace(made, definition={"restarts": restarts, "attack": {"name": label}})


def curve(*outcomes, mode="complete", others=(), **more):
    return security_curve(dataclasses.replace(evaluation(HERE, *outcomes, mode=mode), **more), "l1", others)


def test_an_attack_with_a_fixed_budget_gives_an_upper_bound():
    """Of the images that lie within 0.4 it says nothing: it took 0.5."""
    found = curve(budget())
    assert not found.is_measured
    assert found.area() is None
    assert found.searched_by == ()
    assert found.accuracy([0.405, 0.5, 0.905]) == pytest.approx([1.0, 0.5, 0.5])


def test_an_attack_that_minimises_the_distance_and_saw_every_image_gives_a_curve():
    found = curve(budget(), minimal())
    assert found.is_measured
    assert found.searched_by == ("fmn",)
    assert found.accuracy([0.405, 0.5, 0.905]) == pytest.approx([0.6, 0.5, 0.1])
    assert found.area(1.0) == pytest.approx(TRUE.mean())


def test_one_that_saw_survivors_alone_gives_an_upper_bound():
    """In worst-case mode those that PGD broke stay where PGD put them."""
    left = curve(budget(), minimal(evaluated=TRUE > 0.5), mode="worst-case")
    assert not left.is_measured
    assert left.accuracy(0.405) == 1.0
    first = curve(minimal(), budget(evaluated=TRUE > 0.5, broken=np.zeros(100)), mode="worst-case")
    assert first.is_measured
    assert first.accuracy(0.405) == pytest.approx(0.6)


def test_one_that_stopped_at_its_first_success_did_not_look_for_the_closest():
    """Given what others left, it needs one success within ε and spares itself the other restarts."""
    survivors = np.arange(100) != 0
    for restarts, is_done_early in ((1, False), (2, True)):
        found = evaluation(HERE, budget(broken=~survivors), minimal(evaluated=survivors, restarts=restarts))
        found = dataclasses.replace(found, mode="worst-case")
        looked = searched(found, found.outcomes[1])
        assert looked[1:].all() != is_done_early
        assert looked[TRUE > 0.5].all()
        assert not looked[0]
        assert median_distance(found, found.outcomes[1]) is None
    everyone = dataclasses.replace(evaluation(HERE, minimal(restarts=2)), mode="worst-case")
    assert searched(everyone, everyone.outcomes[0]).all(), "it was given all, so it went on"
    # All that the first attack broke is shown to every attack: the second one saw all, and stopped early.
    shown = evaluation(HERE, budget(broken=~survivors), minimal(restarts=2))
    shown = dataclasses.replace(shown, mode="worst-case")
    assert np.array_equal(searched(shown, shown.outcomes[1]), ~shown.outcomes[1].broken)
    assert median_distance(shown, shown.outcomes[1]) is None
    # Not where every attack is given everything, and not where nothing was broken before it.
    alike = evaluation(HERE, budget(broken=~survivors), minimal(restarts=2))
    nothing = evaluation(HERE, budget(broken=HERE), minimal(restarts=2))
    for found in (alike, dataclasses.replace(nothing, mode="worst-case")):
        assert searched(found, found.outcomes[1]).all()
    # A suite's file that says nothing of restarts means one.
    once = dataclasses.replace(minimal(), definition={"attack": {"name": "fmn"}})
    shown = dataclasses.replace(evaluation(HERE, budget(broken=~survivors), once), mode="worst-case")
    assert searched(shown, shown.outcomes[1]).all()


def test_a_radius_is_not_rounded_to_float32():
    """0.3 as float32 lies beyond 0.3, 0.7 before 0.7."""
    found = outcome("fmn", "l1", None, np.array([0.3, 0.7]), epsilon=1.0)
    assert is_reached(found, 0.3).tolist() == [False, False]
    assert is_reached(found, 0.7).tolist() == [True, True]


def test_the_median_is_of_the_images_that_were_classified_correctly():
    wrong = TRUE > 0.6
    found = evaluation(wrong, minimal(evaluated=~wrong))
    assert median_distance(found, found.outcomes[0]) == pytest.approx(0.305)
    hopeless = evaluation(~HERE, minimal())
    assert median_distance(hopeless, hopeless.outcomes[0]) is None


@pytest.mark.parametrize(("missed", "is_measured"), [(0, True), (1, True), (2, False)])
def test_a_search_that_misses_what_others_break_gives_an_upper_bound(missed, is_measured):
    """Salt and pepper looks for the closest, too; where PGD breaks more than it reaches, its distances say little."""
    weak = np.where(np.arange(100) >= 50 - missed, 0.1 + TRUE, TRUE)
    found = curve(budget(), minimal(distances=weak))
    assert found.missed == missed
    assert found.is_measured == is_measured
    assert (found.area() is None) != is_measured


@pytest.mark.parametrize(("lost", "is_measured"), [(1, True), (2, False)])
def test_a_search_that_finds_nothing_at_any_distance_gives_an_upper_bound(lost, is_measured):
    """Each image has adversarials somewhere; a search of three tiny steps says how far they went."""
    found = curve(minimal(distances=np.where(np.arange(100) < 100 - lost, TRUE, np.inf)))
    assert found.missed == lost
    assert found.is_measured == is_measured
    assert (found.area() is not None) == is_measured


def test_a_search_for_what_is_close_in_another_norm_gives_an_upper_bound():
    """DeepFool for l2, judged in l1: the closest in one is not the closest in the other."""
    other = dataclasses.replace(minimal(), definition={"measure": "l2", "attack": {"name": "deepfool"}})
    found = curve(other)
    assert not found.is_measured
    assert median_distance(evaluation(HERE, other), other) is None
    same = dataclasses.replace(other, definition={**other.definition, "measure": "l1"})
    assert curve(same).is_measured


def test_attacks_may_share_the_images_among_them():
    half = TRUE <= 0.5
    halves = minimal("a", evaluated=half), minimal("b", evaluated=~half)
    assert curve(*halves).searched_by == ("a", "b")
    assert curve(halves[0]).searched_by == ()


def test_clean_errors_need_no_search_and_have_no_distance():
    wrong = TRUE <= 0.2
    found = security_curve(evaluation(wrong, minimal(evaluated=~wrong)), "l1")
    assert found.is_measured
    assert found.accuracy(0) == pytest.approx(0.8)


def test_what_is_no_distance_gives_no_curve():
    """Neither a strength without a ball nor an attack that failed, nor one that was run on another network."""
    fog = outcome("fog", "fog", [1, 0], epsilon=128.0)
    assert security_curve(evaluation([0, 0], fog), "fog") is None
    assert curve(dataclasses.replace(minimal(), errors=("it broke down",))) is None
    assert not curve(minimal(), crafted_on={"name": "other"}).is_measured


def test_distances_of_other_attacks_on_the_same_images_are_used():
    """They make a curve of a bound, and lie below the suite's own accuracy where they broke more."""
    closer = evaluation(HERE, minimal(distances=TRUE - 0.005), id="other")
    assert minimises(closer)
    own = budget(broken=TRUE <= 0.45)
    found = curve(own, others=[closer])
    assert found.is_measured
    assert found.borrowed == (closer,)
    assert found.searched_by == ("fmn",)
    assert found.accuracy(0.405) == pytest.approx(0.6)
    assert found.accuracies == (pytest.approx(0.55),)
    assert found.accuracy(0.5) == pytest.approx(0.5)
    elsewhere = evaluation(HERE, outcome("ddn", "l2", None, TRUE, epsilon=0.5), id="l2")
    assert curve(own, others=[elsewhere]).borrowed == ()
    weak = evaluation(HERE, minimal(distances=TRUE + 0.1), id="weak")
    assert not curve(own, others=[weak]).is_measured


def test_who_minimises():
    assert not minimises(evaluation(HERE, minimal(), budget()))


@st.composite
def several_radii(draw):
    """Any evaluation in one norm at up to three radii, by attacks of both kinds, verdicts and distances agreeing."""
    images = draw(st.integers(1, 8))
    flags = st.lists(st.booleans(), min_size=images, max_size=images)
    clean = np.array(draw(flags))
    outcomes = []
    for number in range(draw(st.integers(1, 5))):
        epsilon = draw(st.sampled_from([0.25, 0.5, 8 / 255]))
        if draw(st.booleans()):
            some = st.sampled_from([0.03, 0.2, 0.25, 0.3, 0.5, 0.6, np.inf])
            distance = draw(st.lists(some, min_size=images, max_size=images))
            outcomes.append(outcome(f"{number}", "l2", None, np.where(clean, 0, distance), epsilon=epsilon))
        else:
            made = outcome(f"{number}", "l2", np.array(draw(flags)) | clean, epsilon=epsilon)
            outcomes.append(dataclasses.replace(made, distance=np.where(made.broken, epsilon, np.inf).astype("f4")))
    return evaluation(clean, *outcomes)


@given(several_radii())
def test_a_curve_lies_on_the_accuracy_at_every_radius(found):
    drawn = security_curve(found, "l2")
    accuracies = {radius: norm_accuracy(found, name) for name, (_, radius) in found.threats.items()}
    assert list(drawn.radii) == sorted(accuracies)
    for radius, own in zip(drawn.radii, drawn.accuracies, strict=True):
        assert drawn.accuracy(radius) == pytest.approx(accuracies[radius])
        assert own == pytest.approx(accuracies[radius])
    assert (np.diff(drawn.accuracies) <= 0).all()
