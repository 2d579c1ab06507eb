"""The exhibits of the shipped papers measure what the papers did; other readings and datasets have their options."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from fixed_networks import fixed
from latex_reader import tables
from papers_ledger import TOY, file_evaluation, write_toy
from synthetic import add_evaluation
from torch import nn

from benchmark.errors import BadInput
from benchmark.evaluation import load_suite
from benchmark.importing import import_checkpoint
from benchmark.ledger import load_results
from benchmark.ledger.classes import NONE
from benchmark.ledger.record import read_record, write_record
from benchmark.models import load_model, save_checkpoint
from benchmark.papers import epochs, load_paper, method_tables, paper
from benchmark.papers.cells import predicted
from benchmark.papers.claim_parts import is_about
from benchmark.papers.epochs import courses, draw_courses
from benchmark.papers.files import PAPERS
from benchmark.papers.grid import make_grids
from benchmark.papers.latex_tables import methods_latex
from benchmark.papers.method_tables import cells
from benchmark.papers.networks import find_network
from benchmark.papers.overlap import overlap, to_csv
from benchmark.papers.own_networks import read_own_networks
from benchmark.papers.published import Published
from benchmark.papers.schema import TableColumn
from benchmark.papers.setting import make_setting
from benchmark.papers.variants import read_variants, with_variants
from benchmark.papers.work import plan_work
from benchmark.planning.chart import draw
from benchmark.planning.defaults import without_defaults
from benchmark.planning.ledger_index import LedgerIndex
from benchmark.planning.missing import missing
from benchmark.recipes.recipe import is_recipe_key, load_recipe
from benchmark.recipes.schedule_kinds import Cosine


def recipe_of(network, scale: str = "cifar10"):
    """The recipe of a planned network's training at full scale."""
    training = network.training
    settings = {key: value for key, value in training.settings.items() if is_recipe_key(key)}
    asked = training.method, training.architecture, scale, "cifar10", settings, "recipe"
    return load_recipe(training.recipe).resolve(*asked)[0]


def schedule(recipe, epochs) -> list[float]:
    return [recipe.lr_at(epoch) for epoch in epochs]


@pytest.mark.parametrize(("architecture", "lr", "decay"), [("resnet18", 0.01, 3.5e-3), ("wrn-34-10", 0.1, 7e-4)])
@pytest.mark.parametrize("run", ["at", "trades", "mart", "ard", "act", "at-bce", "natural-bce", "mat"])
def test_mat_trains_itself_its_baselines_and_its_teachers_by_one_recipe(run, architecture, lr, decay) -> None:
    mat = load_paper("mat")
    found = recipe_of(
        find_network(mat, run, make_setting(mat, "cifar10"), architecture, 0, {"act": "robust"}.get(run, ""))
    )
    assert (found.lr, found.weight_decay, found.epochs, found.batch_size) == (lr, decay, 120, 128)
    assert schedule(found, (73, 74, 89, 99)) == pytest.approx([lr, lr / 10, lr / 100, lr / 1000])
    assert (found.normalisation, found.validation.images) == ("data", 0)
    assert found.threats["linf"].epsilon == pytest.approx(8 / 255)


@pytest.mark.parametrize("method", ["at", "trades", "mart", "ard", "act", "mat"])
def test_each_of_them_keeps_its_own_attack_and_loss(method: str) -> None:
    """As the recipe paper has them: MART's start, ARD's temperature and the mode of its batch norms."""
    asked = method, "wrn-34-10", "cifar100", "cifar10", {}, "recipe"
    own, usual = (load_recipe(name).resolve(*asked)[1] for name in ("mat", "paper"))
    assert own == usual


def test_the_baselines_of_mat_by_their_own_recipes_are_a_variant() -> None:
    mat, told = with_variants(load_paper("mat"), read_variants(["baselines=own"]))
    network = find_network(mat, "trades", make_setting(mat, "cifar10", told=told), "resnet18", 0)
    assert network.training.recipe == "paper"
    assert "instead of that of MAT's section 3.1" in make_setting(mat, "cifar10", told=told).changed[0]


def test_a_recipe_that_the_caller_names_is_that_of_all_runs() -> None:
    """Else a short run of MAT would stand beside baselines of 120 epochs."""
    mat = load_paper("mat")
    setting = make_setting(mat, "cifar10", recipe="gpu-30")
    assert {
        find_network(mat, run, setting, "resnet18", 0).training.recipe for run in ("at", "trades", "at-linf")
    } == {"gpu-30"}


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("baselines", "baselines=own"),
        ("base=own", "unknown variant 'base'"),
        ("baselines=mine", "unknown reading of"),
    ],
)
def test_mistakes_in_a_variant_are_told(word: str, expected: str) -> None:
    with pytest.raises(BadInput, match=expected):
        paper("mat", variant=[word], dry_run=True)


def test_mat_chooses_alpha_on_a_fifth_that_it_does_not_train_on(tmp_path: Path) -> None:
    mat = load_paper("mat")
    table = mat.exhibits["figure-3"]
    (work,) = plan_work(mat, ["figure-3"], [make_setting(mat, "digits")], LedgerIndex([]), tmp_path)
    assert {job.network.training.dataset for job in work.jobs.jobs} == {"digits?holdout=0.2"}
    assert work.setting.dataset == "digits?holdout=0.2"
    assert [column.attack for column in table.columns] == ["pgd-20"]
    assert {row.series for row in table.rows} == {"h1", "h2"}
    assert {0.6, 0.45} <= {row.x for row in table.rows}
    setting = make_setting(mat, "cifar10").of(table)
    network = find_network(mat, "mat-0.3", setting, "resnet18", 0, "h1")
    assert (network.training.dataset, recipe_of(network).validation.images) == ("cifar10?holdout=0.2", 0)
    (item,) = load_suite(table.suite, "standard", "cifar10").items
    assert (item.attack.steps, item.threat.epsilon) == (20, pytest.approx(8 / 255))


def test_the_sentences_about_figure_3_are_about_its_held_out_fifth() -> None:
    """Which has another name than the data that they name."""
    mat = load_paper("mat")
    (grid,) = make_grids(mat, "figure-3", make_setting(mat, "digits"), LedgerIndex([]), Published({}))
    assert grid.panel.dataset == "digits?holdout=0.2"
    about = [claim.text for claim in mat.claims if claim.exhibit == "figure-3" and is_about(claim, grid)]
    assert len(about) == 2
    assert not any("CIFAR-100" in text for text in about)


def test_a_setting_that_mat_has_anyway_has_no_name_on_the_held_out_fifth_either() -> None:
    asked = {"method": "mat", "architecture": "small-cnn", "recipe": "quick"}
    assert without_defaults({"alpha": 0.6}, dataset="digits?holdout=0.2", **asked) == {}
    assert without_defaults({"alpha": 0.3}, dataset="digits?holdout=0.2", **asked) == {"alpha": 0.3}


def test_what_is_missing_of_data_and_of_its_part_is_said_once(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("BENCHMARK_DATA", str(tmp_path))
    mat = load_paper("mat")
    works = plan_work(mat, ["2", "figure-3"], [make_setting(mat, "cifar10")], LedgerIndex([]), tmp_path)
    said = [set(missing(work.jobs.possible, work.setting, True)) for work in works]
    assert said == [{"will be fetched: cifar10"}] * 2


def test_a_cosine_over_the_whole_training_is_the_schedule_that_it_was() -> None:
    """Else every run with a cosine would be another run than before there were spans."""
    assert Cosine(name="cosine").model_dump(mode="json") == {"name": "cosine"}
    assert Cosine(name="cosine", span=300).model_dump(mode="json") == {"name": "cosine", "span": 300}


def test_the_other_tables_of_mat_are_on_the_test_images(tmp_path: Path) -> None:
    mat = load_paper("mat")
    works = plan_work(mat, list(mat.exhibits), [make_setting(mat, "digits")], LedgerIndex([]), tmp_path)
    assert [(work.setting.dataset, "figure-3" in work.keys) for work in works] == [
        ("digits", False),
        ("digits?holdout=0.2", True),
    ]


def test_the_cw_of_mat_has_the_printed_iterations_and_is_judged_as_its_pgd() -> None:
    suite = load_suite("white-box-linf", "standard", "cifar10")
    pgd, cw = (next(item.attack for item in suite.items if item.label == label) for label in ("pgd-100", "cw"))
    assert cw.steps == 1000
    assert cw.relative_step_size * 8 / 255 == pytest.approx(0.01)
    assert cw.success == pgd.success == "last"


def test_figure_2_of_mat_is_points_of_six_networks(tmp_path: Path) -> None:
    mat = load_paper("mat")
    setting = replace(make_setting(mat, "digits"), images=None)
    table = mat.exhibits["figure-2"]
    for row in table.rows:
        network = find_network(mat, row.run, setting, "small-cnn", 0, row.network)
        file_evaluation(tmp_path, network, setting, table.suite, 40)
    (grid,) = make_grids(mat, "figure-2", setting, LedgerIndex.open(tmp_path), Published({}))
    assert grid.measured == 12
    drawing = draw(grid.plain)
    assert drawing.count("<circle") == 6
    assert "href" not in drawing


def test_mmard_compares_students_before_any_schedule_has_ended() -> None:
    mmard = load_paper("mmard")
    setting = make_setting(mmard, "cifar10")
    found = [
        recipe_of(find_network(mmard, run, setting, "resnet18", 0)) for run in ("ard-xl", "rslad-xl", "mmard-xl")
    ]
    assert [recipe.epochs for recipe in found] == [50] * 3
    assert [recipe.lr_at(49.9) for recipe in found] == pytest.approx([0.1, 0.1, 0.1], rel=0.08)
    other, _ = with_variants(mmard, {"schedule": "one"})
    found = [recipe_of(find_network(other, run, setting, "resnet18", 0)) for run in ("ard-s", "rslad-s", "mmard-s")]
    assert len({tuple(schedule(recipe, range(50))) for recipe in found}) == 1
    assert found[0].lr_at(49.9) < 1e-3


@pytest.mark.parametrize("exhibit", ["6", "figure-4"])
def test_what_mmard_adds_is_compared_under_one_schedule(exhibit: str) -> None:
    mmard = load_paper("mmard")
    setting = make_setting(mmard, "cifar10")
    rows = [row.run for row in mmard.exhibits[exhibit].rows]
    found = [recipe_of(find_network(mmard, run, setting, "resnet18", 0)) for run in rows]
    assert {recipe.epochs for recipe in found} == {300}
    assert len({tuple(schedule(recipe, range(300))) for recipe in found}) == 1


def test_the_largest_teacher_of_mmard_is_the_public_network() -> None:
    mmard = load_paper("mmard")
    network = find_network(mmard, "teacher-xl", make_setting(mmard, "cifar10"), "resnet18", 0)
    assert network.name == "robustbench:Jia2022LAS-AT_70_16"


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
    page = paper("toy.yaml", progress=False).page.read_text(encoding="utf-8")
    assert "is not known of ARD, Nature; <code>bench evaluate --add-classes" in page
    predicting(tmp_path / "results")
    result = paper("toy.yaml", progress=False)
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


@pytest.mark.parametrize("name", PAPERS.names())
def test_no_note_offers_a_reading_that_was_asked_for(name: str) -> None:
    """Nor says that the paper's own is done then; by the paper's own each is offered where it matters."""
    loaded = load_paper(name)
    for what, readings in loaded.variants.items():
        plain, _ = with_variants(loaded, {})
        for reading in readings:
            found, _ = with_variants(loaded, {what: reading})
            offered = [
                note for table in plain.exhibits.values() for note in table.notes if f"{what}={reading}" in note
            ]
            assert offered
            said = [note for table in found.exhibits.values() for note in table.notes]
            assert not [note for note in said if f"{what}={reading}" in note or note in offered]


def test_a_note_about_a_reading_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    note = "    notes: [{variant: how, usual: so, readings: {other: else}}]\n    suite: smoke\n"
    text = TOY.replace("    suite: smoke\n", note, 1)
    variants = "variants:\n  how: {another: {about: it, runs: {natural: {method: natural}}}}\nclaims:"
    for written, wrong in ((text, "variant"), (text.replace("claims:", variants), "reading of how")):
        (tmp_path / "toy.yaml").write_text(written, encoding="utf-8")
        with pytest.raises(BadInput, match=wrong):
            load_paper(str(tmp_path / "toy.yaml"))


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


class Flatten(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.view(x.shape[0], -1)


def test_the_mnist_files_of_robust_union_are_taken_in_as_they_are(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    theirs = nn.Sequential(
        *(nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2, 2)),
        *(nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2, 2)),
        *(Flatten(), nn.Linear(7 * 7 * 64, 1024), nn.ReLU(), nn.Linear(1024, 10)),
    )
    torch.save(theirs.state_dict(), "msd.pth")
    found = import_checkpoint("msd.pth", dataset="mnist", normalization="none")
    assert found.checkpoint.architecture == "mnist-cnn"
    x = torch.rand(4, 1, 28, 28)
    with torch.no_grad():
        np.testing.assert_allclose(load_model(found.path).model()(x), theirs(x), atol=1e-5)
    setting = make_setting(load_paper("robust-union"), "mnist")
    panel = setting.panels(load_paper("robust-union").exhibits["mnist"])[0]
    assert panel.architecture == "mnist-cnn"


def test_a_network_of_the_callers_takes_the_place_of_a_training(tmp_path: Path, monkeypatch) -> None:
    """The results count if they are of the very weights, whatever the file is called."""
    toy = write_toy(tmp_path, monkeypatch)
    weights = tmp_path / "authors.pt"
    save_checkpoint(weights, fixed("natural"))
    result = paper(toy, network=[f"natural={weights}"], dry_run=True, only=["Nature"])
    assert [job["job"] for job in result.jobs] == ["evaluate authors under smoke"]
    result = paper(toy, network=[f"natural={weights}"], only=["Nature"], progress=False)
    assert result.failures == []
    rows = csv.DictReader((result.page.parent / "table-1.csv").open(encoding="utf-8"))
    assert [row["percent"] != "" for row in rows if row["row"] == "Nature"] == [True] * 3
    assert paper(toy, network=[f"natural={weights}"], dry_run=True, only=["Nature"]).jobs == []
    assert len(paper(toy, dry_run=True, only=["Nature"]).jobs) == 2
    for words, expected in (
        (["natural"], "name a run"),
        (["nature=x.pt"], "unknown network 'nature'"),
        ([f"natural={weights}"] * 2, "given twice"),
        (["natural=nowhere.pt"], "nowhere.pt"),
    ):
        with pytest.raises(BadInput, match=expected):
            paper(toy, network=words, dry_run=True)


@pytest.mark.parametrize(
    ("reference", "meant"),
    [("mat", "mat/h1 or mat/h2"), ("mat/h3", "mat/h1 or mat/h2"), ("at/h1", "known: at$"), ("act", "act/robust")],
)
def test_a_network_that_no_row_would_ask_for_is_refused(reference: str, meant: str) -> None:
    """Or a training would be done in its place, without a word."""
    with pytest.raises(BadInput, match=f"unknown network '{reference}'; .*{meant}"):
        read_own_networks(load_paper("mat"), {reference: "own.pt"}, ["digits"])


def test_a_network_of_one_of_several_datasets_takes_a_place_there_alone(tmp_path: Path) -> None:
    paths = {}
    for name in ("cifar10", "cifar100", "mnist"):
        paths[name] = tmp_path / f"{name}.pt"
        save_checkpoint(paths[name], replace(fixed("natural"), dataset=name))
    mat, both = load_paper("mat"), ["cifar10", "cifar100"]

    def placed(*names: str) -> dict[str, list[str]]:
        found = read_own_networks(mat, [f"at={paths[name]}" for name in names], both)
        return {dataset: [network.name for _, network in own] for dataset, own in found.items()}

    assert placed("cifar10") == {"cifar10": ["cifar10"], "cifar100": []}
    assert placed("cifar10", "cifar100") == {"cifar10": ["cifar10"], "cifar100": ["cifar100"]}
    assert placed("mnist") == {"cifar10": ["mnist"], "cifar100": ["mnist"]}  # it is said how well it does there
    with pytest.raises(BadInput, match="given twice for cifar10"):
        placed("cifar10", "mnist")


def test_robust_union_is_attacked_with_its_igd_too() -> None:
    (igd,) = [item for item in load_suite("multi-perturbation", "standard", "cifar10").items if item.label == "igd"]
    assert (igd.attack.steps, igd.threat.norm, igd.attack.start) == (10, "linf", "zero")
