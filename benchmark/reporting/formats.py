"""The ledger's numbers in every form that somebody may want them in; each function writes to a folder."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmark.analysis.frames import per_example
from benchmark.errors import BadInput, unknown
from benchmark.evaluation import Ledger
from benchmark.reporting.html import glossary_page, index_page, network_page, suite_page, transfer_page
from benchmark.reporting.networks import curves_frame, history_frame, network_frame, networks
from benchmark.reporting.paper_pages import paper_pages
from benchmark.reporting.per_image import per_image_file, per_image_script
from benchmark.reporting.robustbench import entries
from benchmark.reporting.suites import suite_frame, suite_latex
from benchmark.reporting.tables import Board, Row, attacks_frame, leaderboard_frame
from benchmark.reporting.text import distance, percent
from benchmark.reporting.text_tables import board_caption, board_cells, latex, markdown
from benchmark.reporting.transfers import transfers, transfers_frame, transfers_latex
from benchmark.storage import safe_name, write_atomic


def write(format: str, boards: Sequence[Board], ledger: Ledger, out: Path) -> Path:
    """Write `boards` in that `format` to the folder `out`.

    Returns:
        The file to look at first.

    Raises:
        BadInput: no such format, pyarrow is needed and absent, or the folder can't be written.
    """
    if format not in FORMATS:
        raise unknown("format", format, FORMATS)
    return FORMATS[format](boards, ledger, out)


def _html(boards: Sequence[Board], ledger: Ledger, out: Path) -> Path:
    found = networks(boards)
    for network in found:
        stem = out / "models" / network.stem
        write_atomic(stem.with_name(f"{network.stem}.html"), network_page(network, ledger))
        for suffix, frame in (
            ("", network_frame(network)),
            ("-curves", curves_frame(network)),
            ("-history", history_frame(network)),
        ):
            if len(frame):
                text = frame.to_csv(index=False, float_format="%.8g")
                write_atomic(stem.with_name(f"{network.stem}{suffix}.csv"), text)
        write_atomic(
            stem.with_name(f"{network.stem}.tex"),
            "\n".join(
                _attacks_latex(network.name, answer.board, answer.row["attacks"]) for answer in network.answers
            ),
        )
    for board in boards:
        for evaluation in board.evaluations:
            write_atomic(out / per_image_file(evaluation), per_image_script(evaluation))
        write_atomic(out / "suites" / f"{board.file}.html", suite_page(board, ledger))
        write_atomic(out / "suites" / f"{board.file}.csv", suite_frame(board).to_csv(index=False))
        write_atomic(out / "suites" / f"{board.file}.tex", suite_latex(board))
        write_atomic(out / "tables" / f"{board.file}.csv", leaderboard_frame([board]).to_csv(index=False))
        write_atomic(out / "tables" / f"{board.file}.tex", latex(board_caption(board), *board_cells(board), words=2))
    carried = transfers(ledger.transfers())
    write_atomic(out / "transfer.html", transfer_page(carried, ledger))
    if carried:
        write_atomic(out / "transfer.csv", transfers_frame(carried).to_csv(index=False))
        write_atomic(out / "transfer.tex", transfers_latex(carried))
    write_atomic(out / "glossary.html", glossary_page(ledger))
    _csv(boards, ledger, out)
    return write_atomic(out / "index.html", index_page(boards, found, ledger, paper_pages(out)))


def _csv(boards: Sequence[Board], ledger: Ledger, out: Path) -> Path:
    write_atomic(out / "attacks.csv", attacks_frame(boards).to_csv(index=False))
    return write_atomic(out / "leaderboard.csv", leaderboard_frame(boards).to_csv(index=False))


def _latex(boards: Sequence[Board], ledger: Ledger, out: Path) -> Path:
    tables = [latex(board_caption(board), *board_cells(board), words=2) for board in boards]
    return write_atomic(out / "leaderboard.tex", "\n".join(tables))


def _markdown(boards: Sequence[Board], ledger: Ledger, out: Path) -> Path:
    tables = [markdown(board_caption(board), *board_cells(board), words=2) for board in boards]
    return write_atomic(out / "leaderboard.md", "\n".join(tables))


def _parquet(boards: Sequence[Board], ledger: Ledger, out: Path) -> Path:
    if importlib.util.find_spec("pyarrow") is None:
        raise BadInput("parquet files are written by pyarrow, which is not installed: pip install pyarrow")
    evaluations = [evaluation for board in boards for evaluation in board.evaluations]
    for name, frame in (
        ("attacks", attacks_frame(boards)),
        ("examples", per_example(evaluations)),
        ("leaderboard", leaderboard_frame(boards)),
    ):
        path = write_atomic(out / f"{name}.parquet", frame.to_parquet)
    return path


def _robustbench(boards: Sequence[Board], ledger: Ledger, out: Path) -> Path:
    folder = out / "robustbench"
    for board in boards:
        for evaluation in board.evaluations:
            for threat, entry in entries(evaluation).items():
                name = f"{safe_name(evaluation.name)}-{evaluation.id[:12]}.json"
                path = folder / safe_name(board.dataset) / threat / name
                write_atomic(path, json.dumps(entry, indent=2, ensure_ascii=False) + "\n")
    return folder


def _attacks_latex(name: str, board: Board, attacks: Sequence[Row]) -> str:
    heading = ["Attack", "Threat", "Accuracy", "95%", "Median distance"]
    return latex(f"{name}, {board_caption(board)}", heading, list(map(_attack_cells, attacks)), words=2)


def _attack_cells(attack: Row) -> list[str]:
    low, high = percent(attack["accuracy_low"]), percent(attack["accuracy_high"])
    threat = f"{attack['norm']} ≤ {attack['epsilon']:g}"
    return [
        attack["attack"],
        threat,
        percent(attack["accuracy"]),
        f"{low}–{high}",
        distance(attack["median_distance"]),
    ]


#: What a report can be, by the name that people ask for it with.
FORMATS: dict[str, Callable[[Sequence[Board], Ledger, Path], Path]] = {
    "html": _html,
    "csv": _csv,
    "latex": _latex,
    "markdown": _markdown,
    "parquet": _parquet,
    "robustbench-json": _robustbench,
}
