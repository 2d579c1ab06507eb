"""Tables of a paper over seeds and data sets: LaTeX says what the CSV says, what may be masked is never marked."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest
from latex_reader import tables
from papers_ledger import TOY, file_evaluation

from benchmark.papers import load_paper
from benchmark.papers.grid import TableGrid, make_grids
from benchmark.papers.latex_tables import printed_latex, to_latex
from benchmark.papers.networks import find_network
from benchmark.papers.published import Printed, Published
from benchmark.papers.setting import make_setting
from benchmark.papers.text import to_csv
from benchmark.planning.ledger_index import LedgerIndex

DATASETS = ("digits", "digits?holdout=0.5")


@pytest.fixture(scope="module")
def panels(tmp_path_factory: pytest.TempPathFactory) -> list[TableGrid]:
    """Two networks with two seeds on two data sets; a third is missing."""
    tmp_path = tmp_path_factory.mktemp("papers")
    (tmp_path / "toy.yaml").write_text(TOY, encoding="utf-8")
    toy = load_paper(str(tmp_path / "toy.yaml"))
    found = []
    for number, name in enumerate(DATASETS):
        setting = make_setting(toy, name, seeds=(0, 1))
        for place, run in enumerate(("natural", "ard")):
            for seed in setting.seeds:
                network = find_network(toy, run, setting, "small-cnn", seed)
                broken = 4 * place + 2 * seed + number
                file_evaluation(tmp_path / "results", network, setting, "smoke", broken, images=20, scale="digits")
        index = LedgerIndex.open(tmp_path / "results")
        found += make_grids(toy, "1", setting, index, Published({}))
    return found


def test_means_and_deviations_are_those_of_the_csv_under_the_name_of_their_data(panels: list[TableGrid]) -> None:
    (lines,) = tables(to_latex(panels, "A caption.", "toy"))
    shown = iter([cell for line in lines[1:] for cell in line[1:] if cell])
    for row in csv.DictReader(io.StringIO(to_csv(panels))):
        cell = next(shown)
        if row["percent"]:
            assert f"{float(row['percent']):.1f}" in cell
            assert rf"$\pm$\,{float(row['spread']):.1f}}}" in cell
        else:
            assert cell == "{--}"
    assert next(shown, None) is None
    assert [lines[1][0], lines[5][0]] == [
        rf"\multicolumn{{4}}{{l}}{{\textit{{{name}, small-cnn}}}}" for name in DATASETS
    ]


def test_panels_are_told_apart_by_a_rule_and_a_heading(panels: list[TableGrid]) -> None:
    both, one = (to_latex(found, "A caption.", "toy") for found in (panels, panels[:1]))
    assert (both.count(r"\midrule"), one.count(r"\midrule")) == (2, 1)
    assert r"\textit" not in one


def test_what_may_be_masked_is_said_and_never_marked(panels: list[TableGrid]) -> None:
    grid = panels[0]
    lines = [
        replace(line, cells=tuple(replace(cell, is_masked=line.row.label == "Nature") for cell in line.cells))
        for line in grid.lines
    ]
    text = to_latex([replace(grid, lines=tuple(lines))], "A caption.", "toy")
    (shown,) = tables(text)
    assert r"\textbf" not in str(shown)
    assert r"\underline" not in str(shown)
    assert shown[-1][1:] == [r"{{\scriptsize masked?}}"] * 3
    assert r"“masked?” says that there is strong evidence of gradient masking." in text


def test_printed_numbers_are_marked_by_themselves_with_their_gains(panels: list[TableGrid]) -> None:
    numbers = {"ARD": (50.0, 3.8), "Nature": (50.0, -0.2), "unborn": (40.0, None)}
    lines = []
    for line in panels[0].lines:
        percent, gained = numbers[line.row.label]
        printed, gain = Printed(percent, ""), None if gained is None else Printed(gained, "")
        lines.append(
            replace(line, cells=tuple(replace(each, printed=printed, printed_gain=gain) for each in line.cells))
        )
    (shown,) = tables(printed_latex([replace(panels[0], lines=tuple(lines))], "A caption.", "toy"))
    assert {line[0]: line[1:3] for line in shown[1:]} == {
        "ARD": [r"{\textbf{50.0}}", "{(+3.8)}"],
        "Nature": [r"{\textbf{50.0}}", "{($-$0.2)}"],
        "unborn": [r"{\underline{40.0}}", ""],
    }
