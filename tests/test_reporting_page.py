"""The page: right numbers, harmless names, and something to read when there is nothing yet."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pandas as pd
import pytest
from synthetic import WORKED_ATTACKS, add_evaluation

import benchmark
from benchmark.errors import BadInput
from benchmark.reporting.text import count, distance, duration, percent

ODD_NAMES = ["<script>alert(1)</script>", "a b", "Größe 網路", "x" * 200, "../../etc/passwd", "a[red]b", "'\"&"]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return tmp_path / "results"


def make(results: Path) -> str:
    page = benchmark.report(results=results, out=results.parent / "reports")
    assert page == results.parent / "reports" / "index.html"
    return page.read_text(encoding="utf-8")


def table_cells(page: str, heading: str) -> list[list[str]]:
    """The words of each row's cells in the first table after `heading`."""
    table = page.split(heading, 1)[1].split("<tbody>", 1)[1].split("</tbody>", 1)[0]
    rows = re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    return [[html.unescape(re.sub(r"<[^>]+>", " ", cell)).split() for cell in row] for row in cells]  # type: ignore[misc]


def test_nothing_yet(results: Path) -> None:
    page = make(results)
    assert "There are no results" in page
    assert "bench evaluate" in page
    assert "<table" not in page


def test_page_and_csv_agree(results: Path) -> None:
    for name in ("a", "b"):
        add_evaluation(results, name)
    page = make(results)
    networks = pd.read_csv(results.parent / "reports" / "leaderboard.csv")
    rows = table_cells(page, "digits under multi-perturbation")
    assert len(rows) == len(networks)
    for row, (_, line) in zip(rows, networks.iterrows(), strict=True):
        assert row[0] == [str(line["rank"])]
        assert row[1][0] == line["model"]
        for cell, name in zip(row[3:9], ("clean", "linf", "l2", "l1", "r_avg", "r_worst"), strict=True):
            assert cell == [percent(line[name]), f"{percent(line[name + '_low'])}–{percent(line[name + '_high'])}"]
    attacks = pd.read_csv(results.parent / "reports" / "attacks.csv")
    rows = table_cells(page, '<h3 id="network-')
    for row, (_, line) in zip(rows, attacks.head(len(WORKED_ATTACKS)).iterrows(), strict=True):
        assert row[0] == [line["attack"]]
        assert row[3][0] == percent(line["accuracy"])


def test_numbers_lead_to_their_records(results: Path) -> None:
    manifest = add_evaluation(results)
    page = make(results)
    for (record,) in manifest["records"].values():
        (path,) = results.glob(f"records/*/{record}.safetensors")
        assert html.escape(str(path)) in page


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_are_harmless(results: Path, name: str) -> None:
    add_evaluation(results, name, error=f"{name} failed", card={"architecture": name}, info={"hardware": name})
    page = make(results)
    # What a browser would take for an element: none that the template did not write.
    assert "<script" not in page
    assert html.escape(name, quote=False) in page.replace("&#39;", "'").replace("&#34;", '"')
    inside = {path.relative_to(results.parent).parts[0] for path in results.parent.rglob("*")}
    assert inside == {"results", "reports"}
    assert all(len(path.name) < 120 for path in results.parent.rglob("*"))


def test_the_page_needs_nothing_else(results: Path) -> None:
    """No script, no font, no picture, no style from anywhere: it opens from disk without a network."""
    add_evaluation(results)
    page = make(results)
    assert not re.findall(r"(?:src|href)=[\"'](?!#|leaderboard\.csv|attacks\.csv)", page)
    assert "@import" not in page
    assert "url(" not in page


def test_same_ledger_same_bytes(results: Path) -> None:
    add_evaluation(results)
    assert make(results) == make(results)


def test_damaged_files_are_named(results: Path) -> None:
    add_evaluation(results, "a")
    add_evaluation(results, "b")
    path = next(results.glob("evaluations/a-*.json"))
    path.write_text(path.read_text().replace('"seed": 0', '"seed": 1', 1))
    page = make(results)
    assert path.name in page
    assert [row[1][0] for row in table_cells(page, "digits under")] == ["b"]


def test_a_damaged_record_leaves_its_accuracies_open(results: Path) -> None:
    manifest = add_evaluation(results)
    (record,) = manifest["records"]["ddn"]
    (path,) = results.glob(f"records/*/{record}.safetensors")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    page = make(results)
    (row,) = table_cells(page, "digits under")
    assert row[0] == ["–"]
    assert row[8] == ["–"]
    assert "ddn: 1 of its records are absent or damaged" in page


def test_worst_case_mode_is_labelled(results: Path) -> None:
    add_evaluation(results, mode="worst-case")
    assert "worst-case mode" in make(results)


def test_folder_that_cannot_be_written(results: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="can't write"):
        benchmark.report(results=results, out=tmp_path / "file")


def test_numbers_as_people_read_them() -> None:
    assert [percent(0.5), percent(1), percent(None)] == ["50.0", "100.0", "–"]
    assert [count(999), count(1234), count(2_500_000)] == ["999", "1.2 k", "2.5 M"]
    assert [duration(0.25), duration(59.7), duration(75), duration(3700)] == [
        "0.2 s",
        "1 min 0 s",
        "1 min 15 s",
        "1 h 1 min",
    ]
    assert [distance(None), distance(float("inf")), distance(0.12345)] == ["–", "∞", "0.123"]
