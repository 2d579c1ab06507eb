"""Gives the pages of papers that are under version control, whose ledgers are not, today's style and signs.

    python scripts/samples.py

Numbers, words and tests stay those of the day when `bench paper` made a page: those need its ledger.
"""

from __future__ import annotations

import re
from pathlib import Path

from benchmark.papers.html import TEMPLATES
from benchmark.reporting.pages import site_environment

SAMPLES = Path(__file__).parent.parent / "reports" / "digits"

_STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)
_PAGE = """\
{% extends "base.html" %}{% block sheets %}{% include "paper.css" %}{% endblock %}{% block footer %}{% endblock %}"""
#: What was rounded to nothing, with a sign; not within a number such as 10.0 or a version such as -0.0.1.
_NOTHING = re.compile(r"(?<![\w.])[+−-](0\.0+)(?![\d.])")
#: The ends of an interval of a difference.
_INTERVAL = re.compile(r"<small>[+−-]?[\d.]+ to [+−-]?[\d.]+</small>")


def renewed(page: str, style: str) -> str:
    """The page with that style, no sign where nothing is left of a difference, and a minus for a hyphen."""
    head, body = _STYLE.sub(lambda _: style, page, count=1).split("</style>", 1)
    body = _INTERVAL.sub(lambda found: found[0].replace("-", "−"), body)
    return f"{head}</style>{unsigned(body)}"


def unsigned(text: str) -> str:
    """ "(+0.0)" -> "(0.0)"."""
    return _NOTHING.sub(r"\1", text)


def todays_style() -> str:
    """The style sheet of a paper's page."""
    found = _STYLE.search(site_environment(TEMPLATES).from_string(_PAGE).render())
    assert found is not None
    return found[0]


def main() -> None:
    style = todays_style()
    for path in sorted(SAMPLES.glob("*/index.html")):
        path.write_text(renewed(path.read_text(encoding="utf-8"), style), encoding="utf-8")
    for path in sorted(SAMPLES.glob("*/*.tex")):
        path.write_text(unsigned(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
