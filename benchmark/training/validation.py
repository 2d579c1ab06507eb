"""Clean and robust accuracy on held-out images while training runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from benchmark.attacks import objectives
from benchmark.attacks.ascent import Move, ascend
from benchmark.data import Split
from benchmark.noise import BatchNoise
from benchmark.recipes.recipe import Radius
from benchmark.threats import Threat


def accuracies(
    network: Callable[[Tensor], Tensor],
    split: Split,
    norms: Sequence[str],
    radii: Mapping[str, Radius],
    steps: int,
    batch_size: int,
) -> tuple[float, float]:
    """Clean accuracy, and the mean over `norms` of the accuracy under PGD on the cross-entropy, in [0, 1].

    The draws are the same at every call, so that two epochs differ by their weights alone.

    Args:
        network: images → logits, in eval mode with constant parameters.
        split: held-out images, on the network's device.
        norms: which threats; each step has length 2.5 ε / steps.
        radii: by norm.
        steps: gradient steps.
        batch_size: images at a time.
    """
    device = split.images.device
    generator = torch.Generator(device).manual_seed(0)
    right = torch.zeros(1 + len(norms), device=device)
    for index in torch.arange(len(split), device=device).split(batch_size):
        x, y = split.batch(index)
        noise = BatchNoise(len(x), generator)
        views = [x]
        for norm in norms:
            row = radii[norm]
            threat = Threat(norm, row.epsilon)
            move = Move(threat, 2.5 * row.epsilon / steps, row.k, row.gap)
            start = threat.random_start(x, noise)
            views.append(
                ascend(network, x, y, objectives.cross_entropy, [move], steps=steps, start=start, noise=noise)
            )
        with torch.no_grad():
            right += torch.stack([(~objectives.is_wrong(network(view), y)).sum() for view in views])
    clean, *robust = (right / len(split)).tolist()
    return clean, sum(robust) / len(robust)
