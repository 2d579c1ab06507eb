"""What is measured of a run, kept as bundles: enough for tables and claims, when its weights are long gone.

A folder of `records` for each run, there once all its networks are attacked: <network>.best.zip and
<network>.last.zip, which `bench verify` checks. What was crafted on one network and tried on another is transfer.csv.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

import benchmark
from benchmark.ledger import Ledger
from benchmark.storage import write_atomic

SELECTIONS = ("best", "last")


class Records:
    """The bundles of all runs, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def transfer(self) -> Path:
        """The table of transfer, if it is measured."""
        return self.folder / "transfer.csv"

    def has(self, run: str) -> bool:
        """Whether all networks of the run, named with its seed, are attacked."""
        return (self.folder / run).is_dir()

    def keep(self, run: str, results: Path, networks: Sequence[tuple[str, str, str]]) -> None:
        """Write the folder of `run`, whole or not at all.

        Args:
            run: its name, with the seed.
            results: the ledger with all evaluations of its networks.
            networks: of each its name, "best" or "last", and the digest of these weights.
        """
        begun = self.folder / f".{run}"
        shutil.rmtree(begun, ignore_errors=True)
        begun.mkdir(parents=True)
        for name, selection, digest in networks:
            benchmark.bundle(results, digest, out=begun / f"{name}.{selection}.zip")
        begun.rename(self.folder / run)

    def keep_transfer(self, matrices: Sequence[Any]) -> None:
        """Write the accuracies of transfer, a row per attack, source and target; percent."""
        rows = [
            {"attack": matrix.label, "source": source, "target": target, "accuracy": round(100 * float(value), 2)}
            for matrix in matrices
            for source, line in zip(matrix.sources, matrix.accuracy, strict=True)
            for target, value in zip(matrix.targets, line, strict=True)
        ]
        write_atomic(self.transfer, pd.DataFrame(rows).to_csv(index=False))

    def evaluations(self, runs: Sequence[str]) -> Iterator[Any]:
        """All evaluations of the runs in this order; the card of each says its `selection`."""
        for run in runs:
            for path in sorted((self.folder / run).glob("*.zip")):
                selection = path.stem.rpartition(".")[2]
                with tempfile.TemporaryDirectory() as folder:
                    benchmark.merge([path], into=folder)
                    for found in Ledger.open(folder).evaluations():
                        yield replace(found, model={**found.model, "selection": selection})
