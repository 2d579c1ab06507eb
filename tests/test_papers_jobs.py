"""Which jobs the tables of a paper wait for, in which order, and how long they will take."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from papers_ledger import file_evaluation, write_toy

from benchmark.data import load
from benchmark.evaluation import load_suite
from benchmark.evaluation.cost import passes_of
from benchmark.hardware import describe, resolve_device, resolve_precision
from benchmark.papers import load_paper, paper
from benchmark.papers.job_list import make_job_list, with_bases
from benchmark.papers.networks import find_network
from benchmark.papers.schema import Paper
from benchmark.papers.setting import PaperSetting, make_setting
from benchmark.planning import speed
from benchmark.planning.defaults import without_defaults
from benchmark.planning.estimate import TimeEstimate
from benchmark.planning.jobs import EvaluationQuery, Job
from benchmark.planning.ledger_index import LedgerIndex
from benchmark.planning.missing import missing
from benchmark.planning.networks import PlannedNetwork
from benchmark.planning.speed import Speed
from benchmark.training.decision import decide


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    return write_toy(tmp_path, monkeypatch)


def test_a_dry_run_writes_nothing_and_estimates_from_what_was_recorded(toy: str, tmp_path: Path) -> None:
    loaded = load_paper(toy)
    setting = make_setting(loaded, "digits")
    network = find_network(loaded, "natural", setting, "small-cnn", 0)
    card, here = told(loaded, setting, "natural"), describe(resolve_device())
    file_evaluation(Path("results"), network, setting, "smoke", 5, images=20, card=card, hardware=here)
    before = sorted(tmp_path.rglob("*"))
    result = paper(toy, dry_run=True, only=["ARD"])
    assert sorted(tmp_path.rglob("*")) == before
    training, other, evaluation = result.jobs
    # The recorded evaluation took 4 attacks × 2 s for as many images, its training 7 + 8 s.
    assert (evaluation["time"], evaluation["basis"]) == (8.0, "measured on natural-epochs-1")
    assert (training["time"], training["basis"]) == (15.0, "duration of an earlier run (natural-epochs-1)")
    assert other["basis"] == "passes counted, speed from a short probe here"
    assert result.seconds == pytest.approx(8 + 15 + other["time"])
    assert (result.page, result.unknown) == (None, 0)


def told(loaded: Paper, setting: PaperSetting, run: str, **changed: object) -> dict[str, object]:
    """What the card of a network that was trained here says, as far as its time depends on it."""
    training = find_network(loaded, run, setting, "small-cnn", 0).training
    settings = {**training.settings, **changed}
    recipe, bound = decide(training.method, load("digits"), "small-cnn", training.recipe, settings)
    extra = {"hardware": describe(resolve_device()), "settings": bound.settings, "inner": None, "outer": None}
    extra |= {"precision": resolve_precision(recipe.precision, resolve_device()), "lineage": []}
    return {"recipe": {"name": "quick", **recipe.model_dump(mode="json")}, "extra": extra}


@pytest.mark.parametrize("changed", [{"epochs": 2}, {"batch_size": 32}, {"hardware": "another machine"}])
def test_a_run_with_other_settings_or_elsewhere_tells_nothing(toy: str, changed: dict[str, object]) -> None:
    """It was matched by method, network, data and the name of the recipe alone: 50 epochs stood for 300."""
    loaded = load_paper(toy)
    setting = make_setting(loaded, "digits")
    network = find_network(loaded, "natural", setting, "small-cnn", 0)
    card = told(loaded, setting, "natural", **{key: value for key, value in changed.items() if key != "hardware"})
    card["extra"] |= {key: value for key, value in changed.items() if key == "hardware"}  # type: ignore[operator]
    file_evaluation(Path("results"), network, setting, "smoke", 5, images=20, card=card)
    jobs = {job["job"]: job["basis"] for job in paper(toy, dry_run=True, only=["ARD"]).jobs}
    assert jobs["train natural-epochs-1"] == "passes counted, speed from a short probe here"


def test_without_records_a_probe_is_made_and_said(toy: str) -> None:
    result = paper(toy, dry_run=True, only=["Nature"])
    assert {job["basis"] for job in result.jobs} == {"passes counted, speed from a short probe here"}
    assert all(job["time"] > 0 for job in result.jobs)
    assert "not possible" in paper(toy, dry_run=True, only=["unborn"]).jobs[0]["basis"]


def test_the_probe_is_not_fooled_by_what_else_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two tries, the one of 3 s by the thread's clock counts, not the one of 5 s, nor the hour that passed."""
    own, wall = iter([0.0, 5.0, 100.0, 103.0]), iter([0.0, 0.0, 3600.0])
    clocks = SimpleNamespace(thread_time=lambda: next(own), perf_counter=lambda: next(wall))
    monkeypatch.setattr(speed, "time", clocks)
    assert speed.Clock(torch.device("cpu")).best(lambda: None) == pytest.approx(3)


def test_what_is_unknown_is_said_once_and_what_is_missing_first(toy: str, tmp_path: Path) -> None:
    result = paper(toy, dataset="mnist", dry_run=True, data_dir=tmp_path / "nothing")
    unknown = [job for job in result.jobs if job["basis"] == "unknown"]
    assert len(unknown) == result.unknown == 4
    assert not any("time" in job for job in unknown)
    assert sum("mnist" in told for told in result.failures) == 1
    assert "mnist" in result.failures[0]


def test_weights_that_are_missing_are_listed_and_their_network_is_probed_by_its_own_size(
    toy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two published teachers, which only RobustBench has; the larger one takes longer, and neither is fetched."""
    made = {"robustbench:Small": 8, "robustbench:Large": 8192}

    def build_one(source: str) -> torch.nn.Module:
        layers = [torch.nn.Flatten(), torch.nn.Linear(64, made[source]), torch.nn.ReLU()]
        return torch.nn.Sequential(*layers, torch.nn.Linear(made[source], 10))

    monkeypatch.setattr("benchmark.planning.estimate.skeleton", build_one)
    monkeypatch.setattr("benchmark.models.sources.robustbench_zoo", lambda: {("cifar10", "Linf"): {}})
    clock = TimeEstimate([], make_setting(load_paper(toy), "digits"))
    networks = [PlannedNetwork(source) for source in made]
    speeds = [clock._speed_of(network, "fp32", 64) for network in networks]
    assert speeds[1].forward > speeds[0].forward > 0
    assert speeds[0].learning_forward == 0
    jobs = [Job(network, EvaluationQuery("smoke")) for network in networks]
    needs = missing([*jobs, *jobs], clock.setting)
    assert len(needs) == 2
    assert all(source.partition(":")[2] in text for source, text in zip(made, needs, strict=True))


def test_a_checkpoint_trained_otherwise_is_not_taken_for_the_tables(toy: str) -> None:
    from benchmark.training import train

    loaded = load_paper(toy)
    train("natural", set={"epochs": 1}, name="natural-epochs-1", seed=7, progress=False)
    notes: list[str] = []
    jobs = make_job_list(
        loaded, ["1"], make_setting(loaded, "digits"), LedgerIndex([]), Path("zoo"), ["Nature"], notes.append
    )
    assert [job.what for job in jobs.jobs] == ["train natural-epochs-1", "evaluate natural-epochs-1 under smoke"]
    assert "trained otherwise" in notes[0]


def test_what_is_crafted_on_one_network_is_tried_on_all_in_one_job(tmp_path: Path) -> None:
    loaded = load_paper("mat")
    jobs = make_job_list(loaded, ["4"], make_setting(loaded, "digits"), LedgerIndex([]), tmp_path)
    crafted = [job for job in jobs.jobs if job.targets]
    assert [job.what for job in crafted] == [
        f"craft on {source}, try on mat-h1, mat-h2" for source in ("at", "trades", "mart", "mat-h1", "mat-h2")
    ]
    assert {job.trains for job in jobs.jobs if job.trains} == {"at", "trades", "mart", "mat"}


def test_full_scale_asks_for_the_papers_own_setting() -> None:
    loaded = load_paper("mat")
    setting = make_setting(loaded, "cifar10")
    assert (setting.recipe, setting.preset, setting.images) == ("paper", "standard", None)
    names = {
        find_network(loaded, row.run, setting, panel.architecture, 0, row.network).name
        for panel in setting.panels(loaded.exhibits["3"])
        for row in loaded.exhibits["3"].rows
    }
    assert {
        "cifar10-mat-paper-h1",
        "cifar10-mat-wrn-34-10-paper-h2",
        "cifar10-ard-recipe-mat-from-cifar10-at-recipe-mat",
    } <= names
    other = make_setting(loaded, "folder:pictures")
    assert (other.scale, other.dataset, other.changed) == (
        "other",
        "folder:pictures",
        ("the recipe paper is not that of the authors on folder:pictures",),
    )


def test_published_networks_take_the_place_of_training_where_the_paper_took_them() -> None:
    loaded = load_paper("mmard")
    full, small = make_setting(loaded, "cifar10"), make_setting(loaded, "digits")
    assert find_network(loaded, "teacher", full, "resnet18", 0).name == "robustbench:Zhang2019Theoretically"
    assert find_network(loaded, "teacher", small, "small-cnn", 0).name == "trades"
    assert find_network(load_paper("cat"), "fat", make_setting(load_paper("cat"), "digits"), "small-cnn", 0) is None


def test_all_shipped_papers_can_be_planned(tmp_path: Path) -> None:
    for name in ("mat", "mmard", "cat", "robust-union"):
        loaded = load_paper(name)
        for scale in ("digits", "cifar10", "cifar100", "folder:pictures"):
            setting = make_setting(loaded, scale)
            jobs = make_job_list(loaded, list(loaded.exhibits), setting, LedgerIndex([]), tmp_path)
            trained = [job.trains for job in jobs.jobs if job.trains]
            assert len(trained) == len(set(trained))
            assert [job.query is None for job in jobs.jobs] == sorted(
                (job.query is None for job in jobs.jobs), reverse=True
            )
            before: set[str] = set()
            for job in jobs.jobs:
                for needed in job.lineage():
                    if needed.training and job.trains != needed.training.name:
                        assert needed.training.name in before
                before |= {job.trains} if job.trains else set()


#: Seconds of a pass through a small network, and through a teacher that is a thousand times as slow.
SPEEDS = {
    ("small-cnn", "fp32"): Speed(1e-5, 1e-5, 1e-5, 1e-5),
    ("small-cnn-x3", "fp32"): Speed(1e-2, 1e-2, 1e-2, 1e-2),
}


def test_the_clock_tells_apart_what_costs_differently(tmp_path: Path) -> None:
    loaded = load_paper("mat")
    setting = replace(make_setting(loaded, "digits"), precision="fp32")
    clock = TimeEstimate([], setting, speeds=dict(SPEEDS))
    jobs = make_job_list(loaded, ["2", "5"], setting, LedgerIndex([]), tmp_path)
    seconds = {job.what: clock.estimate(job).seconds for job in jobs.jobs}
    assert 2 * seconds["train at"] < seconds["train mat"] < 2.5 * seconds["train at"]  # a pass more for the peer
    assert seconds["train mat-max"] > 2 * seconds["train at-max"]


def test_the_clock_counts_teachers_and_the_way_back_through_them(tmp_path: Path) -> None:
    """MMARD passes through its teacher forth and back at every step of its attack, ARD once."""
    loaded = load_paper("mmard")
    setting = replace(make_setting(loaded, "digits"), precision="fp32")
    clock = TimeEstimate([], setting, speeds=dict(SPEEDS))
    rows = ["ARD from S", "ARD from L", "MMARD from L"]
    jobs = make_job_list(loaded, ["5"], setting, LedgerIndex([]), tmp_path, rows)
    seconds = {job.rows: clock.estimate(job).seconds for job in jobs.jobs if job.trains and "from" in job.trains}
    assert seconds["5/ARD from S"] * 10 < seconds["5/ARD from L"]
    assert seconds["5/MMARD from L"] == pytest.approx(12 * seconds["5/ARD from L"], rel=0.05)  # 5 + 5 + 2 against 1


def test_an_attack_that_two_exhibits_show_is_made_and_counted_once(tmp_path: Path) -> None:
    """PGD-100 of MAT's Tables 2 and 3 and of its Figure 2."""
    loaded = load_paper("mat")
    setting = replace(make_setting(loaded, "digits"), precision="fp32")
    jobs = make_job_list(loaded, ["2", "3", "figure-2"], setting, LedgerIndex([]), tmp_path)
    clock = TimeEstimate([], setting, speeds=dict(SPEEDS))
    found = {job.what: clock.estimate(job) for job in jobs.jobs}
    alone = TimeEstimate([], setting, speeds=dict(SPEEDS))
    whole = {job.what: alone.estimate(job).seconds for job in jobs.jobs if "kd-defences" in job.what}
    assert whole["evaluate at under kd-defences"] > found["evaluate at under kd-defences"].seconds
    again = found["evaluate mat-h2 under pgd-linf"]
    assert (again.seconds, again.basis) == (0.0, "all its attacks are made by the evaluations above")


def test_a_setting_that_the_run_has_anyway_gives_it_no_other_name() -> None:
    """α = 0.6 is MAT itself, which was trained twice under two names."""
    loaded = load_paper("mat")
    usual, same, other = (
        find_network(loaded, run, make_setting(loaded, "digits"), "small-cnn", 0, "h1")
        for run in ("mat", "mat-0.6", "mat-0.9")
    )
    assert usual == same != other
    asked = {"method": "mat", "dataset": "digits", "architecture": "small-cnn", "recipe": "quick"}
    epochs = load_recipe_value("epochs")
    assert without_defaults({"alpha": 0.6, "epochs": epochs}, **asked) == {}
    assert without_defaults({"alpha": 0.5, "epochs": epochs}, **asked) == {"alpha": 0.5}
    assert without_defaults({"alpha": 0.6}, **{**asked, "dataset": "folder:pictures"}) == {"alpha": 0.6}
    assert without_defaults({"alpha": 7}, **asked) == {"alpha": 7}  # out of range, which is told where it is trained


def load_recipe_value(key: str) -> object:
    return getattr(decide("mat", load("digits"), "small-cnn", "quick", {})[0], key)


def test_a_row_takes_those_along_that_it_is_compared_with(tmp_path: Path) -> None:
    """Without them the page could show no gain, and no mean."""
    for name, key, row, expected in (
        ("mat", "5", "MAT-AVG", {"MAT-AVG", "AT-AVG"}),
        ("mmard", "5", "ARD on average", {"ARD on average", *(f"ARD from {size}" for size in ("S", "M", "L", "XL"))}),
        ("mmard", "6", "IAD + inner", {"IAD + inner", "IAD"}),
    ):
        loaded = load_paper(name)
        assert with_bases(loaded, [key], [row]) == expected
        jobs = make_job_list(loaded, [key], make_setting(loaded, "digits"), LedgerIndex([]), tmp_path, [row])
        assert {job.rows for job in jobs.jobs if job.query} == {f"{key}/{each}" for each in expected} - {
            "5/ARD on average"
        }


def test_passes_are_counted_once_where_attacks_go_on_from_each_other() -> None:
    passes = {
        name: passes_of(load_suite(name, "quick", "digits")) for name in ("kd-defences", "pgd-linf", "transfer")
    }
    assert passes == {"kd-defences": 1000, "pgd-linf": 100, "transfer": 100}
