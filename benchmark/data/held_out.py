"""A part of the training images in place of the test images, to choose by: `cifar10?holdout=0.2`.

What is chosen on test images (a weight of a loss, the epoch to stop at) makes what is measured on them look better
than it is. Here a random part of the training images, the same on every machine, stands where the test images stood,
and the rest is trained on; no test image is seen.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from benchmark.data.dataset import Dataset, Split
from benchmark.data.orders import stratified
from benchmark.data.splits import hold_out_validation
from benchmark.errors import BadInput
from benchmark.held_out_names import with_holdout

#: Another draw than that of the validation images, which are held out of what is left.
SEED = 1


def in_place_of_test(data: Dataset, share: float) -> Dataset:
    """`data` with `share` of each class of its training images in place of the test images.

    Raises:
        BadInput: there are no training images, or a class has too few to be divided.
    """
    name = with_holdout(data.name, share)
    if not data.can_train:
        raise BadInput(f"{name}: there are no training images to hold any out of")
    parts = (data.train, data.validation)
    published = Split(torch.cat([part.images for part in parts]), torch.cat([part.labels for part in parts]))
    rest, held = stratified(published.labels, share, SEED)
    train, validation = hold_out_validation(published[rest])
    note = f"{name}: {len(held):,} training images, held out at random, stand in place of the test images"
    return replace(
        data, name=name, train=train, validation=validation, test=published[held], notes=(*data.notes, note)
    )
