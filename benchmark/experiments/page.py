"""A sweep as one page that opens from disk: every name escaped, nothing fetched, nothing run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmark.experiments.table import COLUMNS, SweepLine
from benchmark.planning.chart import draw
from benchmark.planning.grid import Grid
from benchmark.reporting.pages import site_environment

TEMPLATES = Path(__file__).parent / "templates"


def page(
    lines: Sequence[SweepLine],
    grid: Grid,
    *,
    about: str,
    source: str,
    command: str,
    failures: Sequence[str],
    selected: str = "",
    root: str | None = None,
) -> str:
    """The HTML of a sweep: figure, table, and how to make both again.

    Args:
        lines, grid: the numbers, and the figure that is drawn of them.
        about: how they were measured, in sentences.
        source: whose experiment it is; "" if it is nobody's.
        command: what makes it.
        failures: what could not be trained or measured.
        selected: what the choice comes to, in sentences; "" where it can't be said.
        root: the way to the leaderboard's folder, seen from the page, if there is one.
    """
    templates = site_environment(TEMPLATES)
    return templates.get_template("sweep.html").render(
        lines=lines,
        columns=list(COLUMNS),
        title=grid.title,
        drawing=draw(grid),
        about=about,
        origin=source,
        command=command,
        failures=failures,
        selected=selected,
        root=root,
    )
