"""Roughly how many passes attacks and suites take for an image that withstands them, a gradient counting as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from benchmark.attacks import Attack
from benchmark.attacks.adapters.autoattack_passes import gradients_and_answers
from benchmark.evaluation.suite import Suite, SuiteItem

#: Passes per image, a gradient counting as one, of the attacks whose steps don't tell; measured on networks that
#: withstand them.
PASSES = {"fgsm": 2, "pointwise": 150}
#: The same per step, where a step is not one gradient.
PER_STEP = {"boundary": 0.85, "deepfool": 3.0, "salt-and-pepper": 0.45}

#: Classes, where no data is at hand: as many as CIFAR-10, MNIST and the digits have. With fewer AutoAttack has
#: fewer targets.
CLASSES = 10

#: A pass without a gradient: the way back to the image takes 0.9 to 1.2 times as long as the way there, see
#: `planning.speed`.
ANSWER = 0.48


class SearchPasses(NamedTuple):
    """Of one image.

    Attributes:
        gradients: passes there and back.
        answers: passes there alone.
    """

    gradients: float
    answers: float = 0.0

    @property
    def weight(self) -> float:
        """All of them, a gradient counting as one."""
        return self.gradients + ANSWER * self.answers

    def times(self, factor: float) -> SearchPasses:
        """So many times as many."""
        return SearchPasses(factor * self.gradients, factor * self.answers)


def passes_of(suite: Suite, before: Sequence[Suite] = ()) -> float:
    """Of all attacks with their restarts, a gradient counting as one, see `search_passes_of`."""
    return search_passes_of(suite, before).weight


def search_passes_of(suite: Suite, before: Sequence[Suite] = (), classes: int = CLASSES) -> SearchPasses:
    """Of all attacks with their restarts; where one can go on where a shorter one ended, it begins there.

    Args:
        suite: whose attacks.
        before: suites that the network was attacked under already; an attack that they have, too, is not made again.
        classes: how many the data has.
    """
    open_items = items_of(suite, before)
    found = [
        search_passes(
            item.attack,
            item.threat.norm,
            max((item.head_start(other, "fp32") for other in suite.items[:position]), default=0),
            classes,
        ).times(item.restarts)
        for position, item in enumerate(suite.items)
        if item in open_items
    ]
    return SearchPasses(sum(each.gradients for each in found), sum(each.answers for each in found))


def items_of(suite: Suite, before: Sequence[Suite] = ()) -> list[SuiteItem]:
    """Its attacks that no suite `before` has, too."""
    made = [(item.attack, item.threat, item.restarts) for other in before for item in other.items]
    return [item for item in suite.items if (item.attack, item.threat, item.restarts) not in made]


def passes_of_attack(attack: Attack, norm: str = "") -> float:
    """Of one run of an attack under a threat in `norm`, a gradient counting as one."""
    return search_passes(attack, norm).weight


def search_passes(attack: Attack, norm: str = "", head_start: int = 0, classes: int = CLASSES) -> SearchPasses:
    """Of one run of an attack under a threat in `norm`; `head_start` steps are on another's bill."""
    counted = gradients_and_answers(attack, norm, classes)
    if counted is not None:
        return SearchPasses(*counted)
    rounds = getattr(attack, "searches", 1) * getattr(attack, "repeats", 1)
    steps = getattr(attack, "steps", 1) * rounds - head_start
    return SearchPasses(float(PASSES.get(attack.name, PER_STEP.get(attack.name, 1.0) * steps)))
