"""perf/estimates.py adds each job as soon as it is done, and goes on where it was interrupted."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from benchmark.planning.estimate import Estimate, TimeEstimate
from benchmark.planning.jobs import Job, JobResult
from benchmark.planning.runner import JobRunner


@pytest.fixture
def estimates() -> Iterator[ModuleType]:
    path = Path(__file__).parents[1] / "perf" / "estimates.py"
    spec = importlib.util.spec_from_file_location("perf_estimates", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:  # its dataclasses are looked up there
        patch.setitem(sys.modules, "perf_estimates", module)
        spec.loader.exec_module(module)
        yield module


def test_what_was_measured_is_kept_and_not_measured_again(estimates, tmp_path: Path, monkeypatch) -> None:
    done: list[str] = []

    def do_all(self: JobRunner, jobs: list[Job]) -> Iterator[JobResult]:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.extend(job.what for job in jobs)
        return iter([JobResult(job) for job in jobs])

    monkeypatch.setattr(JobRunner, "do_all", do_all)
    monkeypatch.setattr(TimeEstimate, "estimate", lambda self, job: Estimate(1.0, ""))
    ticks = iter(range(1000))
    monkeypatch.setattr(estimates.time, "process_time", lambda: next(ticks))
    table = estimates.Table(tmp_path / "table.csv", "this machine")

    def measured() -> list[str]:
        found = []
        for each in estimates.jobs_timed(["mat:2:AT", "mat:2:TRADES"], tmp_path, table):
            table.add(each)
            found.append(each.job)
        return found

    with pytest.raises(KeyboardInterrupt):
        measured()
    lines = (tmp_path / "table.csv").read_text().splitlines()
    assert [line.split(",")[1] for line in lines[1:]] == done == ["train at", "evaluate at under white-box-linf"]
    assert lines[1] == "mat,train at,1.00,1.00,1.00,this machine"
    done.extend(["", ""])  # no third job is interrupted
    assert measured() == ["train trades", "evaluate trades under white-box-linf"]
    assert (tmp_path / "table.csv").read_text().splitlines()[:3] == lines
    assert measured() == []
    assert not estimates.Table(tmp_path / "table.csv", "another").has("mat", "train at")
