"""Where attacks begin that walk along the boundary: an image that the network already gets wrong."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmark import threats
from benchmark.attacks.base import Classifier
from benchmark.attacks.minimal import Closest
from benchmark.attacks.objectives import clearly_wrong
from benchmark.noise import Noise
from benchmark.threats import column

#: Noise that starts are sought in, by turns: independent pixels (None), or so many cells of one colour along a side.
_CELLS = (None, 1, 2, 4, 8)
#: How many noisy images an example tries at most, and how many misclassified ones are bisected.
_TRIES, _ENOUGH = 30, 4
_HALVINGS = 8


@torch.no_grad()
def on_the_boundary(classifier: Classifier, x: Tensor, y: Tensor, norm: str, noise: Noise) -> Closest:
    """For each example the closest misclassified image on the lines to a few images of noise.

    Robust networks often put all uniform noise into one class, so noise alone would leave examples of that class
    without a start; coarser noise, down to plain colours, falls into more classes. (So do other images, but then what
    an example's batch holds would decide its result.) Where none is misclassified, the distance stays infinite.
    """
    closest = Closest(classifier, x, y, norm)
    rows = torch.arange(len(x), device=x.device)
    found = torch.zeros_like(rows)
    for attempt in range(_TRIES):
        candidate = _noise_image(x[rows], _CELLS[attempt % len(_CELLS)], noise)
        wrong = classifier.confirm(candidate, y[rows], clearly_wrong(classifier(candidate), y[rows]))
        chosen = wrong.nonzero().squeeze(1)  # asked once: an accelerator waits for each mask that chooses rows
        hit, candidate = rows[chosen], candidate[chosen]
        if len(hit):
            certain = torch.ones_like(hit, dtype=torch.bool)
            closest.offer(candidate, certain, hit)
            closest.offer(towards(classifier, x[hit], candidate, y[hit], norm, _HALVINGS), certain, hit)
        found[hit] += 1
        seeking = (found[rows] < _ENOUGH).nonzero().squeeze(1)
        rows, noise = rows[seeking], noise.select(seeking)
        if not len(rows):
            break
    return closest


@torch.no_grad()
def towards(classifier: Classifier, x: Tensor, x_adv: Tensor, y: Tensor, norm: str, halvings: int) -> Tensor:
    """The misclassified image nearest to `x` that bisection finds on the way from the misclassified `x_adv`.

    The way is a straight line; in linf it is the shorter one of clipping the perturbation ever more.
    """
    near, far = torch.zeros(len(x), device=x.device), torch.ones(len(x), device=x.device)
    for _ in range(halvings):
        middle = (near + far) / 2
        fooled = clearly_wrong(classifier(_between(x, x_adv, middle, norm)), y)
        near, far = torch.where(fooled, near, middle), torch.where(fooled, middle, far)
    return _between(x, x_adv, far, norm)


def _between(x: Tensor, x_adv: Tensor, share: Tensor, norm: str) -> Tensor:
    if norm == "linf":
        return threats.project(x, x_adv, norm, share * threats.distance(x_adv - x, norm).float())
    return torch.lerp(x, x_adv, column(share, x)).clamp(0, 1)


def _noise_image(x: Tensor, cells: int | None, noise: Noise) -> Tensor:
    if cells is None:
        return noise.uniform(*x.shape[1:])
    colours = noise.uniform(x.shape[1], *(min(cells, side) for side in x.shape[2:]))
    # Smooth between the cells, and stretched, so that black and white are as likely as all between them.
    return (2 * F.interpolate(colours, size=x.shape[2:], mode="bilinear", align_corners=False) - 0.5).clamp(0, 1)
