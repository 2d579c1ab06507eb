"""Interactive figures: their data say what tables say, names in them stay names, and what they load is shipped."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from page_scripts import run_scripts
from synthetic import add_evaluation

import benchmark
from benchmark.ledger import Ledger
from benchmark.reporting.figure_data import board_script, network_script
from benchmark.reporting.interactive import LICENCE, PAGES
from benchmark.reporting.leaderboards import leaderboards
from benchmark.reporting.networks import network_pages
from benchmark.reporting.page_data import data_script
from benchmark.reporting.pages import ASSETS
from benchmark.reporting.text import percent
from benchmark.statistics.ravg_interval import mean_interval
from benchmark.statistics.wilson import wilson

#: As much of a page as tips of figures ask for.
NO_PAGE = """
globalThis.innerWidth = 1000;
globalThis.matchMedia = () => ({ matches: false });
const made = () => ({ style: {}, words: [], append(...inside) { this.words.push(...inside); } });
globalThis.document = { createElement: made };
"""
#: What tips say of the network of a board: at the end of its curve, in the map of attacks, after the last attack.
TIPS = """(() => {
  const [board, row, data] = given;
  const theme = { ...benchPalette, series: benchPalette.light, shades: [] };
  const words = (line) => line.words.filter((part) => !part.style).join("");
  const said = (build, asked) => build(theme).option.tooltip.formatter(asked).words.map(words);
  const at = { seriesType: "line", seriesName: row.name, color: "red" };
  const own = [{ number: 0, name: row.name, row, data }];
  const end = data.curves[0].robust.length - 1;
  return {
    share: benchShares.within(row.worst),
    curve: said(benchLines.curves("linf", own), [{ ...at, axisValue: 1, dataIndex: end }]),
    map: said(benchCells.attacks(board, [row]), { dataIndex: 0 }),
    added: said(benchLines.incremental(board, own), [{ ...at, axisValue: "pgd", dataIndex: 1 }]),
  };
})()"""

HOSTILE = ["</script><script>alert(1)</script>", "<!--", "a\u2028b\u2029", "'\"`${x}\\", "__proto__", "]]>", "\ud800"]


def taken(script: str) -> Any:
    """What a data file assigns."""
    found = re.fullmatch(r'\(globalThis\.benchData \?\?= \{\}\)\["[^"]*"\]=(.*);\n', script)
    assert found
    return json.loads(found[1])


def test_nothing_in_a_data_file_ends_a_script() -> None:
    script = data_script("key", {"names": HOSTILE, "nan": float("nan"), "far": [float("inf")]})
    assert taken(script) == {"names": HOSTILE, "nan": None, "far": [None]}
    assert not re.search("[<>&\u2028\u2029]", script)
    assert script.isascii()
    found = run_scripts([], "benchData.key", before=script)
    assert found["names"][:-1] == HOSTILE[:-1]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two networks of one training, hostile in name, with classes and histories."""
    results = tmp_path_factory.mktemp("figures") / "results"
    names = ["</script>", "__proto__", "c"]
    classes = {"names": names, "labels": "0 0 1 1 2 2", "answers": "1 0 1 1 2 2"}
    for network in ("h1", "h2"):
        history = [{"epoch": epoch, "h1.clean": 0.5, "h2.clean": 0.25, "loss": 1 / epoch} for epoch in (1, 2)]
        card = {"network": network, "method": "</script>", "history": history, "numbers": 100}
        add_evaluation(results, network, card=card | {"extra": {"run": "same", "seconds": 2.5}}, classes=classes)
    return results


def test_the_data_are_the_tables(results: Path) -> None:
    (board,) = leaderboards(Ledger.open(results).evaluations())
    pages = {result.entry.id: page.stem for page in network_pages([board]) for result in page.results}
    found = taken(board_script(board, pages))
    assert [threat["name"] for threat in found["threats"]] == list(board.threats)
    for row, entry in zip(found["networks"], board.entries, strict=True):
        assert (row["name"], row["rank"], row["run"], row["training"], row["epochs"]) == (
            *(entry.name, str(entry.rank)), "same", 2.5, 2,
        )  # fmt: skip
        assert entry.r_worst is not None
        assert row["worst"] == pytest.approx(list(entry.r_worst), abs=1e-5)
        assert row["attacks"] == pytest.approx([attack["accuracy"] for attack in entry.attacks], abs=1e-5)
        left = row["clean"][0] - sum(row["first"]) / 6
        assert left == pytest.approx(row["worst"][0], abs=1e-4)  # all attacks count here


def test_a_networks_data_are_its_page(results: Path) -> None:
    (board,) = leaderboards(Ledger.open(results).evaluations())
    page = network_pages([board])[0]
    (result,) = page.results
    found = taken(network_script(result, page))
    for own, curve in zip(found["curves"], result.curves, strict=True):
        radii = np.linspace(0, own["limit"], len(own["robust"]))
        assert np.array(own["robust"]) / 6 == pytest.approx(curve.accuracy(radii))
        assert own["measured"] == curve.is_measured
    assert [row["name"] for row in found["classes"]] == ["</script>", "__proto__", "c"]
    clean = next(each for each in found["confusion"] if each["attack"] == "clean")
    assert clean["images"] == [[1, 1, 0], [0, 2, 0], [0, 0, 2]]
    assert found["training"]["shares"] == [["h1.clean", [[1, 50], [2, 50]]], ["h2.clean", [[1, 25], [2, 25]]]]


def test_the_site_has_what_its_pages_load(results: Path) -> None:
    site = benchmark.report(results=results, out=results.parent / "reports").parent
    assert (site / "assets" / LICENCE).is_file()
    for name in {name for names in PAGES.values() for name in names} - {"palette.js"}:
        assert (site / "assets" / name).read_bytes() == (ASSETS / name).read_bytes()
    assert {path.name for path in ASSETS.iterdir()} == {path.name for path in (site / "assets").iterdir()} - {
        "palette.js"
    }
    (board,) = leaderboards(Ledger.open(results).evaluations())
    keys = {entry.id[:16] for entry in board.entries} | {board.anchor, f"{board.anchor}-images"}
    assert {path.stem for path in (site / "data").iterdir()} == keys
    for page in ("figures.html", "union.html"):
        text = (site / page).read_text(encoding="utf-8")
        assert "script-src 'self' file:" in text
        assert not re.search(r"<script>|\son[a-z]+=|unsafe-eval", text)
        assert f'href="{page}"' in (site / "index.html").read_text(encoding="utf-8")


def test_the_pages_intervals_are_the_packages() -> None:
    counts = [[3, 40, 9], [0, 20], [20, 0], [5, 0, 0, 95], [0, 7, 0], [1, 2, 3, 4, 5]]
    found = run_scripts(["shares.js"], "given[0].map(benchShares.meanInterval)", counts)
    for own, ends in zip(counts, found, strict=True):
        values = np.repeat(np.arange(len(own)) / (len(own) - 1), own)
        assert ends == pytest.approx(mean_interval(values), abs=1e-12)
    pairs = [(0, 5), (5, 5), (3, 7), (499, 1000)]
    found = run_scripts(["shares.js"], "given[0].map(([right, of]) => benchShares.wilson(right, of))", pairs)
    for pair, ends in zip(pairs, found, strict=True):
        assert ends == pytest.approx(wilson(*pair), abs=1e-12)


def test_figures_and_the_own_union_write_the_tables_percentages(tmp_path: Path) -> None:
    """Of 203 images 9 are robust, from 2.3499%, which five digits would make 2.350%; of 400, 17 are 4.25%."""
    for images, right in ((203, 9), (400, 17)):
        attack = ("pgd", "linf", 0.03, "fixed-budget", [0.0] * right + [1.0] * (images - right))
        add_evaluation(tmp_path / "results", "at", [attack], (False,) * images)
    boards = leaderboards(Ledger.open(tmp_path / "results").evaluations())
    for board in boards:
        (entry,) = board.entries
        (page,) = network_pages([board])
        (row,) = taken(board_script(board, {entry.id: ""}))["networks"]
        data = taken(network_script(page.results[0], page))
        assert entry.r_worst is not None
        value, low, high = map(percent, entry.r_worst)
        scripts = ["palette.js", "shares.js", "options.js", "lines.js", "cells.js"]
        shown = run_scripts(scripts, TIPS, taken(board_script(board, {entry.id: ""})), row, data, before=NO_PAGE)
        assert shown["share"] == f"{value} ({low}–{high})"
        assert shown["curve"][1] == f"at: {value}% ({low}–{high}), upper bound"
        assert shown["map"][1] == f"pgd (linf): {value}% of the images withstand it"
        assert shown["added"][1] == f"at: {value}%, {row['first'][0]} images broken first by it"


def test_a_front_holds_what_nothing_beats_in_both() -> None:
    points = [{"x": x, "y": y} for x, y in [(1, 1), (2, 3), (3, 2), (3, 3), (4, 1), (2, 2)]]
    program = "[true, false].map((isLess) => benchPoints.pareto(given[0], isLess).map(({ x, y }) => [x, y]))"
    scripts = ["palette.js", "shares.js", "options.js", "points.js"]
    assert run_scripts(scripts, program, points) == [[[1, 1], [2, 3]], [[3, 3], [4, 1]]]


def test_networks_of_one_training_get_their_own_lines() -> None:
    lines = [["h1.clean", [[1, 50]]], ["h2.clean", [[1, 25]]]]
    about = {"shares": lines, "losses": [["loss", [[1, 2]]]], "selected": 1}
    networks = [{"name": f"mat-{network}", "network": network, **about} for network in ("h1", "h2")]
    found = run_scripts(["cohort.js"], "benchCohort.panels(given[0])", networks)
    titles = [(panel["title"], panel["lines"]) for panel in found["panels"]]
    assert titles == [
        ("mat-h1: accuracy %", [["clean", [[1, 50]]]]),
        ("mat-h2: accuracy %", [["clean", [[1, 25]]]]),
        ("Loss of the training", [["loss", [[1, 2]]]]),
    ]
    assert found["names"] == ["clean", "loss"]
    alone = run_scripts(["cohort.js"], "benchCohort.panels(given[0])", [{"name": "at", "network": "", **about}])
    assert [len(panel["lines"]) for panel in alone["panels"]] == [2, 1]


def test_numbers_leave_as_csv_that_others_read() -> None:
    rows = [["network", "value"], ['a "b", c', 0.1 + 0.2], ["x", None], ["two\nlines", 3]]
    found = run_scripts(["taking.js"], "benchTaking.csv(given[0])", rows)
    assert found == 'network,value\n"a ""b"", c",0.3\nx,\n"two\nlines",3\n'
