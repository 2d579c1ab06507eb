"""In which order images are attacked, and after how many of them one looks."""

from __future__ import annotations

import numpy as np

#: The fewest images of the first block, and the share of all images that it is at least.
LEAST, SHARE = 16, 0.01
#: Each further block adds this share to what there is, so that stopping late costs no more than that.
GROWTH = 0.25


def image_order(images: int, seed: int) -> list[int]:
    """The first `images` positions of a test set in a random order that follows from the seed alone.

    That of fewer images is the same with the others left out.
    """
    return [int(position) for position in np.argsort(np.random.Philox(key=seed).random_raw(images), kind="stable")]


def block_ends(images: int, most: int) -> list[int]:
    """After how many of `images` each block ends; blocks have at most `most` images."""
    least = max(LEAST, round(SHARE * images))
    ends = [min(least, images)]
    while ends[-1] < images:
        ends.append(min(images, ends[-1] + min(most, max(least // 2, round(GROWTH * ends[-1])))))
    return ends
