"""What each two of a figure's networks predict where they differ: a confusion matrix of one with the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from benchmark.charts import matrix
from benchmark.ledger.classes import NONE, class_name
from benchmark.papers.grid import TableGrid
from benchmark.reporting.as_csv import as_csv

#: More pairs than that are too many matrices to be read, and more classes too many cells.
MOST, MOST_CLASSES = 6, 20


@dataclass(frozen=True)
class Disagreement:
    """Two networks beside each other.

    Attributes:
        left, right: the labels of their rows.
        names: of the classes that either predicts, no answer last.
        counts: C×C images, a row per prediction of the left one, a column per prediction of the right one; of all
            seeds together, row s of the one beside row s of the other.
        images: how many are counted, those included that both predict alike.
    """

    left: str
    right: str
    names: tuple[str, ...]
    counts: NDArray[np.int64]
    images: int

    @property
    def share(self) -> float:
        """Of the images that they predict differently."""
        return 1 - float(np.trace(self.counts)) / self.images

    def drawn(self) -> Markup | None:
        """As a table, the darker the more images, without those that both predict alike; None for many classes."""
        if len(self.names) > MOST_CLASSES:
            return None
        apart = self.counts * (1 - np.eye(len(self.names), dtype=np.int64))
        shades = apart / max(apart.max(initial=0), 1)
        title = f"Predictions of {self.left} (rows) and of {self.right} (columns) where they differ"
        corner = f"{self.left} / {self.right}"
        return matrix(title, corner, self.names, self.names, apart.tolist(), shades.tolist())


def disagreements(grid: TableGrid) -> list[Disagreement]:
    """Of each two rows of `grid` in the column that its table names, as far as it is known what they predict."""
    column = grid.table.confusion
    cells = [(line.row.label, grid.cell(line.row.label, column)) for line in grid.lines] if column else []
    known = [(label, cell.predicted, cell.classes) for label, cell in cells if cell and cell.predicted is not None]
    return [_beside(*one, *other[:2]) for one, other in combinations(known, 2)]


def unclassed(grid: TableGrid) -> list[str]:
    """The rows that are measured in that column, but of which it is not known what they predict."""
    column = grid.table.confusion
    cells = [(line.row.label, grid.cell(line.row.label, column)) for line in grid.lines] if column else []
    return [label for label, cell in cells if cell and cell.scores is not None and cell.predicted is None]


def _beside(
    left: str, mine: NDArray[np.int64], names: Sequence[str], right: str, theirs: NDArray[np.int64]
) -> Disagreement:
    seeds = min(len(mine), len(theirs))
    mine, theirs = mine[:seeds].ravel(), theirs[:seeds].ravel()
    found = np.union1d(mine, theirs)
    found = np.concatenate([found[found != NONE], found[found == NONE]])
    places = {place: number for number, place in enumerate(found.tolist())}
    counts = np.zeros((len(found), len(found)), np.int64)
    rows, columns = ([places[place] for place in own.tolist()] for own in (mine, theirs))
    np.add.at(counts, (rows, columns), 1)
    return Disagreement(left, right, tuple(class_name(names, place) for place in found.tolist()), counts, len(mine))


def to_csv(grids: Sequence[TableGrid]) -> str:
    """A row per panel, pair of networks and pair of predictions that occur together, also of those that agree."""
    rows = [
        {
            "dataset": grid.panel.dataset,
            "architecture": grid.panel.architecture,
            "left": pair.left,
            "right": pair.right,
            "left_predicts": pair.names[row],
            "right_predicts": pair.names[column],
            "images": int(pair.counts[row, column]),
        }
        for grid in grids
        for pair in disagreements(grid)
        for row, column in np.argwhere(pair.counts)
    ]
    return as_csv(rows)
