"""Images that pages show as broken, held against the record that they were kept beside."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np

from benchmark.damage import Damaged
from benchmark.ledger.evaluation import Flags
from benchmark.ledger.record import Record
from benchmark.ledger.sample_images import read_sample_images


def shown_as_broken(path: Path, record: Record) -> Flags:
    """Which images are kept to be looked at as broken, though the record says that they are not.

    They are rounded, so that the network can't judge them; but nobody keeps any of what was not broken.

    Raises:
        Damaged: they can't be read, or are no images of this shard.
    """
    kept = np.zeros(len(record.broken), bool)
    with suppress(FileNotFoundError):
        rows = read_sample_images(path).positions - record.key["data"]["start"]
        if ((rows < 0) | (rows >= len(kept))).any():
            raise Damaged(f"{path}: its images don't belong to this shard of the test set")
        kept[rows] = True
    return kept & ~(record.broken & ~record.clean_errors)
