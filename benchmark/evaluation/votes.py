"""What a network takes images for, over one pass or several: how often it is wrong, and which class it predicts."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.attacks.objectives import has_answer, is_wrong
from benchmark.ledger.classes import NONE


class Votes:
    """The answers of several passes to N images, whose labels are `y`."""

    def __init__(self, y: Tensor) -> None:
        self._y, self._passes = y, 0
        self._wrong = torch.zeros(len(y), device=y.device)
        self._counts: Tensor | None = None

    def add(self, logits: Tensor) -> None:
        """Count the answers of one pass, logits N×K."""
        classes = logits.shape[1]
        if self._counts is None:  # a column for each class, and one for no answer
            self._counts = torch.zeros(len(logits), classes + 1, dtype=torch.long, device=logits.device)
        answers = torch.where(has_answer(logits), logits.argmax(1), classes)
        self._counts.scatter_add_(1, answers[:, None], torch.ones_like(answers)[:, None])
        self._wrong += is_wrong(logits, self._y)
        self._passes += 1

    @property
    def wrong_share(self) -> Tensor:
        """N float32: in which share of the passes an image was misclassified or had no answer."""
        return self._wrong / self._passes

    def classes(self) -> Tensor:
        """N int64: the most frequent answer that agrees with the verdict, `NONE` for none.

        An image counts as misclassified if at least half of the passes are wrong about it. Where it is not, the class
        is its label; where it is, the most frequent of the other answers, even if the label is more frequent than
        each of them. Of equally frequent ones it is the first class, and no answer comes last.
        """
        assert self._counts is not None
        places = self._counts.shape[1]
        others = self._counts.scatter(1, self._y[:, None], -1)
        first = others * places - torch.arange(places, device=others.device)  # no two are alike
        likeliest = first.argmax(1)
        likeliest = torch.where(likeliest == places - 1, NONE, likeliest)
        return torch.where(self.wrong_share >= 0.5, likeliest, self._y)
