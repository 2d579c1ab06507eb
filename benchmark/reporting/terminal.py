"""Boards, lists and cards as a terminal shows them. Nothing is ever read as markup: names may contain brackets."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from benchmark.analysis.transfer import Matrix
from benchmark.environment import is_terminal
from benchmark.errors import printable
from benchmark.reporting.column import Output
from benchmark.reporting.columns import columns
from benchmark.reporting.entries import Entry, Row
from benchmark.reporting.lead import lead
from benchmark.reporting.leaderboards import Leaderboard
from benchmark.reporting.method_rows import HEADINGS, method_rows
from benchmark.reporting.pairs import MethodPair, Pair, PairedTests
from benchmark.reporting.text import MISSING, percent, points

#: Columns for a reader that is no terminal, such as a file or a log.
WIDE = 160

#: No table is as wide as this: to ask for its width as if the screen had no end.
ANY_WIDTH = 100_000


def console() -> Console:
    """Standard output, wide where nobody would have to scroll."""
    return Console(width=None if is_terminal(sys.stdout) else WIDE, highlight=False, markup=False)


def print_leaderboards(boards: Iterable[Leaderboard]) -> None:
    """The leaderboards, with what a reader has to know of their networks below."""
    screen = console()
    for board in boards:
        shown = columns(board, Output.TERMINAL)
        table = _table(board.title)
        for column in shown:
            table.add_column(column.label.replace(", ", "\n"), justify="right" if column.kind.is_number else "left")
        for entry in board.entries:
            table.add_row(*(_text(column.text(entry)) for column in shown))
        screen.print(table)
        screen.print(_text(f"accuracies in percent under {', '.join(board.bounds)}", style="dim"))
        if board.is_uneven:
            told = "balanced: mean of the per-class accuracies"
            screen.print(_text(f"images: {board.shares}; {told}", style="dim"))
        if told := lead(board):
            screen.print(_text(told))
        _print_method_rows(screen, board)
        for entry in board.entries:
            for note in entry.notes:
                screen.print(_text(f"{entry.name}: {note}", style="yellow"))
            _print_flags(screen, entry)


def _print_method_rows(screen: Console, board: Leaderboard) -> None:
    """One row for each method of which several seeds are on the leaderboard."""
    rows = method_rows(board)
    if rows:
        table = _table(f"{board.title}: methods with several training seeds")
        for place, heading in enumerate(HEADINGS):
            table.add_column(heading.replace(": ", ":\n"), justify="right" if place > 1 else "left")
        for row in rows:
            table.add_row(*map(_text, row.cells))
        screen.print(table)
        screen.print(_text("intervals over training seeds and images; errors are standard errors", style="dim"))


def _print_flags(screen: Console, entry: Entry) -> None:
    for flag in entry.flags:
        told = f"possible gradient masking ({flag.strength} evidence): {flag.name}: {flag.evidence}"
        screen.print(_text(f"{entry.name}: {told}", style="yellow"))


def print_matrices(matrices: Iterable[Matrix]) -> None:
    """Black-box matrices: sources down, targets across, robust accuracies in percent."""
    screen = console()
    for matrix in matrices:
        screen.print(_text(f"{matrix.label}: source networks in rows, target networks in columns", style="italic"))
        table = _table("")
        table.add_column("")
        for target in matrix.targets:
            table.add_column(Text(target), justify="right", overflow="fold")
        for source, row in zip(matrix.sources, matrix.accuracy, strict=True):
            table.add_row(Text(source), *(percent(None if value != value else float(value)) for value in row))
        screen.print(table)
    screen.print(Text("robust accuracies in percent", style="dim"))


def print_paired_tests(found: Iterable[PairedTests]) -> None:
    """Paired comparisons: a row per metric and pair, differences in percentage points."""
    screen = console()
    for tests in found:
        _print_methods(screen, tests)
        table = _table(tests.board.title)
        for name in ("metric", "first", "second"):
            table.add_column(name, overflow="fold")
        only = ("only\nfirst", "only\nsecond")
        for name in ("%", "%", "difference", "95% interval", *only, "p", "exact\np", "corrected\np", "detectable"):
            table.add_column(name, justify="right")
        table.add_column("result", overflow="fold")
        for pair in tests.pairs:
            table.add_row(*map(Text, _pair_cells(pair)))
        if tests.pairs or not tests.methods:
            screen.print(table)
        told = f"accuracies in percent of {tests.board.images} images under {', '.join(tests.board.bounds)}"
        screen.print(Text(told, style="dim"))
        if tests.pairs:
            told = (
                f"intervals and corrected p hold for {tests.family} at once; exact: McNemar's test, as a check; "
                "detectable: what would be found in four of five cases, in points"
            )
            screen.print(Text(told, style="dim"))
        for told in tests.about:
            screen.print(_text(told))
        for entry in tests.board.entries:
            _print_flags(screen, entry)


def _print_methods(screen: Console, tests: PairedTests) -> None:
    """The comparisons of methods: what seeds and what images add to the error, and what more of either would do."""
    if not tests.methods:
        return
    table = _table(f"{tests.board.title}: methods, over training seeds and images")
    for name in ("metric", "first", "second"):
        table.add_column(name, overflow="fold")
    seeds = ("seeds", "SD of\nseeds", "error:\nseeds", "error:\nimages")
    checks = ("p", "corrected\np", "Welch\np", "two-way\nbootstrap")
    for name in (
        "%",
        "%",
        "difference",
        "95% interval",
        *seeds,
        "half, twice\nthe seeds",
        "half, twice\nthe images",
        *checks,
    ):
        table.add_column(name, justify="right")
    table.add_column("result", overflow="fold")
    for pair in tests.methods:
        table.add_row(*map(_text, _method_cells(pair)))
    screen.print(table)
    told = (
        "half: of the interval, in points; intervals and corrected p hold for all pairs of methods at once; Welch's "
        "test, which takes these images as given, and the bootstrap, which is too short for few seeds, are checks of "
        "the pair alone"
    )
    screen.print(Text(told, style="dim"))
    for pair in tests.methods:
        if pair.comparison.metric == "rworst":
            screen.print(_text(f"{pair.first} and {pair.second} by Rworst: {pair.comparison.found.advice}"))


def print_rows(rows: Sequence[Row], title: str = "") -> None:
    """Rows as a table with a column for every key that occurs; below each other if the table would be too wide.

    A table of more than twice the screen's width would be columns of torn words: then each row is a paragraph, its
    first value as the heading and the others by name, empty ones left out.
    """
    table = _table(title)
    names = list(dict.fromkeys(name for row in rows for name in row))
    for name in names:
        table.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(_text(_plain(row.get(name))) for name in names))
    screen = console()
    if Measurement.get(screen, screen.options.update(width=ANY_WIDTH), table).maximum <= 2 * screen.width:
        screen.print(table)
        return
    if title:
        screen.print(_text(title))
    for row in rows:
        heading, *others = row
        screen.print(_text(_plain(row[heading]), style="bold"))
        paragraph = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        paragraph.add_column(style="dim", min_width=max(map(len, others), default=0) + 2)  # as in every paragraph
        paragraph.add_column(overflow="fold")
        for name in others:
            if row[name] not in (None, "", []):
                paragraph.add_row(_text(f"  {name.replace('_', ' ')}"), _text(_plain(row[name])))
        screen.print(paragraph)


def print_card(card: Mapping[str, Any]) -> None:
    """One thing's values by name, inner ones by dotted names, empty ones left out; lists of rows are tables below."""
    card = {name: value for name, value in _flat(card) if value not in ("", [], {})}
    screen = console()
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    tables = {name: value for name, value in card.items() if _is_rows(value)}
    for name, value in card.items():
        if name not in tables:
            table.add_row(_text(name), _text(_plain(value)))
    screen.print(table)
    for name, rows in tables.items():
        screen.print()
        print_rows(rows, name)


def _text(words: str, style: str = "") -> Text:
    """What came from a file: shown as it is, neither read as markup nor obeyed by the terminal."""
    return Text(printable(words), style=style)


def _table(title: str) -> Table:
    return Table(
        title=_text(title) if title else None, title_justify="left", header_style="bold", box=None, pad_edge=False
    )


def _method_cells(pair: MethodPair) -> list[str]:
    comparison, found, checks = pair.comparison, pair.comparison.found, pair.comparison.checks
    errors = [f"{100 * value:.1f}" for value in (found.seed_error, found.image_error)]
    widths = [f"{100 * value:.1f}" for value in (found.half_width_seeds, found.half_width_images)]
    return [
        {"rworst": "Rworst", "ravg": "Ravg"}.get(comparison.metric, comparison.metric),
        pair.first,
        pair.second,
        percent(found.first),
        percent(found.second),
        points(found.difference),
        f"{points(found.low)} to {points(found.high)}",
        " / ".join(map(str, found.seeds)),
        " / ".join(f"{100 * value:.1f}" for value in found.seed_deviations),
        *errors,
        *widths,
        f"{found.p:.2g}",
        f"{comparison.corrected:.2g}",
        MISSING if checks.welch_p is None else f"{checks.welch_p:.2g}",
        f"{points(checks.low)} to {points(checks.high)}",
        pair.verdict,
    ]


def _pair_cells(pair: Pair) -> list[str]:
    found = pair.comparison
    only = [MISSING if number is None else str(number) for number in (found.only_first, found.only_second)]
    return [
        {"rworst": "Rworst", "ravg": "Ravg"}.get(found.metric, found.metric),
        pair.first,
        pair.second,
        percent(found.first),
        percent(found.second),
        points(found.difference),
        f"{points(found.low)} to {points(found.high)}",
        *only,
        f"{found.p:.2g}",
        MISSING if found.exact is None else f"{found.exact:.2g}",
        f"{found.corrected:.2g}",
        MISSING if found.detectable is None else f"{100 * found.detectable:.1f}",
        pair.verdict,
    ]


def _flat(card: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in card.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _plain(value: Any) -> str:
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={_plain(item)}" for name, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value))
    return str(value)
