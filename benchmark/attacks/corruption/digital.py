"""What software does to images: contrast, warping, coarse pixels, JPEG files."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmark.attacks.filters import fetch, smooth
from benchmark.noise import Noise


def contrast(x: Tensor, severity: int, noise: Noise) -> Tensor:
    """Every channel drawn towards its mean."""
    mean = x.mean((2, 3), keepdim=True)
    return mean + (0.75, 0.5, 0.4, 0.3, 0.15)[severity] * (x - mean)


def elastic(x: Tensor, severity: int, noise: Noise) -> Tensor:
    """Three points of the image pulled a little, and a smooth random flow on top; mirrored beyond the edges."""
    strength, sigma, jitter = (
        (0.0, 0.0, 0.08),
        (0.05, 0.2, 0.07),
        (0.08, 0.06, 0.06),
        (0.1, 0.04, 0.05),
        (0.1, 0.03, 0.03),
    )[severity]
    height, width = x.shape[2:]
    side = max(height, width)
    arm = min(height, width) // 3
    points = torch.tensor([[arm, arm, 1.0], [arm, -arm, 1.0], [-arm, -arm, 1.0]], device=x.device)
    pulled = points.clone().expand(len(x), 3, 3).clone()
    pulled[:, :, :2] += (2 * noise.uniform(3, 2) - 1) * jitter * side
    # The affine map that brings each pulled point back to where it came from, as (down, across).
    back = torch.linalg.lstsq(pulled, points[:, :2].expand(len(x), 3, 2), driver=_driver(x.device)).solution
    down = (torch.arange(height, device=x.device) - height // 2).view(1, -1, 1).to(x.dtype)
    across = (torch.arange(width, device=x.device) - width // 2).view(1, 1, -1).to(x.dtype)
    places = [
        down * back[:, 0, i, None, None] + across * back[:, 1, i, None, None] + back[:, 2, i, None, None]
        for i in (0, 1)
    ]
    flow = 2 * noise.uniform(2, height, width) - 1
    flow = smooth(flow, sigma * side) * strength * side if sigma else torch.zeros_like(flow)
    return fetch(x, places[0] - down + flow[:, 0], places[1] - across + flow[:, 1], padding="reflection")


def _driver(device: torch.device) -> str | None:
    """Of LAPACK, to solve equations the same each time: torch's choice, unless it depends on what was in memory."""
    return None if device.type != "cpu" or _pivots_afresh() else "gels"


@lru_cache(maxsize=1)
def _pivots_afresh() -> bool:
    """Whether torch's default on the CPU, gelsy, begins each matrix with all columns free.

    Older releases leave in JPVT what the memory held, and then the order of the matrix before, so that an image's
    numbers depend on both: https://github.com/pytorch/pytorch/issues/187411, where the second of these has rank 0.
    """
    matrices = torch.stack([torch.eye(3), torch.diag(torch.ones(2), 1)])
    return torch.linalg.lstsq(matrices, torch.ones(2, 3, 1)).rank.tolist() == [3, 2]


def pixelate(x: Tensor, severity: int, noise: Noise) -> Tensor:
    """Averaged over coarse pixels."""
    share = (0.95, 0.9, 0.85, 0.75, 0.65)[severity]
    coarse = F.interpolate(x, [max(1, int(side * share)) for side in x.shape[2:]], mode="area")
    return F.interpolate(coarse, x.shape[2:], mode="nearest")


def jpeg(x: Tensor, severity: int, noise: Noise) -> Tensor:
    """Written as a JPEG file and read again; channels that are not three become one grey picture each."""
    quality = (80, 65, 58, 50, 40)[severity]
    colour = x.shape[1] == 3
    pictures = (x.permute(0, 2, 3, 1) if colour else x.flatten(0, 1)).mul(255).round().byte().cpu().numpy()
    read = np.stack([_through_jpeg(picture, quality) for picture in pictures]).astype(np.float32) / 255
    result = torch.from_numpy(read).to(x.device)
    return result.permute(0, 3, 1, 2).contiguous() if colour else result.view_as(x)


def _through_jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    from PIL import Image

    file = BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))
