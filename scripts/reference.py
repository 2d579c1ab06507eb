"""Writes docs/reference/cli.md: every verb and option, as `bench --help` says it.

python scripts/reference.py
"""

from __future__ import annotations

import html
import re
from pathlib import Path

import typer.main
from typer.cli import get_docs_for_click

from benchmark.cli.app import app

PLACE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "cli.md"


def reference() -> str:
    """The page."""
    command = typer.main.get_command(app)
    text = get_docs_for_click(obj=command, ctx=typer.Context(command), name="bench")
    for name, verb in command.commands.items():  # type: ignore[attr-defined]
        # typer cuts off what it says of each in the list of all.
        told = f"* `{name}`: {verb.get_short_help_str(limit=1000)}"
        text = re.sub(rf"^\* `{re.escape(name)}`: .*$", lambda _, told=told: told, text, count=1, flags=re.MULTILINE)
    return html.unescape(text).replace("# `bench`", "# The command line", 1).strip() + "\n"


if __name__ == "__main__":
    PLACE.parent.mkdir(exist_ok=True)
    PLACE.write_text(reference(), encoding="utf-8")
