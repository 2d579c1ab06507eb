"""Spatial: the same image, turned and shifted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmark.attacks.base import Attack, Classifier
from benchmark.attacks.objectives import is_wrong
from benchmark.errors import BadInput
from benchmark.noise import Noise
from benchmark.parameters import Count, Fraction
from benchmark.threats import Threat, column


@dataclass(frozen=True)
class Spatial(Attack):
    """Rotations up to ε degrees with shifts up to a share of the side (Engstrom et al. 2019); what leaves is black.

    Either every point of a grid is tried, from the mildest to the strongest, or the worst of a few random
    ones. The published setting is 30 degrees and 3 of 32 pixels, on a grid of 31×5×5 or worst of 10. An example
    leaves when it is fooled; where nothing fools, the clean image is returned. Of the grid an image that withstands
    takes `rotations` times `shifts` squared passes.

    Attributes:
        shift: largest shift as a share of the image's side.
        rotations: grid points for the angle.
        shifts: grid points for the shift, in either direction.
        tries: try this many random changes instead of the grid.
    """

    shift: Fraction = 3 / 32
    rotations: Count = 31
    shifts: Count = 5
    tries: Count | None = None

    name: ClassVar[str] = "spatial"
    kind: ClassVar[str] = "fixed-budget"
    norms: ClassVar[tuple[str, ...]] = ("spatial",)
    paper: ClassVar[str] = "Engstrom et al. 2019, arXiv:1712.02779"
    gradient_free: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.shift <= 1:
            raise BadInput(f"spatial: shift must be a share between 0 and 1, not {self.shift}")

    @property
    def random(self) -> bool:  # type: ignore[override]
        return self.tries is not None

    def uses_noise(self, norm: str) -> bool:
        return self.tries is not None

    def __call__(self, classifier: Classifier, x: Tensor, y: Tensor, threat: Threat, noise: Noise) -> Tensor:
        if self.tries is None:
            changes = self._grid().to(x.device).expand(len(x), -1, -1)
        else:
            changes = 2 * noise.uniform(self.tries, 3) - 1
        reach = torch.tensor([math.radians(threat.epsilon), 2 * self.shift, 2 * self.shift], device=x.device)
        result = x.clone()
        rows = torch.arange(len(x), device=x.device)
        for change in (changes * reach).unbind(1):
            candidate = moved(x[rows], change[rows])
            with torch.no_grad():
                broken = classifier.confirm(candidate, y[rows], is_wrong(classifier(candidate), y[rows]))
            result[rows] = torch.where(column(broken, candidate), candidate, result[rows])
            rows = rows[(~broken).nonzero().squeeze(1)]
            if not len(rows):
                break
        return result

    def _grid(self) -> Tensor:
        """Angle and shifts of every grid point as shares of their limits, the mildest first: 1×G×3."""
        angles, shifts = _spread(self.rotations), _spread(self.shifts)
        points = torch.cartesian_prod(angles, shifts, shifts)
        return points[points.norm(dim=1).argsort(stable=True)][None]


def moved(x: Tensor, change: Tensor) -> Tensor:
    """Images N×C×H×W turned by change[:, 0] radians and then shifted by change[:, 1:] half sides (right, down)."""
    height, width = x.shape[2:]
    cos, sin = change[:, 0].cos(), change[:, 0].sin()
    # The grid runs from -1 to 1 along both sides, so a turn has to undo their ratio.
    ratio = height / width
    to_source = torch.stack(
        [
            torch.stack([cos, sin * ratio, -(cos * change[:, 1] + sin * ratio * change[:, 2])], dim=1),
            torch.stack([-sin / ratio, cos, sin / ratio * change[:, 1] - cos * change[:, 2]], dim=1),
        ],
        dim=1,
    )
    grid = F.affine_grid(to_source, list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, align_corners=False).clamp(0, 1)


def _spread(count: int) -> Tensor:
    """`count` values evenly spread over [-1, 1]; the middle alone if there is one only."""
    return torch.linspace(-1, 1, count) if count > 1 else torch.zeros(1)
