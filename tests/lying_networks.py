"""The trained digits network with habits that make attacks look weak, for `python:lying_networks:NAME`.

None of them is more robust than the network within.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import torch
from disguised_networks import Around, plain
from evaluation_toys import trained
from torch import Tensor, nn

#: The digits are multiples of it.
GREY = 1 / 16


# No answer.


class Silent(nn.Module):
    """Answers with `word` where an image holds a value off the grid of grey levels."""

    def __init__(self, word: float, where: str = "all") -> None:
        super().__init__()
        self.inner, self.word, self.where = trained().model(), word, where

    def forward(self, x: Tensor) -> Tensor:
        logits = self.inner(x)
        off = ((x / GREY).round() * GREY - x).abs().flatten(1).amax(1) > 1e-6
        if self.where == "likeliest":
            return logits.masked_fill(off[:, None] & (logits == logits.amax(1, keepdim=True)), self.word)
        return torch.where(off[:, None], self.word, logits)


def nan_off_the_grid():
    return Silent(torch.nan)


def infinite_off_the_grid():
    return Silent(torch.inf)


def infinitely_sure_off_the_grid():
    """Infinity at the class that is right: the likeliest one, but no answer."""
    return Silent(torch.inf, where="likeliest")


def minus_infinite_off_the_grid():
    return Silent(-torch.inf)


def overflowing_off_the_grid():
    """Half precision that overflows where values are not the usual ones."""
    net = Silent(1.0)
    return nn.Sequential(net, Powered())


class Powered(nn.Module):
    def forward(self, logits: Tensor) -> Tensor:
        strange = (logits == 1.0).all(1, keepdim=True)
        return torch.where(strange, (logits * 7e4).half().float(), logits)


def nan_for_bright_images():
    """Has no answer for some of the test images as they are."""
    return Around(
        after=lambda x: x, before=lambda x: torch.where(x.mean((1, 2, 3), keepdim=True) > 0.33, torch.nan, x)
    )


def nan_always():
    return Around(after=lambda logits: logits * torch.nan)


# Shared state.


def _seeding(x: Tensor) -> Tensor:
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002
    random.seed(0)
    return x


def that_seeds_everything():
    return Around(before=_seeding)


class SeedsBackwards(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        _seeding(gradient)
        return gradient


def that_seeds_in_its_backward_pass():
    return Around(before=SeedsBackwards.apply)


def _without_gradients(logits: Tensor) -> Tensor:
    torch.set_grad_enabled(False)
    return logits


def that_switches_gradients_off():
    """For whoever computes next."""
    return Around(after=_without_gradients)


def _with_other_settings(logits):
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(torch.get_num_threads() + 1)
    torch.set_deterministic_debug_mode("warn")
    return logits


def that_sets_the_default_dtype():
    """And the number of threads and how strictly torch is deterministic: when it is made, and when it is asked."""
    _with_other_settings(None)
    return Around(after=_with_other_settings)


# Otherwise than attacks expect, off the grid of grey levels.


class Elsewhere(nn.Module):
    """Does `otherwise` to logits (N×K), given which rows (N bools) stand for images off the grid."""

    def __init__(self, otherwise: Callable[[Tensor, Tensor], object]) -> None:
        super().__init__()
        self.inner, self.otherwise = trained().model(), otherwise

    def forward(self, x: Tensor) -> object:
        off = ((x / GREY).round() * GREY - x).abs().flatten(1).amax(1) > 1e-6
        return self.otherwise(self.inner(x), off) if bool(off.any()) else self.inner(x)


def random_off_the_grid():
    return Elsewhere(lambda logits, off: torch.where(off[:, None], logits + 6 * torch.randn_like(logits), logits))


def random_by_python_off_the_grid():
    def noisy(logits: Tensor, off: Tensor) -> Tensor:
        noise = torch.tensor([[random.gauss(0, 6) for _ in row] for row in logits])
        return torch.where(off[:, None], logits + noise, logits)

    return Elsewhere(noisy)


def that_minds_its_neighbour_off_the_grid():
    return Elsewhere(lambda logits, off: torch.where(off[:, None], logits.roll(1, 0) / 2, logits))


def one_row_off_the_grid():
    """Which stands for each image when it is compared with all labels."""
    return Elsewhere(lambda logits, off: logits[:1])


def nothing_off_the_grid():
    return Elsewhere(lambda logits, off: None)


def that_fails_where_all_are_off_the_grid():
    def fail(logits: Tensor, off: Tensor) -> Tensor:
        if bool(off.all()):
            raise ValueError("no such images, please")
        return logits

    return Elsewhere(fail)


#: Whether networks made by `that_fails_off_the_grid` do so now.
FAILING = [True]


def that_fails_off_the_grid(error: BaseException) -> nn.Module:
    """Off a finer grid than that of the images between test images, by which networks are known again."""

    class Failing(Elsewhere):
        def forward(self, x: Tensor) -> object:
            fine = GREY / 4
            if FAILING[0] and float(((x / fine).round() * fine - x).abs().max()) > 1e-6:
                raise error
            return self.inner(x)

    return Failing(lambda logits, off: logits)


class WritesIntoImages(nn.Module):
    """Greys out whatever is off the grid, behind autograd's back, once it has looked at it."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = trained().model()

    def forward(self, x: Tensor) -> Tensor:
        off = ((x / GREY).round() * GREY - x).abs().flatten(1).amax(1) > 1e-6
        logits = self.inner(x)
        if bool(off.any()):
            x.data[off] = 0.5
        return logits


def that_writes_into_images_off_the_grid():
    return WritesIntoImages()


# Otherwise than attacks expect, by how it is asked.


class Asked(nn.Module):
    """Looks at shifted images when `otherwise` says so of what it is given."""

    def __init__(self, otherwise: Callable[[Tensor], bool]) -> None:
        super().__init__()
        self.inner, self.otherwise = trained().model(), otherwise

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x.roll(1, 3) if self.otherwise(x) else x)


def that_answers_otherwise_when_asked_for_gradients():
    return Asked(lambda x: len(x) > 0 and x.requires_grad)


def that_minds_odd_numbers_of_images():
    return Asked(lambda x: len(x) > 1 and len(x) % 2 == 1)


def that_minds_three_to_five_images():
    return Asked(lambda x: 3 <= len(x) <= 5)


# State of its own, and other images.


class Tiring(nn.Module):
    """Gives up after a number of calls: its logits are then those of another class's weights."""

    def __init__(self, calls: int) -> None:
        super().__init__()
        self.inner, self.calls, self.called = trained().model(), calls, 0

    def forward(self, x: Tensor) -> Tensor:
        self.called += 1
        logits = self.inner(x)
        return logits if self.called <= self.calls else logits.detach().round() + 0 * x.sum()


def that_changes_at_its_twelfth_call():
    return Tiring(12)


def that_changes_at_its_fortieth_call():
    return Tiring(40)


class Crowded(nn.Module):
    """Subtracts the mean of the batch where there are more than sixteen images."""

    def forward(self, logits: Tensor) -> Tensor:
        return logits - logits.mean(0) if len(logits) > 16 else logits


def that_minds_a_crowd():
    return Around(after=Crowded())


class Slipping(nn.Module):
    """Goes into train mode after some calls, so that its batch norms measure whatever comes."""

    def __init__(self, calls: int) -> None:
        super().__init__()
        self.inner, self.calls, self.called = plain(), calls, 0

    def forward(self, x: Tensor) -> Tensor:
        self.called += 1
        if self.called > self.calls:
            self.inner.train()
        return self.inner(x)


def that_slips_into_train_mode():
    return Slipping(5)


def that_slips_into_train_mode_late():
    return Slipping(40)


class Counting(nn.Module):
    """Keeps count of its calls in a buffer, which is nobody's business but its own."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = trained().model()
        self.register_buffer("called", torch.zeros((), dtype=torch.int64))

    def forward(self, x: Tensor) -> Tensor:
        self.called += 1
        return self.inner(x)


def that_counts_its_calls():
    return Counting()
