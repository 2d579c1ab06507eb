"""Differences as people read them: with a sign, and without one where nothing is left after rounding."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import benchmark
from benchmark.papers.html import _signed
from benchmark.reporting.text import points, signed


@pytest.mark.parametrize(
    ("number", "decimals", "shown"),
    [(1.25, 2, "+1.25"), (-1.25, 2, "-1.25"), (-0.04, 1, "0.0"), (0.04, 1, "0.0"), (-0.0, 1, "0.0"), (-0.4, 0, "0")],
)
def test_what_is_rounded_to_nothing_has_no_sign(number: float, decimals: int, shown: str) -> None:
    assert signed(number, decimals) == shown


def test_shares_are_told_in_points_and_pages_have_a_minus() -> None:
    assert [points(share) for share in (0.0125, -0.5, -0.0004)] == ["+1.2", "-50.0", "0.0"]
    assert [_signed(number, 1) for number in (-1.04, -0.04)] == ["−1.0", "0.0"]


def test_every_difference_is_written_so() -> None:
    """No other place formats a number with its sign and a fixed number of digits."""
    package = Path(benchmark.__file__).parent
    found = [
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if re.search(r":\+\.(\d|\{\w+\})f", path.read_text(encoding="utf-8"))
    ]
    assert found == ["reporting/text.py"]
