"""Image operations that several attacks are made of: smoothing, sampling along a grid, fractal landscapes."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmark.threats import column


def smooth(maps: Tensor, sigma: float, reach: int | None = None) -> Tensor:
    """N×C×H×W maps, each convolved with a Gaussian of standard deviation `sigma` pixels, edges continued."""
    reach = math.ceil(4 * sigma) if reach is None else reach
    bell = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=maps.device) / sigma) ** 2)
    bell = (bell / bell.sum()).to(maps.dtype)
    channels = maps.shape[1]
    padded = F.pad(maps, [reach] * 4, mode="replicate")
    padded = F.conv2d(padded, bell.view(1, 1, -1, 1).expand(channels, -1, -1, -1), groups=channels)
    return F.conv2d(padded, bell.view(1, 1, 1, -1).expand(channels, -1, -1, -1), groups=channels)


def fetch(x: Tensor, down: Tensor, across: Tensor, padding: str = "border") -> Tensor:
    """The images N×C×H×W read, bilinearly, `down` and `across` pixels (broadcast to N×H×W) from each pixel."""
    height, width = x.shape[2:]
    rows = (torch.arange(height, device=x.device, dtype=x.dtype)[:, None] + down).expand(len(x), height, width)
    columns = (torch.arange(width, device=x.device, dtype=x.dtype) + across).expand(len(x), height, width)
    # grid_sample's coordinates run from -1 to 1 between the outer edges of the outermost pixels.
    grid = torch.stack([(2 * columns + 1) / width - 1, (2 * rows + 1) / height - 1], dim=3)
    return F.grid_sample(x, grid, padding_mode=padding, align_corners=False)


def diamond_square(z: Tensor, levels: int, decay: float) -> Tensor:
    """A random landscape in [0, 1], N×2^levels×2^levels, that wraps around.

    From each coarse grid the next is made by placing a point in the middle of every square and of every edge:
    the mean of its four neighbours plus a displacement in ±1, smaller by `decay` on every level.

    Args:
        z: what decides the displacements, N × `displacements(levels)`, in [0, 1].
    """
    grid = z.new_zeros(len(z), 1, 1)
    used = 0
    for level in range(levels):
        n = 2**level
        strays = (2 * z[:, used : used + 3 * n * n].view(-1, 3, n, n) - 1) / decay**level
        used += 3 * n * n
        right, below = grid.roll(-1, 2), grid.roll(-1, 1)
        middle = (grid + right + below + right.roll(-1, 1)) / 4 + strays[:, 0]
        across = (grid + right + middle + middle.roll(1, 1)) / 4 + strays[:, 1]
        down = (grid + below + middle + middle.roll(1, 2)) / 4 + strays[:, 2]
        even = torch.stack([grid, across], dim=3).flatten(2)
        odd = torch.stack([down, middle], dim=3).flatten(2)
        grid = torch.stack([even, odd], dim=2).flatten(1, 2)
    lowest, highest = grid.flatten(1).amin(1), grid.flatten(1).amax(1)
    return (grid - column(lowest, grid)) / column((highest - lowest).clamp_min(1e-12), grid)


def displacements(levels: int) -> int:
    """How many numbers `diamond_square` needs for each landscape."""
    return 3 * sum(4**level for level in range(levels))
