"""One number of a paper's table: from the evaluations of its network to the measured value, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.analysis import aggregate, paired
from benchmark.analysis.confusion import CLEAN, WORST_CASE, taken_for, worst_case
from benchmark.ledger import Evaluation
from benchmark.ledger.predictions import UNKNOWN
from benchmark.papers.networks import find_network
from benchmark.papers.published import Printed
from benchmark.papers.schema import Panel, Paper, TableColumn, TableOrFigure, TableRow
from benchmark.papers.setting import PaperSetting
from benchmark.planning.grid import Cell
from benchmark.planning.jobs import EvaluationQuery
from benchmark.planning.ledger_index import LedgerIndex
from benchmark.radii import NORMS
from benchmark.statistics.ravg_interval import mean_interval

#: How the reasons begin why there never is a value here.
ELSEWHERE = "not trained here"

#: Per image, in [0, 1]: whether it is classified correctly, or the mean of that over norms or seeds.
Scores = NDArray[np.float64]


@dataclass(frozen=True)
class TableCell(Cell):
    """One number of a paper's table.

    Attributes:
        scores: per image, whether it is classified correctly (mean over seeds); None where it was not measured.
        by_seed: the same by seed, S×N.
        trainings: names of the networks, teachers included, that it is of, as those of the first seed are called.
        printed: what the paper prints here.
        difference: measured − printed in percentage points; None where the settings differ.
        gain, printed_gain: over the row that the table compares with, in percentage points.
        mark: "best" or "second" where that is significant, else "".
        is_masked: whether a network that the value is of shows strong signs of gradient masking; it is never the
            best.
        reason: why there is no value.
        evaluations: ids of the evaluations it was computed from.
        predicted: by seed, S×N class indices, what its network takes each image for, where the table shows that; see
            `confusion.taken_for`.
        classes: the names of the classes, where `predicted` is known.
        epochs: of the first seed's training, each validated epoch's number, clean and robust accuracy.
    """

    scores: Scores | None = None
    by_seed: Scores | None = None
    trainings: frozenset[str] = frozenset()
    printed: Printed | None = None
    difference: float | None = None
    gain: float | None = None
    printed_gain: Printed | None = None
    mark: str = ""
    is_masked: bool = False
    reason: str = ""
    evaluations: tuple[str, ...] = ()
    predicted: NDArray[np.int64] | None = None
    classes: tuple[str, ...] = ()
    epochs: tuple[tuple[int, float, float], ...] = ()

    @property
    def is_elsewhere(self) -> bool:
        """Whether it is of a network that is only printed, or published elsewhere."""
        return self.reason.startswith(ELSEWHERE)


def epochs_of(card: Mapping[str, Any]) -> tuple[tuple[int, float, float], ...]:
    """Number, clean and robust accuracy of each validated epoch that a network's card tells of.

    Accuracies are fractions, on held-out training images. There are none for a network that was trained elsewhere.
    """
    prefix = f"{card['network']}." if card.get("network") else ""
    found = []
    for number, row in enumerate(card.get("history") or (), start=1):
        clean, robust = row.get(f"{prefix}clean"), row.get(f"{prefix}robust")
        if isinstance(clean, int | float) and isinstance(robust, int | float):
            found.append((number, float(clean), float(robust)))
    return tuple(found)


def scores(evaluation: Evaluation, column: TableColumn) -> Scores | None:
    """N shares in [0, 1], the mean of which is what `column` shows; None where it is not known."""
    if column.attack is None:
        return paired.scores(evaluation, str(column.metric).replace("_", ""))
    outcome = next((outcome for outcome in evaluation.outcomes if outcome.label == column.attack), None)
    if outcome is None or not outcome.complete or aggregate.is_conditional(evaluation, column.attack):
        return None
    return (~outcome.broken).astype(float)


def predicted(evaluation: Evaluation, column: TableColumn) -> NDArray[np.int64] | None:
    """N class indices that the network predicts under what `column` shows; None unless they are known of all images.

    Of a norm it is the worst case of the attacks under it, of Rworst that of all. A mean over norms has none.
    """
    if column.metric in NORMS:
        found = worst_case(evaluation, column.metric)
    else:
        found = taken_for(evaluation, column.attack or (CLEAN if column.metric == "clean" else WORST_CASE))
    return None if found is None or (found == UNKNOWN).any() else found


def measured(
    paper: Paper,
    table: TableOrFigure,
    panel: Panel,
    row: TableRow,
    column: TableColumn,
    setting: PaperSetting,
    index: LedgerIndex,
) -> TableCell:
    """The cell's scores, or the reason why there are none."""
    if row.run is None:
        return TableCell(reason="" if row.mean_of else ELSEWHERE)
    found, ids, masked, trainings = [], [], False, set()
    taken: list[NDArray[np.int64] | None] = []
    names: tuple[str, ...] = ()
    epochs: tuple[tuple[int, float, float], ...] = ()
    for seed in setting.seeds:
        network = find_network(paper, row.run, setting, panel.architecture, seed, row.network)
        if network is None:
            return TableCell(reason=f"{ELSEWHERE}: {row.label} is a published network elsewhere")
        source = column.source and find_network(paper, column.source, setting, panel.architecture, seed)
        question = EvaluationQuery(column.suite or table.suite, table.mode, source or None)
        evaluation = index.find(network, question, setting)
        if evaluation is None:
            obstacle = network.obstacle() or (source.obstacle() if source else None)
            return TableCell(reason=f"not run: {obstacle}" if obstacle else "not run")
        known = scores(evaluation, column)
        if known is None:
            return TableCell(reason=f"not run: {column.label} is missing in the evaluation, or failed there")
        if evaluation.id in ids:  # a published network is the same one, whatever the seed
            continue
        found.append(known)
        ids.append(evaluation.id)
        if table.confusion == column.label:
            taken.append(predicted(evaluation, column))
            names = evaluation.classes.names if evaluation.classes else names
        if seed == setting.seeds[0]:
            epochs = epochs_of(evaluation.model)
            trainings = {run.training.name if run.training else run.name for run in network.lineage()}
        masked |= column.metric != "clean" and index.is_masked(evaluation)
    if len({len(each) for each in found}) > 1:
        return TableCell(reason="not run: its seeds were evaluated on different numbers of images")
    about: dict[str, Any] = {
        "trainings": frozenset(trainings),
        "evaluations": tuple(ids),
        "is_masked": masked,
        "epochs": epochs,
    }
    whole = [each for each in taken if each is not None]
    if whole and len(whole) == len(found):
        about |= {"predicted": np.stack(whole), "classes": names}
    return _cell(np.stack(found), **about)


def of_size(cell: TableCell, images: int | None) -> TableCell:
    if cell.scores is None or len(cell.scores) == images:
        return cell
    return TableCell(reason=f"not run: evaluated on {len(cell.scores)} images, the others on {images}")


def mean_of(cells: Sequence[TableCell]) -> TableCell:
    known = [cell.scores for cell in cells if cell.scores is not None]
    if not known or len(known) < len(cells):
        return TableCell(reason="not run: a row that it averages is missing")
    seeds = [cell.by_seed for cell in cells if cell.by_seed is not None]
    is_even = len({len(each) for each in seeds}) == 1
    return _cell(
        np.mean(seeds, axis=0) if is_even else np.mean(known, axis=0)[None],
        trainings=frozenset().union(*(cell.trainings for cell in cells)),
        evaluations=tuple(id for cell in cells for id in cell.evaluations),
        is_masked=any(cell.is_masked for cell in cells),
    )


def with_interval(cell: TableCell) -> TableCell:
    if cell.scores is None or cell.spread is not None:
        return cell
    low, high = mean_interval(cell.scores)
    return replace(cell, low=low, high=high)


def _cell(by_seed: Scores, **about: Any) -> TableCell:
    """The mean of S×N shares, with the standard deviation over the seeds where there are several."""
    spread = float(by_seed.mean(1).std(ddof=1)) if len(by_seed) > 1 else None
    return TableCell(value=float(by_seed.mean()), scores=by_seed.mean(0), by_seed=by_seed, spread=spread, **about)
