"""A ledger as pandas frames, for whoever wants to go on from there.

>>> from benchmark import results
>>> attacks = results.load("results")
>>> images = results.examples("results")
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.analysis.frames import per_example, tidy
from benchmark.ledger import load_results

if TYPE_CHECKING:
    import pandas as pd


def load(folder: str | Path = "results") -> pd.DataFrame:
    """One row per model and attack; see `benchmark.analysis.frames.tidy` for the columns.

    Raises:
        BadInput: the folder was written by another version.
    """
    return tidy(load_results(folder))


def examples(folder: str | Path = "results") -> pd.DataFrame:
    """One row per model, attack and test image; see `benchmark.analysis.frames.per_example` for the columns.

    Raises:
        BadInput: the folder was written by another version.
    """
    return per_example(load_results(folder))
