"""Trees of small pictures that a network can tell apart, for tests of whatever reads folder:PATH."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def write_tree(
    root: Path, classes: int = 2, train: int = 12, test: int = 4, side: int = 8, grey: bool = False
) -> Path:
    """`root`/train/<class>/*.jpg and `root`/test/<class>/*.jpg; classes differ in brightness."""
    generator = np.random.default_rng(0)
    shape = (side, side) if grey else (side, side, 3)
    for part, count in (("train", train), ("test", test)):
        for number in range(classes):
            folder = root / part / f"class-{number}"
            folder.mkdir(parents=True)
            for position in range(count):
                level = 40 + 170 * number // max(classes - 1, 1)
                pixels = generator.normal(level, 30, shape).clip(0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(folder / f"{position}.jpg")
    return root
