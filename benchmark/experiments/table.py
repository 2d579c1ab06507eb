"""The lines of a sweep: one per variant and network, mean over the seeds, with what was chosen."""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmark.analysis.masking import MASKED
from benchmark.experiments.measure import Measurement
from benchmark.experiments.variants import Variant
from benchmark.latex import Column, Row, TeX, document, escape, number, prose, table
from benchmark.moved import look_up
from benchmark.planning.grid import Cell, Grid, GridRow
from benchmark.reporting.as_csv import CsvWriter
from benchmark.reporting.best import MARKS, best_two
from benchmark.reporting.text import percent
from benchmark.statistics.selection import Selection
from benchmark.storage import canonical_json

#: What is measured of each line.
COLUMNS = ("clean", "robust")


@dataclass(frozen=True)
class SweepLine:
    """One network of a variant.

    Attributes:
        variant, network: which; "" for the only network.
        figures: as measured, one per seed.
        judged: whether its robustness counts when a variant is chosen.
        chosen: whether its variant was.
    """

    variant: Variant
    network: str
    figures: tuple[Measurement, ...]
    judged: bool
    chosen: bool = False

    @property
    def masked(self) -> str:
        """Strong signs of gradient masking in any seed, in words; "" for none."""
        found = [figures.masked for figures in self.figures if figures.masked]
        return ", ".join(dict.fromkeys(", ".join(found).split(", "))) if found else ""

    @property
    def verdict(self) -> str:
        """ "chosen", "masked?" for one that can't be, else ""."""
        return "chosen" if self.chosen else MASKED if self.masked else ""

    @property
    def label(self) -> str:
        """In words: "mat, alpha 0.6, h1"."""
        return ", ".join(filter(None, [self.variant.label, self.network]))

    def cell(self, column: str) -> Cell:
        """The mean of "clean" or "robust": its 95% interval for one seed, the standard deviation for several."""
        return Cell.of_seeds([getattr(each, column) for each in self.figures], self.figures[0].images)


def make_lines(
    measured: Sequence[tuple[Variant, Mapping[int, Sequence[Measurement]]]], choose: bool = True
) -> list[SweepLine]:
    """The lines of what was measured per seed, those of the best variant marked as chosen, if it is to be.

    The best has the highest robust accuracy, mean over its judged networks and all seeds; the first of several such.
    Variants with strong signs of gradient masking in a judged network can't be chosen.
    """
    lines, merits = [], []
    for variant, by_seed in measured:
        own = [
            SweepLine(variant, group[0].network, group, group[0].network in variant.judged)
            for group in zip(*by_seed.values(), strict=True)
        ]
        lines.append(own)
        masked = any(line.masked for line in own if line.judged)
        merit = np.mean([figures.robust for line in own if line.judged for figures in line.figures])
        merits.append(-1.0 if masked else float(merit))
    best = int(np.argmax(merits)) if choose and merits and max(merits) >= 0 else None
    return [replace(line, chosen=number == best) for number, own in enumerate(lines) for line in own]


def to_csv(lines: Sequence[SweepLine], selection: Selection | None = None) -> str:
    """A row per line; accuracies in percent. Rows of the chosen variant say what is left of it, see `selection`."""
    varied = list(lines[0].variant.varied) if lines else []
    numbers = [f"{column}{suffix}" for column in COLUMNS for suffix in ("", "_low", "_high", "_spread")]
    file = io.StringIO()
    writer = CsvWriter(file)
    left = ["robust_corrected", "robust_corrected_low", "robust_corrected_high", "runner_up_difference", "p"]
    tail = ["judged", "chosen", "masked", "checkpoints", "evaluations"]
    writer.writerow(["method", *varied, "network", "seeds", "images", *numbers, *tail, *left])
    for line in lines:
        cells = [line.cell(column) for column in COLUMNS]
        shares = [share for cell in cells for share in (cell.value, cell.low, cell.high, cell.spread)]
        writer.writerow(
            [
                line.variant.method,
                *(
                    value if isinstance(value, str) else canonical_json(value)
                    for value in line.variant.varied.values()
                ),
                line.network,
                len(line.figures),
                line.figures[0].images,
                *("" if share is None else f"{100 * share:.6g}" for share in shares),
                *("yes" if flag else "" for flag in (line.judged, line.chosen)),
                line.masked,
                " ".join(figures.checkpoint.name for figures in line.figures),
                " ".join(filter(None, (figures.evaluation for figures in line.figures))),
                *(_corrected(selection) if selection and line.chosen and line.judged else [""] * len(left)),
            ]
        )
    return file.getvalue()


def _corrected(selection: Selection) -> list[str]:
    shares = (selection.corrected, selection.low, selection.high, selection.difference)
    return [*(f"{100 * share:.6g}" for share in shares), f"{selection.p:.4g}"]


def to_grid(lines: Sequence[SweepLine], title: str) -> Grid:
    """The lines with their figure: over the first setting that counts, else as bars."""
    x = _axis([line.variant for line in lines])
    methods = {line.variant.method for line in lines}
    rows = (
        GridRow(
            label=line.label,
            cells=tuple(line.cell(column) for column in COLUMNS),
            series=_series(line, x, methods) if x else "",
            x=float(line.variant.varied[x]) if x else None,
        )
        for line in lines
    )
    return Grid(title, COLUMNS, tuple(rows), chart="lines" if x else "bars", x_title=x or "")


def to_latex(lines: Sequence[SweepLine], title: str, about: str) -> str:
    """The lines as a table for a paper; what may be masked, or is not judged, takes no part in what is marked.

    Args:
        lines: at least one.
        title: what was compared.
        about: how it was measured, in sentences.
    """
    cells = {column: [line.cell(column) for line in lines] for column in COLUMNS}
    counts = [line.judged and not line.masked for line in lines]
    marks = {
        column: best_two([_shown(cell) if is_in else None for cell, is_in in zip(found, counts, strict=True)])
        for column, found in cells.items()
    }
    rows = []
    for place, line in enumerate(lines):
        own = [(cells[column][place], marks[column][place]) for column in COLUMNS]
        numbers = [number(percent(cell.value), mark, spread=_spread(cell)) for cell, mark in own]
        rows.append(Row([line.label, *numbers, line.verdict], below=_intervals([cell for cell, _ in own])))
    heads = [Column("", "words"), *(Column(column.capitalize()) for column in COLUMNS), Column("", "words")]
    several = any(cell.spread is not None for found in cells.values() for cell in found)
    under = "± is the standard deviation over seeds" if several else "below each is its 95% interval"
    told = TeX(f"{escape(title)}. {prose(f'{about} Accuracies are percentages, {under}. {MARKS}.')}")
    return document([table(told, f"sweep-{title}", heads, rows)])


def _shown(cell: Cell) -> float | None:
    return None if cell.value is None else float(percent(cell.value))


def _spread(cell: Cell) -> str:
    return "" if cell.spread is None else percent(cell.spread)


def _intervals(cells: Sequence[Cell]) -> list[str]:
    """A second line of intervals between the words of a row; none where all are over several seeds."""
    found = ["" if cell.low is None else f"{percent(cell.low)}–{percent(cell.high)}" for cell in cells]
    return ["", *found, ""] if any(found) else []


def _axis(variants: Sequence[Variant]) -> str | None:
    """The first varied setting whose values are numbers."""
    for key in variants[0].varied:
        values = [variant.varied[key] for variant in variants]
        if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
            return key
    return None


def _series(line: SweepLine, x: str, methods: Collection[str]) -> str:
    """What tells the lines of a figure apart."""
    others = [f"{key} {value}" for key, value in line.variant.varied.items() if key != x]
    method = [line.variant.method] if len(methods) > 1 else []
    return ", ".join(filter(None, [*method, *others, line.network]))


def percentage(cell: Cell) -> str:
    """ "93.8 (92.1–95.1)" with the interval of one seed, "93.8 ± 0.4" over several."""
    if cell.spread is not None:
        return f"{percent(cell.value)} ± {percent(cell.spread)}"
    return f"{percent(cell.value)} ({percent(cell.low)}–{percent(cell.high)})"


def __getattr__(name: str) -> object:
    return look_up(__name__, name)
