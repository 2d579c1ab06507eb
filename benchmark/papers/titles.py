"""What tables and figures are called on pages, and their files."""

from __future__ import annotations

from benchmark.storage import safe_name


def title_of(key: str) -> str:
    """ "5" -> "Table 5", "figure-3" -> "Figure 3", "main" -> "Table main"."""
    kind, dash, number = key.partition("-")
    return f"{kind.capitalize()} {number}" if dash else f"Table {key}"


def file_of(key: str) -> str:
    """The stem of a table's or figure's files, e.g. "table-5"."""
    return safe_name(title_of(key).lower().replace(" ", "-"))
