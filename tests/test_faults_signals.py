"""Ended by a signal, a closed terminal or kill -9: all its processes are gone within seconds, none attacks on.

What can be answered is answered as Ctrl-C is: exit code 130, a word on how to go on, nothing half-written.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from evaluation_toys import save, write_suite
from fault_programs import DEAF, LONG, assert_obeyed, bench, children, wait_until

import benchmark
from benchmark.cli.signals import listen

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sees processes as Linux does")

#: Seconds within which processes that nobody needs any more have to be gone, on a machine that is busy.
SECONDS = 20


def living(pids: list[str]) -> list[str]:
    """Those processes that are neither gone nor only waiting for somebody to ask for their exit code."""
    found = []
    for pid in pids:
        with contextlib.suppress(OSError):
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            found += [pid] if state not in "ZX" else []
    return found


def assert_gone(pids: list[str]) -> None:
    began = time.monotonic()
    while living(pids) and time.monotonic() - began < SECONDS:
        time.sleep(0.05)
    left = living(pids)
    for pid in left:
        os.kill(int(pid), signal.SIGKILL)
    assert not left, f"{len(left)} of {len(pids)} processes went on"
    print(f"gone after {time.monotonic() - began:.2f} s")


def end_by(name: str, process: subprocess.Popen, ready: Callable[[], object]) -> str:
    """Send the signal `name` to `process` alone once it is `ready()`, see that all end; what it said."""
    try:
        wait_until(ready, process)
        started = children(process)
        process.send_signal(getattr(signal, name))
        process.wait(DEAF)
        assert started
        assert_gone(started)
        return str(process.communicate()[1])
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    "name", ["SIGKILL", *(pytest.param(name, marks=SLOW) for name in ("SIGTERM", "SIGHUP", "SIGXCPU"))]
)
def test_no_worker_outlives_an_evaluation(tmp_path, name):
    network, suite = save(tmp_path), write_suite(tmp_path, LONG, images=250)
    results = tmp_path / "results"
    process = bench(tmp_path, "evaluate", network, "--suite", suite, "--results", results, "--workers", 2)
    said = end_by(name, process, lambda: list((results / "records").rglob("*.safetensors")))
    if name == "SIGKILL":
        assert process.returncode == -signal.SIGKILL
    else:
        assert_obeyed(process, said, tmp_path)
    assert benchmark.doctor(results=results, zoo=tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGTERM", "SIGKILL"])
def test_no_process_outlives_a_training_of_two(tmp_path, name):
    zoo = tmp_path / "zoo"
    words = ("--method", "at", "--set", "epochs=10000", "validation.images=50", "--devices", 2, "--out", zoo)
    process = bench(tmp_path, "train", *words, "--name", "long", "--device", "cpu")
    said = end_by(name, process, (zoo / ".state" / "long.pt").exists)
    if name == "SIGTERM":
        assert_obeyed(process, said, zoo)


@pytest.mark.slow
def test_a_terminal_that_closes(tmp_path):
    """It takes the stream away on which all would be said, too."""
    network, suite = save(tmp_path), write_suite(tmp_path, LONG, images=250)
    results = tmp_path / "results"
    words = ["evaluate", network, "--suite", suite, "--results", results, "--workers", "2"]
    pid, terminal = os.forkpty()
    if pid == 0:
        os.chdir(tmp_path)
        os.environ |= {"PYTHONPATH": str(Path(benchmark.__file__).parents[1]), "OMP_NUM_THREADS": "1"}
        os.execv(sys.executable, [sys.executable, "-m", "benchmark", *map(str, words)])
    deadline = time.monotonic() + 4 * DEAF
    while not list((results / "records").rglob("*.safetensors")) and time.monotonic() < deadline:
        time.sleep(0.05)
    started = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 130
    assert_gone(started)
    assert not list(tmp_path.rglob("*.part"))


# The same of processes that do nothing, which takes a second.


@pytest.fixture
def lonely(tmp_path) -> Iterator[Callable[[str], tuple[subprocess.Popen, list[str]]]]:
    """Starts a program of which two processes would go on for hours; gives it, and them."""
    made = []

    def start(how: str) -> tuple[subprocess.Popen, list[str]]:
        script = Path(__file__).with_name("lonely_processes.py")
        path = os.pathsep.join([str(script.parent), str(script.parents[1])])
        process = subprocess.Popen(
            [sys.executable, script, tmp_path, how], env={**os.environ, "PYTHONPATH": path}, start_new_session=True
        )
        made.append(process)
        deadline = time.monotonic() + DEAF
        while len(pids := os.listdir(tmp_path)) < 2:
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.02)
        return process, pids

    yield start
    for process in made:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize("how", ["elsewhere", "deaf"])
def test_left_alone_a_process_ends(lonely, how):
    """By the thread that watches, on any system; by the kernel where that thread gets no turn, on Linux."""
    process, pids = lonely(how)
    process.kill()
    process.wait()
    assert_gone(pids)


def test_a_program_that_fails_ends_its_processes_first(lonely):
    """Python would wait for them, for hours."""
    process, pids = lonely("elsewhere")
    process.send_signal(signal.SIGINT)
    process.wait(DEAF)
    assert living(pids) == []


def test_nohup_stays_nohup(monkeypatch):
    chosen = {signal.SIGTERM: signal.SIG_DFL, signal.SIGHUP: signal.SIG_IGN, signal.SIGXCPU: signal.SIG_DFL}
    monkeypatch.setattr(signal, "getsignal", chosen.get)
    monkeypatch.setattr(signal, "signal", chosen.__setitem__)
    came = listen()
    assert chosen[signal.SIGHUP] is signal.SIG_IGN
    with pytest.raises(KeyboardInterrupt):
        chosen[signal.SIGTERM](signal.SIGTERM, None)
    assert came == [signal.SIGTERM]
