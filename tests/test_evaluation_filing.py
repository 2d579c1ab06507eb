"""When an evaluation in the ledger is taken as finished, and when it is filed again."""

from __future__ import annotations

from pathlib import Path

import pytest
from evaluation_toys import evaluated, save, write_suite

import benchmark
from benchmark.errors import BadInput
from benchmark.evaluation import filing

ATTACKS = "  - {attack: fgsm, norm: linf}\n  - {attack: pgd, norm: linf, parameters: {steps: 1}}\n"


def records(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in (folder / "results/records").rglob("*.safetensors")}


def test_one_that_lacks_a_record_is_not_finished(tmp_path):
    evaluated(tmp_path, ATTACKS, images=20)
    before = {*records(tmp_path)}
    min(before).unlink()
    (found,) = evaluated(tmp_path, ATTACKS, images=20)
    assert all(outcome.complete for outcome in found.outcomes)
    assert {*records(tmp_path)} == before


def test_one_that_lacks_the_images_asked_for_is_not_finished(tmp_path):
    evaluated(tmp_path, ATTACKS, images=20)
    assert not [*tmp_path.glob("results/adversarials/*/*")]
    evaluated(tmp_path, ATTACKS, images=20, save_adversarial=True)
    assert len([*tmp_path.glob("results/adversarials/*/*")]) == 2


def test_one_of_another_margin_is_filed_again_from_the_same_records(tmp_path):
    evaluated(tmp_path, ATTACKS, images=20)
    before = records(tmp_path)
    suite = write_suite(tmp_path, ATTACKS, images=20)
    suite.write_text(suite.read_text() + "margin: 2.5\n")
    (found,) = benchmark.evaluate(
        save(tmp_path), suite=suite, results=tmp_path / "results", precision="fp32", progress=False
    )
    assert found.suite["margin"] == 2.5
    assert records(tmp_path) == before


def test_records_that_vanish_under_way_are_said_to(tmp_path, monkeypatch):
    files = filing.file_evaluation

    def file_and_lose(*given):
        files(*given)
        min(records(tmp_path)).unlink()

    monkeypatch.setattr(filing, "file_evaluation", file_and_lose)
    with pytest.raises(BadInput, match=r"1 records of toy vanished from .*; evaluate again"):
        evaluated(tmp_path, ATTACKS, images=20)
