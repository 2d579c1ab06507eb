"""Boards as one page that opens from disk: every name escaped, nothing fetched, nothing run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import benchmark
from benchmark.evaluation import Ledger
from benchmark.reporting.tables import Board
from benchmark.reporting.text import count, distance, duration, percent

TEMPLATES = Path(__file__).parent / "templates"


def index_page(boards: Sequence[Board], ledger: Ledger) -> str:
    """The HTML of the leaderboards, or of how to get some if there are none.

    Args:
        boards: what to show.
        ledger: where it was read from, and what had to be left out of it.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(percent=percent, count=count, duration=duration, distance=distance)
    return environment.get_template("index.html").render(boards=boards, ledger=ledger, version=benchmark.__version__)
