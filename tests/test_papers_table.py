"""From a ledger to a table: values, marks, gains, what compares with the paper, what is missing and why."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from latex_reader import labels, tables
from papers_ledger import file_evaluation

from benchmark.latex import escape
from benchmark.papers.files import load_paper
from benchmark.papers.grid import TableGrid, make_grids
from benchmark.papers.html import page
from benchmark.papers.latex_tables import to_latex
from benchmark.papers.networks import find_network
from benchmark.papers.published import Published, load_published
from benchmark.papers.schema import Paper
from benchmark.papers.setting import PaperSetting, make_setting
from benchmark.papers.text import to_csv
from benchmark.planning.chart import draw
from benchmark.planning.ledger_index import LedgerIndex
from benchmark.planning.networks import PlannedNetwork

PAPER = """\
name: toy
title: A <script>alert(1)</script> & paper
source: nowhere
scales:
  digits: {recipe: quick, preset: quick, images: 100, architecture: small-cnn}
  cifar10: {recipe: quick, faithful: true}
  other: {recipe: quick}
runs:
  at: {method: at}
  mat: {method: mat}
  trades: {method: trades}
  trades-1: {method: trades, settings: {beta: 1}}
  unborn: {method: no-such-method}
exhibits:
  "1":
    title: Several kinds
    suite: multi-perturbation
    mode: worst-case
    panels:
      - {dataset: cifar10, architecture: resnet18, published: {dataset: C10, architecture: RN}, images: 1000}
    columns:
      - {label: Clean, metric: clean, published: clean}
      - {label: linf, metric: linf}
      - {label: Ravg, metric: r_avg, published: mean}
      - {label: Rworst, metric: r_worst, published: union}
    rows:
      - {label: AT, run: at, group: First}
      - {label: MAT, run: mat, network: h1, gains_over: AT, rule: true, ours: true}
      - {label: both, mean_of: [AT, MAT]}
      - {label: unborn, run: unborn}
  "2":
    title: Steps
    suite: kd-defences
    columns:
      - {label: Clean, metric: clean}
      - {label: PGD-20, attack: pgd-20}
      - {label: PGD-100, attack: pgd-100}
      - {label: from AT, suite: transfer, attack: pgd-100, source: at}
    rows:
      - {label: AT, run: at}
      - {label: TRADES, run: trades}
      - {label: "TRADES <b>1</b> & 1", run: trades-1}
  figure-1:
    title: Curve
    suite: kd-defences
    chart: {kind: lines, x: beta}
    columns: [{label: PGD-20, attack: pgd-20}]
    rows:
      - {label: "6", run: trades, x: 6}
      - {label: "1", run: trades-1, x: 1}
"""
PRINTED = {
    ("1", "C10", "RN", "AT", "linf", "accuracy"): 45.0,
    ("1", "C10", "RN", "MAT", "linf", "accuracy"): 60.0,
    ("1", "C10", "RN", "MAT", "linf", "gain_accuracy"): 15.0,
}


@pytest.fixture
def paper(tmp_path: Path) -> Paper:
    path = tmp_path / "toy.yaml"
    path.write_text(PAPER, encoding="utf-8")
    return load_paper(path)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return tmp_path / "results"


def network(
    paper: Paper, setting: PaperSetting, run: str, architecture: str = "small-cnn", seed: int = 0
) -> PlannedNetwork:
    found = find_network(paper, run, setting, architecture, seed)
    assert found is not None
    return found


def published() -> Published:
    from benchmark.papers.published import Printed

    return Published({place: Printed(percent, "odd" if percent == 45 else "") for place, percent in PRINTED.items()})


def grids(paper: Paper, key: str, setting: PaperSetting, results: Path) -> list[TableGrid]:
    return make_grids(paper, key, setting, LedgerIndex.open(results), published())


def shown(grid: TableGrid, row: str, column: str) -> float:
    cell = grid.cell(row, column)
    assert cell is not None
    assert cell.value is not None, cell.reason
    return round(100 * cell.value, 6)


def reason(grid: TableGrid, row: str, column: str) -> str:
    cell = grid.cell(row, column)
    assert cell is not None
    assert cell.value is None
    return cell.reason


def union_of(linf: int, l2: int, l1: int) -> dict[str, int]:
    return {"pgd-linf": linf, "ddn-l2": l2, "pgd-l1": l1}


def test_values_gains_marks_and_means(paper: Paper, results: Path) -> None:
    setting = make_setting(paper, "digits")
    file_evaluation(
        results, network(paper, setting, "at"), setting, "multi-perturbation", union_of(50, 40, 60), clean_errors=2
    )
    file_evaluation(
        results,
        network(paper, setting, "mat/h1"),
        setting,
        "multi-perturbation",
        union_of(30, 45, 30),
        clean_errors=4,
    )
    (grid,) = grids(paper, "1", setting, results)
    assert [shown(grid, "AT", name) for name in ("Clean", "linf", "Rworst")] == [98, 48, 38]
    assert shown(grid, "AT", "Ravg") == pytest.approx((48 + 58 + 38) / 3)
    assert shown(grid, "MAT", "linf") == 66
    assert shown(grid, "both", "linf") == 57
    assert grid.cell("MAT", "linf").gain == pytest.approx(18)
    assert grid.cell("MAT", "Clean").gain == pytest.approx(-2)
    assert grid.cell("AT", "linf").gain is None
    assert [grid.cell(row, "linf").mark for row in ("AT", "MAT", "both")] == ["", "best", "second"]
    assert {grid.cell(row, "Clean").mark for row in ("AT", "MAT", "both")} == {""}  # 98 and 96 of 100: it may be luck
    low, high = grid.cell("AT", "linf").low, grid.cell("AT", "linf").high
    assert (low, high) == pytest.approx((0.3846, 0.5768), abs=5e-4)  # Wilson's interval for 48 of 100
    assert "no-such-method is not part of this version" in reason(grid, "unborn", "Clean")


def test_equal_values_share_a_mark(paper: Paper, results: Path) -> None:
    setting = make_setting(paper, "digits")
    for run, broken in (("at", 10), ("trades", 10), ("trades-1", 20)):
        file_evaluation(results, network(paper, setting, run), setting, "kd-defences", broken)
    (grid,) = grids(paper, "2", setting, results)
    marks = [grid.cell(row.label, "PGD-20").mark for row in paper.exhibits["2"].rows]
    assert marks == ["best", "best", ""]  # the third is higher than none
    assert {grid.cell(row.label, "Clean").mark for row in paper.exhibits["2"].rows} == {""}  # all alike: none is best


def test_printed_numbers_are_compared_only_in_the_papers_own_setting(paper: Paper, results: Path) -> None:
    setting = make_setting(paper, "cifar10")
    at = network(paper, setting, "at", "resnet18")
    file_evaluation(results, at, setting, "multi-perturbation", {"pgd-linf": 500}, images=1000)
    (grid,) = grids(paper, "1", setting, results)
    assert grid.deviations == ()
    assert grid.cell("AT", "linf").difference == pytest.approx(5.0)
    assert grid.cell("AT", "linf").printed.note == "odd"
    assert grid.cell("AT", "Clean").difference is None  # not printed


def test_fewer_images_other_data_or_another_preset_do_not_compare(paper: Paper, results: Path) -> None:
    cases = {
        "cifar10": ({"images": 200}, "the first 200 test images instead of 1000"),
        "digits": ({}, "measured on digits with small-cnn"),
    }
    for scale, (options, expected) in cases.items():
        setting = make_setting(paper, scale, **options)
        architecture = "resnet18" if scale == "cifar10" else "small-cnn"
        images = setting.images or 100
        at = network(paper, setting, "at", architecture)
        file_evaluation(results, at, setting, "multi-perturbation", {"pgd-linf": 50}, images=images)
        (grid,) = grids(paper, "1", setting, results)
        assert expected in " ".join(grid.deviations)
        assert grid.cell("AT", "linf").value is not None
        assert grid.cell("AT", "linf").difference is None
    setting = make_setting(paper, "cifar10", preset="quick")
    (grid,) = grids(paper, "1", setting, results)
    assert grid.deviations == ("the preset quick instead of standard",)


@pytest.mark.parametrize(
    "odd",
    [
        {"card": {"extra": {"precision": "fp32", "run": "another"}}},
        {"card": {"extra": {}}},
        {"card": {"selection": "last"}},
        {"card": {"network": "h2"}},
        {"images": 60},
        {"mode": "worst-case"},
    ],
    ids=str,
)
def test_what_is_not_the_tables_network_or_question_is_not_shown(paper: Paper, results: Path, odd) -> None:
    setting = make_setting(paper, "digits")
    file_evaluation(results, network(paper, setting, "at"), setting, "kd-defences", 10, **odd)
    (grid,) = grids(paper, "2", setting, results)
    assert reason(grid, "AT", "PGD-20") == "not run"


def test_worst_case_mode_is_enough_for_norms(paper: Paper, results: Path) -> None:
    setting = make_setting(paper, "digits")
    file_evaluation(results, network(paper, setting, "at"), setting, "multi-perturbation", 25, mode="worst-case")
    (grid,) = grids(paper, "1", setting, results)
    assert shown(grid, "AT", "Rworst") == 75


def test_a_failed_attack_leaves_its_cell_empty(paper: Paper, results: Path) -> None:
    setting = make_setting(paper, "digits")
    file_evaluation(results, network(paper, setting, "at"), setting, "kd-defences", 10, fails="pgd-20")
    (grid,) = grids(paper, "2", setting, results)
    assert "failed" in reason(grid, "AT", "PGD-20")
    assert shown(grid, "AT", "PGD-100") == 90


def test_black_box_cells_come_from_transfers(paper: Paper, results: Path) -> None:
    """What was crafted on another network counts there alone, and what was crafted on the network itself does not."""
    setting = make_setting(paper, "digits")
    at, trades = network(paper, setting, "at"), network(paper, setting, "trades")
    file_evaluation(results, trades, setting, "transfer", 30, source=at)
    file_evaluation(results, trades, setting, "transfer", 60)
    file_evaluation(results, at, setting, "transfer", 70, source=trades)
    file_evaluation(results, trades, setting, "kd-defences", 50, source=at)
    (grid,) = grids(paper, "2", setting, results)
    assert shown(grid, "TRADES", "from AT") == 70
    assert reason(grid, "AT", "from AT") == "not run"
    assert reason(grid, "TRADES", "PGD-100") == "not run"


def test_several_seeds_give_mean_and_spread(paper: Paper, results: Path) -> None:
    setting = make_setting(paper, "digits", seeds=(0, 1))
    for seed, broken in ((0, 10), (1, 30)):
        file_evaluation(results, network(paper, setting, "at", seed=seed), setting, "kd-defences", broken)
    file_evaluation(results, network(paper, setting, "trades"), setting, "kd-defences", 10)
    (grid,) = grids(paper, "2", setting, results)
    cell = grid.cell("AT", "PGD-20")
    assert (cell.value, cell.spread) == pytest.approx((0.8, 0.1 * 2**0.5))
    assert cell.low is None
    assert reason(grid, "TRADES", "PGD-20") == "not run"  # one of its two seeds is missing


def test_csv_holds_what_the_table_shows(paper: Paper, results: Path) -> None:
    setting = make_setting(paper, "cifar10")
    at = network(paper, setting, "at", "resnet18")
    file_evaluation(results, at, setting, "multi-perturbation", {"pgd-linf": 500}, images=1000)
    rows = list(csv.DictReader(io.StringIO(to_csv(grids(paper, "1", setting, results)))))
    assert len(rows) == 16
    found = next(row for row in rows if (row["row"], row["column"]) == ("AT", "linf"))
    assert {name: found[name] for name in ("percent", "printed_percent", "difference", "images")} == {
        "percent": "50",
        "printed_percent": "45",
        "difference": "5",
        "images": "1000",
    }
    assert found["evaluations"]
    missing = next(row for row in rows if (row["row"], row["column"]) == ("MAT", "linf"))
    assert (missing["percent"], missing["reason"], missing["printed_gain"]) == ("", "not run", "15")


def test_latex_has_booktabs_marks_gains_and_no_loose_characters(paper: Paper, results: Path) -> None:
    setting = make_setting(paper, "digits")
    file_evaluation(results, network(paper, setting, "at"), setting, "multi-perturbation", 50)
    file_evaluation(results, network(paper, setting, "mat/h1"), setting, "multi-perturbation", 30)
    text = to_latex(grids(paper, "1", setting, results), "Several & kinds.", "toy-1")
    (lines,) = tables(text)
    assert r"{$\ell_\infty$}" in lines[0][3]
    assert [lines[4][0], *lines[4][3:5]] == ["MAT (Ours)", r"{\textbf{70.0}\rlap{$^{*}$}}", "{(+20.0)}"]
    assert "60.4--78.1" in lines[5][3]  # its interval has a line of its own
    assert lines[6][3] == r"{\underline{60.0}\rlap{$^{*}$}}"
    assert lines[7][3] == r"\multicolumn{2}{c}{{\scriptsize 51.2--68.2}}"
    assert r"\caption{Several \& kinds. Accuracies are percentages of 100 test images." in text
    assert labels(text) == ["tab:toy-1"]
    assert escape(r"50% of a_b & {c}\d") == r"50\% of a\_b \& \{c\}\textbackslash{}d"


def test_the_page_escapes_names_and_says_what_is_not_run(paper: Paper, results: Path) -> None:
    setting = make_setting(paper, "digits")
    file_evaluation(results, network(paper, setting, "at"), setting, "kd-defences", 10)
    panels = {key: grids(paper, key, setting, results) for key in paper.exhibits}
    html = page(paper, [setting], panels, published(), [], "bench paper toy --dataset digits", ["a <i>failure</i>"])
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; paper" in html
    assert "<i>failure" not in html
    assert "bench paper toy --dataset digits --table 2 --only TRADES" in html
    assert "--only &#39;TRADES &lt;b&gt;1&lt;/b&gt; &amp; 1&#39;" in html
    assert "90.0" in html
    assert "http://" not in html.replace("http://www.w3.org", "")
    assert "https://" not in html


def test_figures_draw_what_was_measured(paper: Paper, results: Path) -> None:
    setting = make_setting(paper, "digits")
    (empty,) = grids(paper, "figure-1", setting, results)
    assert draw(empty.plain) is None
    file_evaluation(results, network(paper, setting, "trades"), setting, "kd-defences", 10)
    file_evaluation(results, network(paper, setting, "trades-1"), setting, "kd-defences", 60)
    (grid,) = grids(paper, "figure-1", setting, results)
    drawing = str(draw(grid.plain))
    assert re.findall(r'y="272" text-anchor="middle">(\d)</text>', drawing) == ["1", "6"]
    marks = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)" r="4"><title>(.*?)</title>', drawing)
    (_, low, _), (_, high, words) = sorted(marks, key=lambda mark: float(mark[0]))
    assert float(low) > float(high)  # 40% is drawn below 90%
    assert words == "6, PGD-20: 90.0%"
    whiskers = re.findall(r'class="whisker" .*? y1="([\d.]+)" y2="([\d.]+)"', drawing)
    assert all(
        float(above) < float(y) < float(below) for (below, above), (_, y, _) in zip(whiskers, marks, strict=True)
    )
    html = page(
        paper, [setting], {key: [grid] if key == "figure-1" else [] for key in paper.exhibits}, published(), [], "x"
    )
    assert html.count("<circle") == 2


def test_the_papers_own_tables_render_from_nothing(tmp_path: Path) -> None:
    for name in ("mat", "mmard", "cat", "robust-union"):
        shipped = load_paper(name)
        for scale in ("digits", "cifar10", "mnist") if name == "cat" else ("digits",):
            setting = make_setting(shipped, scale)
            index = LedgerIndex([])
            panels = {key: make_grids(shipped, key, setting, index, load_published(name)) for key in shipped.exhibits}
            html = page(shipped, [setting], panels, load_published(name), [], f"bench paper {name} --dataset {scale}")
            assert "As printed in the paper" in html
            assert all(not grid.measured for found in panels.values() for grid in found)
            assert any(grid.size for found in panels.values() for grid in found)
