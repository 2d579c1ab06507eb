"""Writes that fail, files that vanish or rot, clocks that jump: one clear word, nothing half-written, then on."""

from __future__ import annotations

import contextlib
import datetime
import errno
import json
import os
import random
import shutil
import subprocess
import time
from pathlib import Path

import fault_runs
import pytest
from evaluation_toys import THREE_NORMS, save, write_suite

import benchmark
from benchmark import storage
from benchmark.analysis.aggregate import attack_accuracy, r_worst
from benchmark.errors import BadInput
from benchmark.evaluation import evaluate, plan
from benchmark.ledger import Ledger, load_results

pytestmark = pytest.mark.usefixtures("one_thread")

#: What may go wrong with a write: the call that fails, and how the system says so.
FAULTS = {
    "full disk": ("fsync", errno.ENOSPC),
    "quota": ("fsync", errno.EDQUOT),
    "read-only folder": ("make_part", errno.EROFS),
    "no permission": ("make_part", errno.EACCES),
    "the folder vanishes": ("replace", errno.ENOENT),
    "a stale file handle": ("replace", errno.ESTALE),
    "a broken disk": ("replace", errno.EIO),
}


class Faulty:
    """Lets the call number `position` (from 1) of one system call fail, and counts them all."""

    def __init__(self, monkeypatch, call: str, code: int) -> None:
        self.position, self.calls, self.code = 0, 0, code
        home = storage if call == "make_part" else storage.os
        self._real = getattr(home, call)
        monkeypatch.setattr(home, call, self)

    def __call__(self, *args, **kwargs):
        self.calls += 1
        if self.calls == self.position:
            raise OSError(self.code, os.strerror(self.code))
        return self._real(*args, **kwargs)

    def reset(self, position: int = 0) -> None:
        self.position, self.calls = position, 0


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Evaluates into the folder of that name; 13 writes: marker, records, evaluation."""
    monkeypatch.setattr(plan, "SHARD", 20)
    network, suite = save(tmp_path), write_suite(tmp_path, THREE_NORMS.split("  - {attack: pgd, norm: l1")[0])
    return lambda name: evaluate(
        network, suite=suite, results=tmp_path / name, precision="fp32", progress=name == "aloud"
    )


def only_whole_files(folder: Path) -> bool:
    return not [path for path in folder.rglob("*") if path.name.endswith(".part") or ".probe." in path.name]


@pytest.mark.parametrize("fault", ["full disk", "read-only folder", "the folder vanishes"])
@pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.slow)])
def test_each_write_of_an_evaluation_may_fail(run, tmp_path, monkeypatch, fault, step):
    run("whole")
    expected = fault_runs.ledger_content(tmp_path / "whole")
    faulty = Faulty(monkeypatch, *FAULTS[fault])
    run("counted")
    writes, failed = faulty.calls, 0
    assert writes >= 11
    for position in range(1, writes + 1, step):
        folder = tmp_path / f"results-{position}"
        faulty.reset(position)
        with pytest.raises(BadInput, match="can't write"):
            run(folder.name)
        failed += 1
        assert only_whole_files(folder)
        faulty.reset()
        run(folder.name)
        assert fault_runs.ledger_content(folder) == expected
        shutil.rmtree(folder)
    assert failed == len(range(1, writes + 1, step))


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_each_write_of_a_training_may_fail(tmp_path, monkeypatch, fault):
    fault_runs.train(tmp_path / "whole")
    expected = fault_runs.networks(tmp_path / "whole")
    faulty = Faulty(monkeypatch, *FAULTS[fault])
    fault_runs.train(tmp_path / "counted")
    assert faulty.calls >= 5  # three states, two checkpoints
    for position in range(1, faulty.calls + 1):
        folder = tmp_path / f"zoo-{position}"
        faulty.reset(position)
        with pytest.raises(BadInput, match="can't write"):
            fault_runs.train(folder)
        assert only_whole_files(folder)
        faulty.reset()
        fault_runs.train(folder)
        assert fault_runs.networks(folder) == expected


@pytest.mark.parametrize(
    ("fault", "step"),
    [
        ("quota", 1),
        ("a broken disk", 5),
        *(pytest.param(fault, 1, marks=pytest.mark.slow) for fault in ("no permission", "a broken disk")),
    ],
)
def test_each_write_of_a_report_may_fail(run, tmp_path, monkeypatch, fault, step):
    run("results")
    out = tmp_path / "reports"
    benchmark.report(results=tmp_path / "results", out=tmp_path / "whole")
    expected = {name: content for name, (_, content) in fault_runs.whole_files(tmp_path / "whole").items()}
    faulty = Faulty(monkeypatch, *FAULTS[fault])
    benchmark.report(results=tmp_path / "results", out=out)
    for position in range(1, faulty.calls + 1, step):
        faulty.reset(position)
        with pytest.raises(BadInput, match="can't write"):
            benchmark.report(results=tmp_path / "results", out=out)
        assert only_whole_files(out)
        found = {name: content for name, (_, content) in fault_runs.whole_files(out).items()}
        assert found.items() <= expected.items()


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 128 KiB, where one may be mounted; call it to make it larger."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(folder)]
    if os.name != "posix" or shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    yield folder, lambda size: subprocess.run(["mount", "-o", f"remount,size={size}", str(folder)], check=True)
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_is_really_full(run, tmp_path, small_disk):
    folder, enlarge = small_disk
    run("whole")
    (folder / "ballast").write_bytes(bytes(90 * 1024))
    (tmp_path / "results").symlink_to(folder)
    with pytest.raises(BadInput, match=r"can't write .*No space left"):
        run("results")
    assert only_whole_files(folder)
    enlarge("4m")
    run("results")
    assert fault_runs.ledger_content(folder) == fault_runs.ledger_content(tmp_path / "whole")


@pytest.mark.slow
def test_training_on_a_disk_that_is_really_full(tmp_path, small_disk):
    folder, enlarge = small_disk
    with pytest.raises(BadInput, match="No space left"):
        fault_runs.train(folder / "zoo")
    assert only_whole_files(folder)
    enlarge("16m")
    fault_runs.train(folder / "zoo")
    fault_runs.train(tmp_path / "whole")
    assert fault_runs.networks(folder / "zoo") == fault_runs.networks(tmp_path / "whole")


def test_a_disk_that_is_read_only(run, tmp_path, small_disk):
    folder, _ = small_disk
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    (tmp_path / "results").symlink_to(folder)
    with pytest.raises(BadInput, match=r"can't write to the folder .*Read-only"):
        run("results")


# Files that vanish or rot.


@pytest.mark.parametrize("rounds", [2, pytest.param(60, marks=pytest.mark.slow)])
def test_rotten_and_lost_records_are_found_named_and_made_again(run, tmp_path, capsys, rounds):
    run("aloud")
    expected = fault_runs.ledger_content(tmp_path / "aloud")
    draw = random.Random(rounds)
    for number in range(rounds):
        files = sorted((tmp_path / "aloud" / "records").rglob("*.safetensors"))
        rotten, lost = draw.sample(files, 2)
        untouched = {path: path.stat().st_mtime_ns for path in files if path not in (rotten, lost)}
        content = bytearray(rotten.read_bytes())
        # Every other time among the numbers at the end, which are few beside what is said about them.
        places = range(len(content))[-40 if number % 2 else None :]
        for position in draw.sample(places, draw.randrange(1, 4)):
            content[position] ^= 1 << draw.randrange(8)
        rotten.write_bytes(content)
        lost.unlink()
        capsys.readouterr()
        (found,) = load_results(tmp_path / "aloud")
        for outcome in found.outcomes:  # what they held is not averaged in
            hurt = {rotten.stem, lost.stem} & set(outcome.records)
            assert outcome.missing == len(hurt)
            assert (attack_accuracy(found, outcome.label) is None) == bool(hurt)
        assert r_worst(found) is None
        run("aloud")
        assert fault_runs.ledger_content(tmp_path / "aloud") == expected
        said = capsys.readouterr().err
        assert str(rotten) in said
        assert "recomputed" in said
        assert untouched == {path: path.stat().st_mtime_ns for path in untouched}


@pytest.mark.parametrize("count", [6, pytest.param(300, marks=pytest.mark.slow)])
def test_a_rotten_evaluation_is_found_named_and_filed_again(run, tmp_path, count):
    run("results")
    expected = fault_runs.ledger_content(tmp_path / "results")
    (path,) = (tmp_path / "results" / "evaluations").glob("*.json")
    whole, draw = path.read_bytes(), random.Random(count)
    for _ in range(count):
        content = bytearray(whole)
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        path.write_bytes(content)
        with contextlib.suppress(ValueError):
            if json.loads(content) == json.loads(whole):  # 1e-05 and 1E-05 are the same number
                continue
        ledger = Ledger.open(tmp_path / "results")
        assert ledger.evaluations() == []
        assert [problem.partition(": ")[0] for problem in ledger.problems] == [str(path)]
    run("results")
    assert fault_runs.ledger_content(tmp_path / "results") == expected


def test_a_rotten_marker_is_named_with_what_to_do(tmp_path):
    Ledger.open(tmp_path, create=True)
    path = tmp_path / "format.json"
    whole = path.read_bytes()
    for position in range(len(whole) - 1):  # a line end more or less is no harm
        for bit in range(8):
            content = bytearray(whole)
            content[position] ^= 1 << bit
            path.write_bytes(content)
            with pytest.raises(BadInput, match="another version"):
                Ledger.open(tmp_path)
    path.write_bytes(b"#" + whole[1:])
    with pytest.raises(BadInput, match=r"format\.json is damaged.* bench doctor --mend writes the file anew"):
        Ledger.open(tmp_path)


def test_a_checkpoint_that_vanishes_or_changes_meanwhile(run, tmp_path, monkeypatch):
    from benchmark.evaluation import ledger_task
    from benchmark.evaluation.target import forget

    def vanish(*args):
        (tmp_path / "toy.pt").unlink()
        forget()
        return real(*args)

    real = ledger_task.run_job
    monkeypatch.setattr(ledger_task, "run_job", vanish)
    with pytest.raises(BadInput, match="there is no checkpoint"):
        run("results")
    monkeypatch.setattr(ledger_task, "run_job", real)
    save(tmp_path)
    run("results")


@pytest.mark.parametrize("harm", ["rots", "vanishes"])
def test_an_evaluation_that_rots_or_vanishes_as_soon_as_it_is_written(run, tmp_path, monkeypatch, harm):
    real = Ledger.write_evaluation

    def write(ledger, manifest):
        real(ledger, manifest)
        (path,) = (ledger.folder / "evaluations").iterdir()
        path.unlink() if harm == "vanishes" else path.write_text(path.read_text().replace('"seed": 0', '"seed": 1'))

    monkeypatch.setattr(Ledger, "write_evaluation", write)
    reason = {"rots": ".*its checksum does not match", "vanishes": "the evaluation is gone"}[harm]
    with pytest.raises(BadInput, match=f"the results of toy were damaged as soon as written: {reason}"):
        run("results")
    monkeypatch.setattr(Ledger, "write_evaluation", real)
    run("results")
    (found,) = load_results(tmp_path / "results")
    assert not found.failures


def test_a_results_folder_that_vanishes_meanwhile(run, tmp_path, monkeypatch):
    run("whole")
    real, calls = Ledger.write, []

    def write(ledger, record):
        calls.append(record)
        if len(calls) == 3:
            shutil.rmtree(ledger.folder)
        return real(ledger, record)

    monkeypatch.setattr(Ledger, "write", write)
    with pytest.raises(BadInput, match=r"2 records of toy vanished from .*; evaluate again"):
        run("results")
    monkeypatch.setattr(Ledger, "write", real)
    run("results")
    assert fault_runs.ledger_content(tmp_path / "results") == fault_runs.ledger_content(tmp_path / "whole")


# Clocks.


@pytest.mark.parametrize("jump", [-40 * 365 * 86400, 10 * 365 * 86400])
def test_a_clock_that_jumps(run, tmp_path, monkeypatch, jump):
    run("whole")
    real, calls = time.time, []

    class Jumping(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            calls.append(tz)
            return datetime.datetime.fromtimestamp(real() + jump * (len(calls) % 3), tz)

    monkeypatch.setattr("benchmark.evaluation.meter.datetime.datetime", Jumping)
    monkeypatch.setattr(time, "time", lambda: real() + jump * (len(calls) % 2))
    run("results")
    assert len(calls) >= 9
    assert fault_runs.ledger_content(tmp_path / "results") == fault_runs.ledger_content(tmp_path / "whole")
    benchmark.report(results=tmp_path / "results", out=tmp_path / "reports")
    (tmp_path / "zoo").mkdir()
    assert benchmark.doctor(results=tmp_path / "results", zoo=tmp_path / "zoo") == []
