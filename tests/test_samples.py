"""The committed pages of papers are given today's style, and no other number than they had."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent.parent / "scripts"


def test_style_and_signs_are_todays_and_numbers_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import samples

    try:
        page = "<style>old -0.0</style><td>+0.0<small>-1.0 to +0.0</small> 10.0 (−0.00) +0.01 torch-0.0.1 -0.05"
        style = samples.todays_style()
        assert samples.renewed(page, style) == (
            f"{style}<td>0.0<small>−1.0 to 0.0</small> 10.0 (0.00) +0.01 torch-0.0.1 -0.05"
        )
        assert ".claims" in style
        assert "@media print" in style
    finally:
        sys.modules.pop("samples")
