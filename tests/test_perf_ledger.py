"""The made-up ledger that the figures of large ones are measured on is one that today's program reads."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

import benchmark
import benchmark.results

_SCRIPT = Path(__file__).parent.parent / "perf/ledger.py"


@pytest.mark.parametrize("single", [False, True])
def test_a_made_up_ledger_is_whole(tmp_path: Path, single: bool) -> None:
    spec = importlib.util.spec_from_file_location("perf_ledger", _SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.fill(tmp_path / "results", networks=2, attacks=3, images=300, single=single)
    found = benchmark.results.load(tmp_path / "results")
    assert len(found) == 2 * 3
    assert benchmark.doctor(results=tmp_path / "results", zoo=tmp_path) == []
    packs = list((tmp_path / "results").rglob("packs/**/*.safetensors"))
    records = list((tmp_path / "results").rglob("records/**/*.safetensors"))
    assert (len(packs), len(records)) == ((0, 12) if single else (2, 0))
    page = benchmark.report(results=tmp_path / "results", out=tmp_path / "reports")
    assert "network-001" in page.read_text()
