"""Several trainings in one call: side by side they are what they are one after the other."""

from __future__ import annotations

import pickle
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from synthetic_training import FAST

import benchmark
from benchmark import deadline
from benchmark.cli import main
from benchmark.engines import Means
from benchmark.engines.here import Here
from benchmark.errors import BadInput, PartlyFailed
from benchmark.models import load_checkpoint
from benchmark.training import several, task
from benchmark.training.several import train_several
from benchmark.training.trainer import Trainer

SHORTEST = {"epochs": 1, "batch_size": 512}


def many(folder: Path, *methods: str, **options):
    return train_several(methods or ("natural", "at"), out=folder, **{"set": SHORTEST, **FAST, **options})


@pytest.fixture(scope="module")
def in_turn(tmp_path_factory):
    return many(tmp_path_factory.mktemp("turn"), "natural", seed=(0, 1))


def test_each_method_is_trained_with_each_seed(in_turn):
    said = [(found.method, found.seed) for found in map(load_checkpoint, in_turn)]
    assert said == [("natural", 0), ("natural", 1)]


class Posted(Here):
    """Takes each task from its pickle, as a process does."""

    def begin(self, position, task, given_up):
        super().begin(position, pickle.loads(pickle.dumps(task)), given_up)


@pytest.mark.parametrize("where", ["here", pytest.param("processes", marks=pytest.mark.slow)])
def test_side_by_side_they_are_the_same(in_turn, tmp_path, capfd, monkeypatch, where):
    if where == "here":
        monkeypatch.setattr(Means, "open", lambda *_, **__: Posted())
    told: list[Path] = []
    found = many(tmp_path, "natural", seed=(0, 1), workers=2, report=told.extend, progress=None)
    assert [path.name for path in found] == [path.name for path in in_turn]
    assert sorted(told) == sorted(found)
    for path, other in zip(found, in_turn, strict=True):
        weights, others = load_checkpoint(path).state, load_checkpoint(other).state
        assert all(torch.equal(weights[name], others[name]) for name in others)
        assert (tmp_path / "last" / path.name).is_file()
    assert "[2/2]" in capfd.readouterr().err


def test_one_that_fails_keeps_no_other_from_being_trained(tmp_path, monkeypatch, in_turn):
    monkeypatch.setattr(Means, "open", lambda *_, **__: Here())
    for workers in (1, 2):
        folder = tmp_path / str(workers)
        folder.mkdir()
        (folder / in_turn[0].name.replace("natural", "at")).write_bytes(in_turn[0].read_bytes())  # another run's
        with pytest.raises(PartlyFailed, match="is not replaced") as caught:
            many(folder, "at", "natural", workers=workers)
        assert caught.value.done == [folder / in_turn[0].name]
        assert len(caught.value.failures) == 1


def test_what_an_accident_leaves_of_a_run_is_gone_on_from_and_what_was_there_before_is_not(tmp_path, monkeypatch):
    """An engine tries a lost training again as it was: unasked for, that may go on from its own epochs alone."""
    run = {"method": "natural", "seed": 0, "set": {**SHORTEST, "epochs": 2}, **FAST}
    (whole,) = benchmark.train(**run, out=tmp_path / "whole")
    epochs, trained = [], Trainer._train_epoch

    def killed_at_second(self, *arguments):
        epochs.append(self.epoch)
        if len(epochs) == 2:
            raise ConnectionError("the machine is gone")
        return trained(self, *arguments)

    monkeypatch.setattr(Trainer, "_train_epoch", killed_at_second)
    training = several._named(run, tmp_path / "zoo")
    with pytest.raises(ConnectionError):
        training()
    before = several._named(run, tmp_path / "zoo")
    with pytest.raises(BadInput, match="1 of 2 epochs are finished"):
        before()
    (again,) = training()
    assert len(epochs) == 3, "the first epoch is not repeated"
    ours, others = load_checkpoint(again).state, load_checkpoint(whole).state
    assert all(torch.equal(ours[name], others[name]) for name in others)


def test_where_the_time_is_over_nothing_is_called_done_and_epochs_count(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(Means, "open", lambda *_, **__: Here())
    monkeypatch.setattr(task, "_done", lambda training: task.Trained(is_late=True, finished=3))
    before, told = deadline.finished(), []
    with pytest.raises(deadline.OutOfTime):
        many(tmp_path, workers=2, progress=None, report=told.append)
    assert deadline.finished() == before + 2 * 3
    assert not told
    assert "[1/2]" not in capfd.readouterr().err


def test_what_is_wrong_is_found_before_any_is_trained(tmp_path):
    for options, told in (
        ({"workers": 0}, "workers must be 1 or more"),
        ({"workers": 2, "recipe": "quikc"}, "quick"),
        ({"workers": 2, "devices": 2}, "choose"),
        ({"workers": 2, "dataset": benchmark.Dataset}, "by its name or file"),
        ({"workers": 2, "teacher": ["nothing.pt"]}, "teacher"),
        ({"name": "one"}, "would name 2 runs alike"),
        ({"engine": "rya"}, "did you mean ray"),
    ):
        with pytest.raises(BadInput, match=told):
            many(tmp_path, **options)
    for options, told in (
        ({"seed": ["0"]}, "seed must be a whole number, not '0'"),
        ({"seed": ()}, "nothing to train: name a seed"),
        ({"method": ()}, "nothing to train: name a method"),
        ({"method": "natral"}, "unknown method 'natral'"),
        ({"seed": 0.5}, "not 0.5"),
    ):
        with pytest.raises(BadInput, match=re.escape(told)):
            train_several(**{"method": "natural", "out": tmp_path, "set": SHORTEST, **FAST, **options})
    with pytest.raises(BadInput, match="named twice"):
        many(tmp_path, "at", "at", workers=2)
    with pytest.raises(BadInput, match="name several methods or seeds"):
        many(tmp_path, "at", engine="ray")
    assert not list(tmp_path.rglob("*.pt"))


def test_a_machine_without_the_zoo_gets_its_teacher_and_sends_the_student_home(tmp_path, in_turn):
    teacher = tmp_path / "teacher.pt"
    teacher.write_bytes(in_turn[0].read_bytes())
    options = {"method": "ard", "seed": 0, "set": SHORTEST, "teacher": [str(teacher)], "out": tmp_path, **FAST}
    training = several._named(options, tmp_path)
    packed = pickle.dumps(task.TrainingTask(training, mark=tmp_path / "mark-of-another-machine"))
    teacher.unlink()
    (done,) = pickle.loads(packed).run({})
    assert not done.error
    assert not list(tmp_path.rglob("*.pt"))
    task._receive(done, training)
    (student,) = [tmp_path / place for place in done.paths]
    assert load_checkpoint(student).method == "ard"
    with pytest.raises(BadInput, match="no place"):
        task._receive(replace(done, files=(("../x.pt", b""),)), training)


def test_a_machine_without_the_zoo_sees_what_stands_where_it_writes(tmp_path, in_turn):
    """A finished run is not trained once more there, and another run's checkpoints are not replaced from there."""
    folder, name = in_turn[0].parent, in_turn[0].stem
    zoo = tmp_path / "zoo"
    (zoo / "last").mkdir(parents=True)
    for place in (f"{name}.pt", f"last/{name}.pt"):
        (zoo / place).write_bytes((folder / place).read_bytes())
    before = {path: path.read_bytes() for path in zoo.rglob("*.pt")}
    for settings, told in ((SHORTEST, ""), ({**SHORTEST, "lr": 0.01}, f"{zoo / name}.pt is of another run: lr")):
        options = {"method": "natural", "seed": 0, "set": settings, "name": name, "out": zoo, **FAST}
        training = several._named(options, zoo)
        packed = pickle.dumps(task.TrainingTask(training, mark=tmp_path / "mark-of-another-machine"))
        (done,) = pickle.loads(packed).run({})
        assert done.error.startswith(told)
        assert bool(done.error) == bool(told)
        assert not done.files
        task._receive(done, training)
    assert {path: path.read_bytes() for path in zoo.rglob("*.pt")} == before


def test_a_machine_without_the_zoo_gets_the_run_that_it_extends(tmp_path):
    settings = {**SHORTEST, "schedule": "constant", "validation.images": 20, "validation.steps": 1}
    many(tmp_path, "natural", set=settings)
    options = {"method": "natural", "seed": 0, "set": {**settings, "epochs": 2}, "out": tmp_path, **FAST}
    training = several._named({**options, "extend": True}, tmp_path)
    packed = pickle.dumps(task.TrainingTask(training, mark=tmp_path / "mark-of-another-machine"))
    (done,) = pickle.loads(packed).run({})
    assert not done.error
    task._receive(done, training)
    (longer,) = [load_checkpoint(tmp_path / place) for place in done.paths]
    assert [row["epoch"] for row in longer.history] == [1, 2]
    assert len(list((tmp_path / ".state" / "finished").iterdir())) == 2


def test_the_command_line(tmp_path, capsys, in_turn):
    for path in in_turn:
        (tmp_path / "last").mkdir(exist_ok=True)
        for place in (path.name, f"last/{path.name}"):
            (tmp_path / place).write_bytes((path.parent / place).read_bytes())
    words = "--method natural --seed 0 1 --set epochs=1 batch_size=512 --device cpu --precision fp32 --out"
    with pytest.raises(SystemExit) as ended:
        main(["train", *words.split(), str(tmp_path)])
    assert not ended.value.code
    assert [Path(line).name for line in capsys.readouterr().out.split()] == [path.name for path in in_turn]
