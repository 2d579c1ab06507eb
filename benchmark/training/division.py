"""Which training images are held out: as many as validation uses, in an order that is the same everywhere."""

from __future__ import annotations

from dataclasses import replace

import torch

from benchmark.data import Dataset, Split
from benchmark.data.orders import balanced_order
from benchmark.errors import BadInput
from benchmark.recipes.recipe import Validation


def divided(data: Dataset, validation: Validation) -> Dataset:
    """The same data, with as many training images held out as `validation` asks for.

    A data set comes with some held out already. What is not needed of them goes to the end of the training images;
    what is lacking is taken from those in a fixed random order, class by class in turn.

    Raises:
        BadInput: too few images would be left to train on.
    """
    train, held_out = data.train, data.validation
    images = len(train) + len(held_out)
    wanted = validation.left_out(images, len(held_out))
    if wanted == len(held_out):
        return data
    if images - wanted < 2:
        raise BadInput(
            f"{data.name} has {images:,} images to train on, and {wanted:,} of them would be held out for "
            "validation; hold out fewer, e.g. --set validation.images=0.1"
        )
    if wanted < len(held_out):
        rest = torch.arange(wanted, len(held_out))
        part = torch.arange(wanted)
        return replace(data, train=_joined(train, held_out[rest]), validation=held_out[part])
    order = balanced_order(train.labels)
    lacking = wanted - len(held_out)
    taken, left = order[:lacking], order[lacking:].sort().values
    return replace(data, train=train[left], validation=_joined(held_out, train[taken]))


def _joined(first: Split, second: Split) -> Split:
    return Split(torch.cat([first.images, second.images]), torch.cat([first.labels, second.labels]))
