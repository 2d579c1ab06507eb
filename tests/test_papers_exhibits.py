"""What a page shows beside accuracies: who gets which image right, what is confused, courses, methods, data sets."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from latex_reader import tables
from papers_ledger import TOY, file_evaluation, write_toy
from synthetic import add_evaluation

from benchmark.errors import BadInput
from benchmark.ledger import load_results
from benchmark.ledger.classes import NONE
from benchmark.ledger.record import read_record, write_record
from benchmark.papers import epochs, load_paper, method_tables, paper
from benchmark.papers.cells import predicted
from benchmark.papers.epochs import courses, draw_courses
from benchmark.papers.grid import make_grids
from benchmark.papers.latex_tables import methods_latex
from benchmark.papers.method_tables import cells
from benchmark.papers.networks import find_network
from benchmark.papers.overlap import overlap, to_csv
from benchmark.papers.published import Published
from benchmark.papers.schema import TableColumn
from benchmark.papers.setting import make_setting
from benchmark.planning.ledger_index import LedgerIndex
from benchmark.plots.plot import FILE, Plot, read, to_json


def test_tables_without_numbers_say_what_the_registry_says() -> None:
    table = load_paper("mmard").method_tables["1"]
    found = {label: (inner, outer) for label, inner, outer in cells(table)}
    assert found["MMARD"][0].startswith("D(T(x')‖S(x'))")
    assert found["RSLAD"] == ("D(T(x)‖S(x'))", "α·D(T(x)‖S(x')) + (1 − α)·D(T(x)‖S(x))")
    mat = {row[0]: row[1] for row in cells(load_paper("mat").method_tables["1"])}
    assert mat == {
        "DD": "frozen teachers",
        "ARD": "frozen teachers",
        "ACT": "networks that learn with it",
        "MAT": "networks that learn with it",
    }
    assert len(list(csv.reader(io.StringIO(method_tables.to_csv(table))))) == 8
    (lines,) = tables(methods_latex(table, "Methods", "methods"))
    assert len(lines) == 8
    assert any(r"$D(T(x')\Vert S(x'))" in cell for line in lines for cell in line)


OVERLAP = TOY.replace("      - {label: unborn, run: unborn}\n", "").replace(
    "    suite: smoke\n", "    suite: smoke\n    overlap: linf\n    epochs: true\n"
)


def toy_grid(results: Path, folder: Path):
    """Two networks: one loses the first 8 of 20 images, the other the last 3 and the first 2."""
    (folder / "toy.yaml").write_text(OVERLAP, encoding="utf-8")
    toy = load_paper(str(folder / "toy.yaml"))
    setting = make_setting(toy, "digits")
    history = [{"epoch": 1, "clean": 0.5, "robust": 0.4}, {"epoch": 2, "clean": 0.9, "robust": 0.3}]
    for run, broken, errors in (("natural", 8, 0), ("ard", 2, 3)):
        network = find_network(toy, run, setting, "small-cnn", 0)
        card = {"history": history if run == "ard" else []}
        file_evaluation(results, network, setting, "smoke", broken, images=20, clean_errors=errors, card=card)
    (grid,) = make_grids(toy, "1", setting, LedgerIndex.open(results), Published({}))
    return grid


def test_images_are_counted_by_who_gets_them_right(tmp_path: Path) -> None:
    grid = toy_grid(tmp_path / "results", tmp_path)
    found = {group.labels: group.images for group in overlap(grid)}
    assert found == {("ARD",): 6, ("Nature",): 3, ("ARD", "Nature"): 9, (): 2}
    assert sum(group.share for group in overlap(grid)) == pytest.approx(1)
    assert [group.words(2) for group in overlap(grid)] == ["ARD alone", "Nature alone", "all of them", "none of them"]
    assert to_csv([grid]).splitlines()[1] == "digits,small-cnn,ARD,6,30"
    named = replace(grid, panel=grid.panel.model_copy(update={"dataset": "folder:a,b"}))
    for text in (to_csv([named]), epochs.to_csv([named])):
        rows = list(csv.DictReader(text.splitlines()))
        assert {(row["dataset"], row["architecture"]) for row in rows} == {("folder:a,b", "small-cnn")}


CONFUSION = OVERLAP.replace("    overlap: linf\n    epochs: true\n", "    confusion: linf\n").replace(
    "claims:\n",
    "claims:\n  - {text: they disagree, exhibit: '1', relation: disagrees, left: Nature, right: ARD, column: linf}\n",
)


def predicting(results: Path) -> None:
    """Let the records of `toy_grid` know classes: broken images become 1 and those wrong from the start nothing."""
    for path in results.glob("records/*/*"):
        record = read_record(path)
        clean = np.where(record.clean_errors, NONE, 0)
        attacked = np.where(record.broken & ~record.clean_errors, 1, clean)
        write_record(path, replace(record, clean_class=clean, adversarial_class=attacked))


def test_two_networks_are_confused_with_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nature takes the first 8 of 20 images for 1, ARD the first 2, and the last 3 for nothing."""
    monkeypatch.chdir(tmp_path)
    toy_grid(tmp_path / "results", tmp_path)
    (tmp_path / "toy.yaml").write_text(CONFUSION, encoding="utf-8")
    before = paper("toy.yaml", progress=False).page
    assert "is not known of ARD, Nature; <code>bench evaluate --add-classes" in before.read_text(encoding="utf-8")
    predicting(tmp_path / "results")
    old = Plot(key="toy-figure-1", kind="lines", caption="Of a figure that the paper's file has no more.")
    (before.parent / FILE).write_text(to_json([old]), encoding="utf-8")
    result = paper("toy.yaml", progress=False)
    assert read(before.parent / FILE) == ()
    rows = list(csv.DictReader((result.page.parent / "table-1-confusion.csv").open(encoding="utf-8")))
    counted = {(row["left_predicts"], row["right_predicts"]): int(row["images"]) for row in rows}
    assert {(row["left"], row["right"]) for row in rows} == {("ARD", "Nature")}
    assert counted == {("1", "1"): 2, ("0", "1"): 6, ("0", "0"): 9, ("none", "0"): 3}
    page = result.page.read_text(encoding="utf-8")
    assert "predict different classes for 45.0% of 20 images; those that both predict alike are left out" in page
    assert (result.page.parent / re.findall('href="([^"]*)">CSV of predictions', page)[0]).exists()
    assert "--add-classes" not in page
    table = page[page.index('class="heat matrix"') :].partition("</table>")[0]
    assert (table.count('scope="col"'), table.count('scope="row"')) == (4, 3)
    assert table.count('class="number" style=') == 2  # what both predict alike is left out
    (disagree,) = (verdict for verdict in result.verdicts if verdict.claim.relation == "disagrees")
    assert disagree.difference == pytest.approx(45)
    assert disagree.answer == "supported"


def test_what_two_rows_disagree_about_stands_in_the_column_of_the_confusion(tmp_path: Path) -> None:
    (tmp_path / "toy.yaml").write_text(CONFUSION.replace("right: ARD, column: linf", "right: ARD, column: Clean"))
    with pytest.raises(BadInput, match="names as `confusion`, and in no other"):
        load_paper(str(tmp_path / "toy.yaml"))


def test_a_column_of_one_norm_shows_what_is_predicted_under_that_norm(tmp_path: Path) -> None:
    """The second image is broken in linf and l2, the third in l2 alone; a mean over norms has no class."""
    attacks = [
        (f"a-{norm}", norm, 0.3, "fixed-budget", flags) for norm, flags in (("linf", (0, 1, 0)), ("l2", (0, 1, 1)))
    ]
    told = {"names": ["cat", "dog", "eel"], "labels": "0 0 0", "answers": "0 0 0"}
    classes = {"a-linf": (0, 1, 0), "a-l2": (0, 2, 2)}
    add_evaluation(tmp_path, "net", attacks, (False,) * 3, classes=told, predicted=classes)
    (found,) = load_results(tmp_path)
    by_metric = {
        metric: predicted(found, TableColumn(label="it", metric=metric))
        for metric in ("clean", "linf", "l2", "r_worst")
    }
    assert {metric: each.tolist() for metric, each in by_metric.items()} == {
        "clean": [0, 0, 0],
        "linf": [0, 1, 0],
        "l2": [0, 2, 2],
        "r_worst": [0, 1, 2],
    }
    path = tmp_path / "toy.yaml"
    path.write_text(CONFUSION.replace("metric: linf", "metric: r_avg"), encoding="utf-8")
    with pytest.raises(BadInput, match="a mean over norms takes an image for no class"):
        load_paper(str(path))


def test_the_authors_figure_of_confusions_has_its_three_pairs() -> None:
    cat = load_paper("cat")
    (claim,) = (claim for claim in cat.claims if claim.relation == "disagrees")
    assert {frozenset(pair) for pair in claim.pairs} == {
        frozenset(pair) for pair in combinations([row.label for row in cat.exhibits["figure-confusion"].rows], 2)
    }


def test_a_training_is_followed_epoch_by_epoch(tmp_path: Path) -> None:
    (course,) = courses(toy_grid(tmp_path / "results", tmp_path))
    assert (course.label, course.best, course.last) == ("ARD", (1, 0.5, 0.4), (2, 0.9, 0.3))
    assert course.lost == pytest.approx(0.1)
    assert "epoch" in draw_courses(toy_grid(tmp_path / "results", tmp_path))


def test_the_page_and_its_files_show_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    toy_grid(tmp_path / "results", tmp_path)
    table = (
        "method_tables:\n  '0': {title: Terms, columns: [inner, outer, source], rows: [{method: at, label: <AT>}]}\n"
    )
    (tmp_path / "toy.yaml").write_text(OVERLAP + table, encoding="utf-8")
    result = paper("toy.yaml", progress=False)
    assert (result.jobs, result.failures) == ([], [])
    page = result.page.read_text(encoding="utf-8")
    for words in ("ARD alone", "none of them", "last epoch", "&lt;AT&gt;", "CE(h(x&#39;), y)"):
        assert words in page
    assert {"table-0.csv", "table-0.tex", "table-1-overlap.csv", "table-1-epochs.csv"} <= {
        path.name for path in result.page.parent.iterdir()
    }


def test_several_datasets_share_one_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy = write_toy(tmp_path, monkeypatch)
    loaded = load_paper(toy)
    names = ("digits", "digits?holdout=0.5")
    for name in names:
        setting = make_setting(loaded, name)
        for run in ("natural", "ard"):
            network = find_network(loaded, run, setting, "small-cnn", 0)
            file_evaluation(Path("results"), network, setting, "smoke", 5, images=20, scale="digits")
    result = paper(toy, dataset=names, only=["ARD", "Nature"], progress=False)
    assert result.jobs == []
    page = result.page.read_text(encoding="utf-8")
    assert "digits and digits?holdout=0.5" in page
    rows = list(csv.DictReader((result.page.parent / "table-1.csv").open(encoding="utf-8")))
    assert {row["dataset"] for row in rows if row["percent"]} == set(names)
    with pytest.raises(BadInput, match="at least one dataset"):
        paper(toy, dataset=[])
