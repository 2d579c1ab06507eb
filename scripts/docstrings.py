"""Docstrings as the API reference shows them: a line for each name, and links to what is described elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator

import benchmark

#: The sections whose entries are names.
_SECTIONS = ("Args:", "Attributes:")


def split_names(text: str) -> str:
    """`text`, a docstring without indent, with an entry of its own for each name that shares one with others."""
    lines: list[str] = []
    is_section = False
    for entry in _entries(text):
        if not entry[0].startswith(" "):
            is_section = entry[0] in _SECTIONS
        whole = " ".join(line.strip() for line in entry)
        match = re.match(r"(\*{0,2}\w+(?:, \*{0,2}\w+)+): (.*)", whole)
        if is_section and match and entry[0].startswith("    "):
            lines += [f"    {name}: {match[2]}" for name in match[1].split(", ")]
        else:
            lines += entry
    return "\n".join(lines)


def _entries(text: str) -> Iterator[list[str]]:
    """Its lines, with what is indented further together with the line above."""
    entry: list[str] = []
    for line in text.split("\n"):
        if entry and not line.startswith("     "):
            yield entry
            entry = []
        entry.append(line)
    yield entry


def linked(text: str) -> str:
    """`text` with links: of public names of `benchmark` to where they are described, of pages to the pages."""
    names = "|".join(name for name in benchmark.__all__ if name.isidentifier() and not name.startswith("_"))
    text = re.sub(rf"`(benchmark\.(?:{names}))`", r"[`\1`][\1]", text)
    return re.sub(r"\bdocs/([\w-]+)\.md\b", r"[\1](../\1.md)", text)
