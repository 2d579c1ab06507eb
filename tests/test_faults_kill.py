"""kill -9 at random moments: the next run goes on to the very same result, and repeats the job in flight at most."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from pathlib import Path

import fault_runs
import pytest
from evaluation_toys import THREE_NORMS, save, write_suite

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork")


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    """The server that forks the runs finds this folder."""
    monkeypatch.setenv("PYTHONPATH", f"{Path(__file__).parent}:{Path(__file__).parents[1]}")


@pytest.fixture(scope="module")
def order(tmp_path_factory) -> tuple[Path, Path]:
    """A network and a suite of 24 records."""
    folder = tmp_path_factory.mktemp("order")
    return save(folder), write_suite(folder, THREE_NORMS)


def tell(kind: str, landed: Counter) -> None:
    """Say where the kills landed, and that they did not all land at one place."""
    print(f"\n{landed.total()} kills of {kind}, by what was there: {dict(sorted(landed.items()))}")
    assert len(landed) > 3 or landed.total() < 10


@pytest.mark.parametrize("kills", [1, pytest.param(110, marks=pytest.mark.slow)])
def test_killed_evaluations(tmp_path, order, kills):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    duration = fault_runs.finish(fault_runs.evaluate, *order, whole)
    expected = fault_runs.ledger_content(whole)
    landed, kept = Counter(), {}
    writes = len(fault_runs.whole_files(whole))
    for moment in fault_runs.moments(10 * kills, duration, writes, seed=kills):
        if landed.total() == kills:
            break
        in_time = fault_runs.kill(fault_runs.evaluate, *order, killed, folder=killed, **moment)
        now = fault_runs.finished_files(killed)
        assert kept.items() <= now.items()  # what was there is neither lost nor made again
        assert images(killed).items() <= images(whole).items()
        kept = now
        if in_time:
            landed[len(list(killed.rglob("*.safetensors")))] += 1
        content = fault_runs.ledger_content(killed) if now else {}
        assert content.items() <= expected.items()
        if content == expected:
            shutil.rmtree(killed)
            kept = {}
    fault_runs.finish(fault_runs.evaluate, *order, killed)
    assert kept.items() <= fault_runs.finished_files(killed).items()
    assert fault_runs.ledger_content(killed) == expected
    assert images(killed) == images(whole)
    assert landed.total() == kills
    tell("evaluate", landed)


@pytest.mark.slow
def test_killed_evaluations_with_workers(tmp_path, order):
    """The workers of a main process that is killed end by themselves, and disturb nobody before they do."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    fault_runs.finish(fault_runs.evaluate, *order, whole)
    expected = fault_runs.ledger_content(whole)
    duration = fault_runs.finish(fault_runs.evaluate, *order, tmp_path / "timed", 2)
    assert fault_runs.ledger_content(tmp_path / "timed") == expected
    landed: Counter = Counter()
    for moment in fault_runs.moments(60, duration, len(fault_runs.whole_files(whole)), seed=2):
        if landed.total() == 12:
            break
        if fault_runs.kill(fault_runs.evaluate, *order, killed, 2, folder=killed, **moment):
            landed[len(list(killed.rglob("*.safetensors")))] += 1
        content = fault_runs.ledger_content(killed) if killed.exists() else {}
        assert content.items() <= expected.items()
        if content == expected:
            shutil.rmtree(killed)
    fault_runs.finish(fault_runs.evaluate, *order, killed)
    assert fault_runs.ledger_content(killed) == expected
    tell("evaluate with workers", landed)


@pytest.mark.parametrize("kills", [1, pytest.param(60, marks=pytest.mark.slow)])
def test_killed_trainings(tmp_path, kills):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    duration = fault_runs.finish(fault_runs.train, whole)
    expected = fault_runs.networks(whole)
    assert len(expected) == 2
    landed, epochs, finished = Counter(), 0, 0
    for moment in fault_runs.moments(10 * kills, duration, 3 + len(expected), seed=kills):
        if landed.total() == kills:
            break
        in_time = fault_runs.kill(fault_runs.train, killed, folder=killed, **moment)
        found = fault_runs.networks(killed)
        assert found.items() <= expected.items()
        now = fault_runs.epochs(killed)
        assert now >= epochs or found == expected  # no finished epoch is trained again
        assert len(found) >= finished
        epochs, finished = now, len(found)
        if in_time:
            landed[f"{now} epochs, {finished} checkpoints"] += 1
        if found == expected:
            shutil.rmtree(killed)
            epochs = finished = 0
    fault_runs.finish(fault_runs.train, killed)
    assert fault_runs.networks(killed) == expected
    assert landed.total() == kills
    tell("train", landed)


@pytest.mark.parametrize("kills", [1, pytest.param(60, marks=pytest.mark.slow)])
def test_killed_reports(tmp_path, order, kills):
    results, out = tmp_path / "results", tmp_path / "reports"
    fault_runs.finish(fault_runs.evaluate, *order, results)
    before = fault_runs.whole_files(results)
    duration = fault_runs.finish(fault_runs.report, results, tmp_path / "whole")
    expected = contents(tmp_path / "whole")
    landed: Counter = Counter()
    for moment in fault_runs.moments(10 * kills, duration, len(expected), seed=kills):
        if landed.total() == kills:
            break
        in_time = fault_runs.kill(fault_runs.report, results, out, folder=out, **moment)
        found = contents(out)
        assert found.items() <= expected.items()
        if in_time:
            landed[len(found)] += 1
        if found == expected:
            shutil.rmtree(out)
    fault_runs.finish(fault_runs.report, results, out)
    assert contents(out) == expected
    assert fault_runs.whole_files(results) == before
    assert landed.total() == kills
    tell("report", landed)


def images(results: Path) -> dict[str, bytes]:
    """What is kept of each attack to be looked at."""
    return {name: content for name, content in contents(results).items() if name.endswith(".npz")}


def contents(folder: Path) -> dict[str, bytes]:
    return {name: content for name, (_, content) in fault_runs.whole_files(folder).items()}


@pytest.mark.parametrize("rounds", [1, pytest.param(10, marks=pytest.mark.slow)])
def test_two_evaluations_at_once_on_one_folder(tmp_path, order, rounds):
    fault_runs.finish(fault_runs.evaluate, *order, tmp_path / "alone")
    expected = fault_runs.ledger_content(tmp_path / "alone")
    for number in range(rounds):
        shared = tmp_path / f"shared-{number}"
        processes = [fault_runs.start(fault_runs.evaluate, *order, shared) for _ in range(2)]
        for process in processes:
            process.join(120)
        assert [process.exitcode for process in processes] == [0, 0]
        assert fault_runs.ledger_content(shared) == expected
        assert fault_runs.whole_files(shared).keys() == fault_runs.whole_files(tmp_path / "alone").keys()
        assert not list(shared.rglob("*.part"))


@pytest.mark.slow
def test_one_of_two_at_once_is_killed(tmp_path, order):
    duration = fault_runs.finish(fault_runs.evaluate, *order, tmp_path / "alone")
    expected = fault_runs.ledger_content(tmp_path / "alone")
    for number, moment in enumerate(fault_runs.moments(10, duration, len(expected), seed=1)):
        shared = tmp_path / f"shared-{number}"
        survivor = fault_runs.start(fault_runs.evaluate, *order, shared)
        fault_runs.kill(fault_runs.evaluate, *order, shared, folder=shared, **moment)
        survivor.join(120)
        assert survivor.exitcode == 0
        assert fault_runs.ledger_content(shared) == expected


@pytest.mark.parametrize("kind", ["evaluate", "train"])
def test_files_that_may_not_grow(tmp_path, order, kind):
    """As on a full disk, but enforced by the system on every write; afterwards the run goes on."""
    folder = tmp_path / kind
    run, arguments = {
        "evaluate": (fault_runs.evaluate, (*order, folder)),
        "train": (fault_runs.train, (folder,)),
    }[kind]
    process = fault_runs.start(run, *arguments, largest_file=700)
    process.join(120)
    assert process.exitcode == 2
    fault_runs.finish(run, *arguments)
    fault_runs.finish(run, *arguments[:-1], tmp_path / "whole")
    if kind == "evaluate":
        assert fault_runs.ledger_content(folder) == fault_runs.ledger_content(tmp_path / "whole")
    else:
        assert fault_runs.networks(folder) == fault_runs.networks(tmp_path / "whole")
