"""What attacks share that look for the smallest perturbation, whatever the radius."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from benchmark import threats
from benchmark.attacks.base import Attack, Classifier
from benchmark.attacks.objectives import is_wrong
from benchmark.noise import Noise
from benchmark.threats import Threat, column


@dataclass(frozen=True)
class MinimalAttack(Attack):
    """An attack that searches only where the clean image is classified correctly; elsewhere 0 is the distance."""

    kind: ClassVar[str] = "minimum-norm"

    def __call__(self, classifier: Classifier, x: Tensor, y: Tensor, threat: Threat, noise: Noise) -> Tensor:
        with torch.no_grad():
            correct = ~classifier.confirm(x, y, is_wrong(classifier(x), y))
        x_adv, rows = x.clone(), correct.nonzero().squeeze(1)
        if len(rows):
            x_adv[rows] = self.search(classifier, x[rows], y[rows], threat.norm, noise.select(rows))
        return x_adv

    @abstractmethod
    def search(self, classifier: Classifier, x: Tensor, y: Tensor, norm: str, noise: Noise) -> Tensor:
        """The closest misclassified images in `norm` that were found; `x` itself where none was.

        Args:
            x, y: correctly classified images, N×C×H×W in [0, 1], and their labels.
            noise: for these N examples.
        """


class Closest:
    """The closest misclassified images found so far.

    Attributes:
        norm: what measures their distance.
        x_adv: those images, N×C×H×W; the clean image where none was found.
        distance: how far away they are, N, float32; infinite where none was found.
    """

    def __init__(self, classifier: Classifier, x: Tensor, y: Tensor, norm: str) -> None:
        self._classifier, self._x, self._y, self.norm = classifier, x, y, norm
        self.x_adv = x.clone()
        self.distance = torch.full((len(x),), torch.inf, device=x.device)

    def offer(self, x_adv: Tensor, wrong: Tensor, rows: Tensor | None = None) -> Tensor:
        """Keep the images of `x_adv` that the network gets `wrong` and that are closer than those known.

        In a search at lower precision only float32 can say that an image so close to the boundary is
        beyond it, so each improvement is confirmed.

        Args:
            x_adv: M×C×H×W candidates, for the examples `rows` (M indices; None for all).
            wrong: which of them the search believes misclassified (M bools).

        Returns:
            Which of them were kept (M bools).
        """
        everyone = rows is None
        x, y, best = (t if everyone else t[rows] for t in (self._x, self._y, self.distance))
        distance = threats.distance(x_adv - x, self.norm, x.dtype)
        better = self._classifier.confirm(x_adv, y, wrong & (distance < best))
        # Selected without indexing by `better`, which would make a GPU wait to learn how many there are.
        closer = torch.where(better, distance, best)
        images = torch.where(column(better, x), x_adv, self.x_adv if everyone else self.x_adv[rows])
        if everyone:
            self.x_adv, self.distance = images, closer
        else:
            self.x_adv[rows], self.distance[rows] = images, closer
        return better
