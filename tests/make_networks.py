"""Makes the networks in `networks/`, which tests attack instead of training their own.

    python tests/make_networks.py tiny-at

On another processor it makes other networks, for which the figures in some tests would have to be looked at again.
Whoever adds one names it, and leaves the others as they are.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch
import torch.nn.functional as F
from attack_toys import Net
from fixed_networks import read, write
from torch import nn

from benchmark import data, models
from benchmark.attacks.ascent import Move, ascend
from benchmark.attacks.objectives import cross_entropy
from benchmark.noise import BatchNoise
from benchmark.threats import Threat

DIGITS = data.load("digits")
LINF = Threat("linf", 0.12)


def adversarial(net: nn.Module, x: torch.Tensor, y: torch.Tensor, steps: int) -> torch.Tensor:
    """Where `steps` of ascent within `LINF` end."""
    net.eval().requires_grad_(False)
    move, noise = Move(LINF, 2 * LINF.epsilon / steps), BatchNoise(len(x), torch.Generator().manual_seed(0))
    found = ascend(net, x, y, cross_entropy, [move], steps=steps, start=x, noise=noise)
    net.requires_grad_(True)
    return found


def train(net: nn.Module, optimizer: torch.optim.Optimizer, epochs: int, robust: bool) -> nn.Module:
    """`net` after as many epochs, on clean images or on adversarial ones."""
    generator = torch.Generator().manual_seed(0)
    for _ in range(epochs):
        for rows in torch.randperm(len(DIGITS.train), generator=generator).split(64):
            x, y = DIGITS.train.batch(rows)
            x = adversarial(net, x, y, 5) if robust else x
            net.train()
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimizer.step()
    return net.eval()


def small_cnn() -> nn.Module:
    return models.build("small-cnn", num_classes=10, shape=DIGITS.shape, mean=(0.305,), std=(0.376,))


def small(epochs: int, robust: bool) -> nn.Module:
    net = small_cnn()
    return train(net, torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9), epochs, robust)


def tiny(epochs: int, robust: bool) -> nn.Module:
    net = Net(DIGITS.shape, 10)
    return train(net, torch.optim.Adam(net.parameters(), lr=5e-3), epochs, robust)


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "natural": lambda: small(2, robust=False),
    "at": lambda: small(8, robust=True),
    "tiny-natural": lambda: tiny(6, robust=False),
    "tiny-at": lambda: tiny(20, robust=True),
}


def main(names: list[str]) -> None:
    for name in names or NETWORKS:
        torch.manual_seed(0)
        net = NETWORKS[name]()
        path = write(name, net.state_dict())
        net.load_state_dict(read(name))
        x, y = DIGITS.test.batch(slice(None))
        with torch.no_grad():
            views = x, adversarial(net, x, y, 20)
            clean, robust = ((net(view).argmax(1) == y).double().mean() for view in views)
        print(f"{name}: right on {clean:.1%}, within {LINF} on {robust:.1%}; {path.stat().st_size} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
