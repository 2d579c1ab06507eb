"""The site, file by file: pages, and the numbers behind their tables and figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmark.analysis.labels import labels_of
from benchmark.latex import document
from benchmark.ledger import Ledger
from benchmark.reporting import network_rows
from benchmark.reporting.as_csv import as_csv
from benchmark.reporting.html import glossary_page, images_page, index_page, network_page, suite_page, transfer_page
from benchmark.reporting.images import image_scripts, images_page_place
from benchmark.reporting.interactive import PAGES, interactive_files
from benchmark.reporting.latex_tables import attacks_tables, leaderboard_tables, suite_table, transfer_tables
from benchmark.reporting.leaderboards import Leaderboard
from benchmark.reporting.networks import (
    NetworkPage,
    network_pages,
)
from benchmark.reporting.pair_tests import pair_tests_file, pair_tests_script
from benchmark.reporting.paper_pages import paper_pages
from benchmark.reporting.per_image import per_image_file, per_image_rows, per_image_script, per_image_table
from benchmark.reporting.rows import attack_rows, leaderboard_rows
from benchmark.reporting.suites import suite_rows
from benchmark.reporting.sweep_pages import sweep_pages
from benchmark.reporting.transfers import transfer_rows, transfers
from benchmark.storage import write_atomic

#: Files on their way to the disk at once.
WRITERS = 8

#: A file of the site: its place, and its text.
File = tuple[str, str]


def write_site(boards: Sequence[Leaderboard], ledger: Ledger, out: Path) -> Path:
    """Write everything to the folder `out`, the leaderboard last.

    Returns:
        The leaderboard's path.

    Raises:
        BadInput: the folder can't be written.
    """
    found = network_pages(boards)
    _write_all(out, (file for network in found for file in _network_files(network, ledger)))
    _write_all(out, (file for board in boards for file in _board_files(board, ledger)))
    pages = {result.entry.id: f"models/{page.stem}.html" for page in found for result in page.results}
    _write_all(out, (file for board in boards for file in _image_files(board, pages, ledger)))
    _write_all(out, _other_files(boards, ledger))
    _write_all(out, interactive_files(boards, found, ledger))
    return write_atomic(out / "index.html", index_page(boards, found, ledger, paper_pages(out), sweep_pages(out)))


def _write_all(out: Path, files: Iterable[File]) -> None:
    """Waiting until each file is safe on the disk takes longer than making it, so that several threads wait."""
    with ThreadPoolExecutor(WRITERS) as pool:
        for writing in [pool.submit(write_atomic, out / place, text) for place, text in files]:
            writing.result()


def _network_files(network: NetworkPage, ledger: Ledger) -> Iterator[File]:
    stem = f"models/{network.stem}"
    yield f"{stem}.html", network_page(network, ledger, PAGES["network"])
    for suffix, text in (
        ("", as_csv(network_rows.attack_rows(network), digits=8)),
        ("-classes", as_csv(network_rows.class_rows(network), digits=8)),
        ("-confusion", as_csv(network_rows.confusion_rows(network))),
        ("-curves", network_rows.curve_csv(network)),
        ("-history", as_csv(network_rows.history_rows(network), digits=8)),
    ):
        if text:
            yield f"{stem}{suffix}.csv", text
    yield f"{stem}.tex", document(attacks_tables(network))
    for result in network.results:
        yield per_image_file(result.evaluation), per_image_script(result.evaluation)
        yield per_image_table(result.evaluation), as_csv(per_image_rows(result.evaluation))


def _board_files(board: Leaderboard, ledger: Ledger) -> Iterator[File]:
    yield f"suites/{board.file}.html", suite_page(board, ledger)
    yield f"suites/{board.file}.csv", as_csv(suite_rows(board))
    yield f"suites/{board.file}.tex", document([suite_table(board)])
    yield pair_tests_file(board), pair_tests_script(board)
    yield f"tables/{board.file}.csv", as_csv(leaderboard_rows([board]))
    yield f"tables/{board.file}.tex", document(leaderboard_tables(board))


def _image_files(board: Leaderboard, pages: Mapping[str, str], ledger: Ledger) -> Iterator[File]:
    yield images_page_place(board), images_page(board, pages, ledger)
    yield from image_scripts(board, pages, ledger)


def _other_files(boards: Sequence[Leaderboard], ledger: Ledger) -> Iterator[File]:
    found = ledger.transfers()
    shown = [evaluation for board in boards for evaluation in board.evaluations]
    carried = transfers(found, labels_of([*shown, *found]))
    yield "transfer.html", transfer_page(carried, ledger)
    if carried:
        yield "transfer.csv", as_csv(transfer_rows(carried))
        yield "transfer.tex", document(transfer_tables(carried))
    yield "glossary.html", glossary_page(ledger)
    yield "attacks.csv", as_csv(attack_rows(boards))
    yield "leaderboard.csv", as_csv(leaderboard_rows(boards))
