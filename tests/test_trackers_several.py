"""Trainings side by side: what each of them logs, in the process that trains it."""

from __future__ import annotations

from inspect import signature
from pathlib import Path
from typing import Any

import pytest

import benchmark
from benchmark.errors import BadInput
from benchmark.training import several
from benchmark.training.request import make_plan

pytestmark = [pytest.mark.usefixtures("one_thread")]

SHORT = {"epochs": 1, "batch_size": 512, "validation.images": 40, "validation.steps": 1, "threats.linf.steps": 1}


def test_trainings_side_by_side_take_whatever_a_single_one_takes():
    """What only says how a run is made is told from what the plan needs: an option of neither would be an error."""
    own = {*signature(several.train_several).parameters, *several._MEANS}
    assert set(signature(benchmark.train).parameters) <= {*signature(make_plan).parameters, *own}
    with pytest.raises(BadInput, match="unknown tracker"):
        several.train_several(["natural", "at"], workers=2, log="wandbb")


@pytest.mark.slow
def test_trainings_side_by_side_are_logged_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tracker of a file of one's own, in the processes that train."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(
        "class Own:\n"
        "    def __init__(self, run):\n"
        "        self.path = run.folder.parent / f'{run.name}.txt'\n"
        "    def log(self, values, step):\n"
        "        self.path.write_text(f'{step}')\n"
        "    def summary(self, values): ...\n"
        "    def close(self): ...\n"
    )
    given: dict[str, Any] = {"out": tmp_path / "zoo", "set": SHORT, "progress": False, "workers": 2}
    seeds = (0, 1)
    benchmark.train_several("at", seeds, log="own.py:Own", trust_remote_code=True, **given)
    assert {path.read_text() for path in (tmp_path / "zoo/runs").glob("*.txt")} == {"1"}
    assert len(list((tmp_path / "zoo/runs").glob("*.txt"))) == 2
