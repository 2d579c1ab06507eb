"""Dead gradients in the course of attacks: of how many images they are, at least, counted by hand."""

from __future__ import annotations

import dataclasses

import pytest
from scipy.stats import binom
from test_analysis_insight import attack
from test_analysis_masking import flags

from benchmark.analysis.masking import LEVEL
from benchmark.analysis.signs import DEAD

DEAD_GRADIENTS = ("zero or non-finite gradients", "strong")
IMAGES = 200
#: So many of the images have to have a dead gradient before it can't be chance that more than a twentieth have one.
NEEDED = next(count for count in range(IMAGES) if binom.sf(count - 1, IMAGES, DEAD) <= LEVEL)


def searched(name: str, dead: float, backwards: int = IMAGES, **definition: object):
    """An attack of these parameters that met `dead` zeros among its gradients and broke half of the images."""
    costs = {"backwards": backwards, "dead_gradients": dead}
    steps = {"steps": definition.pop("steps")} if "steps" in definition else {}
    made = attack(name, IMAGES // 2, costs=costs, **steps)
    inner = made.definition["attack"] | {key: definition.pop(key) for key in ("candidates",) if key in definition}
    return dataclasses.replace(made, definition=made.definition | {"attack": inner} | definition)


@pytest.mark.parametrize(
    ("name", "definition", "gradients"),
    [
        ("pgd", {"steps": 20}, 20),
        ("fgsm", {}, 1),
        ("fgsm", {"steps": 5}, 1),  # it has one step whatever a file calls so
        ("pgd", {"steps": 20, "restarts": 3}, 60),
        ("pgd", {"steps": 20, "candidates": 4}, 60),  # of four classes, the true one has no loss of its own
        ("pgd", {"steps": 20, "candidates": 2}, 20),
        ("pgd", {"steps": 20, "candidates": 1}, 20),
    ],
)
def test_an_image_is_dead_whose_gradients_may_all_be(name, definition, gradients):
    """An image gets so many gradients at most: that many zeros may be of one image alone."""
    enough = NEEDED * gradients
    assert flags(searched(name, enough, **dict(definition))) == [DEAD_GRADIENTS]
    assert flags(searched(name, enough - 1, **dict(definition))) == []


def test_where_images_got_more_gradients_than_steps_say_these_count():
    """Five for each image, though its file speaks of two steps."""
    assert flags(searched("pgd", 5 * NEEDED, backwards=5 * IMAGES, steps=2)) == [DEAD_GRADIENTS]
    assert flags(searched("pgd", 5 * NEEDED - 1, backwards=5 * IMAGES, steps=2)) == []


@pytest.mark.parametrize(
    "made",
    [
        searched("pgd", 5000),  # how many steps it had is not known
        searched("cw", 5000, steps=20),  # flat where it has succeeded
        searched("pgd", 5000, steps=20, source="foolbox"),
        searched("square", 5000, steps=20, gradient_free=True),
        searched("pgd", 0, backwards=0, steps=20, gradient_free=True),
    ],
)
def test_zeros_that_say_nothing(made):
    assert flags(made) == []
