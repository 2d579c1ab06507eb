"""The step of a recipe's row of radii: as the projections mean it, or as an authors' code makes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from benchmark.attacks.ascent import Move
from benchmark.recipes.radius import Radius
from benchmark.threats import Threat, column


def make_move(norm: str, row: Radius) -> Move:
    """The step in `norm` that the row describes."""
    threat = Threat(norm, row.epsilon)
    if row.saturated == "move" and row.projection == "intersection":
        return Move(threat, row.step_size, row.k, row.gap)
    return CodedMove(threat, row.step_size, row.k, row.gap, row.saturated == "skip", row.projection)


@dataclass(frozen=True)
class CodedMove(Move):
    """A step as robust union's code makes it.

    Attributes:
        skip: l1 only: coordinates at 0 or 1 stay there, even where the gradient leads inwards.
        projection: "project-clip", onto the ball and then into the box, which leaves less than the radius;
            "clip-project", into the box and then onto the ball; "intersection", onto both at once.
    """

    skip: bool = False
    projection: Literal["intersection", "project-clip", "clip-project"] = "intersection"

    def __call__(self, x: Tensor, x_adv: Tensor, gradient: Tensor, k: Tensor) -> Tensor:
        if self.skip and self.threat.norm == "l1":
            gradient = torch.where((x_adv <= 0) | (x_adv >= 1), torch.zeros_like(gradient), gradient)
        gap = self.step_size / k if self.gap == "step" else self.gap
        moved = x_adv + self.step_size * self.threat.steepest(gradient, x_adv, k=k, gap=gap)
        if self.projection == "intersection":
            return self.threat.project(x, moved)
        if self.projection == "project-clip":
            return (x + self._onto_ball(moved - x)).clamp(0, 1)
        return (x + self._onto_ball(moved.clamp(0, 1) - x)).clamp(0, 1)

    def _onto_ball(self, delta: Tensor) -> Tensor:
        """The nearest point of the ball alone, without the box, to each row of `delta` (N×...)."""
        if self.threat.norm == "linf":
            return delta.clamp(-self.threat.epsilon, self.threat.epsilon)
        if self.threat.norm == "l2":
            length = self.threat.distance(delta).to(delta.dtype).clamp_min(self.threat.epsilon)
            return delta * column(self.threat.epsilon / length, delta)
        return _onto_l1_ball(delta, self.threat.epsilon)


def _onto_l1_ball(delta: Tensor, radius: float) -> Tensor:
    """Soft thresholding (Duchi et al. 2008), in float64; rows inside stay as they are."""
    rows = delta.flatten(1).double()
    size = rows.abs()
    ordered = size.sort(dim=1, descending=True).values
    excess = ordered.cumsum(1) - radius
    counts = torch.arange(1, rows.shape[1] + 1, device=rows.device)
    kept = (ordered * counts > excess).sum(1, keepdim=True).clamp_min(1)
    threshold = (excess.gather(1, kept - 1) / kept).clamp_min(0)
    return (rows.sign() * (size - threshold).clamp_min(0)).view_as(delta).to(delta.dtype)
