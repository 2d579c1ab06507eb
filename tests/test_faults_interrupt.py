"""Ctrl-C: an answer within two seconds, exit code 130, a word on how to go on, and nothing half-written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from evaluation_toys import save, write_suite

import benchmark

LONG = "  - {attack: fgsm, norm: linf}\n  - {attack: pgd, norm: linf, restarts: 50, parameters: {steps: 5000}}\n"


def bench(tmp_path: Path, *words: object) -> subprocess.Popen:
    root = str(Path(benchmark.__file__).parents[1])
    env = {**os.environ, "PYTHONPATH": root, "OMP_NUM_THREADS": "1", "COLUMNS": "100"}
    command = [sys.executable, "-m", "benchmark", *map(str, words)]
    # A shell's background jobs, and so a test run among them, start with Ctrl-C ignored.
    listening = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    return subprocess.Popen(command, cwd=tmp_path, env=env, text=True, stdout=-1, stderr=-1, preexec_fn=listening)


def interrupt_when(process: subprocess.Popen, ready) -> tuple[float, str]:
    """Press Ctrl-C as soon as `ready()`; how many seconds the program took to end, and what it said."""
    deadline = time.monotonic() + 60
    while not ready():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.3)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    return time.monotonic() - began, said


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_evaluating(tmp_path, workers):
    network, suite = save(tmp_path), write_suite(tmp_path, LONG, images=250)
    results = tmp_path / "results"
    process = bench(tmp_path, "evaluate", network, "--suite", suite, "--results", results, "--workers", workers)
    seconds, said = interrupt_when(process, lambda: list((results / "records").rglob("*.safetensors")))
    assert process.returncode == 130
    assert said.splitlines()[-1].startswith("bench: interrupted; to go on from there")
    assert "Traceback" not in said
    assert seconds < 2
    assert len(list(results.rglob("*.safetensors"))) == 1
    assert not list(tmp_path.rglob("*.part"))
    assert benchmark.doctor(results=results, zoo=tmp_path) == []


@pytest.mark.slow
def test_training(tmp_path):
    zoo = tmp_path / "zoo"
    words = ("--method", "at", "--set", "epochs=500", "validation.images=50", "--name", "long", "--out", zoo)
    process = bench(tmp_path, "train", *words)
    seconds, said = interrupt_when(process, (zoo / ".state" / "long.pt").exists)
    assert process.returncode == 130
    assert "--resume" in said
    assert "Traceback" not in said
    assert seconds < 2
    assert not list(zoo.rglob("*.part"))
    resumed = bench(tmp_path, "train", *words, "--resume")
    time.sleep(8)
    resumed.send_signal(signal.SIGINT)
    assert resumed.wait(10) == 130


@pytest.mark.slow
@pytest.mark.parametrize("after", [0.2, 0.6, 1.2, 2.0])
def test_while_it_starts_up(tmp_path, after):
    process = bench(tmp_path, "evaluate", save(tmp_path), "--results", tmp_path / "results")
    time.sleep(after)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode in (130, -signal.SIGINT)
    assert time.monotonic() - began < 4  # libraries that are being loaded can't be interrupted
