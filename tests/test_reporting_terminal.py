"""Lists are tables where they fit, and paragraphs where a table would tear its words."""

from __future__ import annotations

import pytest

from benchmark.reporting import print_rows
from benchmark.reporting.terminal import WIDE

SHORT = [
    {"name": "at", "gradient_free": False, "norms": ["linf"]},
    {"name": "mat", "gradient_free": True, "norms": []},
]


def test_what_fits_is_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows(SHORT)
    head, *rows = (line.split() for line in capsys.readouterr().out.splitlines())
    assert head == ["name", "gradient", "free", "norms"]
    assert rows == [["at", "no", "linf"], ["mat", "yes"]]


def test_what_is_far_too_wide_is_a_paragraph_per_row(capsys: pytest.CaptureFixture[str]) -> None:
    words = "adversarially " * (2 * WIDE // 10)
    print_rows([{**SHORT[0], "about": words}, SHORT[1]])
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if not line.startswith(" ")] == ["at", "mat"]
    assert max(map(len, lines)) <= WIDE
    assert " ".join(lines).split().count("adversarially") == words.split().count("adversarially")
    assert sum("norms" in line for line in lines) == 1, "what is empty is left out"
