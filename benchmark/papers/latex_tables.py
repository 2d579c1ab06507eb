"""A paper's tables for another paper: as measured, as printed, and those that compare methods."""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.analysis.masking import MASKED
from benchmark.latex import Column, Mark, Row, TeX, document, escape, formula, gain, number, prose, table
from benchmark.papers.cells import TableCell
from benchmark.papers.grid import TableGrid
from benchmark.papers.method_tables import FORMULAS, is_formula
from benchmark.papers.method_tables import cells as words_of
from benchmark.papers.schema import MethodTable, Paper, TableOrFigure
from benchmark.papers.titles import title_of
from benchmark.papers.typeset import measured_marks, printed_marks, row_title
from benchmark.reporting.best import MARKS, STARS
from benchmark.reporting.text import signed


def to_latex(grids: Sequence[TableGrid], caption: str, label: str) -> str:
    """The measured panels in one table: gains in brackets beside the numbers, intervals below them.

    Args:
        grids: the panels, at least one.
        caption: what is shown, in sentences; what the marks mean is added.
        label: the end of the LaTeX label.
    """
    cells = [cell for grid in grids for line in grid.lines for cell in line.cells]
    has_gains = any(cell.gain is not None for cell in cells)
    rows: list[Row] = []
    for grid in grids:
        for place, (line, marks) in enumerate(zip(grid.lines, measured_marks(grid), strict=True)):
            decimals = grid.table.decimals
            texts: list[str] = [prose(row_title(line.row))]
            for cell, mark in zip(line.cells, marks, strict=True):
                texts += [_number(cell, mark, decimals)]
                texts += [gain("" if cell.gain is None else signed(cell.gain, decimals))] if has_gains else []
            below = [_below(cell) for cell in line.cells]
            rows.append(_row(grids, grid, place, texts, ["", *below] if any(below) else []))
    told: list[str] = [caption, f"Accuracies are percentages{_size(grids)}."]
    told += [f"{MARKS}; {STARS}."] if grids[0].table.marks else []
    told += ["In brackets the gain in percentage points over the row that it is compared with."] if has_gains else []
    told += ["In small type below are 95% intervals."] if any(cell.low is not None for cell in cells) else []
    told += ["± is the standard deviation over seeds."] if any(cell.spread is not None for cell in cells) else []
    if any(cell.is_masked for cell in cells):
        told += [f"“{MASKED}” says that there is strong evidence of gradient masking."]
    return document([table(_sentences(told), label, _columns(grids[0].table, has_gains), rows)])


def printed_latex(grids: Sequence[TableGrid], caption: str, label: str) -> str:
    """The panels as the paper prints them; arguments as those of `to_latex`."""
    has_gains = any(cell.printed_gain for grid in grids for line in grid.lines for cell in line.cells)
    rows = []
    for grid in grids:
        decimals = grid.table.decimals
        for place, (line, marks) in enumerate(zip(grid.lines, printed_marks(grid), strict=True)):
            texts: list[str] = [prose(row_title(line.row, printed=True))]
            for cell, mark in zip(line.cells, marks, strict=True):
                texts += [number(f"{cell.printed.percent:.{decimals}f}" if cell.printed else "–", mark)]
                added = cell.printed_gain
                texts += [gain(signed(added.percent, decimals) if added else "")] if has_gains else []
            rows.append(_row(grids, grid, place, texts, []))
    told = [caption, f"{MARKS}, by the printed numbers."] if grids[0].table.marks else [caption]
    return document([table(_sentences(told), label, _columns(grids[0].table, has_gains), rows)])


def methods_latex(found: MethodTable, caption: str, label: str) -> str:
    """A table without numbers, its formulas as mathematics."""
    facts = ["", *found.columns]
    heads = [Column(fact.capitalize(), "long" if fact in FORMULAS else "words") for fact in facts]
    rows = [Row([_fact(*each) for each in zip(facts, words, strict=True)]) for words in words_of(found)]
    return document([table(caption, label, heads, rows)])


def _fact(fact: str, words: str) -> TeX:
    return formula(words) if fact in FORMULAS and is_formula(words) else escape(words)


def caption_of(paper: Paper, key: str, title: str, how: str) -> str:
    """ "Who teaches whom: Figure 2 of “Mutual …” (Liu 2021), reproduced on digits." """
    return f"{title}: {title_of(key)} of “{paper.title}” ({paper.source}){how}."


def _sentences(told: Sequence[str]) -> TeX:
    return TeX(" ".join(map(prose, told)))


def _row(grids: Sequence[TableGrid], grid: TableGrid, place: int, texts: Sequence[str], below: Sequence[str]) -> Row:
    """A row under the heading of its panel, where there are several, and under its own."""
    row, is_first = grid.lines[place].row, place == 0
    panel = grid.panel
    printed = panel.published
    names = [printed.dataset or panel.dataset, printed.architecture or panel.architecture]
    heading = ", ".join(names) if len(grids) > 1 and is_first else ""
    heading = " — ".join(filter(None, [heading, row.group or ""]))
    return Row(texts, below, rule=row.rule or bool(heading and is_first and grid is not grids[0]), heading=heading)


def _columns(shown: TableOrFigure, has_gains: bool) -> list[Column]:
    beside = [Column(kind="gain")] if has_gains else []
    return [Column("", "words"), *(each for column in shown.columns for each in (Column(column.label), *beside))]


def _number(cell: TableCell, mark: Mark, decimals: int) -> TeX:
    if cell.value is None:
        return number("–")
    spread = "" if cell.spread is None else f"{100 * cell.spread:.{decimals}f}"
    return number(f"{100 * cell.value:.{decimals}f}", mark, bool(cell.mark), spread)


def _below(cell: TableCell) -> str:
    parts = [f"{100 * cell.low:.1f}–{100 * cell.high:.1f}"] if cell.low is not None and cell.high is not None else []
    return " ".join([*parts, MASKED] if cell.is_masked else parts)


def _size(grids: Sequence[TableGrid]) -> str:
    """Of how many images, where all panels have the same number."""
    sizes = {grid.images for grid in grids}
    (only, *others) = sizes
    what = "held-out training" if grids[0].table.holdout else "test"
    return f" of {only} {what} images" if only and not others else ""
