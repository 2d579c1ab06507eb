"""The pages of the site: every name escaped, nothing fetched from elsewhere, each opens from disk."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from benchmark.charts import Axis, Point, scatter
from benchmark.ledger import Ledger
from benchmark.ledger.record import SHARD
from benchmark.ledger.sample_images import FEW
from benchmark.reporting.choices import choices
from benchmark.reporting.column import Output
from benchmark.reporting.columns import columns
from benchmark.reporting.entries import Entry
from benchmark.reporting.filters import filters
from benchmark.reporting.gallery import galleries
from benchmark.reporting.lead import lead
from benchmark.reporting.leaderboards import Leaderboard
from benchmark.reporting.method_groups import method_groups
from benchmark.reporting.method_rows import HEADINGS
from benchmark.reporting.networks import NetworkPage
from benchmark.reporting.pages import ASSETS, TEMPLATES, site_environment
from benchmark.reporting.paper_pages import PaperPage
from benchmark.reporting.partial import partial_tables
from benchmark.reporting.references import references
from benchmark.reporting.suites import parameters, sentences
from benchmark.reporting.sweep_pages import SweepPage
from benchmark.reporting.text import plural
from benchmark.reporting.transfers import Transfers

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

#: What runs in the leaderboard, in this order, after the shares that other pages load.
SHARES = "shares.js"
SCRIPTS = ("statistics.js", "state.js", "compare.js", "seeds.js", "filters.js", "board.js", "picked.js", "site.js")

#: A page lists no more classes than these; its data has all.
MOST_CLASSES = 100


def index_page(
    boards: Sequence[Leaderboard],
    networks: Sequence[NetworkPage],
    ledger: Ledger,
    papers: Sequence[PaperPage] = (),
    sweeps: Sequence[SweepPage] = (),
) -> str:
    """The leaderboards, or how to get some if there are none.

    Args:
        boards: what to show.
        networks: of these boards, to link to their pages.
        ledger: where it was read from, and what had to be left out of it.
        papers, sweeps: pages to link to.
    """
    pages = pages_of(networks)
    masked = [entry for board in boards for entry in board.entries if entry.is_masked]
    shown = {board: columns(board, Output.PAGE) for board in boards}
    groups = {board: method_groups(board) for board in boards}
    small, samples = partial_tables(boards, ledger.samples())
    return render(
        "index.html",
        boards=boards,
        partial=small,
        samples=samples,
        ledger=ledger,
        papers=papers,
        sweeps=sweeps,
        pages=pages,
        filters=filters(boards),
        groups=groups.__getitem__,
        has_groups=any(groups.values()),
        columns=shown.__getitem__,
        choices=choices,
        method_rows=lambda board: [group.row for group in groups[board]],
        lead=lead,
        method_headings=HEADINGS,
        references=references,
        drawings=[_clean_against_worst(board, pages) for board in boards],
        has_masked=bool(masked),
        is_masked_ranked=any(entry.rank.ranks is not None for entry in masked),
        script=_script(),
        script_digest=base64.b64encode(hashlib.sha256(_script().encode()).digest()).decode(),
    )


def pages_of(networks: Sequence[NetworkPage]) -> dict[str, str]:
    """The place of each network's page within the site, by the ids of its evaluations."""
    return {result.entry.id: f"models/{page.stem}.html" for page in networks for result in page.results}


def network_page(network: NetworkPage, ledger: Ledger, scripts: Sequence[str] = ()) -> str:
    """All about one network; `scripts` of the site make its figures answer."""
    return render(
        "network.html",
        network=network,
        columns=partial(columns, output=Output.NETWORK),
        ledger=ledger,
        galleries=galleries,
        most=FEW,
        among=SHARD,
        most_classes=MOST_CLASSES,
        figure_scripts=scripts,
    )


def suite_page(board: Leaderboard, ledger: Ledger) -> str:
    """What a leaderboard's suite runs, with all parameters."""
    return render("suite.html", board=board, suite=board.evaluations[0].suite, sentences=sentences, ledger=ledger)


def images_page(board: Leaderboard, pages: Mapping[str, str], ledger: Ledger) -> str:
    """What became of each image of a leaderboard, network by network; `pages` are theirs, by the evaluation's id."""
    script = (TEMPLATES / "images.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return render("images.html", board=board, pages=pages, script=script, script_digest=digest, ledger=ledger)


def transfer_page(found: Sequence[Transfers], ledger: Ledger) -> str:
    """How images that were crafted on one network do on others."""
    return render("transfer.html", found=found, ledger=ledger)


def glossary_page(ledger: Ledger) -> str:
    """What the words and numbers mean."""
    return render("glossary.html", ledger=ledger)


def render(template: str, **context: Any) -> str:
    """One of the templates of the site, filled in."""
    return _templates().get_template(template).render(**context)


@lru_cache(maxsize=1)
def _script() -> str:
    files = [ASSETS / SHARES, *(TEMPLATES / name for name in SCRIPTS)]
    return "".join(file.read_text(encoding="utf-8") for file in files)


@lru_cache(maxsize=1)
def _templates() -> Environment:
    templates = site_environment()
    templates.filters.update(parameters=parameters, plural=plural)
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
