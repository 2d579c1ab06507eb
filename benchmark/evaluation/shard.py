"""Some images of a test set, with what the network says of them without attack."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from benchmark.attacks.objectives import has_answer


class Shard(NamedTuple):
    """Some images of a test set, N×C×H×W on the device, their labels N, and the network's answers without attack.

    Attributes:
        clean_errors: N bools, misclassified or without an answer, of a random network in at least half of the passes.
        logits: N×K, the mean over the passes.
        wrong_share: N float32, in which share of the passes they were misclassified or without an answer.
        classes: N class indices, what it takes them for, see `votes.Votes.classes`.
    """

    x: Tensor
    y: Tensor
    clean_errors: Tensor
    logits: Tensor
    wrong_share: Tensor
    classes: Tensor

    @property
    def no_answer(self) -> Tensor:
        """N bools: for which images the network has no answer."""
        return ~has_answer(self.logits)
