"""The comparisons that a sentence consists of: two weighted means of cells, and how far apart they have to be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from benchmark.held_out_names import split_holdout
from benchmark.papers.cells import TableCell
from benchmark.papers.claim import OF_ROWS, Claim
from benchmark.papers.grid import TableGrid

#: (weight, cell): the weights of a side sum to 1.
Side = tuple[tuple[float, TableCell], ...]


@dataclass(frozen=True)
class Part:
    """One comparison.

    Attributes:
        text: which, e.g. "MAT-h1 − AT, PGD-100".
        left, right: its sides.
        kind: "above": left − right > `amount` points; "within": |left − right| < `amount`; "only": left
            alone is right on more than `amount` percent of all images; "apart": left and right, a cell each, predict
            different classes for more than that.
        printed_gain: left − right, where the paper prints just that.
    """

    text: str
    left: Side
    right: Side
    kind: Literal["above", "within", "only", "apart"]
    amount: float
    printed_gain: float | None = None


def parts_of(claim: Claim, grid: TableGrid, grids: Mapping[str, Sequence[TableGrid]]) -> list[Part] | None:
    """The comparisons of `claim` in one panel; None where that panel, or its partner, lacks a row that it names.

    Args:
        claim: what is said.
        grid: a panel of its exhibit.
        grids: by table or figure, all panels; where `right` stands elsewhere, it is looked up there, in the panel of
            the same data and, where that has the row, of the same architecture.
    """
    try:
        return [*_parts(claim, grid, grids)]
    except _NotHere:
        return None


def is_about(claim: Claim, grid: TableGrid) -> bool:
    """Whether the sentence is about that panel."""
    own = grid.panel
    dataset, _ = split_holdout(own.dataset)
    return (not claim.dataset or dataset in claim.dataset) and (
        not claim.architecture or own.architecture in claim.architecture
    )


class _NotHere(Exception):
    """A panel does not have a row."""


def _parts(claim: Claim, grid: TableGrid, grids: Mapping[str, Sequence[TableGrid]]) -> Iterator[Part]:
    for row in claim.row:
        for left, right in claim.sides:
            yield from comparisons(claim, (left, right, row), _cell(grid, row, left), _cell(grid, row, right))
    for column in claim.column:
        if claim.relation == "order":
            for above, below in zip(claim.rows, claim.rows[1:], strict=False):
                pair = _cell(grid, above, column), _cell(grid, below, column)
                yield Part(f"{above} − {below}, {column}", _one(pair[0]), _one(pair[1]), "above", 0.0)
        elif claim.relation in OF_ROWS:
            yield from _trends(claim, grid, column)
        else:
            for left, right in claim.sides or _others(claim, grid):
                pair = _cell(grid, left, column), _partner(claim, grid, grids, right, column)
                is_gain = claim.right_exhibit is None and grid.table.row(left).gains_over == right
                yield from comparisons(claim, (left, right, column), *pair, is_gain)


def _others(claim: Claim, grid: TableGrid) -> list[tuple[str, str]]:
    """Each `left` with every other row; with those that are means themselves, where it is one."""
    rows = {line.row.label: bool(line.row.mean_of) for line in grid.lines}
    return [
        (left, label)
        for left in claim.left
        for label, is_mean in rows.items()
        if label not in claim.left and is_mean == rows.get(left)
    ]


def comparisons(
    claim: Claim, names: tuple[str, str, str], left: TableCell, right: TableCell, is_gain: bool = False
) -> Iterator[Part]:
    """The comparisons of two cells.

    Args:
        claim: what is said of them.
        names: of left, of right, and where they stand.
        left, right: the cells.
        is_gain: whether the table prints left's gain over right.
    """
    one, other, where = names
    forth, back = (_one(left), _one(right)), (_one(right), _one(left))
    printed = left.printed_gain.percent if is_gain and left.printed_gain else None
    if claim.relation == "close":
        yield Part(f"{one} − {other}, {where}", *forth, "within", claim.margin, printed)
    elif claim.relation == "differs":
        yield Part(f"right with {one} alone, {where}", *forth, "only", claim.margin)
        yield Part(f"right with {other} alone, {where}", *back, "only", claim.margin)
    elif claim.relation == "disagrees":
        yield Part(f"{one} and {other} predict different classes, {where}", *forth, "apart", claim.margin)
    elif claim.relation == "below":
        yield Part(f"{other} − {one}, {where}", *back, "above", claim.gain, printed and -printed)
    else:
        yield Part(f"{one} − {other}, {where}", *forth, "above", claim.gain, printed)


def _trends(claim: Claim, grid: TableGrid, column: str) -> Iterator[Part]:
    """Slopes of least squares over the rows, as differences of weighted means: Σ(x − x̄)·y > 0 in two sides."""
    labels = claim.rows or [line.row.label for line in grid.lines if line.row.series == claim.series]
    given = [grid.table.row(label).x for label in labels]
    places = [float(n) if x is None or None in given else x for n, x in enumerate(given)]
    spots = [(x, _cell(grid, label, column)) for x, label in zip(places, labels, strict=True)]
    if claim.relation == "peak":
        top = float(claim.peak or 0.0)
        rising, falling = [spot for spot in spots if spot[0] <= top], [spot for spot in spots if spot[0] >= top]
        if len(rising) < 2 or len(falling) < 2:
            raise _NotHere
        yield _slope(f"slope up to {top:g}, {column}", rising, 1)
        yield _slope(f"slope down from {top:g}, {column}", falling, -1)
    elif len(spots) < 2:
        raise _NotHere
    else:
        yield _slope(f"slope, {column}", spots, 1 if claim.relation == "rises" else -1)


def _slope(text: str, spots: Sequence[tuple[float, TableCell]], sign: int) -> Part:
    middle = sum(x for x, _ in spots) / len(spots)
    weighted = [(sign * (x - middle), cell) for x, cell in spots]
    total = sum(weight for weight, _ in weighted if weight > 0)
    high = tuple((weight / total, cell) for weight, cell in weighted if weight > 0)
    low = tuple((-weight / total, cell) for weight, cell in weighted if weight < 0)
    return Part(text, high, low, "above", 0.0)


def _partner(
    claim: Claim, grid: TableGrid, grids: Mapping[str, Sequence[TableGrid]], row: str, column: str
) -> TableCell:
    if claim.right_exhibit is None:
        return _cell(grid, row, column)
    same = [other for other in grids.get(claim.right_exhibit, ()) if other.panel.dataset == grid.panel.dataset]
    same.sort(key=lambda other: other.panel.architecture != grid.panel.architecture)
    found = next((cell for other in same if (cell := other.cell(row, column))), None)
    if found is None:
        raise _NotHere
    return found


def _one(cell: TableCell) -> Side:
    return ((1.0, cell),)


def _cell(grid: TableGrid, row: str, column: str) -> TableCell:
    found = grid.cell(row, column)
    if found is None:
        raise _NotHere
    return found
