"""A training on a machine that may not have the zoo: what it is sent, what it sends home, and what stays."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from benchmark import deadline
from benchmark.deadline import OutOfTime
from benchmark.engines import Means
from benchmark.engines.here import Here
from benchmark.errors import BadInput
from benchmark.training.task import Trained, TrainingTask, _receive, state_of, train_all


@dataclass(frozen=True)
class Counting:
    """Adds an epoch to those that its state counts; late if it has not had enough of them yet."""

    zoo: Path
    enough: int = 0
    name: str = "mine"

    def needs(self) -> list[Path]:
        return [self.zoo / "teacher.pt"]

    def placed(self, zoo: Path) -> Counting:
        return replace(self, zoo=zoo)

    def __call__(self) -> Sequence[Path]:
        state, teacher, last = state_of(self), self.zoo / "teacher.pt", self.zoo / "last" / f"{self.name}.pt"
        if teacher.exists() and teacher.read_text() == "objects":
            raise BadInput(f"{teacher} objects")
        epochs = 1 + (int(state.read_text()) if state.exists() else 0)
        for path, content in ((state, str(epochs)), (last.with_suffix(".part"), "torn")):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        deadline.advance()
        if epochs < self.enough:
            raise OutOfTime
        last.write_text(f"{epochs} epochs")
        return [last]


def run(training: Counting, mark: Path | None, given_up: dict[str, str] | None = None) -> Trained:
    """What becomes of it in another process."""
    (done,) = pickle.loads(pickle.dumps(TrainingTask(training, mark))).run(given_up or {})
    assert isinstance(done, Trained)
    return done


def begun(folder: Path, teacher: str = "silent") -> dict[str, str]:
    """A zoo with a teacher and the state of a run that has had two epochs; what lies in it."""
    (folder / ".state").mkdir()
    (folder / ".state" / "mine.pt").write_text("2")
    (folder / "teacher.pt").write_text(teacher)
    return content(folder)


def content(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_an_unfinished_run_goes_on_where_the_zoo_is_not(tmp_path: Path) -> None:
    """From the epochs that it has had; home comes what is new, torn files excepted, and its state has served."""
    training, before = Counting(tmp_path), begun(tmp_path)
    done = run(training, tmp_path / "mark-of-another-machine")
    assert content(tmp_path) == before
    assert (done.error, done.paths, done.finished) == ("", ("last/mine.pt",), 1)
    assert dict(done.files) == {".state/mine.pt": b"3", "last/mine.pt": b"3 epochs"}
    _receive(done, training)
    assert content(tmp_path) == {"teacher.pt": "silent", "last/mine.pt": "3 epochs"}


def test_of_one_that_is_late_the_state_comes_home(tmp_path: Path) -> None:
    training, before = Counting(tmp_path, enough=9), begun(tmp_path)
    done = run(training, tmp_path / "mark-of-another-machine")
    assert (done.is_late, done.paths, done.finished) == (True, (), 1)
    _receive(done, training)
    assert content(tmp_path) == {**before, ".state/mine.pt": "3"}


def test_what_is_wrong_there_is_told_as_if_it_was_here(tmp_path: Path) -> None:
    training, before = Counting(tmp_path), begun(tmp_path, "objects")
    done = run(training, tmp_path / "mark-of-another-machine")
    assert done == Trained(f"{tmp_path}/teacher.pt objects")
    _receive(done, training)
    assert content(tmp_path) == before


@pytest.mark.parametrize("marked", [True, False])
def test_where_the_zoo_is_at_hand_it_is_written_to(tmp_path: Path, marked: bool) -> None:
    """And the state stays with whoever has written it: `benchmark.train` knows whether it is kept."""
    begun(tmp_path)
    (tmp_path / ".seen.part").touch()
    done = run(Counting(tmp_path), tmp_path / ".seen.part" if marked else None)
    assert done == Trained(paths=("last/mine.pt",), finished=1)
    assert (tmp_path / "last/mine.pt").read_text() == "3 epochs"
    _receive(done, Counting(tmp_path))
    assert state_of(Counting(tmp_path)).read_text() == "3"


def test_what_is_given_up_is_not_begun(tmp_path: Path) -> None:
    before = begun(tmp_path)
    assert run(Counting(tmp_path), None, {"train mine": "its machine is gone"}) == Trained("its machine is gone")
    assert content(tmp_path) == before


@pytest.mark.parametrize("place", ["/proc/x.pt", "../x.pt", "last/../../x.pt", "a/b/c/d/x.pt"])
def test_a_worker_writes_nowhere_but_into_the_zoo(tmp_path: Path, place: str) -> None:
    zoo = tmp_path / "zoo"
    with pytest.raises(BadInput, match="no place"):
        _receive(Trained(files=((place, b""),)), Counting(zoo))
    assert not content(tmp_path)


def test_the_time_is_over_if_it_is_for_one_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that wait come after what they wait for; epochs of all count, and no mark stays."""
    monkeypatch.setattr(Means, "open", lambda *_, **__: Here())
    trainings = [
        Counting(tmp_path, name="student"),
        Counting(tmp_path, name="teacher"),
        Counting(tmp_path, 2, "late"),
    ]
    told: list[int] = []
    means = Means(2, None, "ray", None, 1.0, "cpu")
    with pytest.raises(OutOfTime):
        train_all(trainings, means, "cpu", lambda position, _: told.append(position), [(1,), (), ()])
    assert sorted(told) == [0, 1, 2]
    assert told.index(1) < told.index(0)
    assert {path.name for path in (tmp_path / "last").glob("*.pt")} == {"student.pt", "teacher.pt"}
    assert not list(tmp_path.glob(".seen*"))
