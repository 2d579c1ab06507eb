"""The site's tables for a manuscript: leaderboards, methods, attacks, suites, comparisons and transfer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.analysis.paired import Comparison
from benchmark.latex import Column, Row, TeX, document, escape, is_document, number, prose, small, table
from benchmark.reporting import column as shown
from benchmark.reporting.best import MARKS, STARS, best_two
from benchmark.reporting.columns import columns
from benchmark.reporting.kinds import ACCURACY
from benchmark.reporting.leaderboards import Leaderboard
from benchmark.reporting.method_rows import METRICS, method_rows
from benchmark.reporting.networks import NetworkPage
from benchmark.reporting.pairs import MethodPair, Pair, PairedTests
from benchmark.reporting.suites import parameters
from benchmark.reporting.text import MISSING, distance, percent, points, threat
from benchmark.reporting.text_tables import Doubt, caption, doubts
from benchmark.reporting.transfers import Transfers
from benchmark.statistics.seeds import MethodDifference, MethodMean
from benchmark.storage import check_replaced, write_atomic

#: Of a column of accuracies, the metric of `Leaderboard.families`, where it is called otherwise.
_METRICS = {"r_avg": "ravg", "r_worst": "rworst"}


def leaderboard_tables(board: Leaderboard) -> list[str]:
    """A leaderboard, and its methods where some have several seeds."""
    return list(filter(None, [leaderboard_table(board), methods_table(board)]))


def leaderboard_table(board: Leaderboard) -> str:
    """A leaderboard, in its order of columns and rows."""
    found = columns(board, shown.Output.TEXT)
    cells = [_column_cells(board, column) for column in found]
    heads = [Column(column.label, "number" if column.kind.is_number else "words") for column in found]
    told = TeX(" ".join([prose(f"{caption(board)}. {MARKS}; {STARS}."), *map(_doubt, doubts(board.entries))]))
    return table(told, board.file, heads, map(Row, zip(*cells, strict=True)))


def _doubt(doubt: Doubt) -> TeX:
    """A sentence; names as they are."""
    names = [escape(name) for name in doubt.names]
    return TeX(f"{prose(doubt.told)}: {', '.join(names)}{prose(doubt.rest)}.")


def _column_cells(board: Leaderboard, column: shown.Column) -> list[str]:
    texts = [column.text(entry) for entry in board.entries]
    if column.kind is not ACCURACY:
        return texts
    values = [
        float(text) if text != MISSING and not entry.is_masked else None
        for entry, text in zip(board.entries, texts, strict=True)
    ]
    marks = best_two(values)
    stars = [bool(mark) and _stands(board, column.name, values, place) for place, mark in enumerate(marks)]
    return [number(*cell) for cell in zip(texts, marks, stars, strict=True)]


def _stands(board: Leaderboard, name: str, values: Sequence[float | None], place: int) -> bool:
    """Whether the network at that place is significantly better than all whose number is lower."""
    family = board.families.get(_METRICS.get(name, name))
    own = values[place]
    if family is None or own is None or place not in family.places:
        return False
    lower = [other for other, value in enumerate(values) if value is not None and value < own]
    known = [family.places.index(other) for other in lower if other in family.places]
    better = family.pairs.better[family.places.index(place)]
    return len(known) == len(lower) > 0 and bool(np.all(better[known]))


def methods_table(board: Leaderboard) -> str:
    """The methods with several training seeds, mean ± deviation from seed to seed; "" where there is none."""
    rows = method_rows(board)
    if not rows:
        return ""
    marks = {
        metric: best_two([None if row.is_masked else _rounded(row.means[metric]) for row in rows])
        for metric in METRICS
    }
    heads = [Column("Method", "words"), Column("Seeds"), *map(Column, METRICS.values()), Column("95% interval")]
    told = f"{caption(board)}; mean ± deviation from seed to seed (without what the images add to it). {MARKS}"
    body = []
    for place, row in enumerate(rows):
        means = [_mean(row.means[metric], marks[metric][place]) for metric in METRICS]
        doubt = " (possible gradient masking)" if row.is_masked else ""
        worst = row.means["rworst"]
        interval = f"{percent(worst.low)}–{percent(worst.high)}" if worst else MISSING
        body.append(Row([f"{row.label}{doubt}", str(len(row.seeds)), *means, interval]))
    return table(
        f"{told}; the interval is that of Rworst, over seeds and images.", f"{board.file}-methods", heads, body
    )


def _rounded(mean: MethodMean | None) -> float | None:
    return None if mean is None else float(percent(mean.value))


def _mean(mean: MethodMean | None, mark: str) -> TeX:
    if mean is None:
        return number(MISSING)
    return number(percent(mean.value), mark, spread=percent(mean.seed_deviation))  # type: ignore[arg-type]


def attacks_tables(network: NetworkPage) -> Iterator[str]:
    """What each attack left of a network, a table for each leaderboard that it is on."""
    heads = [Column("Attack", "words"), Column("Threat", "words"), Column("Accuracy"), Column("95% interval")]
    for result in network.results:
        rows = [
            Row(
                [
                    attack["attack"],
                    prose(threat(attack["norm"], attack["epsilon"])),
                    percent(attack["accuracy"]),
                    f"{percent(attack['accuracy_low'])}–{percent(attack['accuracy_high'])}",
                    distance(attack["median_distance"]),
                ]
            )
            for attack in result.entry.attacks
        ]
        own = [escape(result.entry.name), *(prose(doubt.alone) for doubt in doubts([result.entry]))]
        told = TeX(f"{', '.join(own)}: {prose(f'{caption(result.board)}.')}")
        label = f"{network.stem}-{result.board.file}"
        yield table(told, label, [*heads, Column("Median distance")], rows)


def suite_table(board: Leaderboard) -> str:
    """The attacks of a leaderboard's suite, with their parameters."""
    heads = [Column("Attack", "words"), Column("Threat", "words"), Column("Parameters", "long"), Column("Restarts")]
    rows = [
        Row(
            [
                item["label"],
                prose(threat(item["norm"], item["epsilon"])),
                small(_parameters(item["attack"])),
                str(item["restarts"]),
            ]
        )
        for item in board.evaluations[0].suite["items"]
    ]
    told = (
        f"Attacks of the suite {board.suite} ({board.preset}) on {board.dataset}, first {board.images} {board.what}."
    )
    return table(told, f"{board.file}-attacks", heads, rows)


def _parameters(attack: Mapping[str, Any]) -> str:
    """Those that are set, numbers to four digits."""
    kept = {name: f"{value:.4g}" if isinstance(value, float) else value for name, value in attack.items()}
    known = {name: value for name, value in kept.items() if value is not None}
    return parameters(known).replace("_", " ")


def transfer_tables(found: Sequence[Transfers]) -> Iterator[str]:
    """A table for each matrix: source networks in rows, target networks in columns."""
    for item in found:
        for matrix in item.matrices:
            told = TeX(
                f"Accuracy in percent under {escape(matrix.label)}, crafted on the network of the row and tried on "
                f"that of the column: {prose(f'{item.board.title}.')}"
            )
            rows = [
                Row([source, *(percent(tried.accuracy) if tried else MISSING for tried in line)])
                for source, line in zip(matrix.sources, item.rows(matrix), strict=True)
            ]
            heads = [Column("Source", "words"), *(Column(escape(target)) for target in matrix.targets)]
            yield table(told, f"transfer-{matrix.label}-{item.board.file}", heads, rows)


def comparison_tables(found: Iterable[PairedTests]) -> Iterator[str]:
    """For each leaderboard of `benchmark.compare`, its pairs of methods, then its pairs of networks."""
    for tests in found:
        about = f"{caption(tests.board)}. Differences are in percentage points"
        file = tests.board.file
        if tests.methods:
            told = f"{about}, over training seeds and images; intervals and p hold for all pairs of methods together."
            rows = [
                _pair(pair, pair.comparison.metric, pair.comparison.found, pair.comparison.corrected)
                for pair in tests.methods
            ]
            yield table(told, f"methods-compared-{file}", _COMPARED, rows)
        if tests.pairs:
            told = f"{about}; intervals and p hold for {tests.family} together."
            rows = [
                _pair(pair, pair.comparison.metric, pair.comparison, pair.comparison.corrected)
                for pair in tests.pairs
            ]
            yield table(told, f"compared-{file}", _COMPARED, rows)


def write_comparisons(found: Iterable[PairedTests], path: Path) -> Path:
    """Write the tables of `comparison_tables` to the file `path`, and return it.

    Raises:
        BadInput: it can't be written, or something else than LaTeX tables is called so.
    """
    check_replaced(path, "file of such tables", is_document)
    return write_atomic(path, document(comparison_tables(found)))


_COMPARED = (
    *(Column(heading, "words") for heading in ("Metric", "First", "Second")),
    *map(Column, ("First, %", "Second, %", "Difference", "95% interval", "p, corrected")),
    Column("Result", "words"),
)


def _pair(pair: Pair | MethodPair, metric: str, test: Comparison | MethodDifference, corrected: float) -> Row:
    names = {"rworst": "Rworst", "ravg": "Ravg", "clean": "Clean"}
    return Row(
        [
            prose(names.get(metric, metric)),
            pair.first,
            pair.second,
            percent(test.first),
            percent(test.second),
            points(test.difference),
            f"{points(test.low)} to {points(test.high)}",
            f"{corrected:.2g}",
            pair.verdict,
        ]
    )
