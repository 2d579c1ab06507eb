"""Small networks with known answers, and every attack with settings that make it take milliseconds."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from benchmark.attacks import ATTACKS, Attack, make_attack
from benchmark.threats import Threat

#: Parameters with which an attack is over soon; what is not here is fast anyway.
CHEAP: dict[str, dict[str, Any]] = {
    "pgd": {"steps": 3},
    "mim": {"steps": 3},
    "ddn": {"steps": 5},
    "cw": {"steps": 5, "searches": 2},
    "deepfool": {"steps": 3, "candidates": 3},
    "fmn": {"steps": 5},
    "gaussian-noise": {"repeats": 3},
    "salt-and-pepper": {"steps": 20},
    "boundary": {"steps": 12},
    "pointwise": {"noise_steps": 20},
    "hopskipjump": {"steps": 2, "probes": 5},
    "autoattack": {"steps": 4, "queries": 8},
    "apgd-ce": {"steps": 4},
    "apgd-t": {"steps": 4},
    "fab-t": {"steps": 3},
    "square": {"queries": 8},
    "fog": {"steps": 2},
    "gabor": {"steps": 2},
    "elastic": {"steps": 2},
    "snow": {"steps": 2},
    "jpeg": {"steps": 2},
    "spatial": {"rotations": 3, "shifts": 3},
}

EPSILON = {
    "linf": 0.1,
    "l2": 0.5,
    "l1": 3.0,
    "l0": 5.0,
    "fog": 64.0,
    "gabor": 25.0,
    "elastic": 1.0,
    "snow": 0.5,
    "jpeg": 0.5,
    "spatial": 30.0,
    "corruption": 3.0,
}

#: Every registered attack under every norm it supports.
EVERY = [(name, norm) for name, attack in ATTACKS for norm in attack.norms]


def cheap(name: str) -> Attack:
    return make_attack(name, CHEAP.get(name, {}))


def threat(norm: str) -> Threat:
    return Threat(norm, EPSILON[norm])


def small_net(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 5)).eval()


class Net(nn.Module):
    """A convolution with batch norm, then a linear layer: small, smooth enough, and with buffers to disturb."""

    def __init__(self, shape: tuple[int, int, int], classes: int, seed: int = 0) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.features = nn.Sequential(nn.Conv2d(shape[0], 4, 3, stride=2), nn.BatchNorm2d(4), nn.ReLU())
            size = self.features(torch.zeros(2, *shape))[0].numel()
            self.head = nn.Linear(size, classes)
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        return 3 * self.head(self.features(x).flatten(1))


class RowByRow(nn.Module):
    """Two layers written as products and sums, so that an image's logits have the same bits in any batch."""

    def __init__(self, size: int, classes: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        self.first = torch.randn(16, size, generator=generator) / size**0.5
        self.second = torch.randn(classes, 16, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        hidden = torch.tanh((x.flatten(1)[:, None] * self.first).sum(2))
        return 3 * (hidden[:, None] * self.second).sum(2)


class Crooked(nn.Module):
    """Steep tanh layers on top of each other: a gradient is soon wrong, so that further steps pay off."""

    def __init__(self, size: int, classes: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.first = 3 * torch.randn(24, size, generator=generator) / size**0.5
        self.second = 3 * torch.randn(24, 24, generator=generator) / 24**0.5
        self.last = torch.randn(classes, 24, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        hidden = torch.tanh((2 * x.flatten(1) - 1) @ self.first.T)
        return torch.tanh(hidden @ self.second.T) @ self.last.T


class Linear(nn.Module):
    """Logits W·x, with W drawn from a seed: margins and distances are known in closed form."""

    def __init__(self, size: int = 64, classes: int = 5, seed: int = 0) -> None:
        super().__init__()
        self.w = torch.randn(classes, size, generator=torch.Generator().manual_seed(seed))

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1) @ self.w.T


def images(count: int, shape: tuple[int, ...] = (1, 8, 8), low: float = 0.0, high: float = 1.0) -> Tensor:
    return low + (high - low) * torch.rand(count, *shape, generator=torch.Generator().manual_seed(7))


@torch.no_grad()
def predictions(net: nn.Module, x: Tensor) -> Tensor:
    return net(x).argmax(1)
