"""What images become: the class that a network takes them for under an attack, or in the worst case."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchmark.analysis.aggregate import broken_within, robust
from benchmark.ledger.classes import NONE, class_name
from benchmark.ledger.predictions import UNKNOWN

if TYPE_CHECKING:
    from benchmark.ledger.evaluation import Evaluation, Outcome

Classes = NDArray[np.int64]

#: What is said in place of an attack: without any, and under all threats that count together.
CLEAN, WORST_CASE = "clean", "worst case"


@dataclass(frozen=True)
class Confusion:
    """How many images of each class are taken for which.

    Attributes:
        names: of the K classes.
        true, predicted: M pairs of class indices that occur, `NONE` for a prediction without an answer, in order.
        images: M, of how many images.
        unknown: of how many more images it is not known: the attack was not tried on them, or records do not tell.
    """

    names: tuple[str, ...]
    true: Classes
    predicted: Classes
    images: Classes
    unknown: int

    @property
    def matrix(self) -> Classes:
        """K×(K + 1) numbers of images: a row per true class, a column per predicted one, the last for no answer."""
        found = np.zeros((len(self.names), len(self.names) + 1), np.int64)
        found[self.true, self.predicted] = self.images  # NONE is the last column
        return found

    def pairs(self) -> Iterator[tuple[str, str, int]]:
        """Names of the true and of the predicted class, and of how many images, in the order of the classes."""
        for true, predicted, images in zip(self.true, self.predicted, self.images, strict=True):
            yield class_name(self.names, int(true)), class_name(self.names, int(predicted)), int(images)


def taken_for(evaluation: Evaluation, attack: str) -> Classes | None:
    """N class indices: what the network takes each image for under `attack`, within its radius.

    An image that it breaks is of the class of its closest adversarial image, any other of the class without attack.
    In the worst case it is the class of the first attack of the suite, under the threats that count, that broke the
    image and whose record tells. `UNKNOWN` where the attack was not tried, or no record tells.

    Args:
        evaluation: of a network.
        attack: a label of its suite, `CLEAN` or `WORST_CASE`.

    Returns:
        None where nothing of the kind is known: an attack failed, or no record knows predicted classes.
    """
    clean = evaluation.clean_class
    if clean is None or attack == CLEAN:
        return clean
    if attack == WORST_CASE:
        return worst_case(evaluation)
    outcome = evaluation.outcome(attack)
    if outcome.adversarial_class is None or not outcome.complete:
        return None
    broken = outcome.broken & ~evaluation.clean_errors
    found = np.where(broken, _adversarial(outcome, clean), clean)
    return np.where(outcome.evaluated, found, UNKNOWN)


def confusion(evaluation: Evaluation, attack: str = WORST_CASE) -> Confusion | None:
    """How many images of each class the network takes for which; arguments and None as of `taken_for`.

    Also None where it is not known of which class the images are.
    """
    classes, predicted = evaluation.classes, taken_for(evaluation, attack)
    if predicted is None or classes is None or len(classes.labels) != len(predicted):
        return None
    known = predicted != UNKNOWN
    width = len(classes.names) + 1
    code, images = np.unique(classes.labels[known] * width + (predicted[known] - NONE), return_counts=True)
    return Confusion(classes.names, code // width, code % width + NONE, images, int((~known).sum()))


def worst_case(evaluation: Evaluation, threat: str | None = None) -> Classes | None:
    """N class indices: what the network takes each image for in the worst case under one threat.

    Arguments and None as of `aggregate.robust`; also None where no record knows predicted classes. Otherwise as
    `taken_for`.
    """
    clean, flags = evaluation.clean_class, robust(evaluation, threat)
    if clean is None or flags is None or all(outcome.adversarial_class is None for outcome in evaluation.outcomes):
        return None
    threats = [evaluation.threats[name] for name in (evaluation.union if threat is None else (threat,))]
    found = np.where(flags | evaluation.clean_errors, clean, UNKNOWN)
    for outcome in evaluation.outcomes:
        for norm, epsilon in threats:
            broken = broken_within(outcome, norm, epsilon)
            if broken is not None:
                found = np.where((found == UNKNOWN) & broken, _adversarial(outcome, clean), found)
    return found


def _adversarial(outcome: Outcome, clean: Classes) -> Classes:
    """N classes of adversarial images; one of the class of its image would be none, so that it is not known."""
    told = outcome.adversarial_class
    return np.full(len(clean), UNKNOWN) if told is None else np.where(told == clean, UNKNOWN, told)
