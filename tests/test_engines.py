"""One policy above all engines: what is lost is tried again, what is late is not begun, nothing is told twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from engine_toys import Count, ran

from benchmark import deadline, engines
from benchmark.cli import main
from benchmark.deadline import OutOfTime, read_seconds
from benchmark.engines import TRIES, Limits, Means, policy
from benchmark.engines.choice import which
from benchmark.engines.here import Here
from benchmark.engines.processes import Processes
from benchmark.engines.task import Lost, Slot
from benchmark.errors import BadInput, UnfitNetwork


def test_tasks_run_here_in_their_order():
    told, remarks = ran([Count("a"), Count("b")], Here())
    assert told == [(0, "a", "one"), (0, "a", "two"), (1, "b", "one"), (1, "b", "two")]
    assert remarks == ["a remarks", "b remarks"]


def test_a_family_that_is_unfit_is_left_out_and_others_go_on():
    out = []
    tasks = [Count("a", ("one", "unfit"), "f"), Count("b", family="f"), Count("c", family="g")]
    told, _ = ran(tasks, Here(), give_up=lambda *what: out.append(what))
    assert [name for _, name, _ in told] == ["a", "c", "c"]
    assert out == [(0, "a is unfit")]
    with pytest.raises(UnfitNetwork, match="a is unfit"):
        ran(tasks, Here())


def test_tasks_wait_for_those_that_they_need():
    told, _ = ran([Count("pupil", ("one",)), Count("teacher", ("one",))], Here(), after=[{1}, set()])
    assert [name for _, name, _ in told] == ["teacher", "pupil"]


def test_processes_that_die_or_hang_are_replaced_and_nothing_is_told_twice(tmp_path):
    folders = [tmp_path / name for name in ("dies", "hangs", "ends")]
    for folder in folders:
        folder.mkdir()
    tasks = [
        Count("dies", ("one", "die", "two"), folder=folders[0]),
        Count("hangs", ("one", "hang", "two"), folder=folders[1], times=1),
        Count("ends", ("die", "two"), folder=folders[2], times=1),
    ]
    told, _ = ran(tasks, Processes([Slot()] * 2), Limits(1.0, tries=2))
    assert sorted(told) == [
        (0, "dies", "given up after 2 tries: its process was ended by signal 9"),
        (0, "dies", "one"),
        (0, "dies", "two"),
        (1, "hangs", "hang"),
        (1, "hangs", "one"),
        (1, "hangs", "two"),
        (2, "ends", "die"),
        (2, "ends", "two"),
    ]


def no_longer_imports(log):
    log.write_text(log.read_text() + "tried\n")
    raise SyntaxError("attack.py:3 is no code")


class Unreadable(Count):
    """As a task with a thing from a file that has changed meanwhile."""

    def __reduce__(self):
        return no_longer_imports, (self.folder / "log",)


def test_a_task_that_can_not_be_read_ends_all_at_once_with_the_reason(tmp_path):
    """It used to be tried three times, and to end with the code of its process alone."""
    (tmp_path / "log").touch()
    with pytest.raises(
        BadInput, match=r"can't read its task: SyntaxError: attack\.py:3 is no code; what was finished"
    ):
        ran([Unreadable("a", folder=tmp_path)], Processes([Slot()]))
    assert (tmp_path / "log").read_text() == "tried\n"


class Moving(Here):
    """An engine whose machines leave in the middle of each task, so often."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def listen(self, patience):
        if self.times:
            self.times -= 1
            self.stop(0)
            yield self._position, Lost("gone with its machine", innocent=True)
        else:
            yield from super().listen(patience)


def test_a_machine_that_leaves_is_no_fault_of_the_task():
    told, _ = ran([Count("a")], Moving(15))
    assert told == [(0, "a", "one"), (0, "a", "two")]
    told, _ = ran([Count("a")], Moving(policy.MOVES + TRIES))  # but not for ever
    assert told == [(0, "a", "given up after 3 tries: its process was gone with its machine"), (0, "a", "two")]


def test_devices_are_read_as_fabric_reads_them():
    assert which(2, 4) == which("2", 4) == (0, 1)
    assert which("0,2", 4) == which([0, 2], 4) == (0, 2)
    assert which("2,", 4) == (2,)
    for wrong in ("a", "0,0", "4,", "-1,", "", 0, "5"):
        with pytest.raises(BadInput, match="--devices"):
            which(wrong, 4)


def test_one_worker_per_gpu_each_of_which_sees_one(monkeypatch):
    made = []
    monkeypatch.setattr("torch.cuda.device_count", lambda: 3)
    monkeypatch.setattr("benchmark.engines.choice.Processes", lambda slots, set_up: made.append(slots))
    Means().open(10, "cuda")
    Means(4, devices="0,2").open(10, "cuda")
    Means(gpu_share=0.5, devices="1,").open(10, "cuda")
    assert [[(slot.device, slot.share) for slot in slots] for slots in made] == [
        [(0, 1.0), (1, 1.0), (2, 1.0)],
        [(0, 0.5), (2, 0.5), (0, 0.5), (2, 0.5)],
        [(1, 0.5), (1, 0.5)],
    ]
    made.clear()
    Means(3, devices="0,2").open(10, "cuda")  # two on one, one on the other
    Means(2).open(10, "cuda:1")  # both on the one that they name
    Means(2).open(10, "cpu")
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    Means(4).open(10, "cuda")
    Means(gpu_share=0.5).open(10, "cuda")
    Means(gpu_share=0.3, device="cuda:0").open(10, "cuda:0")  # the one that is named
    assert [[(slot.device, slot.share) for slot in slots] for slots in made] == [
        [(0, 0.5), (2, 1.0), (0, 0.5)],
        [(None, 0.5), (None, 0.5)],
        [(None, 1.0), (None, 1.0)],
        [(None, 0.25)] * 4,
        [(0, 0.5), (0, 0.5)],
        [(None, 1 / 3)] * 3,
    ]
    with pytest.raises(BadInput, match="names GPUs, but --device cuda:1"):
        Means(devices="0,1").open(10, "cuda:1")


@pytest.mark.parametrize(
    ("means", "told"),
    [
        (Means(0), "workers must be 1"),
        (Means(engine="slurm"), "unknown engine"),
        (Means(gpu_share=0), "gpu_share"),
        (Means(address="auto"), "add --engine ray"),
        (Means(devices="0", engine="ray"), "leave it out"),
    ],
)
def test_means_that_make_no_sense(means, told):
    assert told in " ".join(means.problems())


def test_ray_that_is_missing_is_told_with_what_installs_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(BadInput, match="pip install ray"):
        Means(engine="ray").open(1, "cpu")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("50m", 3000), ("2h30m", 9000), ("90s", 90), ("1d", 86400), ("45", 45), (1.5, 1.5), ("1.5h", 5400)],
)
def test_times(text, seconds):
    assert read_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "50 minutes", "-5m", "0", "1:30", "nan", "inf", "5m2"])
def test_what_is_no_time(text):
    with pytest.raises(BadInput, match="--stop-after takes a time"):
        read_seconds(text)


@dataclass(frozen=True)
class Slow(Count):
    """Takes twenty seconds of a clock that nothing else moves."""

    clock: list[float] = field(default_factory=list)

    def run(self, given_up):
        self.clock[0] += 20
        return (yield from super().run(given_up))


def test_of_two_limits_the_earlier_one_holds():
    with deadline.until(100.0):
        for moment, end in ((200.0, 100.0), (50.0, 50.0), (None, 100.0)):
            with deadline.until(moment):
                assert deadline.end() == end
        assert deadline.end() == 100.0
    assert deadline.end() is None


def test_what_would_not_be_finished_in_time_is_not_begun(monkeypatch):
    """Tasks of 20 s within 55 s: two are done, the third would not end in time."""
    told, began = [], time.monotonic()
    clock = [began]
    tasks = [Slow(name, ("one",), clock=clock) for name in "abcde"]
    with monkeypatch.context() as patch, deadline.until(began + 55):
        for name in ("time", "monotonic"):
            patch.setattr(time, name, lambda: clock[0])
        with pytest.raises(OutOfTime):
            engines.run(tasks, Here(), lambda *what: told.append(what))
    assert (len(told), clock[0] - began) == (2, 40)


def test_the_time_ends_what_is_at_work_and_alarms_of_others_go_on():
    heard = []
    before = signal.signal(signal.SIGALRM, lambda *_: heard.append(1))
    signal.setitimer(signal.ITIMER_REAL, 0.4)
    try:
        with pytest.raises(OutOfTime), deadline.within(0.1):
            time.sleep(60)
        assert deadline.left() == float("inf")
        assert signal.getitimer(signal.ITIMER_REAL)[0] < 0.35  # the time that was slept has passed for it, too
        time.sleep(0.5)
        assert heard == [1]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(("finished", "code"), [(1, 75), (0, 76)])
def test_a_command_that_stops_in_time_says_how_to_go_on(capsys, monkeypatch, tmp_path, finished, code):
    """A loop that calls again on 75 ends where the limit is shorter than a unit of work."""

    def late(*_, **__):
        deadline.advance(finished)
        raise OutOfTime

    monkeypatch.setattr("benchmark.training.make_plan", late)
    out = str(tmp_path / "a zoo")
    with pytest.raises(SystemExit) as end:
        main(["train", "--method", "at", "--out", out, "--stop-after", "50m"])
    assert end.value.code == code
    told = capsys.readouterr().err
    assert f"o on with: bench train --method at --out '{out}' --stop-after 50m --resume" in told
    assert ("nothing was finished" in told) == (not finished)


def test_no_epoch_begins_that_would_not_fit(tmp_path, monkeypatch):
    """The longest so far is the measure; what was finished is kept, and gone on from."""
    from benchmark.training import train
    from benchmark.training.report import Reporter

    asked = []
    settings = {
        "epochs": 2,
        "batch_size": 1000,
        "validation.images": 20,
        "threats.linf.steps": 1,
        "validation.steps": 1,
    }
    given = {
        "dataset": "digits",
        "set": settings,
        "out": tmp_path,
        "device": "cpu",
        "precision": "fp32",
        "progress": False,
    }

    def late(unit: float = 0.0) -> None:
        asked.append(unit)
        if unit:
            raise OutOfTime

    monkeypatch.setattr(deadline, "check", late)
    before = deadline.finished()
    with pytest.raises(OutOfTime):
        train("at", **given)
    assert deadline.finished() - before == 1
    monkeypatch.setattr(deadline, "check", lambda unit=0.0: late(1.0))
    with pytest.raises(OutOfTime):  # there is no time for the next epoch, however often one asks
        train("at", resume=True, **given)
    assert deadline.finished() - before == 1
    monkeypatch.setattr(deadline, "check", late)
    asked = asked[:2]
    assert asked[0] == 0
    assert asked[1] > 0
    assert not (tmp_path / "at.pt").exists()
    finished = []
    monkeypatch.setattr(Reporter, "epoch", lambda self, row: finished.append(row["epoch"]))
    train("at", resume=True, **given)
    assert finished == [2]


def test_a_worker_takes_its_share_of_the_memory_of_every_gpu_that_it_sees(monkeypatch):
    from benchmark.engines.processes import compute_on

    taken = []
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setattr("torch.cuda.set_per_process_memory_fraction", lambda *told: taken.append(told))
    compute_on(Slot(share=0.25))
    assert taken == [(0.25, 0), (0.25, 1)]


UNGUARDED = """
from functools import partial

from benchmark.engines.processes import Processes
from benchmark.engines.task import Slot

engine = Processes([Slot()], partial(len, bytes(1_000_000)))
engine.begin(0, None, {})
while True:
    list(engine.listen(None))
"""


def test_a_script_whose_workers_begin_it_anew_is_told_so_however_much_they_are_sent(tmp_path):
    """More than a pipe holds: written before anybody read, it made the program wait for ever."""
    (tmp_path / "script.py").write_text(UNGUARDED)
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60
    )
    last = done.stderr.strip().splitlines()[-1]
    assert "worker processes can't start" in last
    assert last.endswith('in a script, call this below `if __name__ == "__main__":`')
