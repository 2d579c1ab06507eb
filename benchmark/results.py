"""A ledger as pandas frames, for whoever wants to go on from there.

>>> from benchmark import results
>>> attacks = results.load("results")
>>> images = results.examples("results")
>>> attacks.examples().to_parquet("images.parquet")  # of a ledger that is too large for memory
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.analysis.frames import per_example
from benchmark.ledger import load_results

if TYPE_CHECKING:
    import pandas as pd

    from benchmark.analysis.attack_table import AttackTable


def load(folder: str | Path = "results") -> AttackTable:
    """One row per model and attack; see `benchmark.analysis.frames.tidy` for the columns.

    Its method `examples` gives what the folder says of each image, a piece at a time.

    Raises:
        BadInput: the folder was written by another version.
    """
    from benchmark.analysis.attack_table import attack_table

    return attack_table(folder)


def examples(folder: str | Path = "results") -> pd.DataFrame:
    """One row per model, attack and test image; see `benchmark.analysis.frames.per_example` for the columns.

    All of them are in memory at once; `load(folder).examples()` reads them a piece at a time.

    Raises:
        BadInput: the folder was written by another version.
    """
    return per_example(load_results(folder))
