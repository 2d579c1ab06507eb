"""Of which class each image is, and which one the network answers: what accuracies alone don't tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: The answer of a network that has none: NaN or infinite logits.
NONE = -1

#: What data files call that; pages say "no answer".
NO_ANSWER = "none"

#: A network is said to give one answer nearly always if it does so for this share of the images, and for this share
#: of those that are of other classes; the latter tells it from a good network on images of mostly one class.
NEARLY_ALL, OF_OTHERS = 0.95, 0.9


@dataclass(frozen=True)
class Classes:
    """The classes of the N images of an evaluation, and a network's answers without attack.

    Attributes:
        names: of all K classes.
        labels: N class indices.
        answers: N class indices, `NONE` where the network has no answer.
    """

    names: tuple[str, ...]
    labels: NDArray[np.int64]
    answers: NDArray[np.int64]

    @property
    def counts(self) -> NDArray[np.int64]:
        """K numbers of images."""
        return np.bincount(self.labels, minlength=len(self.names))

    @property
    def constant(self) -> int | None:
        """The class that the network answers nearly always, also for images of others; None if there is no such one.

        Images of one class only can't show it.
        """
        given = self.answers[self.answers != NONE]
        usual = int(np.bincount(given, minlength=1).argmax())
        is_usual, is_other = self.answers == usual, self.labels != usual
        if not is_other.any() or is_usual.mean() < NEARLY_ALL or is_usual[is_other].mean() < OF_OTHERS:
            return None
        return usual

    def written(self) -> dict[str, Any]:
        """As plain JSON values: numbers as words of one line, of which there may be many thousands."""
        return {"names": list(self.names), "labels": _spelt(self.labels), "answers": _spelt(self.answers)}


def class_name(names: Sequence[str], place: int) -> str:
    """The name of a predicted class in data files: that of the data, its index where it has none, or `NO_ANSWER`."""
    if place == NONE:
        return NO_ANSWER
    return names[place] if 0 <= place < len(names) else str(place)


def read_classes(written: Mapping[str, Any] | None) -> Classes | None:
    """What `Classes.written` gave; None for None, as in ledgers of older versions.

    Raises:
        ValueError: it makes no sense.
    """
    if written is None:
        return None
    found = Classes(tuple(written["names"]), _read(written["labels"]), _read(written["answers"]))
    number = len(found.names)
    if len(found.labels) != len(found.answers):
        raise ValueError(f"{len(found.labels)} labels for {len(found.answers)} answers")
    if not (_within(found.labels, 0, number) and _within(found.answers, NONE, number)):
        raise ValueError(f"a label or an answer is none of {number} classes")
    return found


def class_warnings(classes: Classes | None) -> list[str]:
    """What a reader of accuracies should know: that they are those of one class or of one answer, as sentences."""
    if classes is None:
        return []
    counts, total = classes.counts, len(classes.labels)
    if (counts > 0).sum() == 1:
        only = classes.names[int(counts.argmax())]
        return [
            f"all {total} images are of one class, {only}: a network that always answers it would be right on all; "
            "use more images, or others"
        ]
    if (constant := classes.constant) is None:
        return []
    given = classes.answers == constant
    others = classes.labels != constant
    return [
        f"the network answers {classes.names[constant]} for {given.sum()} of {total} images without attack, and for "
        f"{(given & others).sum()} of the {others.sum()} that are of other classes: its accuracy is little else than "
        f"the share of that class, {counts[constant] / total:.1%}; go by balanced accuracy"
    ]


def _spelt(numbers: Sequence[int] | NDArray[np.int64]) -> str:
    return " ".join(map(str, np.asarray(numbers).tolist()))


@lru_cache(maxsize=8)  # all networks of a ledger were tried on a few sets of images, with the same labels
def _read(words: str) -> NDArray[np.int64]:
    numbers = np.fromstring(words, np.int64, sep=" ")
    if len(numbers) != words.count(" ") + 1:
        raise ValueError("these are no numbers with a space between them")
    numbers.setflags(write=False)
    return numbers


def _within(numbers: NDArray[np.int64], low: int, high: int) -> bool:
    return bool(((numbers >= low) & (numbers < high)).all())
