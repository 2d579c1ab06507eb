"""Norms, balls and boxes: the only place that knows what a perturbation may be.

A threat is a ball ‖x' − x‖ ≤ ε intersected with the box [0, 1]. Images are float32, N×C×H×W, in [0, 1];
all functions work row by row, so an example's result never depends on its batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from benchmark.errors import unknown
from benchmark.noise import Noise
from benchmark.projections import onto_l0, onto_l1, onto_l2, running_sum
from benchmark.radii import NORMS, PARAMETRIC, format_radius, read_radius

#: How far two float32 values in [0, 1] may lie farther apart than what they stand for: grey levels k/255 do, and so
#: does x + δ from x.
ROUNDING = 6e-8
#: What arithmetic in float32 does to the length of δ; the most of ε that the roundings of many values may come to.
RELATIVE_SLACK, LARGEST_SLACK = 1e-6, 0.01


def distance(delta: Tensor, norm: str, dtype: torch.dtype = torch.float64) -> Tensor:
    """The `norm` of each row of `delta` (N×...), computed and returned in `dtype`: a verdict needs float64.

    For l0 it is the number of changed channel values, not of changed pixels; for a threat without a ball
    the largest change of a value.
    """
    rows = delta.detach().flatten(1).to(dtype)
    if norm == "linf" or norm in PARAMETRIC:
        return rows.abs().amax(1)
    if norm == "l2":
        return torch.linalg.vector_norm(rows, 2, dim=1)
    if norm == "l1":
        return rows.abs().sum(1)
    if norm == "l0":
        return (rows != 0).sum(1).to(dtype)
    raise unknown("norm", norm, (*NORMS, *PARAMETRIC))


def project(x: Tensor, x_adv: Tensor, norm: str, radius: float | Tensor) -> Tensor:
    """The points of ‖x' − x‖ ≤ `radius`, inside [0, 1], for the rows of `x_adv`; rows inside are untouched.

    linf and l1 give the Euclidean projection onto the intersection; l2 rescales, then clips; l0 keeps the
    largest changes. In l2 and l1 float32's rounding is made up for; in linf the bounds x ± ε are rounded.

    Args:
        radius: one for all rows, or N of them.
    """
    if norm not in NORMS:
        raise unknown("norm", norm, NORMS)
    if norm == "linf":
        reach = column(radius, x) if isinstance(radius, Tensor) else radius
        return torch.min(torch.max(x_adv, x - reach), x + reach).clamp(0, 1)
    if norm == "l0":
        counts = torch.as_tensor(radius, device=x.device).expand(len(x)).clamp_max(x.flatten(1).shape[1]).long()
        return onto_l0(x, x_adv, counts)
    return onto_l2(x, x_adv, radius) if norm == "l2" else onto_l1(x, x_adv, radius)


@dataclass(frozen=True)
class Threat:
    """What an adversary may do to an image: move it by at most `epsilon` in `norm`, inside the box.

    Attributes:
        norm: "linf", "l2", "l1" or "l0", or one of the `PARAMETRIC` threats.
        epsilon: the radius in units of pixels in [0, 1] (a count of channel values for l0), or the strength of
            a parametric threat; "8/255" is read as the number that it stands for.

    Raises:
        BadInput: an unknown norm, or no positive number; a radius in linf of 1 or more, which holds every image.
    """

    norm: str
    epsilon: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "epsilon", read_radius(self.norm, self.epsilon))

    def __str__(self) -> str:
        return f"{self.norm} {format_radius(self.norm, self.epsilon)}"

    def distance(self, delta: Tensor) -> Tensor:
        """‖δ‖ of each row: N×... → N, float64."""
        return distance(delta, self.norm)

    def contains(self, x: Tensor, x_adv: Tensor) -> Tensor:
        """Which rows of `x_adv` are finite, in the box and in the ball around `x` (N bools).

        A point of the ball's surface belongs to it as float32 writes it: besides a relative 1e-6 for δ itself, each
        changed value may have been rounded by 6e-8. So ‖x' − x‖ may exceed ε by 6e-8 in linf, by 6e-8·√n in l2 and by
        6e-8·n in l1, n being how many values differ, but in l2 and l1 by no more than a hundredth of ε. A count is
        exact.
        """
        rows = x_adv.flatten(1)
        if self.norm in PARAMETRIC:
            return in_box(rows)
        delta = rows.double() - x.flatten(1).double()
        return in_box(rows) & (self.distance(delta) <= self.epsilon * (1 + RELATIVE_SLACK) + self._rounding(delta))

    def _rounding(self, delta: Tensor) -> Tensor | float:
        """How much farther from `x` than the point it stands for x + `delta` (N×D) may lie."""
        if self.norm not in ("l2", "l1"):
            return ROUNDING if self.norm == "linf" else 0.0
        changed = distance(delta, "l0")
        return (ROUNDING * (changed.sqrt() if self.norm == "l2" else changed)).clamp_max(LARGEST_SLACK * self.epsilon)

    def project(self, x: Tensor, x_adv: Tensor) -> Tensor:
        """The points of (ball around `x`) ∩ [0, 1] for the rows of `x_adv`; see `project`."""
        return project(x, x_adv, self.norm, self.epsilon)

    def random_start(self, x: Tensor, noise: Noise) -> Tensor:
        """A point drawn uniformly from the ball around each row of `x`, then clipped to the box."""
        return self.project(x, x + self.random_move(x, noise))

    def random_move(self, x: Tensor, noise: Noise) -> Tensor:
        """A change of each row of `x` drawn uniformly from the ball; it may lead out of the box."""
        shape = x.shape[1:]
        size = x[0].numel()
        if self.norm == "linf":
            delta = (noise.uniform(*shape) * 2 - 1) * self.epsilon
        elif self.norm in ("l2", "l1"):
            # A gaussian (l2) or double exponential (l1) direction has the right symmetry; u^(1/d) the right radius.
            if self.norm == "l2":
                direction = noise.normal(*shape)
            else:
                u = noise.uniform(*shape) - 0.5
                direction = -u.sign() * torch.log1p(-2 * u.abs().clamp_max(0.4999999))
            radius = noise.uniform().pow(1.0 / size) * self.epsilon
            delta = direction * column(radius / self.distance(direction).clamp_min(1e-12).to(radius.dtype), x)
        else:
            chosen = noise.uniform(size).argsort(dim=1) < int(self.epsilon)
            delta = torch.where(chosen.view_as(x), noise.uniform(*shape) - x, torch.zeros_like(x))
        return delta

    def steepest(
        self,
        gradient: Tensor,
        x_adv: Tensor,
        k: int | Tensor = 1,
        gap: float | Tensor = 0.0,
        most: int | None = None,
    ) -> Tensor:
        """The direction of unit `norm` that climbs fastest along `gradient` (N×...), zero where it is zero.

        linf: its sign. l2: the gradient normalised. l1: sign/k on the `k` coordinates of largest magnitude
        among those that can move, i.e. are more than `gap` away from the bound they would move towards
        (`k` and `gap` may differ per row; steepest descent in l1 is k = 1, larger k takes fewer steps); `most` is the
        largest k, if it is known, for which an accelerator is then not asked. l0: as l2.
        """
        if self.norm == "linf":
            return gradient.sign()
        if self.norm == "l1":
            return _top_k(gradient, x_adv, k, gap, most)
        length = torch.linalg.vector_norm(gradient.flatten(1), 2, dim=1)
        return gradient / column(length.clamp_min(1e-12), gradient)


def in_box(x: Tensor) -> Tensor:
    """Which rows are finite and within [0, 1] exactly (N bools)."""
    rows = x.flatten(1)
    return (torch.isfinite(rows) & (rows >= 0) & (rows <= 1)).all(1)


def column(values: Tensor, like: Tensor) -> Tensor:
    """N values shaped so that they broadcast over the rows of an N×... tensor."""
    return values.view(-1, *([1] * (like.dim() - 1)))


def clipped_scale(x: Tensor, direction: Tensor, radius: float | Tensor) -> Tensor:
    """The factors s (N) for which clip(x + s·direction) is `radius` away from `x` in l2, or as far as the box allows.

    The squared distance is Σ min(s·|d_i|, room_i)², where the box leaves coordinate i `room_i` to move; between
    the values of s at which a coordinate reaches its bound that is a quadratic with a known root.
    """
    flat, way = x.flatten(1).double(), direction.flatten(1).double()
    length = radius if isinstance(radius, Tensor) else flat.new_full((), radius)
    limit = length.to(flat).expand(len(x))[:, None].square()
    speed = way.abs()
    room = torch.where(way > 0, 1 - flat, flat) * (speed > 1e-12)  # what does not move has no room to
    stops, order = (room / speed.clamp_min(1e-12)).sort(dim=1)
    rooms, sizes = room.gather(1, order).square(), way.gather(1, order).square()
    stuck, free = running_sum(rooms) - rooms, running_sum(sizes.flip(1)).flip(1)
    reached = stuck + free * stops.square()  # the squared distance at each stop
    segment = (reached < limit).sum(1, keepdim=True).clamp_max(flat.shape[1] - 1)
    left = (limit - stuck.gather(1, segment)).clamp_min(0)
    scale = (left / free.gather(1, segment).clamp_min(1e-30)).sqrt()
    return scale.minimum(stops[:, -1:]).squeeze(1).to(x.dtype)


def _top_k(gradient: Tensor, x_adv: Tensor, k: int | Tensor, gap: float | Tensor, most: int | None) -> Tensor:
    flat, values = gradient.flatten(1), x_adv.flatten(1)
    gap = gap[:, None] if isinstance(gap, Tensor) else gap
    can_move = torch.where(flat > 0, values < 1 - gap, values > gap)
    size = torch.where(can_move, flat.abs(), torch.zeros_like(flat))
    counts = torch.as_tensor(k, device=flat.device).expand(len(flat)).clamp(1, flat.shape[1])
    if most is None or flat.device.type == "cpu":  # which tells ties apart by how many are asked for
        most = k if isinstance(k, int) else int(counts.max())
    top = size.topk(min(most, flat.shape[1]), dim=1)
    taken = (torch.arange(top.values.shape[1], device=flat.device) < counts[:, None]) & (top.values > 0)
    chosen = torch.zeros_like(flat).scatter_(1, top.indices, taken.to(flat.dtype))
    return (flat.sign() * chosen / counts[:, None]).view_as(gradient)
