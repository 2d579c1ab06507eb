"""Corruptions that were really run, on the leaderboard, on the network's page and in every table of text."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
from evaluation_toys import save, write_suite
from synthetic import add_evaluation

import benchmark
from benchmark.ledger import load_results
from benchmark.reporting import leaderboard_rows, leaderboards, print_leaderboards
from benchmark.reporting.column import Output
from benchmark.reporting.columns import columns
from benchmark.reporting.text import percent
from benchmark.statistics.wilson import wilson

ATTACKS = "".join(
    f"  - {{attack: corruption, norm: corruption, label: {name}-{severity}, epsilon: {severity}, "
    f"parameters: {{corruption: {name}}}}}\n"
    for name in ("glass-blur", "contrast")
    for severity in (1, 5)
)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site about one network under two corruptions and in a norm."""
    folder = tmp_path_factory.mktemp("corruptions")
    suite = write_suite(folder, f"{ATTACKS}  - {{attack: fgsm, norm: linf, epsilon: 0.05}}\n", head="union: all\n")
    benchmark.evaluate([save(folder)], suite=str(suite), results=folder / "results")
    return benchmark.report(results=folder / "results", out=folder / "out").parent


def cells(page: str, after: str) -> list[list[str]]:
    body = page.split(after, 1)[1].split("<tbody>", 1)[1].split("</tbody>", 1)[0]
    rows = re.findall(r"<tr\b.*?</tr>", body, re.DOTALL)
    return [[re.split("<", cell)[0] for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)] for row in rows]


def test_the_mean_is_on_the_leaderboard_beside_the_union(out: Path) -> None:
    attacks = pd.read_csv(out / "attacks.csv").query("norm == 'corruption'")
    (row,) = pd.read_csv(out / "leaderboard.csv").to_dict("records")
    assert row["corruption_mean"] == pytest.approx(attacks["accuracy"].mean())
    assert row["corruption_mean_low"] < row["corruption_mean"] < row["corruption_mean_high"]
    low, high = wilson(row["corruption_mean"] * row["images"], row["images"])
    assert row["corruption_mean_high"] - row["corruption_mean_low"] < high - low, "shares vary less than flags"
    severe = attacks.query("epsilon == 5")["accuracy"]
    assert row["corruption 5"] <= severe.min(), "glass-blur and contrast break different images"
    page = (out / "index.html").read_text(encoding="utf-8")
    heads = re.findall(r'<th scope="col"[^>]*><span>(.*?)</span>', page)
    (line,) = cells(page, "</thead>")
    assert len(line) == len(heads)
    assert line[heads.index("corruption mean")] == percent(row["corruption_mean"])
    for severity in ("corruption 1", "corruption 5"):
        assert line[heads.index(severity)] == percent(row[severity])
    assert line[heads.index("linf")] == percent(row["linf"])


def test_a_network_s_page_has_each_corruption_at_each_severity(out: Path) -> None:
    attacks = pd.read_csv(out / "attacks.csv").set_index("attack")["accuracy"]
    rows = cells((out / "models" / "toy.html").read_text(encoding="utf-8"), '-corruptions">Corruptions</h3>')
    assert [row[0] for row in rows] == ["glass-blur", "contrast"]
    for name, *numbers in rows:
        mild, severe = attacks[f"{name}-1"], attacks[f"{name}-5"]
        assert numbers == [percent(number) for number in ((mild + severe) / 2, mild, severe)]


def test_tables_of_text_have_it_too(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = out.parent / "results"
    (board,) = leaderboards(load_results(results))
    (row,) = leaderboard_rows([board])
    shares = [percent(row[name]) for name in ("corruption_mean", "linf", "r_avg", "corruption 5")]
    assert len(set(shares)) == len(shares), "or a wrong column would look right"
    mean = shares[0]
    print_leaderboards([board])
    head, line = capsys.readouterr().out.splitlines()[1:3]
    start = head.index("corruption mean")
    assert line[start : start + len("corruption mean")].split() == [mean]
    for format in ("latex", "markdown"):
        lines = benchmark.report(results=results, out=out.parent / format, format=format).read_text().splitlines()
        table = [[cell.strip(" {}") for cell in re.split(r"[&|]", line)] for line in lines]
        (head,) = (row for row in table if "corruption mean" in row)
        (row,) = (row for row in table if "toy" in row)
        assert row[head.index("corruption mean")] == mean


def test_a_reader_of_one_norm_sees_its_mean(out: Path) -> None:
    (board,) = leaderboards(load_results(out.parent / "results"))
    assert [column.label for column in columns(board, Output.PAGE) if column.norm == "corruption"] == [
        "corruption 1",
        "corruption 5",
        "corruption mean",
    ]


def test_boards_without_corruptions_have_no_such_column(tmp_path: Path) -> None:
    add_evaluation(tmp_path / "results")
    page = benchmark.report(results=tmp_path / "results", out=tmp_path / "out")
    assert "corruption mean" not in page.read_text(encoding="utf-8")
    assert "-corruptions" not in (tmp_path / "out" / "models" / "at.html").read_text(encoding="utf-8")
    assert "corruption_mean" not in pd.read_csv(tmp_path / "out" / "leaderboard.csv")
