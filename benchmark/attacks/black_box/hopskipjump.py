"""HopSkipJump: gradients of the decision boundary, estimated from decisions alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from benchmark import threats
from benchmark.attacks.base import Classifier
from benchmark.attacks.black_box.starts import on_the_boundary, towards
from benchmark.attacks.minimal import Closest, MinimalAttack
from benchmark.attacks.objectives import clearly_wrong
from benchmark.errors import BadInput
from benchmark.noise import Noise
from benchmark.parameters import Count
from benchmark.threats import column

#: Random numbers drawn for one example at a time; counted by example, so that draws don't depend on the batch.
_DRAWS = 2**15
#: How often a jump is halved before the image stays where it is.
_HALVINGS = 25


@dataclass(frozen=True)
class HopSkipJump(MinimalAttack):
    """HopSkipJump in l2 or linf (Chen et al. 2020, algorithm 2).

    Again and again: estimate the boundary's normal where it is closest so far, jump along it as far as the
    image stays misclassified, and bisect back to the boundary. Foolbox has it too, but normalises the
    normals of a whole batch together, so that its jumps shrink as the batch grows; here each example has its
    own. It starts from noise or a plain colour that the network misclassifies.

    Attributes:
        steps: jumps.
        probes: decisions asked for the first normal; √t times as many for the t-th.
        most_probes: never more than this for one normal.
    """

    steps: Count = 64
    probes: Count = 100
    most_probes: Count = 10000

    name: ClassVar[str] = "hopskipjump"
    version: ClassVar[int] = 2
    norms: ClassVar[tuple[str, ...]] = ("l2", "linf")
    paper: ClassVar[str] = "Chen et al. 2020, arXiv:1904.02144"
    random: ClassVar[bool] = True
    gradient_free: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.most_probes < self.probes:
            raise BadInput(f"hopskipjump: most_probes ({self.most_probes}) is less than probes ({self.probes})")

    def search(self, classifier: Classifier, x: Tensor, y: Tensor, norm: str, noise: Noise) -> Tensor:
        with classifier.exact(), torch.no_grad():
            closest = on_the_boundary(classifier, x, y, norm, noise.fork())
            started = closest.distance.isfinite()
            rows = started.nonzero().squeeze(1)
            if len(rows):
                self._walk(classifier, x, y, norm, noise.select(rows), closest, rows)
        return closest.x_adv

    def _walk(
        self, classifier: Classifier, x: Tensor, y: Tensor, norm: str, noise: Noise, closest: Closest, rows: Tensor
    ) -> None:
        x, y, x_adv = x[rows], y[rows], closest.x_adv[rows]
        size = x[0].numel()
        # So that the bisection stops within a share of d^-1.5 (l2) or d^-2 (linf) of the distance.
        halvings = math.ceil((1.5 if norm == "l2" else 2) * math.log2(size))
        for step in range(1, self.steps + 1):
            distance = threats.distance(x_adv - x, norm).float()
            reach = distance / size if step > 1 else torch.full_like(distance, 0.1)
            count = min(int(self.probes * math.sqrt(step)), self.most_probes)
            normal = _boundary_normal(classifier, x_adv, y, reach, count, noise)
            direction = normal.sign() if norm == "linf" else normal
            x_adv = _jump(classifier, x_adv, y, direction, distance / math.sqrt(step))
            x_adv = towards(classifier, x, x_adv, y, norm, halvings)
            closest.offer(x_adv, clearly_wrong(classifier(x_adv), y), rows)


def _boundary_normal(
    classifier: Classifier, x_adv: Tensor, y: Tensor, reach: Tensor, count: int, noise: Noise
) -> Tensor:
    """The unit normal of the boundary near `x_adv`, estimated from `count` random probes `reach` (N) away.

    It is the mean of the probes' directions weighted by what the network decided, ±1, minus the mean
    decision (which lowers the variance), or by the decision itself where all agree.
    """
    size = x_adv[0].numel()
    weighted, plain = torch.zeros_like(x_adv), torch.zeros_like(x_adv)
    decided = torch.zeros(len(x_adv), device=x_adv.device)
    block = max(1, _DRAWS // size)
    for first in range(0, count, block):
        probes = noise.normal(min(block, count - first), *x_adv.shape[1:])
        lengths = torch.linalg.vector_norm(probes.flatten(2), 2, dim=2).clamp_min(1e-12)
        points = (
            x_adv[:, None] + probes * column(reach, probes) / lengths.view(*lengths.shape, *[1] * (x_adv.dim() - 1))
        ).clamp(0, 1)
        # Clipping changes the direction actually asked about.
        probes = (points - x_adv[:, None]) / column(reach.clamp_min(1e-12), probes)
        labels = y.repeat_interleave(points.shape[1])
        decisions = torch.where(clearly_wrong(classifier(points.flatten(0, 1)), labels), 1.0, -1.0).view(
            len(x_adv), -1
        )
        weighted += torch.einsum("np,np...->n...", decisions, probes)
        plain += probes.sum(1)
        decided += decisions.sum(1)
    mean = decided / count
    centre = torch.where(mean.abs() == 1, torch.zeros_like(mean), mean)
    normal = weighted - column(centre, x_adv) * plain
    return normal / column(torch.linalg.vector_norm(normal.flatten(1), 2, dim=1).clamp_min(1e-12), x_adv)


def _jump(classifier: Classifier, x_adv: Tensor, y: Tensor, direction: Tensor, length: Tensor) -> Tensor:
    """`x_adv` moved along `direction` by `length` (N), halved until the image is misclassified there too."""
    moved = x_adv.clone()
    waiting = torch.ones(len(x_adv), dtype=torch.bool, device=x_adv.device)
    for _ in range(_HALVINGS):
        points = (x_adv + direction * column(length, x_adv)).clamp(0, 1)
        landed = waiting & clearly_wrong(classifier(points), y)
        moved = torch.where(column(landed, points), points, moved)
        waiting = waiting & ~landed
        if not bool(waiting.any()):
            break
        length = torch.where(waiting, length / 2, length)
    return moved
