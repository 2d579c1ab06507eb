"""Do a network's outputs stand for the classes in the data's order? What another order would give tells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmark.models.class_order import listed
from benchmark.models.input_range import ERRORS, LUCK, tail

Labels = NDArray[np.int64]


def needed(num_classes: int) -> float:
    """The share of a network's errors that must vanish in another order.

    A network that was never trained answers what looks alike with one class, and with which is chance: where there
    are few classes, these may well be the right ones, but for their names. Of 400 such networks for two digits 10%
    would lose half of their errors by an exchange of the two, and 1% nine tenths; of those for three digits 7% and
    0.3% as many as are asked for, of those for four 2% and none; of those for seven or more none would lose half.
    """
    return max(ERRORS, 1 - num_classes / 20)


def order_doubts(
    logits: Tensor, y: Tensor, class_names: Sequence[str], outputs: Sequence[int] = (), settled: bool = False
) -> list[str]:
    """Ask whether the classes in another order, the best assignment of outputs to them, would fit the labels.

    Each half of each class's images is judged by the order that fits the other halves best, so that many classes on a
    few images have no advantage.

    Args:
        logits, y: N×K of images and their N labels.
        class_names: K, in the order in use.
        outputs: for each class, which of the network's own outputs stands for it, where that is another order.
        settled: whether the network says itself what its outputs stand for, so that nobody else can.

    Returns:
        A sentence if another order takes away so many of the errors as `needed`, and neither by luck (a sign test)
        nor by naming the commonest class. None where the images are too few to tell.
    """
    answers, labels = (each.cpu().numpy().astype(np.int64) for each in (logits.argmax(1), y))
    answered = torch.isfinite(logits).all(1).cpu().numpy()
    classes = len(class_names)
    here = answered & (answers == labels)
    there = np.zeros_like(here)
    for half in (0, 1):
        fitted = _occurrences(labels) % 2 == half
        order = best_order(answers[fitted & answered], labels[fitted & answered], classes)
        there[~fitted] = (answered & (order[answers] == labels))[~fitted]
    gained, lost = int((there & ~here).sum()), int((here & ~there).sum())
    commonest = float(np.bincount(labels, minlength=classes).max()) / len(labels)
    if gained - lost < needed(classes) * int((~here).sum()) or tail(gained, gained + lost, 0.5) >= LUCK:
        return []
    if tail(int(there.sum()), len(labels), max(commonest, 1 / classes)) >= LUCK:
        return []
    order = best_order(answers[answered], labels[answered], classes)
    own = np.argsort(outputs) if len(outputs) else np.arange(classes)  # by the network's outputs, as --classes asks
    if settled:
        advice = (
            "the network says so itself, and --classes does not change that: were its classes called otherwise when "
            "it was trained?"
        )
    else:
        advice = "say so by --classes FILE, which names the class of each output, in Python by classes=[...]"
    return [
        f"the network classifies {here.mean():.1%} of the first {len(labels)} images correctly, but another order of "
        f"the classes would give {there.mean():.1%}: its outputs are taken for "
        f"{listed([class_names[place] for place in own])}, in this order, and seem to stand for "
        f"{listed([class_names[order[place]] for place in own])}; {advice}"
    ]


def _occurrences(labels: Labels) -> Labels:
    """For each label how many times it has been there before."""
    sorting = labels.argsort(kind="stable")
    run = labels[sorting]
    found = np.empty_like(labels)
    found[sorting] = np.arange(len(labels)) - np.searchsorted(run, run)
    return found


def best_order(answers: Labels, labels: Labels, num_classes: int) -> Labels:
    """For each of the K outputs the class that it stands for, so that most of the answers are right.

    Of orders that are equally good it is the one that changes the least.
    """
    counts = np.zeros((num_classes, num_classes))
    np.add.at(counts, (answers, labels), 1)
    gains = counts + 0.5 / num_classes * np.eye(num_classes)
    as_it_is = np.arange(num_classes)
    if (gains.argmax(1) == as_it_is).all():  # as usual; a quarter of a second for the library is saved
        return as_it_is
    from scipy.optimize import linear_sum_assignment

    _, order = linear_sum_assignment(gains, maximize=True)
    return np.asarray(order, np.int64)
