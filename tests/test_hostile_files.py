"""What strangers hand over runs nothing, allocates little, writes nowhere, and is refused in one sentence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import hostile
import pytest
from evaluation_toys import save, trained, write_suite

import benchmark
from benchmark.errors import MISTAKES, BadInput
from benchmark.evaluation import evaluate
from benchmark.ledger import Ledger

pytestmark = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="measures memory as Linux does")

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def opened(tmp_path_factory) -> dict[str, dict]:
    """Per file of the corpus, what came of opening it in a watched program."""
    folder, cache = tmp_path_factory.mktemp("hostile"), tmp_path_factory.mktemp("cache")
    hostile.make(folder)
    command = [sys.executable, str(ROOT / "tests" / "hostile.py"), str(folder), str(cache)]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "BENCHMARK_DATA": str(cache), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240, env=env)
    assert done.returncode == 0, done.stderr
    assert not list((folder / "mark").iterdir())
    return {line["file"]: line for line in map(json.loads, done.stdout.splitlines())}


def test_all_were_opened(opened):
    made, counts = (Counter(name.partition("/")[0] for name in names) for names in (hostile.CORPUS, opened))
    assert {f"checkpoint/{name}" for name in hostile.LONG} < opened.keys()
    for door in hostile.doors():
        every = made[hostile.BESIDE.get(door, door)] - len(hostile.LONG) * (hostile.BESIDE.get(door) == "checkpoint")
        assert counts[door] == -(-every // hostile.EVERY.get(door, 1)) > 0, door
    assert len(opened) >= 280


def test_each_is_refused_in_a_few_words(opened):
    kinds = ("BadInput", "Damaged", "LookupError", "FileNotFoundError")  # LookupError: noted as a ledger's problem
    for file, found in opened.items():
        kind, _, message = found["outcome"].partition(": ")
        assert kind in kinds, f"{file}: {found['outcome'][:300]}"
        lines = message.splitlines()  # one for each mistake
        assert len(lines) <= MISTAKES + 1, file
        assert len(message) > 10, file
        assert max(map(len, lines)) < 600, file
        assert "memory" not in message.lower(), f"{file} tried to allocate: {message}"


def test_nothing_was_run_connected_or_written(opened):
    assert {file: found["seen"] for file, found in opened.items() if found["seen"]} == {}


def test_memory_and_time_stay_within_bounds(opened):
    assert {file: found["bytes"] for file, found in opened.items() if found["bytes"] > hostile.BOUND} == {}
    assert {file: found["seconds"] for file, found in opened.items() if found["seconds"] > 30} == {}


NAMES = ["../../../evil", "/tmp/evil", "..", "a/b\\c", "\x1b[31mred", "<script>alert(1)</script>", "=1+1", "x" * 900]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_from_a_checkpoint_leads_nowhere(tmp_path, name, capsys):
    """Evaluated and reported under any name, nothing is written but in the two folders."""
    import dataclasses

    from benchmark.models import save_checkpoint

    home = tmp_path / "a" / "b" / "c"
    home.mkdir(parents=True)
    path = save_checkpoint(home / "stranger.pt", dataclasses.replace(trained(), name=name, method=name, network=name))
    suite = write_suite(home, "  - {attack: fgsm, norm: linf}\n", images=10)
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    (found,) = evaluate(path, suite=suite, results=home / "results", precision="fp32")
    page = benchmark.report(results=home / "results", out=home / "reports")
    written = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert all(path.is_relative_to(home / "results") or path.is_relative_to(home / "reports") for path in written)
    assert found.name == name
    assert "\x1b[31m" not in capsys.readouterr().err
    for page in (home / "reports").rglob("*.html"):
        assert "<script>alert" not in page.read_text()


def test_links_inside_a_results_folder_are_not_followed_when_writing(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    results = tmp_path / "results"
    Ledger.open(results, create=True)
    suite = write_suite(tmp_path, "  - {attack: fgsm, norm: linf}\n", images=10)
    for folder in ("records", "evaluations"):
        (results / folder).symlink_to(outside)
        with pytest.raises(BadInput, match="by a link"):
            evaluate(save(tmp_path), suite=suite, results=results, precision="fp32", progress=False)
        (results / folder).unlink()
    assert not list(outside.iterdir())


def test_a_linked_results_folder_as_a_whole_is_fine(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "results").symlink_to(tmp_path / "disk")
    suite = write_suite(tmp_path, "  - {attack: fgsm, norm: linf}\n", images=10)
    evaluate(save(tmp_path), suite=suite, results=tmp_path / "results", precision="fp32", progress=False)
    assert list((tmp_path / "disk" / "records").rglob("*.safetensors"))
