"""How many passes AutoAttack and its members take for an image that withstands them, as the library makes them.

APGD, FAB and Square go on to their last step for an image that is not broken, so the number follows from their
parameters; a test counts the library's own. An image that falls leaves before the next target, restart or member.
"""

from __future__ import annotations

from benchmark.attacks.adapters.autoattack import MEMBERS, AutoAttack, Square
from benchmark.attacks.base import Attack

#: Wrong classes that are targets; targets, restarts on the cross-entropy and radii of a run in l1; gradients that
#: "rand" averages: as the library has them.
_TARGETS, _L1_TARGETS, _L1_RESTARTS, _L1_RADII, _DRAWS = 9, 5, 5, 3, 20

#: Classes that the targeted ratio of margins is defined for; with fewer APGD-T does nothing.
_LEAST_OF_A_RATIO = 4

#: Passes besides: the library looks at the network first, and each member at what it begins and ends with.
_LOOKS = 8


def gradients_and_answers(attack: Attack, norm: str, classes: int) -> tuple[float, float] | None:
    """Gradients, and passes without one, for each image that withstands the attack; None of any other attack.

    Each of the other `classes` is a target, up to the library's number of them.
    """
    if isinstance(attack, AutoAttack):
        draws = _DRAWS if attack.variant == "rand" else 1
        members = [_of(name, attack.steps, attack.queries, norm, classes) for name in MEMBERS[attack.variant]]
        return draws * sum(gradients for gradients, _ in members), _LOOKS + sum(answers for _, answers in members)
    if attack.name not in {name for names in MEMBERS.values() for name in names}:
        return None
    queries = attack.queries if isinstance(attack, Square) else 0
    gradients, answers = _of(attack.name, getattr(attack, "steps", 0), queries, norm, classes)
    return gradients, _LOOKS + answers


def _of(name: str, steps: int, queries: int, norm: str, classes: int) -> tuple[int, int]:
    """Of a member. APGD takes a gradient at its start, too; in l1 it starts anew at each of three radii."""
    if name == "square":
        return 0, queries
    if name == "fab-t":  # a gradient at each step, an answer where it led, and three before and after them
        targets = min(_TARGETS, classes - 1)
        return targets * steps, targets * (steps + 3)
    runs = _L1_RESTARTS if norm == "l1" and name == "apgd-ce" else 1
    if name == "apgd-t":
        if classes < _LEAST_OF_A_RATIO:
            return 0, 0
        runs = min(_L1_TARGETS if norm == "l1" else _TARGETS, classes - 1)
    return runs * (steps + (_L1_RADII if norm == "l1" else 1)), runs
