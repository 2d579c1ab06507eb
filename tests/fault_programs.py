"""Programs at something that would take them hours, to be stopped in one way or another."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import benchmark

#: Seconds after which a program counts as deaf; what it is at takes far longer.
DEAF = 60

LONG = "  - {attack: fgsm, norm: linf}\n  - {attack: pgd, norm: linf, restarts: 500, parameters: {steps: 50000}}\n"

GO_ON = "bench: interrupted; rerun the same command to resume (bench train: with --resume)"


def bench(tmp_path: Path, *words: object) -> subprocess.Popen:
    """A program in a session of its own, as a terminal would start it."""
    root = str(Path(benchmark.__file__).parents[1])
    env = {**os.environ, "PYTHONPATH": root, "OMP_NUM_THREADS": "1", "COLUMNS": "100"}
    command = [sys.executable, "-m", "benchmark", *map(str, words)]
    return subprocess.Popen(
        command,
        cwd=tmp_path,
        env=env,
        text=True,
        stdout=-1,
        stderr=-1,
        start_new_session=True,
    )


def children(process: subprocess.Popen) -> list[str]:
    return Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()


def wait_until(ready: Callable[[], object], process: subprocess.Popen) -> None:
    """Wait as long as a busy machine may need for a living `process` to get `ready()`."""
    deadline = time.monotonic() + 4 * DEAF
    while not ready():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "it did not get to work"
        time.sleep(0.05)


def assert_obeyed(process: subprocess.Popen, said: str, folder: Path) -> None:
    assert process.returncode == 130
    assert said.splitlines()[-1] == GO_ON
    assert "Traceback" not in said
    assert not list(folder.rglob("*.part"))
