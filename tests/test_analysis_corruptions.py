"""The mean under common corruptions, by hand, and where it is not known."""

from __future__ import annotations

import dataclasses

import pytest
from evaluation_toys import evaluation, outcome

from benchmark.analysis.corruptions import corruption_mean, corruption_scores, corruptions


def corrupted(name, severity, broken, **more):
    made = outcome(f"{name}-{severity}", "corruption", broken, epsilon=float(severity), **more)
    return dataclasses.replace(made, definition={"attack": {"name": "corruption", "corruption": name}})


CLEAN_ERRORS = [1, 0, 0, 0]
FOG = (corrupted("fog", 1, [1, 0, 0, 0]), corrupted("fog", 5, [1, 1, 1, 0]))
SNOW = (corrupted("snow", 1, [1, 0, 0, 1]),)
PGD = outcome("pgd", "linf", [1, 1, 1, 1])


def test_the_mean_by_hand():
    """Fog 3/4 and 1/4, snow 2/4 at one severity only: each corruption weighs the same, other threats nothing."""
    found = evaluation(CLEAN_ERRORS, FOG[0], PGD, SNOW[0], FOG[1])
    fog, snow = corruptions(found)
    assert (fog.name, fog.accuracies, fog.mean) == ("fog", ((1.0, 0.75), (5.0, 0.25)), 0.5)
    assert (snow.name, snow.mean, snow.at(1), snow.at(5)) == ("snow", 0.5, 0.5, None)
    assert corruption_mean(found) == 0.5
    harder = evaluation(CLEAN_ERRORS, *FOG, corrupted("snow", 1, [1, 1, 1, 1]))
    assert corruption_mean(harder) == pytest.approx((0.5 + 0) / 2)  # not the attacks' mean, 1/3


def test_what_each_image_adds_to_the_mean():
    found = evaluation(CLEAN_ERRORS, FOG[0], PGD, SNOW[0], FOG[1])
    shares = corruption_scores(found)
    assert shares.tolist() == [0.0, 0.75, 0.75, 0.5]
    assert shares.mean() == corruption_mean(found)
    assert corruption_scores(evaluation(CLEAN_ERRORS, *FOG, mode="worst-case")) is None


def test_an_attack_that_names_no_corruption_goes_by_its_own_name():
    own = dataclasses.replace(SNOW[0], label="mist", definition={"attack": {"name": "own"}})
    assert [each.name for each in corruptions(evaluation(CLEAN_ERRORS, *FOG, own))] == ["fog", "mist"]


@pytest.mark.parametrize("trouble", [{"errors": ("it broke down",)}, {"missing": 1}])
def test_a_corruption_that_did_not_finish_leaves_the_mean_unknown(trouble):
    found = evaluation(CLEAN_ERRORS, *FOG, dataclasses.replace(SNOW[0], **trouble))
    fog, snow = corruptions(found)
    assert fog.mean == 0.5
    assert snow.mean is None
    assert corruption_mean(found) is None


def test_no_mean_of_what_earlier_attacks_left_nor_of_nothing():
    assert corruption_mean(evaluation(CLEAN_ERRORS, *FOG, mode="worst-case")) is None
    without = evaluation(CLEAN_ERRORS, PGD)
    assert corruptions(without) == []
    assert corruption_mean(without) is None
