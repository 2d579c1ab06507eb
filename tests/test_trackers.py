"""Trackers: what they are told, that none of them can stop a run, and that each has what was logged."""

from __future__ import annotations

import builtins
import importlib.util
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest
from command_line import bench
from evaluation_toys import Misbehaving, evaluated

import benchmark
from benchmark.attacks import ATTACKS
from benchmark.errors import BadInput, Notice
from benchmark.trackers import TRACKERS, Run, Trackers, check_trackers, table

pytestmark = [pytest.mark.usefixtures("one_thread")]

LINES = "  - {attack: fgsm, norm: linf}\n  - {attack: pgd, norm: l2, parameters: {steps: 1}}\n"
SHORT = {"epochs": 2, "batch_size": 512, "validation.images": 40, "validation.steps": 1, "validation.every": 1}
SHORT |= {"threats.linf.steps": 1}


class Fake:
    """A tracker that remembers, and fails where it is told to."""

    runs: list[Fake] = []  # noqa: RUF012 (put back by `fake`)
    fails: str = ""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.calls: list[tuple[str, Any]] = []
        Fake.runs.append(self)

    def _called(self, name: str, value: Any) -> None:
        self.calls.append((name, value))
        if Fake.fails == name:
            raise OSError("no space left on device")

    def log(self, values: dict, step: int) -> None:
        self._called("log", (step, values))

    def summary(self, values: dict) -> None:
        self._called("summary", values)

    def close(self) -> None:
        self._called("close", None)


@pytest.fixture
def fake(monkeypatch):
    monkeypatch.setattr(Fake, "runs", [])
    monkeypatch.setattr(Fake, "fails", "")
    with TRACKERS.lent("fake", Fake):
        yield Fake


def train(folder: Path, **options: Any) -> list[Path]:
    given: dict[str, Any] = {"out": folder / "zoo", "set": SHORT, "progress": False}
    return benchmark.train("mat", **{**given, "log": "fake", **options})


def test_a_training_tells_each_epoch_of_each_network_and_the_end(tmp_path, fake):
    train(tmp_path)
    (tracker,) = fake.runs
    assert (tracker.run.job, tracker.run.settings["seed"]) == ("train", 0)
    logged = [value for name, value in tracker.calls if name == "log"]
    assert [step for step, _ in logged] == [1, 2]
    assert {"loss", "lr", "images_per_second", "h1/clean", "h1/robust", "h2/clean", "h2/robust"} <= logged[0][
        1
    ].keys()
    assert [name for name, _ in tracker.calls[-2:]] == ["summary", "close"]
    final = tracker.calls[-2][1]
    assert final["epochs"] == 2
    assert {"h1/selected_epoch", "h1/robust", "h2/clean"} <= final.keys()


def test_an_interrupted_run_goes_on_under_its_identity(tmp_path, fake):
    class Stop(Exception):
        pass

    def stop(self: Any, values: dict, step: int) -> None:
        raise KeyboardInterrupt

    kept = fake.log
    fake.log = stop
    try:
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path)
    finally:
        fake.log = kept
    train(tmp_path, resume=True)
    first, second = fake.runs
    assert first.run.identity == second.run.identity
    assert first.calls[-1][0] == "close", "what was begun is ended"
    assert [value[0] for name, value in second.calls if name == "log"] == [2]


def test_a_tracker_that_fails_is_told_once_and_stops_no_training(tmp_path, fake):
    fake.fails = "log"
    with pytest.warns(Notice) as told:
        paths = train(tmp_path)
    said = [str(each.message) for each in told if "fake" in str(each.message)]
    assert said == ["--log fake failed (OSError: no space left on device); this run goes on without it"]
    assert all(path.is_file() for path in paths)
    assert [name for name, _ in fake.runs[0].calls] == ["log"]


@pytest.mark.parametrize("name", ["log", "summary", "close"])
def test_whatever_fails_fails_alone(fake, name):
    fake.fails = name
    trackers = Trackers(["fake"], Run("x", "y", Path("z")))

    def everything() -> None:
        for step in (1, 2):
            trackers.log({"loss": 1.0}, step)
        trackers.summary({})
        trackers.close()

    with pytest.warns(Notice, match="goes on without it") as told:
        everything()
    assert len(told) == 1
    assert fake.runs[0].calls[-1][0] == name


def test_an_evaluation_tells_each_attack_and_its_row(tmp_path, fake):
    (found,) = evaluated(tmp_path, LINES, images=20, log=["fake"])
    (tracker,) = fake.runs
    assert (tracker.run.job, tracker.run.identity) == ("evaluate", found.id)
    logged = dict(value for name, value in tracker.calls if name == "log")
    assert sorted(logged) == [1, 2]
    robust = {outcome.label: float((~outcome.broken).mean()) for outcome in found.outcomes}
    assert (
        logged[1].items() | logged[2].items()
        >= {f"attacks/{label}": value for label, value in robust.items()}.items()
    )
    (row,) = (value for name, value in tracker.calls if name == "summary")
    assert {"clean", "Ravg", "Rworst", "linf", "l2"} <= row.keys()
    assert row["Rworst"] == pytest.approx(1 - (found.outcomes[0].broken | found.outcomes[1].broken).mean())
    evaluated(tmp_path, LINES, images=20, log="fake")
    assert [name for name, _ in fake.runs[1].calls] == ["summary", "close"], "what is there already has a row, too"


def test_a_failing_tracker_stops_no_evaluation(tmp_path, fake):
    fake.fails = "log"
    with pytest.warns(Notice, match="goes on without it"):
        (found,) = evaluated(tmp_path, LINES, images=20, log="fake")
    assert all(outcome.complete for outcome in found.outcomes)


def test_an_attack_that_failed_leaves_nobody_robust(tmp_path, fake):
    with ATTACKS.lent("misbehaving", Misbehaving):
        evaluated(tmp_path, LINES + "  - {attack: misbehaving, norm: linf}\n", images=20, log="fake")
    told = [name for call, value in fake.runs[0].calls if call == "log" for name in value[1]]
    assert [name for name in told if "misbehaving" in name] == []
    assert len([name for name in told if name.startswith("attacks/")]) == 2


def test_a_library_that_leaves_the_program_is_one_that_fails(fake):
    def leave(*given: Any) -> None:
        raise SystemExit("no licence")

    with (
        TRACKERS.lent("gone", leave),  # type: ignore[arg-type]
        pytest.raises(BadInput, match=r"--log gone can't begin .*no licence"),
    ):
        Trackers(["fake", "gone"], Run("x", "y", Path("z")))
    assert fake.runs[0].calls == [("close", None)], "what was begun is ended"
    trackers = Trackers(["fake"], Run("x", "y", Path("z")))
    fake.runs[1].log = leave
    with pytest.warns(Notice, match="goes on without it"):
        trackers.log({"loss": 1.0}, 1)


def test_what_begins_before_an_interruption_is_ended(fake):
    def interrupt(run: Run) -> None:
        raise KeyboardInterrupt

    with TRACKERS.lent("slow", interrupt), pytest.raises(KeyboardInterrupt):  # type: ignore[arg-type]
        Trackers(["fake", "slow"], Run("x", "y", Path("z")))
    assert fake.runs[0].calls == [("close", None)]


def test_what_is_no_number_is_not_a_figure(fake):
    trackers = Trackers(["fake"], Run("x", "y", Path("z")))
    trackers.log({"loss": float("nan"), "word": "nan", "flag": True, "clean": 1}, 3)
    trackers.log({"loss": float("inf")}, 4)
    assert fake.runs[0].calls == [("log", (3, {"clean": 1.0}))]


def test_what_can_not_begin_is_said_before_anything_is_computed(tmp_path, monkeypatch):
    def begin(run: Run) -> None:
        raise ConnectionError("nobody answers")

    with TRACKERS.lent("far", begin), pytest.raises(BadInput, match=r"--log far can't begin.*nobody answers"):  # type: ignore[arg-type]
        train(tmp_path, log="far")
    assert not list((tmp_path / "zoo").glob("*.pt"))


@pytest.mark.parametrize("verb", [("train", "--method", "at"), ("evaluate", "nothing.pt")])
@pytest.mark.parametrize("name", ["mlflow", "wandb", "trackio"])
def test_a_missing_package_is_one_clear_error(tmp_path, monkeypatch, capsys, verb, name):
    monkeypatch.chdir(tmp_path)
    find = importlib.util.find_spec
    monkeypatch.setattr(table.importlib.util, "find_spec", lambda each, *rest: None if each == name else find(each))
    code, _, err = bench(capsys, *verb, "--log", name)
    assert (code, err) == (
        2,
        f"bench: --log {name} needs the package {name}, which is not installed: pip install {name}\n",
    )
    assert not any(tmp_path.iterdir())


def test_an_unknown_tracker_names_the_nearest():
    with pytest.raises(BadInput, match="unknown tracker 'wandbb'; did you mean wandb"):
        check_trackers("wandbb")
    assert check_trackers(["mlflow"] * 2 if importlib.util.find_spec("mlflow") else ()) in (("mlflow",), ())


def test_none_is_imported_before_it_is_asked_for(monkeypatch):
    kept = builtins.__import__
    asked: list[str] = []

    def noted(name: str, *rest: Any, **more: Any) -> Any:
        asked.append(name)
        return kept(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", noted)
    check_trackers("tensorboard")
    assert not {name.partition(".")[0] for name in asked} & {"tensorboard", "torch", "mlflow", "wandb", "trackio"}


# The real ones, each asked afterwards what it has.

RUN = {"name": "at", "identity": "0123456789abcdef" * 4, "settings": {"lr": 0.1, "threats.linf.epsilon": 0.15}}


def twice(name: str, folder: Path) -> None:
    """A run of two epochs, and the rest of it after it was interrupted."""
    for steps in ((1, 2), (3,)):
        trackers = Trackers([name], Run(folder=folder, **RUN))  # type: ignore[arg-type]
        for step in steps:
            trackers.log({"h1/robust": step / 10}, step)
        trackers.summary({"h1/selected_epoch": 2, "note": "a|b"})
        trackers.close()


def needs(name: str) -> None:
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"needs the package {name}")


def test_tensorboard_reads_it_back(tmp_path):
    needs("tensorboard")
    twice("tensorboard", tmp_path)
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(tmp_path))
    found.Reload()
    assert [(each.step, round(each.value, 3)) for each in found.Scalars("h1/robust")] == [
        (1, 0.1),
        (2, 0.2),
        (3, 0.3),
    ]
    text = found.Tensors("summary/text_summary")[-1].tensor_proto.string_val[0].decode()
    assert "| note | a\\|b |" in text


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("store", ["file", "sqlite"])
def test_mlflow_goes_on_in_the_same_run(tmp_path, monkeypatch, store):
    needs("mlflow")
    if store == "sqlite":
        needs("sqlalchemy")
        needs("alembic")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    uri = f"sqlite:///{tmp_path}/m.db" if store == "sqlite" else (tmp_path / "runs").as_uri()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    twice("mlflow", tmp_path)
    from mlflow import MlflowClient

    client = MlflowClient()
    (experiment,) = (each for each in client.search_experiments() if each.name == "bench")
    (run,) = client.search_runs([experiment.experiment_id])
    history = client.get_metric_history(run.info.run_id, "h1/robust")
    assert [(each.step, each.value) for each in history] == [(1, 0.1), (2, 0.2), (3, 0.3)]
    assert run.data.params["threats.linf.epsilon"] == "0.15"
    assert run.data.metrics["final/h1/selected_epoch"] == 2
    assert (run.info.status, run.info.run_name) == ("FINISHED", "at")


@pytest.mark.filterwarnings("ignore")
def test_wandb_keeps_it_here_when_offline(tmp_path, monkeypatch):
    needs("wandb")
    for name in ("WANDB_CACHE_DIR", "WANDB_CONFIG_DIR", "WANDB_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("WANDB_MODE", "offline")
    twice("wandb", tmp_path / "run")
    files = sorted((tmp_path / "run").rglob("run-*.wandb"))
    assert len(files) == 2, "two pieces of one run, which wandb sync puts together"
    assert {path.stem for path in files} == {f"run-{RUN['identity'][:32]}"}  # type: ignore[index]
    assert all(b"robust" in path.read_bytes() for path in files)


@pytest.mark.filterwarnings("ignore")
def test_trackio_keeps_it_in_a_database_here(tmp_path, monkeypatch):
    needs("trackio")
    if "trackio" in sys.modules:
        pytest.skip("trackio was imported by something else, with its own folder")
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path))
    twice("trackio", tmp_path / "run")
    (path,) = tmp_path.glob("*.db")
    with sqlite3.connect(path) as database:
        rows = database.execute("select run_name, step, metrics from metrics order by step, id").fetchall()
    assert {name for name, *_ in rows} == {"at-01234567"}
    assert [
        step
        for _, step, metrics in rows
        if "h1/robust" in (metrics.decode() if isinstance(metrics, bytes) else metrics)
    ] == [1, 2, 3]
