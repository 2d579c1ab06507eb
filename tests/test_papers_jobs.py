"""Which jobs the tables of a paper wait for, in which order, and how long they will take."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from papers_ledger import file_evaluation, write_toy

from benchmark.data import load
from benchmark.evaluation import load_suite
from benchmark.papers import load_paper, paper
from benchmark.papers.job_list import make_job_list
from benchmark.papers.networks import find_network
from benchmark.papers.setting import make_setting
from benchmark.planning import estimate
from benchmark.planning.estimate import Estimate, TimeEstimate, passes_of
from benchmark.planning.ledger_index import LedgerIndex


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    return write_toy(tmp_path, monkeypatch)


def test_a_dry_run_writes_nothing_and_estimates_from_what_was_recorded(toy: str, tmp_path: Path) -> None:
    loaded = load_paper(toy)
    setting = make_setting(loaded, "digits")
    network = find_network(loaded, "natural", setting, "small-cnn", 0)
    file_evaluation(Path("results"), network, setting, "smoke", 5, images=20)
    before = sorted(tmp_path.rglob("*"))
    result = paper(toy, dry_run=True, only=["ARD"])
    assert sorted(tmp_path.rglob("*")) == before
    training, other, evaluation = result.jobs
    # The recorded evaluation took 4 attacks × 2 s for as many images, its training 7 + 8 s.
    assert (evaluation["time"], evaluation["basis"]) == (8.0, "measured on natural-epochs-1")
    assert training["time"] == 15.0
    assert other["basis"] == "from the recorded speed of natural-epochs-1"
    assert result.seconds == pytest.approx(8 + 15 + other["time"])
    assert result.page is None


def test_without_records_a_probe_is_made_and_said(toy: str) -> None:
    result = paper(toy, dry_run=True, only=["Nature"])
    assert {job["basis"] for job in result.jobs} == {"from a short probe here"}
    assert all(job["time"] > 0 for job in result.jobs)
    assert "not possible" in paper(toy, dry_run=True, only=["unborn"]).jobs[0]["basis"]


def test_the_probe_is_not_fooled_by_what_else_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two tries, the one of 3 s by the thread's clock counts, not the one of 5 s, nor the hour that passed."""
    own, wall = iter([0.0, 5.0, 100.0, 103.0]), iter([0.0, 0.0, 3600.0])
    clocks = SimpleNamespace(thread_time=lambda: next(own), perf_counter=lambda: next(wall))
    monkeypatch.setattr(estimate, "time", clocks)
    assert estimate.probe("small-cnn", load("digits")) == pytest.approx(3 / estimate.PROBE_IMAGES)


def test_data_that_is_not_here_leaves_the_estimate_open(toy: str, tmp_path: Path) -> None:
    result = paper(toy, dataset="mnist", dry_run=True, only=["Nature"], data_dir=tmp_path / "nothing")
    assert len(result.jobs) == 2
    assert all("no estimate" in job["basis"] for job in result.jobs)


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


def test_the_clock_tells_apart_what_costs_differently(tmp_path: Path) -> None:
    loaded = load_paper("mat")
    setting = make_setting(loaded, "digits")
    clock = TimeEstimate([], setting, speeds={("small-cnn", "digits"): Estimate(1e-5, "a guess")})
    jobs = make_job_list(loaded, ["2", "5"], setting, LedgerIndex([]), tmp_path)
    seconds = {job.what: clock.estimate(job).seconds for job in jobs.jobs}
    assert seconds["train mat"] == pytest.approx(2 * seconds["train at"])
    assert seconds["train mat-max"] > 2 * seconds["train at-max"]


def test_the_clock_counts_teachers(tmp_path: Path) -> None:
    loaded = load_paper("mmard")
    setting = make_setting(loaded, "digits")
    speeds = {
        ("small-cnn", "digits"): Estimate(1e-5, "a guess"),
        ("small-cnn-x3", "digits"): Estimate(1e-2, "a guess"),
    }
    clock = TimeEstimate([], setting, speeds=speeds)
    rows = ["ARD from S", "ARD from L", "MMARD from L"]
    jobs = make_job_list(loaded, ["5"], setting, LedgerIndex([]), tmp_path, rows)
    seconds = {job.rows: clock.estimate(job).seconds for job in jobs.jobs if job.trains and "from" in job.trains}
    assert seconds["5/ARD from S"] * 10 < seconds["5/ARD from L"] < seconds["5/MMARD from L"] / 5


def test_passes_are_counted_once_where_attacks_go_on_from_each_other() -> None:
    passes = {
        name: passes_of(load_suite(name, "quick", "digits")) for name in ("kd-defences", "pgd-linf", "transfer")
    }
    assert passes == {"kd-defences": 1000, "pgd-linf": 100, "transfer": 100}
