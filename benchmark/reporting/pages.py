"""What all pages share, whoever writes them: templates, looks, and the way back to the leaderboard."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.pages import environment
from benchmark.reporting.text import arxiv, count, distance, duration, percent, threat

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
#: Scripts that lie beside the site's pages.
ASSETS = Path(__file__).parent / "assets"

#: Where papers, sweeps, decisions and estimates stand below the leaderboard's folder: two folders deep.
_UP = "../../"


def site_environment(*folders: Path) -> Environment:
    """Renders templates of `folders`, which may extend the site's `base.html` and use its macros."""
    templates = environment(*folders, TEMPLATES)
    templates.filters.update(
        percent=percent, count=count, duration=duration, distance=distance, threat=threat, arxiv=arxiv
    )
    return templates


def site_root(folder: Path) -> str | None:
    """The way from a page in `folder` to the site that it is a part of; None where there is no site."""
    site = (folder / _UP).resolve()
    return _UP if all((site / page).is_file() for page in ("index.html", "glossary.html", "transfer.html")) else None
