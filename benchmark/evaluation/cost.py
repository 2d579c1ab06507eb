"""Roughly how many passes attacks and suites take for an image that withstands them, a gradient counting as one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from benchmark.attacks import Attack
from benchmark.attacks.adapters.autoattack_passes import gradients_and_answers
from benchmark.attacks.black_box.pointwise import Pointwise
from benchmark.evaluation.suite import Suite, SuiteItem

#: How often DeepFool linearises a network before it has crossed a boundary, measured on the digits: 4 times on a
#: robust network, 6 times on another. It stops there, however many steps it may take.
LINEARISATIONS = 5
#: What is left of the steps of C&W where it gives up weights that bring nothing any more, measured on the digits:
#: 0.34 to 0.51.
NOT_ABORTED = 0.4
#: Answers of the pointwise attack for each value of an image, while it puts values back: 0.17 to 0.53 on the digits,
#: 0.21 to 0.35 on CIFAR-10 (docs/performance.md).
PUT_BACK = 0.25
#: Answers of a jump of HopSkipJump beside its probes, while it lands and goes back to the boundary.
LANDING = 20


def _probes(attack: Any) -> int:
    """Of HopSkipJump, which asks √t times as often before its t-th jump as before the first."""
    return sum(
        min(int(attack.probes * math.sqrt(step)), attack.most_probes) + LANDING for step in range(1, attack.steps + 1)
    )


#: Passes per image of the attacks that ask for no gradient; what they ask for follows from their parameters.
ANSWERS: dict[str, Callable[[Any], float]] = {
    "gaussian-noise": lambda attack: attack.repeats,
    "hopskipjump": _probes,
    "spatial": lambda attack: attack.tries or attack.rotations * attack.shifts**2,
    "corruption": lambda attack: 1,  # that of the verdict, so that no suite is for nothing
}

#: Classes, and values of an image, where no data is at hand: as many as CIFAR-10 has. With fewer classes AutoAttack
#: has fewer targets.
CLASSES, VALUES = 10, 3 * 32 * 32

#: A pass without a gradient: the way back to the image takes 0.9 to 1.2 times as long as the way there, see
#: `planning.speed`.
ANSWER = 0.48


class SearchPasses(NamedTuple):
    """Of one image.

    Attributes:
        gradients: passes there and back.
        answers: passes there alone; less than none where several ways back share one way there.
    """

    gradients: float
    answers: float = 0.0

    @property
    def weight(self) -> float:
        """All of them, a gradient counting as one."""
        return self.gradients + ANSWER * self.answers

    @property
    def counted(self) -> float:
        """All of them as records count them, the way there and the way back each as one."""
        return 2 * self.gradients + self.answers

    def times(self, factor: float) -> SearchPasses:
        """So many times as many."""
        return SearchPasses(factor * self.gradients, factor * self.answers)


def passes_of(suite: Suite, before: Sequence[Suite] = ()) -> float:
    """Of all attacks with their restarts, a gradient counting as one, see `search_passes_of`."""
    return search_passes_of(suite, before).weight


def search_passes_of(
    suite: Suite, before: Sequence[Suite] = (), classes: int = CLASSES, values: int = VALUES
) -> SearchPasses:
    """Of all attacks with their restarts; where one can go on where a shorter one ended, it begins there.

    Args:
        suite: whose attacks.
        before: suites that the network was attacked under already; an attack that they have, too, is not made again.
        classes: how many the data has.
        values: how many an image has.
    """
    open_items = items_of(suite, before)
    found = [
        search_passes(
            item.attack,
            item.threat.norm,
            max((item.head_start(other, "fp32") for other in suite.items[:position]), default=0),
            classes,
            values,
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


def search_passes(
    attack: Attack, norm: str = "", head_start: int = 0, classes: int = CLASSES, values: int = VALUES
) -> SearchPasses:
    """Of one run of an attack under a threat in `norm`; `head_start` steps are on another's bill."""
    counted = gradients_and_answers(attack, norm, classes)
    if counted is not None:
        return SearchPasses(*counted)
    if isinstance(attack, Pointwise):
        return SearchPasses(0.0, attack.noise_steps + PUT_BACK * values)
    if attack.name in ANSWERS and attack.own is None:
        return SearchPasses(0.0, float(ANSWERS[attack.name](attack)))
    # Of another library's attack no more is known than what its suite says.
    steps = float(getattr(attack, "steps", getattr(attack, "parameters", {}).get("steps", 1)))
    if attack.name == "deepfool":  # a way there, and one back for each class that is considered
        looks, backs = min(steps + 1, LINEARISATIONS), min(getattr(attack, "candidates", classes), classes) - 1
        return SearchPasses(looks * backs, looks * (1 - backs))
    if attack.gradient_free:
        return SearchPasses(0.0, steps)
    rounds = getattr(attack, "searches", 1) * (NOT_ABORTED if getattr(attack, "abort_early", False) else 1)
    return SearchPasses(steps * rounds - head_start)
