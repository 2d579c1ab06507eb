"""The frame that `benchmark.results.load` gives: a table of attacks that knows where its images are."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pandas as pd

from benchmark.analysis.frames import tidy
from benchmark.analysis.streaming import Examples
from benchmark.damage import Damaged
from benchmark.labels import Key, card_labels
from benchmark.ledger import Ledger
from benchmark.ledger.manifests import read_manifest


class AttackTable(pd.DataFrame):
    """One row per model and attack; whatever is made of it is an ordinary frame."""

    _metadata = ("_results",)
    _results: Path

    @property
    def _constructor(self) -> type[pd.DataFrame]:
        return pd.DataFrame

    def examples(self) -> Examples:
        """One row per model, attack and test image of the folder, a piece at a time: see `Examples`."""
        ledger = Ledger.open(self._results)
        return Examples(ledger.one_by_one, _names(ledger))


def _names(ledger: Ledger) -> dict[Key, str]:
    """What the networks of all evaluations are called: for that nobody has to read their records."""
    cards = []
    for path in sorted((ledger.folder / "evaluations").glob("*.json")):
        with suppress(Damaged, FileNotFoundError):
            cards.append(read_manifest(path)["model"])
    return card_labels(cards)


def attack_table(folder: str | Path) -> AttackTable:
    """The table of all attacks in a results folder; what is damaged is left out, which is said.

    Raises:
        BadInput: the folder was written by another version.
    """
    ledger = Ledger.open(folder)
    table = AttackTable(tidy(ledger.one_by_one()))
    table._results = Path(folder).absolute()
    ledger.tell()
    return table
