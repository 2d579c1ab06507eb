"""Batches of training images, shuffled and augmented on the device they live on."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmark.data import Split
from benchmark.data.extra import ExtraImages


def batches(
    split: Split, batch_size: int, augmentation: str, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """The images (float32 in [0, 1]) and labels of one epoch, in a random order.

    Args:
        split: on the device where it is to be used.
        batch_size: of all batches but the last, which is left out if it would have a single image.
        augmentation: "none"; "shift", a random crop of the zero-padded image; "crop-flip", the same and a random
            horizontal flip; "reflect-crop-flip", with reflected instead of black borders. The padding is
            an eighth of the side: 4 pixels at 32.
        generator: of the split's device; decides order and augmentation.
    """
    device = split.images.device
    order = torch.randperm(len(split), generator=generator, device=device)
    for index in order.split(batch_size):
        if len(index) > 1:
            x, y = split.batch(index)
            yield augment(x, augmentation, generator), y


def mixed_batches(
    split: Split, extra: ExtraImages, batch_size: int, share: float, augmentation: str, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """As `batches`, with images of `extra` in each: as many batches as without them, the last one being full.

    Of each batch ⌊share·batch_size⌋ images are drawn from `extra`, evenly and with replacement; the others go through
    the split in a random order, and through it again where it has been used up. So it is in the code of Carmon et al.
    2019 (arXiv:1905.13736) and Wang et al. 2023 (arXiv:2302.04638).

    Args:
        split, batch_size, augmentation, generator: as for `batches`.
        extra: more images, read as they are drawn.
        share: the part of each batch that they are, such as 0.7.
    """
    device = split.images.device
    drawn = number_of_extra(batch_size, share)
    own = batch_size - drawn
    steps = number_of_batches(len(split), batch_size)
    rounds = -(-steps * own // len(split))
    order = torch.cat([torch.randperm(len(split), generator=generator, device=device) for _ in range(rounds)])
    for index in order[: steps * own].split(own):
        which = torch.randint(len(extra), (drawn,), generator=generator, device=device)
        pairs = split.batch(index), extra.batch(which.cpu())
        x, y = (torch.cat([ours, theirs.to(device)]) for ours, theirs in zip(*pairs, strict=True))
        yield augment(x, augmentation, generator), y


def number_of_extra(batch_size: int, share: float) -> int:
    """How many images of a batch are extra ones."""
    return int(batch_size * share + 1e-9)  # 0.29 of 100 are 29


def number_of_batches(images: int, batch_size: int) -> int:
    """How many batches `batches` makes."""
    return images // batch_size + (images % batch_size > 1)


def augment(x: Tensor, augmentation: str, generator: torch.Generator) -> Tensor:
    """One random variant of each image of `x` (N×C×H×W), see `batches`."""
    if augmentation == "none":
        return x
    x = random_crop(x, "reflect" if augmentation.startswith("reflect") else "constant", generator)
    return random_flip(x, generator) if augmentation.endswith("flip") else x


def random_crop(x: Tensor, border: str, generator: torch.Generator) -> Tensor:
    """A window of each image (N×C×H×W), of its own size, anywhere on the image with its border."""
    n, _, height, width = x.shape
    up, left = height // 8, width // 8
    padded = F.pad(x, (left, left, up, up), mode=border)
    rows = _offsets(n, up, generator) + torch.arange(height, device=x.device)
    columns = _offsets(n, left, generator) + torch.arange(width, device=x.device)
    which = torch.arange(n, device=x.device)[:, None, None]
    # Indexing with the channel in between puts it last: N×H×W×C.
    return padded[which, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def random_flip(x: Tensor, generator: torch.Generator) -> Tensor:
    """Each image (N×C×H×W) mirrored left to right with probability one half."""
    flipped = torch.rand((len(x), 1, 1, 1), generator=generator, device=x.device) < 0.5
    return torch.where(flipped, x.flip(3), x)


def _offsets(n: int, padding: int, generator: torch.Generator) -> Tensor:
    return torch.randint(2 * padding + 1, (n, 1), generator=generator, device=generator.device)
