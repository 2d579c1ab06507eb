"""The ledger's numbers in every form that somebody may want them in; each function writes to a folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmark.analysis.labels import labels_of
from benchmark.analysis.streaming import Examples, check_parquet
from benchmark.errors import unknown
from benchmark.latex import document
from benchmark.ledger import Ledger
from benchmark.plots.files import write_plots
from benchmark.plots.style import check_matplotlib
from benchmark.reporting.as_csv import as_csv
from benchmark.reporting.latex_tables import attacks_tables, leaderboard_tables, suite_table, transfer_tables
from benchmark.reporting.leaderboards import Leaderboard
from benchmark.reporting.networks import network_pages
from benchmark.reporting.plots import plots
from benchmark.reporting.robustbench import entries
from benchmark.reporting.rows import attack_rows, attacks_frame, leaderboard_frame, leaderboard_rows
from benchmark.reporting.site import write_site
from benchmark.reporting.text_tables import leaderboard_markdown
from benchmark.reporting.transfers import transfers
from benchmark.storage import safe_name, write_atomic


def check_format(format: str) -> None:
    """Raise `BadInput` if there is no such format, or pyarrow or matplotlib is needed for it and absent."""
    if format not in FORMATS:
        raise unknown("format", format, FORMATS)
    if format == "parquet":
        check_parquet()
    if format == "figures":
        check_matplotlib()


def write(format: str, boards: Sequence[Leaderboard], ledger: Ledger, out: Path) -> Path:
    """Write `boards` in that `format`, which has been checked, to the folder `out`.

    Returns:
        The file to look at first.

    Raises:
        BadInput: the folder can't be written.
    """
    return FORMATS[format](boards, ledger, out)


def _csv(boards: Sequence[Leaderboard], ledger: Ledger, out: Path) -> Path:
    write_atomic(out / "attacks.csv", as_csv(attack_rows(boards)))
    return write_atomic(out / "leaderboard.csv", as_csv(leaderboard_rows(boards)))


def _latex(boards: Sequence[Leaderboard], ledger: Ledger, out: Path) -> Path:
    """Leaderboards, and beside them what each network did under each attack, the attacks, and transfer."""
    found = ledger.transfers()
    carried = transfers(found, labels_of([*(each for board in boards for each in board.evaluations), *found]))
    for name, tables in {
        "attacks": [table for network in network_pages(boards) for table in attacks_tables(network)],
        "suites": list(map(suite_table, boards)),
        "transfer": list(transfer_tables(carried)),
    }.items():
        if tables:
            write_atomic(out / f"{name}.tex", document(tables))
    return write_atomic(
        out / "leaderboard.tex", document(table for board in boards for table in leaderboard_tables(board))
    )


def _figures(boards: Sequence[Leaderboard], ledger: Ledger, out: Path) -> Path:
    return write_plots(plots(boards, out), out / "figures")


def _markdown(boards: Sequence[Leaderboard], ledger: Ledger, out: Path) -> Path:
    return write_atomic(out / "leaderboard.md", "\n".join(map(leaderboard_markdown, boards)))


def _parquet(boards: Sequence[Leaderboard], ledger: Ledger, out: Path) -> Path:
    evaluations = [evaluation for board in boards for evaluation in board.evaluations]
    Examples(lambda: evaluations, labels_of(evaluations)).to_parquet(out / "examples.parquet")
    for name, frame in (("attacks", attacks_frame(boards)), ("leaderboard", leaderboard_frame(boards))):
        path = write_atomic(out / f"{name}.parquet", frame.to_parquet)
    return path


def _robustbench(boards: Sequence[Leaderboard], ledger: Ledger, out: Path) -> Path:
    folder = out / "robustbench"
    found, left_out = entries(evaluation for board in boards for evaluation in board.evaluations)
    write_atomic(folder / "left-out.txt", "\n".join([*left_out, ""]) if left_out else "nothing\n")
    for evaluation, threat, entry in found:
        name = f"{safe_name(evaluation.name)}-{evaluation.id[:12]}.json"
        path = folder / safe_name(entry["dataset"]) / threat / name
        write_atomic(path, json.dumps(entry, indent=2, ensure_ascii=False) + "\n")
    return folder


#: What a report can be, by the name that people ask for it with.
FORMATS: dict[str, Callable[[Sequence[Leaderboard], Ledger, Path], Path]] = {
    "html": write_site,
    "csv": _csv,
    "latex": _latex,
    "figures": _figures,
    "markdown": _markdown,
    "parquet": _parquet,
    "robustbench-json": _robustbench,
}
