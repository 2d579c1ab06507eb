"""The page: right numbers, harmless names, and something to read when there is nothing yet."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from pathlib import Path

import pandas as pd
import pytest
from synthetic import WORKED_ATTACKS, add_evaluation

import benchmark
from benchmark.errors import BadInput, Notice
from benchmark.reporting.interactive import PAGES
from benchmark.reporting.text import count, distance, duration, percent

ODD_NAMES = ["<script>alert(1)</script>", "a b", "Größe 網路", "x" * 200, "../../etc/passwd", "a[red]b", "'\"&"]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return tmp_path / "results"


def make(results: Path) -> str:
    page = benchmark.report(results=results, out=results.parent / "reports")
    assert page == results.parent / "reports" / "index.html"
    return page.read_text(encoding="utf-8")


def model_page(results: Path, stem: str) -> str:
    return (results.parent / "reports" / "models" / f"{stem}.html").read_text(encoding="utf-8")


def all_pages(results: Path) -> dict[Path, str]:
    return {path: path.read_text(encoding="utf-8") for path in sorted((results.parent / "reports").rglob("*.html"))}


def table_cells(page: str, heading: str) -> list[list[str]]:
    """The words of each row's cells in the first table after `heading`."""
    table = page.split(heading, 1)[1].split("<tbody>", 1)[1].split("</tbody>", 1)[0]
    rows = re.findall(r"<tr\b[^>]*>(.*?)</tr>", table, re.DOTALL)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    return [[html.unescape(re.sub(r"<[^>]+>", " ", cell)).split() for cell in row] for row in cells]  # type: ignore[misc]


def test_nothing_yet(results: Path) -> None:
    with pytest.warns(Notice, match="there are no results in .*, so that the tables are empty; bench evaluate makes"):
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
        assert row[0] == [str(line["rank"])] == ["1–2"]
        assert (line["rank_low"], line["rank_high"]) == (1, 2)
        assert row[1][0] == line["model"]
        for cell, name in zip(row[2:8], ("r_worst", "r_avg", "linf", "l2", "l1", "clean"), strict=True):
            assert cell == [percent(line[name]), f"{percent(line[name + '_low'])}–{percent(line[name + '_high'])}"]
    attacks = pd.read_csv(results.parent / "reports" / "attacks.csv")
    rows = table_cells(model_page(results, "a"), '-attacks">Attacks</h3>')
    for row, (_, line) in zip(rows, attacks.head(len(WORKED_ATTACKS)).iterrows(), strict=True):
        assert row[0] == [line["attack"]]
        assert row[3][0] == percent(line["accuracy"])


def test_numbers_lead_to_their_records(results: Path) -> None:
    manifest = add_evaluation(results)
    make(results)
    page = model_page(results, "at")
    for (record,) in manifest["records"].values():
        (path,) = results.glob(f"records/*/{record}.safetensors")
        assert html.escape(str(path)) in page


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_are_harmless(results: Path, name: str) -> None:
    add_evaluation(results, name, error=f"{name} failed", card={"architecture": name}, info={"hardware": name})
    make(results)
    pages = all_pages(results)
    assert len(pages) == 8
    for path, page in pages.items():
        # What a browser would take for an element: none that the templates did not write.
        kind = {"models": "network"}.get(path.parent.name, path.stem)
        own = {"index": 1} if path.parent.name != "images" else {kind: 2}
        assert page.count("<script") == own.get(kind, len(PAGES.get(kind, ())))
    for page in (page for path, page in pages.items() if path.name == "index.html" or path.parent.name == "models"):
        assert html.escape(name, quote=False) in page.replace("&#39;", "'").replace("&#34;", '"')
    inside = {path.relative_to(results.parent).parts[0] for path in results.parent.rglob("*")}
    assert inside == {"results", "reports"}
    assert all(len(path.name) < 120 for path in results.parent.rglob("*"))


def test_pages_need_nothing_else(results: Path) -> None:
    """No font, no picture, no style, no script from elsewhere; links lead to files that are there."""
    for name in ("a", "A", "a b"):
        add_evaluation(results, name, card={"history": [{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 1.0}]})
    make(results)
    for path, page in all_pages(results).items():
        assert not re.findall(
            r'\ssrc="(?!data:image/png;base64,|(?:\.\./)?assets/|[\w.-]+\.js")|\ssrc=[^"]|@import|url\(|https?://',
            page,
        ), path
        scripts = re.findall(r'<script src="([^"]*)"', page)
        assert all((path.parent / script).resolve().is_file() for script in scripts)
        assert "default-src 'none'" in page
        for link in re.findall(r'href="([^"]*)"', page):
            file, _, anchor = html.unescape(link).partition("#")
            target = (path.parent / file).resolve() if file else path
            assert target.is_file(), f"{path} -> {link}"
            assert not anchor or f'id="{anchor}"' in target.read_text(encoding="utf-8")


def test_only_the_shipped_script_may_run(results: Path) -> None:
    """The policy in the page names the script by its content, so that nothing else runs even if it got in."""
    add_evaluation(results)
    page = make(results)
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page
    assert not re.findall(r"<[^>]*\son[a-z]+=", page)


def test_names_that_differ_by_capitals_only_keep_their_own_pages(results: Path) -> None:
    for name in ("at", "AT"):
        add_evaluation(results, name)
    make(results)
    stems = [path.stem.casefold() for path in (results.parent / "reports" / "models").glob("*.html")]
    assert len(set(stems)) == 2


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
    assert row[2] == ["–"]
    assert "ddn: 1 of its records is absent or damaged" in page


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


def test_one_network_attacked_twice_has_one_page(results: Path) -> None:
    """Two evaluations of the same network on the same board, and no name of a place is used twice."""
    add_evaluation(results)
    add_evaluation(results, info={"date": "2026-02-03T00:00:00+00:00"}, seed=1)
    make(results)
    (page,) = (text for path, text in all_pages(results).items() if path.parent.name == "models")
    assert page.count("Attacks</h3>") == 2
    places = re.findall(r'\sid="([^"]*)"', page)
    assert len(places) == len(set(places))


def test_transfers_are_a_matrix(results: Path) -> None:
    """Rows are sources, columns targets; what was not tried is a dash. No leaderboard shows them."""
    for source, target, broken in (("a", "a", 6), ("a", "<b>", 3), ("<b>", "<b>", 5)):
        attack = ("pgd", "linf", 0.03, "fixed-budget", [1.0] * broken + [0.0] * (6 - broken))
        add_evaluation(results, target, [attack], (False,) * 6, crafted_on=source)
    index = make(results)
    assert "There are no results" in index
    page = (results.parent / "reports" / "transfer.html").read_text(encoding="utf-8")
    found = {row[0][0]: [cell[0] for cell in row[1:]] for row in table_cells(page, ">source</th>")}
    targets = re.findall(r'<th scope="col" class="number">(.*?)</th>', page)
    assert targets == list(map(html.escape, found)) == ["&lt;b&gt;", "a"]  # what is white-box lies on the diagonal
    numbers = {
        (source, target): value for source, row in found.items() for target, value in zip(targets, row, strict=True)
    }
    assert numbers == {
        ("a", "a"): "0.0",
        ("a", "&lt;b&gt;"): "50.0",
        ("<b>", "&lt;b&gt;"): "16.7",
        ("<b>", "a"): "–",
    }
    data = pd.read_csv(results.parent / "reports" / "transfer.csv")
    assert ((data["accuracy_low"] <= data["accuracy"]) & (data["accuracy"] <= data["accuracy_high"])).all()
    (line,) = re.findall(
        r"^\\textless\{\}b.*$", (results.parent / "reports" / "transfer.tex").read_text(), re.MULTILINE
    )
    assert line.endswith((r"16.7 & {--} \\", r"{--} & 16.7 \\"))
    assert len(data) == 3
