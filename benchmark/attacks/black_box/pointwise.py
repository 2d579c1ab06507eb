"""Pointwise: undo the changes of a misclassified image, value by value, for as long as it stays misclassified."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from benchmark.attacks.base import Classifier
from benchmark.attacks.black_box.random_noise import SaltAndPepper
from benchmark.attacks.black_box.starts import on_the_boundary
from benchmark.attacks.minimal import Closest, MinimalAttack
from benchmark.attacks.objectives import clearly_wrong
from benchmark.noise import Noise
from benchmark.parameters import Count

#: In l2 what can't be undone is undone in part: by a half of what is left, then by a quarter, ...
_HALVINGS = 6


@dataclass(frozen=True)
class Pointwise(MinimalAttack):
    """The pointwise attack (Schott et al. 2019): put values back to those of the clean image, in random order.

    It begins at the closest salt-and-pepper noise that fools the network, else at other noise or a plain colour; an
    image without such a start is left as it is. It ends where no single value can be put back; in l2 the
    values that are left then go as far back as they can. Foolbox tries one value at a time, of all images until the
    last is done; here an image leaves when it is done, every example has its own order, and groups of values are
    tried at once, twice as many after each success and half as many after each failure.

    Attributes:
        noise_steps: salt-and-pepper images tried for the start.
    """

    noise_steps: Count = 1000

    name: ClassVar[str] = "pointwise"
    version: ClassVar[int] = 2
    norms: ClassVar[tuple[str, ...]] = ("l1", "l2", "l0")
    paper: ClassVar[str] = "Schott et al. 2019, arXiv:1805.09190"
    random: ClassVar[bool] = True
    gradient_free: ClassVar[bool] = True

    def search(self, classifier: Classifier, x: Tensor, y: Tensor, norm: str, noise: Noise) -> Tensor:
        with classifier.exact(), torch.no_grad():
            closest = self._start(classifier, x, y, norm, noise)
            started = closest.distance.isfinite()
            if bool(started.any()):
                x_adv = _undo(
                    classifier, x[started], closest.x_adv[started], y[started], noise.select(started), norm == "l2"
                )
                rows = started.nonzero().squeeze(1)
                closest.offer(x_adv, clearly_wrong(classifier(x_adv), y[started]), rows)
        return closest.x_adv

    def _start(self, classifier: Classifier, x: Tensor, y: Tensor, norm: str, noise: Noise) -> Closest:
        closest = Closest(classifier, x, y, norm)
        sparse = SaltAndPepper(self.noise_steps).search(classifier, x, y, norm, noise)
        closest.offer(sparse, clearly_wrong(classifier(sparse), y))
        missing, others = closest.distance.isinf().nonzero().squeeze(1), noise.fork()
        if len(missing):
            other = on_the_boundary(classifier, x[missing], y[missing], norm, others.select(missing))
            closest.offer(other.x_adv, other.distance.isfinite(), missing)
        return closest


def _undo(classifier: Classifier, x: Tensor, x_adv: Tensor, y: Tensor, noise: Noise, in_part: bool) -> Tensor:
    """The misclassified `x_adv` with as many values as possible put back to those of `x`."""
    result, rows, still = x_adv.clone(), torch.arange(len(x), device=x.device), noise
    while len(rows):
        # In another order each time: what could not be put back at first may be when others have been.
        moved = _sweep(classifier, x[rows], result[rows], y[rows], 1.0, still)
        changed = (moved != result[rows]).flatten(1).any(1).nonzero().squeeze(1)
        result[rows] = moved
        rows, still = rows[changed], still.select(changed)
    for halving in range(1, _HALVINGS + 1) if in_part else ():
        result = _sweep(classifier, x, result, y, 0.5**halving, noise)
    return result


def _sweep(classifier: Classifier, x: Tensor, x_adv: Tensor, y: Tensor, share: float, noise: Noise) -> Tensor:
    """`x_adv` after each changed value was tried once, and moved by `share` of its way to `x` if that goes well.

    Values are tried in groups. A group that can be moved is followed by one of twice its size; of one that can't, the
    first half is tried next; a value that can't be moved alone is passed over.
    """
    shape, result, x = x.shape, x_adv.flatten(1).clone(), x.flatten(1)
    changed = result != x
    # The changed values come first, each example's in an order of its own.
    order = (noise.uniform(x.shape[1]) + 2.0 * ~changed).argsort(1)
    place = torch.empty_like(order).scatter_(1, order, torch.arange(x.shape[1], device=x.device).expand_as(order))
    count = changed.sum(1)
    first, size = torch.zeros_like(count), torch.ones_like(count)
    rows = count.nonzero().squeeze(1)
    while len(rows):
        after = torch.minimum(first[rows] + size[rows], count[rows])
        group = (place[rows] >= first[rows, None]) & (place[rows] < after[:, None])
        tried = torch.where(group, torch.lerp(result[rows], x[rows], share), result[rows])
        wrong = clearly_wrong(classifier(tried.view(-1, *shape[1:])), y[rows])
        result[rows] = torch.where(wrong[:, None], tried, result[rows])
        alone = after - first[rows] == 1
        first[rows] = torch.where(wrong | alone, after, first[rows])
        size[rows] = torch.where(wrong, 2 * size[rows], (after - first[rows]) // 2).clamp_min(1)
        rows = rows[(first[rows] < count[rows]).nonzero().squeeze(1)]
    return result.view(shape)
