"""Where an ascent begins: as the formulas mean it, or as the authors' code does it."""

from __future__ import annotations

from torch import Tensor

from benchmark.noise import Noise
from benchmark.threats import Threat, column

#: What each start is, for those who read a card.
STARTS = {
    "uniform": "uniformly in the ball, clipped to [0, 1]",
    "unclipped": "uniformly in the ball, not clipped before the first step (code of ARD and IAD)",
    "radial": "a Gaussian direction at a radius drawn evenly from [0, ε], clipped to [0, 1] (Rice et al. in l2)",
    "unit": "a skewed direction of length 1, whatever ε is, not clipped (code of robust union and MNG-AC, l1 and l2)",
    "gaussian": "x plus Gaussian noise of deviation 0.001, not clipped before the first step (code of TRADES)",
    "zero": "x",
}


def start(kind: str, threat: Threat, x: Tensor, noise: Noise) -> Tensor:
    """The point of each row of `x` (N×C×H×W) at which an ascent in the ball of `threat` begins.

    What is not clipped or lies outside of the ball is brought back by the first step's projection.

    Args:
        kind: a name in `STARTS`.
        threat: linf, l2 or l1.
        x: images in [0, 1].
        noise: draws, row by row.
    """
    shape = x.shape[1:]
    if kind == "uniform":
        return threat.random_start(x, noise)
    if kind == "unclipped" or (kind == "unit" and threat.norm == "linf"):
        return x + threat.random_move(x, noise)
    if kind == "radial":
        direction = noise.normal(*shape)
        return (x + _of_length(threat, direction, noise.uniform() * threat.epsilon)).clamp(0, 1)
    if kind == "unit":
        u = noise.uniform(*shape)
        return x + _of_length(threat, 2 * u - 1 if threat.norm == "l1" else u * (2 * u - 1), x.new_ones(len(x)))
    return x + 0.001 * noise.normal(*shape) if kind == "gaussian" else x


def _of_length(threat: Threat, direction: Tensor, length: Tensor) -> Tensor:
    """Each row of `direction` (N×...) stretched to its `length` (N) in the threat's norm."""
    size = threat.distance(direction).clamp_min(1e-12).to(direction.dtype)
    return direction * column(length / size, direction)
