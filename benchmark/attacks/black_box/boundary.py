"""Boundary: a random walk among misclassified images, ever closer to the clean one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from benchmark.attacks.base import Classifier
from benchmark.attacks.black_box.starts import on_the_boundary
from benchmark.attacks.minimal import Closest, MinimalAttack
from benchmark.attacks.objectives import clearly_wrong
from benchmark.noise import Noise
from benchmark.parameters import Count, Positive
from benchmark.threats import column

#: After every so many proposals the sideways part of one is asked about alone.
_PROBE = 10
#: After how many tries the sideways and the inward step adapt: often, so that few steps are of a wrong length.
_SIDEWAYS_TRIES, _INWARD_TRIES = 5, 20
#: A walk whose steps towards the image have become shorter than this, relative to its distance, is over.
_CONVERGED = 1e-7
#: Random numbers drawn for one example at a time, so that drawing is cheap and memory stays bounded.
_DRAWS = 2**16


@dataclass(frozen=True)
class Boundary(MinimalAttack):
    """The boundary attack (Brendel et al. 2018): step sideways at the same distance, then towards the clean image.

    A proposal is taken where it is misclassified and closer. Both steps' lengths are relative to the distance and
    adapt to the example: the boundary is nearly flat at the scale of a good sideways step, so that half of them stay
    misclassified, and a good step inwards succeeds now and then. It starts from noise or a plain colour that the
    network misclassifies, moved towards the clean image up to the boundary; an image without such a start is left as
    it is. Foolbox has this attack, too, but draws one direction for the whole batch; here each example walks on its
    own, and leaves when its steps vanish.

    Attributes:
        steps: proposals per image; robust_union has 5000, Foolbox's default is 25000.
        sideways: length of the first step sideways, relative to the distance.
        inwards: length of the first step towards the clean image, relative to the distance.
        adaptation: factor by which the lengths of steps change.
    """

    steps: Count = 5000
    sideways: Positive = 0.01
    inwards: Positive = 0.01
    adaptation: Positive = 1.5

    name: ClassVar[str] = "boundary"
    version: ClassVar[int] = 2
    norms: ClassVar[tuple[str, ...]] = ("l2",)
    paper: ClassVar[str] = "Brendel et al. 2018, arXiv:1712.04248"
    random: ClassVar[bool] = True
    gradient_free: ClassVar[bool] = True

    def search(self, classifier: Classifier, x: Tensor, y: Tensor, norm: str, noise: Noise) -> Tensor:
        with classifier.exact(), torch.no_grad():
            closest = on_the_boundary(classifier, x, y, norm, noise.fork())
            started = closest.distance.isfinite()
            rows = started.nonzero().squeeze(1)
            if len(rows):
                self._walk(classifier, x, y, closest, rows, noise.select(rows))
        return closest.x_adv

    def _walk(
        self, classifier: Classifier, x: Tensor, y: Tensor, closest: Closest, rows: Tensor, noise: Noise
    ) -> None:
        sideways = torch.full((len(rows),), self.sideways, device=x.device)
        inwards = torch.full((len(rows),), self.inwards, device=x.device)
        flat, taken = (_Rate(len(rows), tries, x.device) for tries in (_SIDEWAYS_TRIES, _INWARD_TRIES))
        block = max(1, min(self.steps, _DRAWS // x[0].numel()))
        for step in range(self.steps):
            if step % block == 0:
                draws = noise.normal(block, *x.shape[1:])
            at = closest.x_adv[rows]
            beside = _beside(x[rows], at, draws[:, step % block], sideways)
            ahead = _ahead(x[rows], at, beside, inwards)
            wrong = clearly_wrong(classifier(ahead), y[rows])
            closest.offer(ahead, wrong, rows)
            taken.note(wrong)
            if step % _PROBE == 0:
                flat.note(clearly_wrong(classifier(beside), y[rows]))
            both = flat.verdict(0.2, 0.5, self.adaptation)
            sideways, inwards = sideways * both, inwards * both * taken.verdict(0.1, 0.25, self.adaptation)
            going = inwards > _CONVERGED
            if not bool(going.all()):
                going = going.nonzero().squeeze(1)
                rows, noise, draws = rows[going], noise.select(going), draws[going]
                sideways, inwards = sideways[going], inwards[going]
                flat.select(going)
                taken.select(going)
                if not len(rows):
                    break


def _beside(x: Tensor, at: Tensor, draw: Tensor, sideways: Tensor) -> Tensor:
    """Points next to `at` and as far from `x`: across the way to `x`, along `draw`, then back onto the sphere."""
    way = at - x
    distance = _length(way)
    across = draw - column((draw * way).flatten(1).sum(1) / distance.square().clamp_min(1e-24), x) * way
    across = across * column(sideways * distance / _length(across).clamp_min(1e-12), x)
    return (x + (way + across) / column((1 + sideways.square()).sqrt(), x)).clamp(0, 1)


def _ahead(x: Tensor, at: Tensor, beside: Tensor, inwards: Tensor) -> Tensor:
    """`beside`, moved towards `x` until it is closer than `at` by the share `inwards`."""
    goal = (1 - inwards) * _length(at - x)
    share = (goal / _length(beside - x).clamp_min(1e-12)).clamp_max(1)
    return (x + column(share, x) * (beside - x)).clamp(0, 1)


def _length(rows: Tensor) -> Tensor:
    return torch.linalg.vector_norm(rows.flatten(1), 2, dim=1)


class _Rate:
    """How often something succeeds for each example, counted anew after every `window` tries."""

    def __init__(self, size: int, window: int, device: torch.device) -> None:
        self._window = window
        self._tries = torch.zeros(size, device=device)
        self._successes = torch.zeros(size, device=device)

    def note(self, success: Tensor) -> None:
        self._tries += 1
        self._successes += success

    def verdict(self, low: float, high: float, factor: float) -> Tensor:
        """`factor` where a full window has a rate above `high`, its inverse where below `low`, else 1."""
        full, rate = self._tries >= self._window, self._successes / self._tries.clamp_min(1)
        change = torch.where(full & (rate > high), factor, torch.where(full & (rate < low), 1 / factor, 1.0))
        self._tries, self._successes = (torch.where(full, 0.0, count) for count in (self._tries, self._successes))
        return change

    def select(self, rows: Tensor) -> None:
        self._tries, self._successes = self._tries[rows], self._successes[rows]
