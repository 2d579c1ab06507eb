"""Reads tables as LaTeX would, where no TeX is at hand: groups, environments, and the columns of every line."""

from __future__ import annotations

import re

_COMMENT = re.compile(r"(?<!\\)%.*")
_ENVIRONMENT = re.compile(r"\\(begin|end)\{([a-z]+\*?)\}")
_RULES = re.compile(r"\\(toprule|midrule|bottomrule|addlinespace)")
_SPAN = re.compile(r"^\s*\\multicolumn\{(\d+)\}")


def tables(text: str) -> list[list[list[str]]]:
    """The lines of every table, each with its cells; a cell over several columns is followed by empty ones.

    Raises:
        AssertionError: groups or environments are not closed, or a line has too few or too many columns.
    """
    plain = "\n".join(_COMMENT.sub("", line) for line in text.splitlines())
    _check_groups(plain)
    opened: list[str] = []
    for kind, name in _ENVIRONMENT.findall(plain):
        if kind == "begin":
            opened.append(name)
        else:
            assert opened.pop() == name
    assert not opened
    return [_lines(part) for part in plain.split(r"\begin{tabular}")[1:]]


def labels(text: str) -> list[str]:
    """The labels of the tables."""
    return re.findall(r"\\label\{([^}]*)\}", text)


def _check_groups(text: str) -> None:
    depth = 0
    for brace in re.findall(r"(?<!\\)(?:\\\\)*([{}])", text):
        depth += 1 if brace == "{" else -1
        assert depth >= 0
    assert depth == 0


def _lines(part: str) -> list[list[str]]:
    columns, body = _columns(part)
    found = []
    for line in re.split(r"\\\\(?:\[[^]]*\])?(?!\w)", _RULES.sub("", body.split(r"\end{tabular}")[0])):
        if not line.strip():
            continue
        cells: list[str] = []
        for cell in re.split(r"(?<!\\)&", line):
            span = _SPAN.match(cell)
            cells += [cell.strip(), *[""] * (int(span[1]) - 1 if span else 0)]
        assert len(cells) == columns, (columns, cells)
        found.append(cells)
    return found


def _columns(part: str) -> tuple[int, str]:
    """How many columns the preamble has, and what follows it."""
    depth, place = 0, 0
    for place, sign in enumerate(part):  # noqa: B007
        depth += {"{": 1, "}": -1}.get(sign, 0)
        if depth == 0:
            break
    preamble = re.sub(r"@\{[^}]*\}|p\{[^}]*\}", lambda found: "p" if found[0].startswith("p") else "", part[1:place])
    assert set(preamble) <= set("lrpS"), preamble
    return len(preamble), part[place + 1 :]
