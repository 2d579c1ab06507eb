"""docs/papers.md shows every exhibit and every sentence of the papers, and what the samples on the digits found."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from benchmark.papers import PAPERS, load_paper
from benchmark.papers.titles import title_of

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("papers_page", ROOT / "scripts" / "papers.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def page(script: ModuleType) -> str:
    return script.papers_page()


def test_the_page_is_current(page: str) -> None:
    """If not: python scripts/papers.py"""
    assert (ROOT / "docs" / "papers.md").read_text(encoding="utf-8") == page


@pytest.mark.parametrize("name", PAPERS.names())
def test_every_exhibit_and_every_sentence_is_there(name: str, page: str) -> None:
    section = page.partition(f"## {name}\n")[2].partition("\n## ")[0]
    paper = load_paper(name)
    assert all(f"| {title_of(key)} |" in section for key in (*paper.exhibits, *paper.method_tables))
    for claim in paper.claims:
        assert (f"| {claim.text} |" in section) == (claim.family == "paper")


def test_the_printed_numbers_are_counted_each_once(page: str) -> None:
    """As many as were transcribed, and those of one table that another one shows beside its own again."""
    counts = {}
    for name in ("mat", "cat"):
        section = page.partition(f"## {name}\n")[2].partition("\n## ")[0]
        rows = [line.split(" | ") for line in section.splitlines() if line.startswith(("| Table", "| Figure"))]
        counts[name] = sum(int(row[4]) for row in rows if row[4].isdigit())
    assert counts == {"mat": 312, "cat": 34}


def test_without_a_sample_nothing_is_said_of_results(script: ModuleType, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(script, "SAMPLES", tmp_path)
    page = script.papers_page()
    assert "which no sample tries yet" in page
    assert "**supported**" not in page
