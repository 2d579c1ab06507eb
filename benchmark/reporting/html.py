"""The pages of the site: every name escaped, nothing fetched, each page a single file that opens from disk."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.charts import Axis, Point, scatter
from benchmark.ledger import Ledger
from benchmark.ledger.record import SHARD
from benchmark.ledger.sample_images import FEW
from benchmark.pages import environment
from benchmark.reporting.choices import choices
from benchmark.reporting.column import Output
from benchmark.reporting.columns import page_columns
from benchmark.reporting.entries import Entry
from benchmark.reporting.gallery import galleries
from benchmark.reporting.lead import lead
from benchmark.reporting.leaderboards import Leaderboard
from benchmark.reporting.method_rows import HEADINGS, method_rows
from benchmark.reporting.networks import NetworkPage
from benchmark.reporting.paper_pages import PaperPage
from benchmark.reporting.partial import partial_tables
from benchmark.reporting.references import references
from benchmark.reporting.suites import parameters, sentences
from benchmark.reporting.text import count, distance, duration, percent, threat
from benchmark.reporting.transfers import Transfers

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "templates"
#: What runs in the leaderboard, in this order; no other page has a script.
SCRIPTS = ("statistics.js", "compare.js", "site.js")

#: A page lists no more classes than these; its data has all.
MOST_CLASSES = 100


def index_page(
    boards: Sequence[Leaderboard],
    networks: Sequence[NetworkPage],
    ledger: Ledger,
    papers: Sequence[PaperPage] = (),
) -> str:
    """The leaderboards, or how to get some if there are none.

    Args:
        boards: what to show.
        networks: of these boards, to link to their pages.
        ledger: where it was read from, and what had to be left out of it.
        papers: pages of papers to link to.
    """
    pages = {result.entry.id: f"models/{page.stem}.html" for page in networks for result in page.results}
    masked = [entry for board in boards for entry in board.entries if entry.is_masked]
    filters = {
        name: sorted({str(value) for value in values if value})
        for name, values in {
            "dataset": [board.dataset for board in boards],
            "suite": [board.suite for board in boards],
            "norm": [norm for board in boards for norm in board.norms],
            "method": [entry.method for board in boards for entry in board.entries],
            "architecture": [entry.architecture for board in boards for entry in board.entries],
        }.items()
    }
    partial, samples = partial_tables(boards, ledger.samples())
    return _render(
        "index.html",
        boards=boards,
        partial=partial,
        samples=samples,
        ledger=ledger,
        papers=papers,
        pages=pages,
        filters=filters,
        columns=page_columns,
        choices=choices,
        method_rows=method_rows,
        lead=lead,
        method_headings=HEADINGS,
        references=references,
        drawings=[_clean_against_worst(board, pages) for board in boards],
        has_masked=bool(masked),
        is_masked_ranked=any(entry.rank.ranks is not None for entry in masked),
        script=_script(),
        script_digest=base64.b64encode(hashlib.sha256(_script().encode()).digest()).decode(),
    )


def network_page(network: NetworkPage, ledger: Ledger) -> str:
    """All about one network."""
    return _render(
        "network.html",
        network=network,
        columns=lambda board: page_columns(board, Output.NETWORK),
        ledger=ledger,
        galleries=galleries,
        most=FEW,
        among=SHARD,
        most_classes=MOST_CLASSES,
    )


def suite_page(board: Leaderboard, ledger: Ledger) -> str:
    """What a leaderboard's suite runs, with all parameters."""
    return _render("suite.html", board=board, suite=board.evaluations[0].suite, sentences=sentences, ledger=ledger)


def images_page(board: Leaderboard, pages: Mapping[str, str], ledger: Ledger) -> str:
    """What became of each image of a leaderboard, network by network; `pages` are theirs, by the evaluation's id."""
    script = (TEMPLATES / "images.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return _render("images.html", board=board, pages=pages, script=script, script_digest=digest, ledger=ledger)


def transfer_page(found: Sequence[Transfers], ledger: Ledger) -> str:
    """How images that were crafted on one network do on others."""
    return _render("transfer.html", found=found, ledger=ledger)


def glossary_page(ledger: Ledger) -> str:
    """What the words and numbers mean."""
    return _render("glossary.html", ledger=ledger)


def _render(template: str, **context: Any) -> str:
    return _templates().get_template(template).render(**context)


@lru_cache(maxsize=1)
def _script() -> str:
    return "".join((TEMPLATES / name).read_text(encoding="utf-8") for name in SCRIPTS)


@lru_cache(maxsize=1)
def _templates() -> Environment:
    templates = environment(TEMPLATES)
    templates.filters.update(
        percent=percent, count=count, duration=duration, distance=distance, threat=threat, parameters=parameters
    )
    return templates


def _clean_against_worst(board: Leaderboard, pages: Mapping[str, str]) -> Markup | None:
    points = [point for entry in board.entries if (point := _point(entry, pages))]
    if not points:
        return None
    low = min(point.x for point in points)
    return scatter(
        f"Clean accuracy and Rworst, {board.title}",
        points,
        Axis("clean %", max(0.0, 10 * ((low - 2) // 10)), 101.0),
        Axis("Rworst %", 0.0, min(101.0, 10 * (max(point.y for point in points) // 10 + 1) + 1)),
    )


def _point(entry: Entry, pages: Mapping[str, str]) -> Point | None:
    if entry.clean is None or entry.r_worst is None:
        return None
    place = 100 * entry.clean.value, 100 * entry.r_worst.value
    return Point(*place, entry.name, pages[entry.id], entry.anchor, entry.is_masked)
