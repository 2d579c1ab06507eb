"""Where attacks begin that walk along the boundary: an image that the network already gets wrong."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark import threats
from benchmark.attacks.base import Classifier
from benchmark.attacks.minimal import Closest
from benchmark.attacks.objectives import clearly_wrong
from benchmark.noise import Noise
from benchmark.threats import column

_NOISE_IMAGES = 20
_HALVINGS = 12


def on_the_boundary(classifier: Classifier, x: Tensor, y: Tensor, norm: str, noise: Noise) -> Closest:
    """For each example the closest misclassified image on a line to another image or to uniform noise.

    Robust networks often put all noise into one class, so noise alone leaves examples of that class without
    a start; the closest image of the batch that the network puts into another class is the remedy.
    Where neither is misclassified, the result's distance stays infinite.
    """
    closest = Closest(classifier, x, y, norm)
    for candidate, wrong in ((_other_image(classifier, x, y)), (_noise_image(classifier, x, y, noise))):
        wrong = classifier.confirm(candidate, y, wrong)
        closest.offer(candidate, wrong)
        if bool(wrong.any()):
            closest.offer(towards(classifier, x, candidate, y, wrong, norm), wrong)
    return closest


@torch.no_grad()
def towards(
    classifier: Classifier, x: Tensor, x_adv: Tensor, y: Tensor, wrong: Tensor, norm: str, halvings: int = 12
) -> Tensor:
    """The misclassified image nearest to `x` that bisection finds on the way from each `wrong` row of `x_adv`.

    The way is a straight line; in linf it is the shorter one of clipping the perturbation ever more.
    """
    near, far = torch.zeros(len(x), device=x.device), torch.ones(len(x), device=x.device)
    for _ in range(halvings):
        middle = (near + far) / 2
        fooled = wrong & clearly_wrong(classifier(_between(x, x_adv, middle, norm)), y)
        near, far = torch.where(fooled, near, middle), torch.where(fooled, middle, far)
    return _between(x, x_adv, far, norm)


def _between(x: Tensor, x_adv: Tensor, share: Tensor, norm: str) -> Tensor:
    if norm == "linf":
        return threats.project(x, x_adv, norm, share * threats.distance(x_adv - x, norm).float())
    return torch.lerp(x, x_adv, column(share, x)).clamp(0, 1)


@torch.no_grad()
def _other_image(classifier: Classifier, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    logits = classifier(x)
    usable = (logits.argmax(1)[None, :] != y[:, None]) & torch.isfinite(logits).all(1)[None, :]
    distances = torch.cdist(x.flatten(1), x.flatten(1)).masked_fill(~usable, torch.inf)
    nearest = distances.argmin(1)
    return x[nearest], usable.gather(1, nearest[:, None]).squeeze(1)


@torch.no_grad()
def _noise_image(classifier: Classifier, x: Tensor, y: Tensor, noise: Noise) -> tuple[Tensor, Tensor]:
    chosen, wrong = x.clone(), torch.zeros(len(x), dtype=torch.bool, device=x.device)
    for _ in range(_NOISE_IMAGES):
        candidate = noise.uniform(*x.shape[1:])
        fresh = clearly_wrong(classifier(candidate), y) & ~wrong
        chosen[fresh] = candidate[fresh]
        wrong = wrong | fresh
        if bool(wrong.all()):
            break
    return chosen, wrong
