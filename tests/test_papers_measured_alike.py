"""The shipped papers train and attack as the papers did; other readings of what they leave open have options."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from papers_ledger import TOY, file_evaluation

from benchmark.errors import BadInput
from benchmark.evaluation import load_suite
from benchmark.papers import load_paper, paper
from benchmark.papers.claim_parts import is_about
from benchmark.papers.files import PAPERS
from benchmark.papers.grid import make_grids
from benchmark.papers.networks import find_network
from benchmark.papers.published import Published
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


def test_robust_union_is_attacked_with_its_igd_too() -> None:
    (igd,) = [item for item in load_suite("multi-perturbation", "standard", "cifar10").items if item.label == "igd"]
    assert (igd.attack.steps, igd.threat.norm, igd.attack.start) == (10, "linf", "zero")
