"""Projections onto a ball around an image, cut by the box [0, 1], that end inside although float32 rounds x + δ.

Rows are examples, and what one becomes depends on no other. A row that is NaN anywhere stays so, for others to
refuse; changes beyond `_HUGE`, infinite ones too, count as that much.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

#: The most by which float32 rounds a value in [0, 1].
HALF_STEP = 2.0**-25

#: So large that nothing of the box is seen from there, and small enough to be squared.
_HUGE = 1e18
#: How many of the steps towards λ may be Newton's. Halvings follow; 63 of them leave no float64 between two others.
_NEWTON, _HALVINGS = 16, 63


def onto_l2(x: Tensor, x_adv: Tensor, radius: float | Tensor) -> Tensor:
    """Rows longer than `radius` rescaled to it, then clipped, which never lengthens them.

    Args:
        x, x_adv: N×..., images in [0, 1] and what is to be projected.
        radius: one for all rows, or N of them.
    """
    aim = _aim(radius, math.sqrt(x.flatten(1).shape[1]))
    if aim is None:
        return _exactly_onto_l2(x, x_adv, radius)
    delta = (x_adv - x).flatten(1).clamp(-_HUGE, _HUGE)
    length = torch.linalg.vector_norm(delta, 2, dim=1, keepdim=True, dtype=torch.float64)
    aim *= 1 - 2.0**-22  # δ will be products of float32
    rescaled = x.flatten(1) + delta * (aim / length.clamp_min(1e-30)).to(x.dtype)
    return torch.where(length <= radius, x_adv.flatten(1), rescaled).clamp(0, 1).view_as(x)


def onto_l1(x: Tensor, x_adv: Tensor, radius: float | Tensor) -> Tensor:
    """The nearest points of {‖δ‖₁ ≤ radius} ∩ {0 ≤ x + δ ≤ 1}; arguments as `onto_l2`.

    They are x + sign(δ)·min(max(|δ| − λ, 0), room) with the λ ≥ 0 at which the norm is the radius.
    """
    flat, delta = _in_double(x, x_adv)
    size = delta.abs()
    room = torch.where(delta > 0, 1 - flat, flat)
    limit = _columns(radius, x)
    outside = (size.minimum(room).sum(1, keepdim=True) > limit).squeeze(1)
    if x.device.type != "cpu":
        return _onto_l1_unasked(x, x_adv, (flat, delta, size, room, limit), outside, radius)
    if not bool(outside.any()):
        return x_adv.clamp(0, 1)
    rows = slice(None) if bool(outside.all()) else outside
    flat, delta, size, room, limit = flat[rows], delta[rows], size[rows], room[rows], limit[rows]
    aim = _aim(radius, flat.shape[1])
    goal = flat + delta.sign() * _shrunk(size, room, limit if aim is None else torch.full_like(limit, aim))
    result = x_adv.clamp(0, 1).flatten(1)
    result[rows] = _rounded_inside(flat, goal, limit, 1, x.dtype) if aim is None else goal.to(x.dtype)
    return result.view_as(x)


def _onto_l1_unasked(
    x: Tensor, x_adv: Tensor, parts: tuple[Tensor, ...], outside: Tensor, radius: float | Tensor
) -> Tensor:
    """`onto_l1` on an accelerator, which is not asked who is outside: nothing waits, all rows are computed."""
    flat, delta, size, room, limit = parts
    aim = _aim(radius, flat.shape[1])
    goal = flat + delta.sign() * _shrunk_at_once(size, room, limit if aim is None else torch.full_like(limit, aim))
    moved = _rounded_inside(flat, goal, limit, 1, x.dtype) if aim is None else goal.to(x.dtype)
    return torch.where(outside[:, None], moved, x_adv.clamp(0, 1).flatten(1)).view_as(x)


def onto_l0(x: Tensor, x_adv: Tensor, counts: Tensor) -> Tensor:
    """The `counts` (N, int64) largest changes that the box allows, the others undone."""
    delta = (x_adv.clamp(0, 1) - x).flatten(1)
    largest = min(int(counts.max()), delta.shape[1]) if len(counts) else 0
    top = delta.abs().topk(largest, dim=1).indices
    within = torch.arange(largest, device=x.device) < counts[:, None]
    kept = torch.zeros_like(delta, dtype=torch.bool).scatter_(1, top, within)
    return torch.where(kept.view_as(x), x_adv.clamp(0, 1), x)


def running_sum(values: Tensor) -> Tensor:
    """The sums of the first one, two, three, ... values of each row (N×D).

    On a GPU torch's own may come out otherwise in a repeat, and torch refuses it where repeats have to be the same.
    """
    if values.device.type == "cpu" or not torch.are_deterministic_algorithms_enabled():
        return values.cumsum(1)
    reach = 1
    while reach < values.shape[1]:
        values = values + torch.nn.functional.pad(values[:, :-reach], (reach, 0))
        reach *= 2
    return values


def _aim(radius: float | Tensor, roundings: float) -> float | None:
    """What to aim at so that `roundings` times the rounding of one value leads to `radius` at most.

    None where that would be more than a hundredth less, and for a radius per row, which would have to be looked at:
    there `_rounded_inside` takes its time to lose nothing.
    """
    if isinstance(radius, Tensor) or radius < 100 * HALF_STEP * roundings:
        return None
    return radius - HALF_STEP * roundings


def _exactly_onto_l2(x: Tensor, x_adv: Tensor, radius: float | Tensor) -> Tensor:
    flat, delta = _in_double(x, x_adv)
    limit = _columns(radius, x)
    length = torch.linalg.vector_norm(delta, 2, dim=1, keepdim=True)
    goal = (flat + delta * (limit / length.clamp_min(1e-300))).clamp(0, 1)
    rescaled = _rounded_inside(flat, goal, limit, 2, x.dtype)
    return torch.where(length > limit, rescaled, x_adv.flatten(1).clamp(0, 1)).view_as(x)


def _in_double(x: Tensor, x_adv: Tensor) -> tuple[Tensor, Tensor]:
    """`x` and the change from it to `x_adv`, N×D float64."""
    flat = x.flatten(1).double()
    return flat, (x_adv.flatten(1).double() - flat).clamp(-_HUGE, _HUGE)


def _columns(radius: float | Tensor, x: Tensor) -> Tensor:
    """The radius of each row, N×1 float64."""
    if isinstance(radius, Tensor):
        return radius.to(x.device, torch.float64).expand(len(x))[:, None]
    return torch.full((len(x), 1), radius, dtype=torch.float64, device=x.device)  # made there: nothing is sent


def _shrunk(size: Tensor, room: Tensor, limit: Tensor) -> Tensor:
    """min(max(size − λ, 0), room) with the λ of each row at which it adds up to `limit`.

    The sum falls with λ and is piecewise linear, so Newton's steps end on the root exactly, a few after they
    have found its piece; halving the bracket stands in where a step leaves it. A sort would cost much more. Where
    Newton's steps have not ended after all, halving the number of float64 values in the bracket does: there are fewer
    than 2⁶³ positive ones.

    Args:
        size, room: N×D, float64, not negative.
        limit: N×1, positive and less than Σ min(size, room).
    """
    low, high = torch.zeros_like(limit), size.amax(1, keepdim=True)
    at = low
    for step in range(_NEWTON + _HALVINGS):
        left = size - at
        kept = left.clamp_min(0).minimum(room)
        excess = kept.sum(1, keepdim=True) - limit
        done = excess.abs() <= 1e-12 * limit
        if bool(done.all()):
            return kept
        low, high = torch.where(excess > 0, at, low), torch.where(excess > 0, high, at)
        if step < _NEWTON:
            newton = at + excess / ((left > 0) & (left <= room)).sum(1, keepdim=True)
            following = torch.where((newton > low) & (newton < high), newton, (low + high) / 2)
        else:
            # Read as whole numbers, positive floats keep their order and lie next to each other.
            first, last = low.view(torch.int64), high.view(torch.int64)
            following = (first + (last - first) // 2).view(torch.float64)
        at = torch.where(done, at, following)
    # λ has no more digits than a float64. What is lacking for want of them goes to all that may still grow.
    left = size - torch.where(done, at, high)
    kept = left.clamp_min(0).minimum(room)
    growing = (left >= 0) & (left < room) & ~done
    lacking = (limit - kept.sum(1, keepdim=True)).clamp_min(0) / growing.sum(1, keepdim=True).clamp_min(1)
    return torch.where(growing, (kept + lacking).minimum(room), kept)


def _shrunk_at_once(size: Tensor, room: Tensor, limit: Tensor) -> Tensor:
    """`_shrunk` without a look at what has been found so far: a sort, where asking costs more.

    With λ falling from infinity a value begins to grow at its size and ends at its size less its room. Between two of
    these 2·D places the sum is C − λ·W, of so many places passed, +1 each where one begins and −1 where it ends: W is
    the sum of the signs, C that of the signed places. Far from the box C has too few digits for that; what is too
    long then is shortened, which ends inside but is not the nearest point.
    """
    places, order = torch.cat([size, size - room], 1).sort(1, descending=True)
    signs = torch.where(order < size.shape[1], 1.0, -1.0).to(size.dtype)
    weight, constant = running_sum(signs), running_sum(signs * places)
    behind = (constant - places * weight < limit).sum(1, keepdim=True)  # where the sum is still too small
    last = (behind - 1).clamp(0, places.shape[1] - 1)
    least = (constant.gather(1, last) - limit) / weight.gather(1, last).clamp_min(1)
    kept = (size - least.clamp_min(0)).clamp_min(0).minimum(room)
    total = kept.sum(1, keepdim=True)
    return torch.where(total > limit * (1 + 1e-12), kept * (limit / total), kept)


def _rounded_inside(flat: Tensor, goal: Tensor, limit: Tensor, p: int, dtype: torch.dtype) -> Tensor:
    """`goal` in `dtype`, no farther from `flat` in the p-norm than `limit`, which it is within itself.

    Thousands of roundings away from the image do add up, since values of one grid moved by one λ are all
    rounded the same way. As many of them as it takes are replaced by the next value on the image's side.

    Args:
        flat, goal: N×D, float64.
        limit: N×1, float64.
    """
    nearest = goal.to(dtype)
    inward = torch.nextafter(nearest, flat.to(dtype))
    made, less = (nearest.double() - flat).abs(), (inward.double() - flat).abs()
    outward = made > (goal - flat).abs()
    made, less = made**p, less**p
    gain = (made - less) * outward
    gained = running_sum(gain) - gain
    excess = made.sum(1, keepdim=True) - limit**p
    return torch.where(outward & (gained < excess), inward, nearest)
