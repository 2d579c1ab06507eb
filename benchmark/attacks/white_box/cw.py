"""C&W: a smooth penalty, a change of variables that keeps images in their box, and a search for the weight."""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from benchmark.attacks.base import Classifier
from benchmark.attacks.expectation import averaged, draws_of
from benchmark.attacks.minimal import Closest, MinimalAttack
from benchmark.attacks.objectives import clearly_wrong, margin
from benchmark.noise import Noise
from benchmark.parameters import Count, Positive

#: How many searches, the last ones, run in float32.
_EXACT = 2
#: What remains of a pixel's distance from middle grey where the search begins. In w the ends of the box lie at
#: infinity, and near them nothing moves: from 0.999999, as far out as Foolbox starts, the way costs Adam most steps.
_INSET = 0.999
#: What a tenth of the steps has to bring an example's lowest loss down to, or the example is left where it is.
_PROGRESS = 0.995


@dataclass(frozen=True)
class CW(MinimalAttack):
    """Carlini & Wagner (2017), l2: Adam on ‖x' − x‖² + c·max(z_y − max_{k≠y} z_k, 0) with x' = (tanh w + 1)/2.

    The weight c is searched for each example: ten times larger after each failure until the first success,
    then by bisection. Each search goes on where the one before ended, as in the paper's l0 attack; its l2 attack and
    Foolbox's begin at the clean image each time, which takes more passes and ends farther away. The last two searches
    run in float32, since bfloat16 sees the boundary where it is not. The defaults are robust_union's; the authors'
    code has searches=9, steps=10000, step_size=0.01, initial_c=0.001.

    Attributes:
        searches: how many values of c are tried.
        steps: Adam steps for each of them.
        step_size: Adam's learning rate, in units of w.
        initial_c: the first c.
        abort_early: leave a c for an example when a tenth of the steps brought its lowest loss down by less than half
            a percent.
    """

    searches: Count = 5
    steps: Count = 200
    step_size: Positive = 0.025
    initial_c: Positive = 0.01
    abort_early: bool = True

    name: ClassVar[str] = "cw"
    version: ClassVar[int] = 4
    norms: ClassVar[tuple[str, ...]] = ("l2",)
    paper: ClassVar[str] = "Carlini & Wagner 2017, arXiv:1608.04644"

    def uses_noise(self, norm: str) -> bool:
        return False

    def search(self, classifier: Classifier, x: Tensor, y: Tensor, norm: str, noise: Noise) -> Tensor:
        closest = Closest(classifier, x, y, norm)
        w = torch.atanh((2 * x - 1) * _INSET)
        c = torch.full((len(x),), self.initial_c, device=x.device)
        too_low, high_enough = torch.zeros_like(c), torch.full_like(c, torch.inf)
        for search in range(self.searches):
            with classifier.exact() if search >= self.searches - _EXACT else nullcontext():
                fooled, w = self._minimise(classifier, x, y, c, w, closest)
            # As long as only bfloat16 has seen a success, there is no reason to lower c.
            fooled &= closest.distance.isfinite()
            too_low = torch.where(fooled, too_low, c)
            high_enough = torch.where(fooled, c, high_enough)
            c = torch.where(high_enough.isinf(), 10 * c, (too_low + high_enough) / 2)
        return closest.x_adv

    def _minimise(
        self, classifier: Classifier, x: Tensor, y: Tensor, c: Tensor, start: Tensor, closest: Closest
    ) -> tuple[Tensor, Tensor]:
        """Adam from the points `start` with the weights `c` (N).

        Returns:
            Whether there was a misclassified image on the way (N bools), and where it ended.
        """
        fooled = torch.zeros(len(x), dtype=torch.bool, device=x.device)
        rows = torch.arange(len(x), device=x.device)
        w, end = start, start.clone()
        mean, square = torch.zeros_like(w), torch.zeros_like(w)
        lowest = torch.full((len(x),), torch.inf, device=x.device)
        before = lowest
        every = math.ceil(self.steps / 10)
        for step in range(1, self.steps + 1):
            x_adv, wrong, loss, gradient = _penalty(classifier, w, x[rows], y[rows], c[rows])
            closest.offer(x_adv, wrong, rows)
            fooled[rows] |= wrong
            mean = 0.9 * mean + 0.1 * gradient
            square = 0.999 * square + 0.001 * gradient**2
            unbiased = mean / (1 - 0.9**step), square / (1 - 0.999**step)
            w = w - self.step_size * unbiased[0] / (unbiased[1].sqrt() + 1e-8)
            end[rows] = w
            lowest = torch.minimum(lowest, loss)
            if self.abort_early and step % every == 0:
                alive = (lowest <= _PROGRESS * before).nonzero().squeeze(1)
                rows, w, mean, square, lowest = rows[alive], w[alive], mean[alive], square[alive], lowest[alive]
                before = lowest
                if not len(rows):
                    break
        return fooled, end


def _penalty(
    classifier: Classifier, w: Tensor, x: Tensor, y: Tensor, c: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The image at `w`, whether it is misclassified, its penalised distance and that distance's gradient in `w`."""

    def once() -> tuple[Tensor, Tensor, Tensor, Tensor]:
        with torch.enable_grad():
            at = w.detach().requires_grad_()
            x_adv = (torch.tanh(at) + 1) / 2
            logits = classifier(x_adv)
            loss = (x_adv - x).flatten(1).square().sum(1) + c * (-margin(logits, y)).clamp_min(0)
            (gradient,) = torch.autograd.grad(loss.sum(), at)
        return x_adv.detach(), logits.detach(), loss.detach(), torch.nan_to_num(gradient, 0.0, 0.0, 0.0)

    x_adv, logits, loss, gradient = averaged(draws_of(classifier), once)
    return x_adv, clearly_wrong(logits, y), loss, gradient
