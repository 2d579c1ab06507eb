"""Defences that draw random numbers, or break gradients, around a fixed network of digits."""

from __future__ import annotations

import torch
from fixed_networks import fixed
from torch import nn

import benchmark


class Noisy(nn.Module):
    """Adds Gaussian noise to the image at every pass."""

    def __init__(self, sigma: float = 0.2) -> None:
        super().__init__()
        self.network = fixed("natural").model()
        self.sigma = sigma

    def forward(self, x):
        return self.network(x + self.sigma * torch.randn_like(x))


class Coin(nn.Module):
    """Says class 1 for bright images in the given share of its passes, else class 0; and the other way round."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = nn.Parameter(torch.tensor(share))

    def forward(self, x):
        bright = x.flatten(1).mean(1) > 0.5
        odd = torch.rand(len(x)) >= self.share
        logits = torch.zeros(len(x), 2)
        logits[torch.arange(len(x)), (bright ^ odd).long()] = 1.0
        return logits + 0 * x.flatten(1).sum(1, keepdim=True)


class Squeezed(nn.Module):
    """Rounds the image to the levels of the digits before the network sees it: no gradient comes through."""

    def __init__(self, through: bool) -> None:
        super().__init__()
        self.network = fixed("natural").model()
        self.squeeze = benchmark.straight_through(_to_levels) if through else _to_levels

    def forward(self, x):
        return self.network(self.squeeze(x))


def _to_levels(x):
    return (x * 16).round() / 16


def noisy():
    return Noisy()


def squeezed():
    return Squeezed(through=False)


def squeezed_through():
    return Squeezed(through=True)


def undefended():
    return fixed("natural").model()


def drawn_anew():
    """Another network each time."""
    network = noisy()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.5 * torch.rand_like(parameter))
    return network
