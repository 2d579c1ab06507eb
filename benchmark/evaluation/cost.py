"""Roughly how many passes attacks and suites take for an image that withstands them, a gradient counting as one."""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.attacks import Attack
from benchmark.evaluation.suite import Suite, SuiteItem

#: Passes per image, a gradient counting as one, of the attacks whose steps don't tell; measured on networks that
#: withstand them.
PASSES = {"fgsm": 2, "autoattack": 3000, "apgd-t": 900, "fab-t": 1200, "square": 1500, "pointwise": 150}
#: The same per step, where a step is not one gradient.
PER_STEP = {"boundary": 0.85, "deepfool": 3.0, "salt-and-pepper": 0.45}


def passes_of(suite: Suite, before: Sequence[Suite] = ()) -> float:
    """Of all attacks with their restarts; where one can go on where a shorter one ended, it begins there.

    Args:
        suite: whose attacks.
        before: suites that the network was attacked under already; an attack that they have, too, is not made again.
    """
    open_items = items_of(suite, before)
    return sum(
        passes_of_attack(
            item.attack, max((item.head_start(other, "fp32") for other in suite.items[:position]), default=0)
        )
        * item.restarts
        for position, item in enumerate(suite.items)
        if item in open_items
    )


def items_of(suite: Suite, before: Sequence[Suite] = ()) -> list[SuiteItem]:
    """Its attacks that no suite `before` has, too."""
    made = [(item.attack, item.threat, item.restarts) for other in before for item in other.items]
    return [item for item in suite.items if (item.attack, item.threat, item.restarts) not in made]


def passes_of_attack(attack: Attack, head_start: int = 0) -> float:
    """Of one run of an attack; `head_start` steps are on another's bill."""
    rounds = getattr(attack, "searches", 1) * getattr(attack, "repeats", 1)
    steps = getattr(attack, "steps", 1) * rounds - head_start
    return float(PASSES.get(attack.name, PER_STEP.get(attack.name, 1.0) * steps))
