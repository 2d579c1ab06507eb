"""Killed at any moment, an evaluation goes on to the numbers it would have given; Ctrl-C answers at once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from evaluation_toys import THREE_NORMS, save, write_suite

from benchmark.evaluation import evaluate, plan
from benchmark.ledger import Ledger, load_results

SCRIPT = """
import sys, torch
torch.set_num_threads(1)
from benchmark.evaluation import evaluate, plan
if __name__ == "__main__":
    plan.SHARD = 10
    network, suite, results, workers = sys.argv[1:]
    print("ready", flush=True)
    evaluate(network, suite=suite, results=results, workers=int(workers), precision="fp32", progress=False)
"""


@pytest.fixture
def start(tmp_path):
    """Starts an evaluation in another process and waits until it is about to begin."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    network, suite = save(tmp_path), write_suite(tmp_path, THREE_NORMS)
    started = []

    def start(results: Path, workers: int = 1) -> subprocess.Popen:
        command = [sys.executable, str(script), str(network), str(suite), str(results), str(workers)]
        root = str(Path(__file__).parents[1])
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": root}
        )
        started.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def files(folder: Path) -> dict[str, Path]:
    return {path.name: path for path in folder.rglob("*") if path.suffix in (".safetensors", ".json")}


def same_numbers(one: Path, other: Path) -> bool:
    (first,), (second,) = load_results(one), load_results(other)
    return first.id == second.id and all(
        (a.broken == b.broken).all() and (a.distance == b.distance).all()
        for a, b in zip(first.outcomes, second.outcomes, strict=True)
    )


@pytest.mark.slow  # test_faults_kill.py kills an evaluation in the quick tests
@pytest.mark.parametrize("kills", [1, 40])
def test_kill_9_loses_at_most_the_job_in_flight(start, tmp_path, kills):
    began = time.monotonic()
    start(tmp_path / "whole").wait()
    duration = time.monotonic() - began
    draw = random.Random(kills)
    kept: dict[str, int] = {}
    for _ in range(kills):
        process = start(tmp_path / "killed")
        time.sleep(draw.random() * duration / 2)
        process.kill()
        process.wait()
        ledger = Ledger.open(tmp_path / "killed", create=True)
        ledger.evaluations()
        assert not ledger.problems
        now = {name: path.stat().st_mtime_ns for name, path in files(tmp_path / "killed").items()}
        assert kept.items() <= now.items()
        kept = now
    assert start(tmp_path / "killed").wait() == 0
    assert files(tmp_path / "whole").keys() == files(tmp_path / "killed").keys()
    assert same_numbers(tmp_path / "whole", tmp_path / "killed")


@pytest.mark.slow
def test_two_processes_share_a_folder(start, tmp_path):
    start(tmp_path / "alone").wait()
    processes = [start(tmp_path / "shared") for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    assert files(tmp_path / "alone").keys() == files(tmp_path / "shared").keys()
    assert same_numbers(tmp_path / "alone", tmp_path / "shared")


@pytest.mark.parametrize("workers", [2, pytest.param(1, marks=pytest.mark.slow)])
def test_ctrl_c_answers_and_leaves_the_folder_whole(start, tmp_path, workers):
    process = start(tmp_path / "results", workers)
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, errors = process.communicate(timeout=120)
    if process.returncode:  # else it was done before
        assert "KeyboardInterrupt" in errors
        assert time.monotonic() - began < 60  # of a busy machine; one that hangs never answers
    ledger = Ledger.open(tmp_path / "results", create=True)
    ledger.evaluations()
    assert not ledger.problems
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.slow
def test_a_worker_that_dies_is_replaced(start, tmp_path):
    process = start(tmp_path / "results", workers=2)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if not children.exists():
        pytest.skip("needs /proc to find the workers")
    deadline = time.monotonic() + 20
    workers: list[int] = []
    while not workers and time.monotonic() < deadline and process.poll() is None:
        for child in children.read_text().split():
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                workers.append(int(child))
        time.sleep(0.05)
    if workers:
        os.kill(workers[0], signal.SIGKILL)
    assert process.wait(timeout=120) == 0
    (found,) = load_results(tmp_path / "results")
    assert not found.failures


@pytest.mark.slow
def test_in_process_numbers_are_those_of_another_process(start, tmp_path, monkeypatch):
    start(tmp_path / "other").wait()
    monkeypatch.setattr(plan, "SHARD", 10)
    evaluate(
        tmp_path / "toy.pt",
        suite=tmp_path / "toy-suite.yaml",
        results=tmp_path / "here",
        precision="fp32",
        progress=False,
    )
    assert files(tmp_path / "here").keys() == files(tmp_path / "other").keys()
