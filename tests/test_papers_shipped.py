"""The papers that come with the package: every name means something, every printed number can be seen."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
import torch

from benchmark.attacks import ATTACKS
from benchmark.data import DATASETS
from benchmark.errors import BadInput
from benchmark.evaluation.suite import load_suite
from benchmark.models import ARCHITECTURES
from benchmark.models.sources import SOURCES
from benchmark.papers import PAPERS, load_paper
from benchmark.papers.claim import Claim
from benchmark.papers.grid import printed_grids
from benchmark.papers.job_list import make_job_list
from benchmark.papers.networks import find_network
from benchmark.papers.published import load_published, place_of, read_published
from benchmark.papers.schema import OTHER, Paper, TableColumn, TableOrFigure
from benchmark.papers.setting import make_setting
from benchmark.planning.ledger_index import LedgerIndex
from benchmark.planning.networks import PlannedNetwork
from benchmark.recipes.recipe import is_recipe_key, load_recipe
from benchmark.suites.files import suite_scales
from benchmark.training import METHODS, recipe_names

NAMES = PAPERS.names()


@pytest.fixture(params=NAMES)
def paper(request: pytest.FixtureRequest) -> Paper:
    return load_paper(request.param)


def columns(paper: Paper) -> list[tuple[TableOrFigure, TableColumn]]:
    return [(exhibit, column) for exhibit in paper.exhibits.values() for column in exhibit.columns]


def test_the_four_papers_are_there() -> None:
    assert set(NAMES) >= {"mat", "mmard", "cat", "robust-union"}
    assert list(load_paper("mat").exhibits) == ["2", "3", "4", "5", "figure-2", "figure-3"]
    assert list(load_paper("mmard").exhibits) == ["2", "3", "4", "5", "6", "7", "figure-1b", "figure-4"]


def test_every_suite_and_attack_is_registered(paper: Paper) -> None:
    presets = {each.preset for each in paper.scales.values()}
    for name in {column.suite or exhibit.suite for exhibit, column in columns(paper)}:
        for scale in {"digits", "cifar10"} & set(suite_scales(name)):
            for suite in (load_suite(name, preset, scale) for preset in presets):
                assert all(item.attack.name in ATTACKS for item in suite.items)
                for exhibit, column in columns(paper):
                    if (column.suite or exhibit.suite) != name:
                        continue
                    if column.attack:
                        assert column.attack in [item.label for item in suite.items]
                    elif column.metric not in ("clean", "r_avg", "r_worst"):
                        assert column.metric in suite.norms


def test_worst_case_mode_only_where_no_single_attack_is_shown(paper: Paper) -> None:
    for exhibit, column in columns(paper):
        assert column.attack is None or exhibit.mode == "complete", f"{exhibit.title}, {column.label}"


def test_every_method_recipe_architecture_and_source_is_registered(paper: Paper) -> None:
    for run in paper.runs.values():
        assert run.method is None or run.method in METHODS.names()
        assert all(architecture in ARCHITECTURES for architecture in run.architecture.values())
        assert all(recipe in recipe_names() for recipe in run.recipe.values())
        assert all(source.partition(":")[0] in SOURCES for source in run.sources.values())
        assert all(scale in paper.scales for settings in (run.scales, run.recipe, run.sources) for scale in settings)
    for name, scale in paper.scales.items():
        assert scale.recipe in recipe_names()
        assert scale.architecture in ARCHITECTURES
        assert name in (*DATASETS.names(), OTHER)
    for exhibit in paper.exhibits.values():
        assert all(panel.architecture in ARCHITECTURES and panel.dataset in DATASETS for panel in exhibit.panels)


def test_what_is_registered_can_be_made_at_the_scale_of_digits(paper: Paper) -> None:
    """The networks that rows ask for exist in their cohorts, and settings are hyper-parameters of their methods."""
    setting = make_setting(paper, "digits")
    for exhibit in paper.exhibits.values():
        for panel in setting.panels(exhibit):
            for row in exhibit.rows:
                network = row.run and find_network(paper, row.run, setting, panel.architecture, 0, row.network)
                assert not network or network.obstacle() is None


def test_networks_at_the_scale_of_digits_train_on_a_cpu(paper: Paper, tmp_path: Path) -> None:
    jobs = make_job_list(paper, list(paper.exhibits), make_setting(paper, "digits"), LedgerIndex([]), tmp_path)
    assert all(parameters_on_digits(job.network) < 1_000_000 for job in jobs.jobs)


def test_the_teachers_of_mmard_grow_from_the_size_of_the_student() -> None:
    mmard = load_paper("mmard")
    setting = make_setting(mmard, "digits")
    runs = ("mmard", "teacher-s", "teacher-m", "teacher-l", "teacher-xl")
    student, *teachers = (
        parameters_on_digits(find_network(mmard, run, setting, setting.architecture, 0)) for run in runs
    )
    assert student == teachers[0]
    assert teachers == sorted(set(teachers))


def parameters_on_digits(network: PlannedNetwork | None) -> int:
    assert network
    assert network.training
    with torch.device("meta"):
        built = ARCHITECTURES.get(network.training.architecture)(num_classes=10, shape=(1, 8, 8))
    return sum(parameter.numel() for parameter in built.parameters())


def test_recipes_fit_every_training_at_full_scale(paper: Paper, tmp_path: Path) -> None:
    for scale in {"cifar10", "cifar100"} & set(paper.scales):
        jobs = make_job_list(paper, list(paper.exhibits), make_setting(paper, scale), LedgerIndex([]), tmp_path)
        for job in jobs.jobs:
            assert job.obstacle is None
            training = job.network.training
            if training and job.trains:
                settings = {key: value for key, value in training.settings.items() if is_recipe_key(key)}
                recipe, _ = load_recipe(training.recipe).resolve(
                    training.method, training.architecture, scale, "cifar10", settings, training.name
                )
                assert recipe.epochs >= 50


def test_every_printed_number_is_in_a_cell(paper: Paper) -> None:
    published = load_published(paper.name)
    seen = set()
    for key, exhibit in paper.exhibits.items():
        for grid in printed_grids(paper, key, published):
            for line in grid.lines:
                for column, cell in zip(exhibit.columns, line.cells, strict=True):
                    *place, metric = place_of(key, grid.panel, line.row, column)
                    seen |= {(*place, metric)} if cell.printed else set()
                    seen |= {(*place, f"gain_{metric}")} if cell.printed_gain else set()
    assert published.numbers
    assert set(published.numbers) == seen


def test_numbers_of_the_papers() -> None:
    """Spot checks against the papers themselves."""
    mat, union, mmard = load_published("mat"), load_published("robust-union"), load_published("mmard")
    place = ("5", "CIFAR-10", "ResNet-18", "MAT-MAX", "union of all attacks", "Rworst")
    assert mat.find(place).percent == 48.0
    assert mat.find(place, is_gain=True).percent == 13.1
    assert mat.find(("3", "CIFAR-100", "WRN-34-10", "ACT", "PGD-1000", "accuracy")).percent == 26.56
    assert mmard.find(("4", "CIFAR-100", "MobileNet-V2", "MMARD", "AA", "accuracy")).percent == 26.53
    assert union.find(("mnist", "MNIST", "2-conv 2-fc CNN", "MSD", "union of all attacks", "Rworst")).percent == 58.4
    assert len(mat.numbers) == 312


def test_contradictions_of_the_sources_are_noted() -> None:
    numbers = load_published("mat").numbers
    assert "81.76 in Table 3" in numbers["2", "CIFAR-10", "ResNet-18", "MAT-h2", "clean", "accuracy"].note


def test_no_claim_is_ever_called_otherwise() -> None:
    """What was said of a claim before is found by its id: add to the list, and take nothing out of it."""
    known = (Path(__file__).parent / "claim_ids.txt").read_text(encoding="utf-8").splitlines()
    ids = [f"{name} {claim.id}" for name in PAPERS.names() for claim in load_paper(name).claims]
    assert ids == known
    assert len(set(ids)) == len(ids)
    assert not any(re.fullmatch("[0-9a-f]{12}", each.split()[1]) for each in ids)  # its own, no derived one


def test_a_claim_without_an_id_is_called_by_what_it_compares() -> None:
    said = {"exhibit": "2", "left": ["A"], "right": ["B"], "column": ["AA"]}
    one, reworded, other = (
        Claim(text=text, place=place, **{**said, **more})
        for text, place, more in (("so", "", {}), ("in other words", "abstract", {}), ("so", "", {"left": ["C"]}))
    )
    assert one.id == reworded.id != other.id


def test_claims_compare_what_is_measured_somewhere(paper: Paper) -> None:
    assert len({(claim.text, claim.exhibit) for claim in paper.claims}) == len(paper.claims) > 4


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("run: at-l2}", "run: at-12}", "unknown run 'at-12'"),
        ("metric: linf", "metric: linfty", "metric"),
        ("right: [Worst-PGD", "right: [Worst-PDG", "unknown row 'Worst-PDG'; did you mean Worst-PGD"),
        ("column: Union}", "column: Onion}", "unknown column 'Onion'; did you mean Union"),
        ("exhibit: mnist", "exhibit: minst", "unknown exhibit 'minst'"),
        ("mode: worst-case", "moed: worst-case", "unknown key 'moed'; did you mean mode"),
        ("  other: {recipe", "  others: {recipe", "the scale 'other' is missing"),
        ("label: P_2,", "label: P_1,", "the label 'P_1' occurs twice"),
        ("at-avg: {method: at-avg}", "at-avg: {}", "give the run a method or sources"),
        ("column: linf, family", "column: linf, row: MSD, family", "name one of them"),
    ],
)
def test_mistakes_in_a_paper_are_named_with_their_line(tmp_path: Path, old: str, new: str, expected: str) -> None:
    text = PAPERS.get("robust-union").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(BadInput) as error:
        load_paper(str(path))
    assert expected in str(error.value)
    assert "mine.yaml:" in str(error.value)


def test_an_unknown_paper_offers_the_nearest() -> None:
    with pytest.raises(BadInput, match="did you mean mmard"):
        load_paper("mmrad")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda rows: rows[0].remove("note"), "the columns must be"),
        (lambda rows: rows[1].__setitem__(6, "n/a"), "'n/a', which is no number"),
        (lambda rows: rows.append([*rows[1][:6], "1.0", ""]), "there already with another number"),
    ],
)
def test_damaged_numbers_are_refused(tmp_path: Path, change, expected: str) -> None:
    with PAPERS.get("cat").with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    change(rows)
    path = tmp_path / "cat.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    with pytest.raises(BadInput, match=expected):
        read_published(path)
