"""Writes docs/reference/cli.md: every verb and option, as `bench --help` says it.

python scripts/reference.py
"""

from __future__ import annotations

import html
from pathlib import Path

import typer.main
from typer.cli import get_docs_for_click

from benchmark.cli.app import app

PLACE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "cli.md"


def reference() -> str:
    """The page."""
    command = typer.main.get_command(app)
    text = get_docs_for_click(obj=command, ctx=typer.Context(command), name="bench")
    return html.unescape(text).replace("# `bench`", "# The command line", 1).strip() + "\n"


if __name__ == "__main__":
    PLACE.parent.mkdir(exist_ok=True)
    PLACE.write_text(reference(), encoding="utf-8")
