"""The variant that a sweep selects, corrected for the choice: from the lines of its table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmark.experiments.table import SweepLine
from benchmark.planning.selected import Selected, select_among
from benchmark.statistics.seeds import Arm


def selected(lines: Sequence[SweepLine]) -> Selected | None:
    """The chosen variant of `lines`, corrected; None where none is, or nothing to choose from, or where it is not
    known which images its networks withstood."""
    by_variant: dict[str, list[SweepLine]] = {}
    for line in lines:
        if line.judged:
            by_variant.setdefault(line.variant.label, []).append(line)
    able = {label: own for label, own in by_variant.items() if not any(line.masked for line in own)}
    chosen = next((label for label, own in able.items() if own[0].chosen), None)
    return None if chosen is None else select_among({label: _arm(own) for label, own in able.items()}, chosen)


def _arm(lines: Sequence[SweepLine]) -> Arm | None:
    """S×N shares, the mean over a variant's judged networks; None where one of them is not known."""
    rows = [[figures.scores for figures in line.figures] for line in lines]
    if any(scores is None for row in rows for scores in row):
        return None
    if len({len(scores) for row in rows for scores in row if scores is not None}) != 1:
        return None
    return np.mean(np.array(rows, float), axis=0)
