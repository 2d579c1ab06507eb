"""The whole registry on a second device: see `second_device.py`, `second_device_checks.py` and
`second_device_evaluations.py`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FILES = [HERE / "second_device_checks.py", HERE / "second_device_evaluations.py"]


@pytest.mark.parametrize("part", ["not slow", pytest.param("slow", marks=pytest.mark.slow)])
def test_everything_runs_on_a_second_device_and_finds_what_it_finds_on_the_cpu(part):
    """In a process of its own, since a device once registered stays."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-m", part, "-p", "no:cacheprovider", "-p", "no:xdist"]
    ran = subprocess.run([*command, *FILES], cwd=HERE.parent, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout[-8000:] + ran.stderr[-2000:]
