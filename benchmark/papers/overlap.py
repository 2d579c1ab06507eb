"""Which images only some of a figure's networks get right: counted image by image, nothing is attacked anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from benchmark.papers.grid import TableGrid
from benchmark.reporting.as_csv import as_csv

#: More networks than that have too many groups to be read.
MOST = 4


@dataclass(frozen=True)
class Group:
    """The images that just these networks get right.

    Attributes:
        labels: of their rows; none for the images that no network gets right.
        share: of all images, a mean over the seeds.
        images: how many, of one seed.
    """

    labels: tuple[str, ...]
    share: float
    images: float

    def words(self, rows: int) -> str:
        """In words, of so many networks: "AT alone", "AT and TRADES, not the others"."""
        if not self.labels:
            return "none of them"
        if len(self.labels) == rows:
            return "all of them"
        return f"{self.labels[0]} alone" if len(self.labels) == 1 else " and ".join(self.labels)


def overlap(grid: TableGrid) -> list[Group]:
    """All groups of the measured rows of `grid`, by the column that its table names; none for fewer than two rows.

    Row s of a network's seeds is put beside row s of the others; where their numbers differ, as many as all have.
    """
    column = grid.table.overlap
    found = [
        (line.row.label, cell.by_seed) for line in grid.lines if (cell := grid.cell(line.row.label, column or ""))
    ]
    rows = [(label, by_seed) for label, by_seed in found if by_seed is not None]
    if not 2 <= len(rows) <= MOST:
        return []
    seeds = min(len(by_seed) for _, by_seed in rows)
    right = np.stack([by_seed[:seeds] == 1 for _, by_seed in rows])
    labels = [label for label, _ in rows]
    return [_group(labels, right, chosen) for size in range(1, len(rows) + 1) for chosen in _chosen(rows, size)] + [
        _group(labels, right, ())
    ]


def _chosen(rows: Sequence[object], size: int) -> list[tuple[int, ...]]:
    return list(combinations(range(len(rows)), size))


def _group(labels: Sequence[str], right: np.ndarray, chosen: tuple[int, ...]) -> Group:
    wanted = np.isin(np.arange(len(labels)), chosen)
    share = float((right == wanted[:, None, None]).all(0).mean())
    return Group(tuple(labels[place] for place in chosen), share, share * right.shape[-1])


def to_csv(grids: Sequence[TableGrid]) -> str:
    """A row per group and panel."""
    rows = [
        {
            "dataset": grid.panel.dataset,
            "architecture": grid.panel.architecture,
            "only": " + ".join(group.labels) or "none",
            "images": group.images,
            "percent": 100 * group.share,
        }
        for grid in grids
        for group in overlap(grid)
    ]
    return as_csv(rows, digits=6)
