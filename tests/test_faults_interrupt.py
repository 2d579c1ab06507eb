"""Ctrl-C: exit code 130, a word on how to go on, nothing half-written, and the next run ends up where it would have.

Each program is at something that would take it hours, or is interrupted at a certain write, so that no clock decides
whether it obeyed; `pytest -rP` shows how many seconds each took to answer.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import fault_runs
import pytest
import torch
from evaluation_toys import THREE_NORMS, save, write_suite
from fault_programs import DEAF, GO_ON, LONG, assert_obeyed, bench, children, wait_until
from synthetic import add_evaluation

import benchmark
from benchmark import cli, storage


def interrupt_when(process: subprocess.Popen, ready: Callable[[], object]) -> str:
    """Press Ctrl-C, which reaches all its processes, as soon as `ready()`; what the program said."""
    try:
        wait_until(ready, process)
        began = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=DEAF)
        print(f"answered after {time.monotonic() - began:.2f} s")
        return str(said)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_evaluating(tmp_path, workers):
    network, suite = save(tmp_path), write_suite(tmp_path, LONG, images=250)
    results = tmp_path / "results"
    process = bench(tmp_path, "evaluate", network, "--suite", suite, "--results", results, "--workers", workers)
    said = interrupt_when(process, lambda: list((results / "records").rglob("*.safetensors")))
    assert_obeyed(process, said, tmp_path)
    assert len(list(results.rglob("*.safetensors"))) == 1
    assert benchmark.doctor(results=results, zoo=tmp_path) == []


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="sees child processes as Linux does")
def test_while_its_workers_start_up(tmp_path):
    network, suite = save(tmp_path), write_suite(tmp_path, LONG, images=250)
    process = bench(tmp_path, "evaluate", network, "--suite", suite, "--workers", 2)
    said = interrupt_when(process, lambda: len(children(process)) >= 2)
    assert_obeyed(process, said, tmp_path)


@pytest.mark.slow
def test_training(tmp_path):
    zoo = tmp_path / "zoo"
    state = zoo / ".state" / "long.pt"
    words = ("--method", "at", "--set", "epochs=100000", "validation.images=50", "--name", "long", "--out", zoo)
    process = bench(tmp_path, "train", *words)
    assert_obeyed(process, interrupt_when(process, state.exists), zoo)
    before = state.stat().st_mtime_ns
    resumed = bench(tmp_path, "train", *words, "--resume")
    assert_obeyed(resumed, interrupt_when(resumed, lambda: state.stat().st_mtime_ns > before), zoo)


@pytest.mark.slow
def test_working_on_a_paper(tmp_path):
    zoo = tmp_path / "zoo"
    process = bench(tmp_path, "paper", "mat", "--table", 5, "--dataset", "digits")
    said = interrupt_when(process, lambda: list(zoo.glob(".state/*.pt")))
    assert_obeyed(process, said, tmp_path)
    assert not [path for path in (tmp_path / "reports").rglob("*") if path.is_file()]


@pytest.mark.slow
@pytest.mark.parametrize("after", [0.2, 0.6, 1.2, 2.0])
def test_while_it_starts_up(tmp_path, after):
    process = bench(tmp_path, "evaluate", save(tmp_path), "--results", tmp_path / "results")
    time.sleep(after)
    interrupt_when(process, lambda: True)
    assert process.returncode in (130, -signal.SIGINT)


# At a certain write, whatever the machine is busy with.


@pytest.fixture
def at_write(monkeypatch) -> Callable[[int], None]:
    """Call it with n, and Ctrl-C is pressed right before the n-th file from then on gets its name; 0 for never."""
    real, state = os.replace, {"left": 0}

    def replace(*arguments):
        state["left"] -= 1
        if state["left"] == 0:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(storage.os, "replace", replace)
    return lambda number: state.update(left=number)


@pytest.fixture
def verbs(tmp_path, monkeypatch):
    """By verb: the words, the folder it fills, and what of its content may not differ."""
    monkeypatch.chdir(tmp_path)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    network, suite = save(tmp_path), write_suite(tmp_path, THREE_NORMS, images=20)
    for number in range(3):
        add_evaluation(tmp_path / "filled", f"network-{number}")
    settings = ["--set", *fault_runs.SETTINGS]
    pages = lambda folder: {name: content for name, (_, content) in fault_runs.whole_files(folder).items()}  # noqa: E731
    yield {
        "evaluate": (["evaluate", network, "--suite", suite, "--results"], fault_runs.ledger_content),
        "train": (["train", "--method", "at", "--resume", *settings, "--out"], fault_runs.networks),
        "report": (["report", "--results", "filled", "--out"], pages),
        "paper": (["paper", "toy.yaml", "--zoo", "zoo", "--results", "ledger", "--out"], pages),
    }
    torch.set_num_threads(before)


PAPER = """\
name: toy
title: Toy
source: nowhere
scales:
  other: {recipe: quick, preset: quick, images: 20, architecture: small-cnn}
runs:
  natural: {method: natural, settings: {epochs: 1}}
exhibits:
  "1":
    title: A network
    suite: smoke
    columns: [{label: Clean, metric: clean}, {label: linf, metric: linf}]
    rows: [{label: Nature, run: natural}]
"""


@pytest.mark.parametrize(
    ("verb", "writes"), [("evaluate", (2, 5)), ("train", (1, 3)), ("report", (1, 9)), ("paper", (2, 5))]
)
def test_at_any_write_nothing_is_half_there_and_the_next_run_ends_alike(
    tmp_path, verbs, at_write, capsys, verb, writes
):
    (tmp_path / "toy.yaml").write_text(PAPER)
    words, content = verbs[verb]

    def run(folder: str) -> int:
        with pytest.raises(SystemExit) as end:
            cli.main([*map(str, words), folder])
        return int(str(end.value.code or 0))

    for number in writes:
        at_write(number)
        assert run("interrupted") == 130
        assert capsys.readouterr().err.splitlines()[-1] == GO_ON
        assert not list(tmp_path.rglob("*.part"))
    at_write(0)
    assert run("interrupted") == 0
    assert run("whole") == 0
    assert content(tmp_path / "interrupted") == content(tmp_path / "whole")
