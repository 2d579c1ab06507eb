"""Networks whose gradients hide what breaks them, for `python:masked_networks:NAME`, and honest ones that look odd.

Each takes nothing. All answer as the trained digits network does, or nearly so; what differs is what attacks get to
see. `MASKED` says for each which strong sign gives it away.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from awkward_networks import quantised_statically
from disguised_networks import Around, plain
from evaluation_toys import trained
from torch import Tensor, nn

DEAD, FLAT, NONE = "zero or non-finite gradients", "gradients do not increase the loss", "no gradients"
BLIND, MISSED = "gradient-free attack beats gradient-based attacks", "unbounded attacks do not reach 0%"

#: Name → what makes it, and a strong sign that it has to show.
MASKED: dict[str, tuple[Callable[[], nn.Module], str]] = {}

#: Networks with odd outputs or gradients along which attacks still find their way: no strong sign.
HONEST: dict[str, Callable[[], nn.Module]] = {}


def masked(sign: str) -> Callable[[Callable[[], nn.Module]], Callable[[], nn.Module]]:
    def register(make: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
        MASKED[make.__name__] = make, sign
        return make

    return register


def honest(make: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    HONEST[make.__name__] = make
    return make


def rounded(values: Tensor, levels: float) -> Tensor:
    return (values * levels).round() / levels


def noise_of(x: Tensor) -> Tensor:
    """Uniform in [0, 1) like `x`, another one for any other image, always the same for the same."""
    places = torch.arange(1, x[0].numel() + 1, dtype=torch.float64)
    values = x.detach().double().mul(1e4).round().flatten(1)
    key = torch.remainder((values * places * 12.9898).sum(1, keepdim=True), 1e4)
    return torch.frac(torch.sin(key * places * 78.233) * 43758.5453).abs().float().view_as(x)


class Inside(nn.Module):
    """The trained network with something done to what comes out of its first activation."""

    def __init__(self, change: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.layers, self.change = plain().eval(), change

    def forward(self, x: Tensor) -> Tensor:
        is_first = True
        for layer in self.layers:
            x = layer(x)
            if is_first and isinstance(layer, nn.ReLU):
                x, is_first = self.change(x), False
        return x


@masked(NONE)
def int8():
    return quantised_statically()


@masked(DEAD)
def with_rounded_images():
    return Around(before=lambda x: rounded(x, 16))


@masked(DEAD)
def with_rounding_inside():
    return Inside(lambda h: rounded(h, 4))


@masked(DEAD)
def with_a_sign_inside():
    return Inside(lambda h: (h - 0.2).sign())


@masked(DEAD)
def that_answers_one_hot():
    return Around(after=lambda z: F.one_hot(z.argmax(1), z.shape[1]).float())


@masked(DEAD)
def with_a_cold_softmax():
    return Around(after=lambda z: (z / 1e-4).softmax(1))


@masked(DEAD)
def with_loud_logits():
    return Around(after=lambda z: z * 1e6)


@masked(DEAD)
def with_a_staircase_of_logits():
    return Around(after=lambda z: rounded(z, 4))


class Reattached(nn.Module):
    """Answers as the network does, but its gradient is that of a small random linear function beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = trained().model()
        self.weight = nn.Buffer(1e-3 * torch.randn(64, 10, generator=torch.Generator().manual_seed(0)))

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x.detach()) + x.flatten(1) @ self.weight


@masked(FLAT)
def with_the_gradient_of_something_small():
    return Reattached()


@masked(FLAT)
def shattered_by_a_sine():
    return Around(before=lambda x: x + 0.05 * torch.sin(2000 * x))


@masked(FLAT)
def with_noise_seeded_by_the_image():
    return Around(before=lambda x: x + 0.5 * (noise_of(x) - 0.5))


@masked(DEAD)
def with_stochastic_rounding_seeded_by_the_image():
    return Around(before=lambda x: (x * 4 + noise_of(x)).floor() / 4)


class Lying(nn.Module):
    """Answers as one network does, with the gradient of another function."""

    def __init__(self, shown: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.inner, self.shown = trained().model(), shown

    def forward(self, x: Tensor) -> Tensor:
        shown = self.shown(x)
        return self.inner(x).detach() + shown - shown.detach()


@masked(FLAT)
def with_its_gradient_reversed():
    network = trained().model()
    return Lying(lambda x: -network(x))


@masked(FLAT)
def with_the_gradient_of_a_shifted_image():
    network = trained().model()
    return Lying(lambda x: network(x.roll((3, 3), (2, 3))))


class OffTheGrid(nn.Module):
    """Honest on the grey levels that test images have; everywhere else it rounds the image first."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = trained().model()

    def forward(self, x: Tensor) -> Tensor:
        is_on = ((rounded(x, 16) - x).abs() < 1e-5).flatten(1).all(1)
        return self.inner(torch.where(is_on.view(-1, 1, 1, 1), x, rounded(x, 8)))


@masked(DEAD)
def that_rounds_off_the_grid():
    return OffTheGrid()


def _winners(h: Tensor) -> Tensor:
    """k winners take all (Xiao et al. 2020, arXiv:1905.10510): a fourteenth of the activations, the others zero."""
    flat = h.flatten(1)
    least = flat.topk(max(1, flat.shape[1] // 14), dim=1).values[:, -1:]
    return (flat * (flat >= least)).view_as(h)


class Winners(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = plain().eval()

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = _winners(x) if isinstance(layer, nn.ReLU) else layer(x)
        return x


@masked(FLAT)
def whose_winners_take_all():
    return Winners()


@honest
def the_network_itself():
    return Around()


@honest
def with_probabilities():
    return Around(after=lambda z: z.softmax(1))


@honest
def with_doubled_logits():
    return Around(after=lambda z: 2 * z)


@honest
def with_rounded_images_and_a_gradient_straight_through():
    return Around(before=lambda x: x + (rounded(x, 64) - x).detach())


@honest
def with_smoothed_images():
    return Around(before=lambda x: F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1) * 0.3 + 0.7 * x)
