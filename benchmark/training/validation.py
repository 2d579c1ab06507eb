"""Clean and robust accuracy on held-out images while training runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from pydantic import JsonValue
from torch import Tensor

from benchmark.attacks import objectives
from benchmark.attacks.ascent import Move, ascend
from benchmark.data import Split
from benchmark.methods.starts import start as where_it_begins
from benchmark.noise import BatchNoise
from benchmark.recipes.radius import Radius
from benchmark.recipes.validation import Validation
from benchmark.threats import Threat


def withstood(
    network: Callable[[Tensor], Tensor],
    split: Split,
    norms: Sequence[str],
    radii: Mapping[str, Radius],
    settings: Validation,
    batch_size: int,
) -> Tensor:
    """(1 + norms)×N flags: classified correctly, clean and under PGD on the cross-entropy in each of `norms`.

    The draws are the same at every call, so that two epochs, and two networks, differ by their weights alone.

    Args:
        network: images → logits, in eval mode with constant parameters.
        split: N held-out images, on the network's device.
        norms: which threats.
        radii: by norm.
        settings: how many gradient steps, how long, from where.
        batch_size: images at a time.
    """
    device = split.images.device
    generator = torch.Generator(device).manual_seed(0)
    right, steps = [], settings.steps
    for index in torch.arange(len(split), device=device).split(batch_size):
        x, y = split.batch(index)
        noise = BatchNoise(len(x), generator)
        views = [x]
        for norm in norms:
            row = radii[norm]
            threat = Threat(norm, row.epsilon)
            part = 2.5 / steps if settings.step is None else settings.step
            move = Move(threat, part * row.epsilon, row.k, row.gap)
            start = where_it_begins(settings.start, threat, x, noise)
            views.append(
                ascend(network, x, y, objectives.cross_entropy, [move], steps=steps, start=start, noise=noise)
            )
        with torch.no_grad():
            right.append(torch.stack([~objectives.is_wrong(network(view), y) for view in views]))
    return torch.cat(right, 1)


def accuracies(flags: Tensor) -> tuple[float, float]:
    """Clean accuracy, and the mean over the norms of the accuracy under attack, in [0, 1], from `withstood`."""
    clean, *robust = (flags.sum(1) / flags.shape[1]).tolist()
    return clean, sum(robust) / len(robust)


def held_out(flags: Tensor) -> dict[str, JsonValue]:
    """The flags of `withstood` as a checkpoint keeps them: N, and a row per norm as hexadecimal digits, clean first.

    With them two networks can be compared image by image, which shares of the images can't.
    """
    rows = [np.packbits(row).tobytes().hex() for row in flags.cpu().numpy()]
    return {"images": flags.shape[1], "clean": rows[0], "robust": list(rows[1:])}
