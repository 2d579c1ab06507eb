"""A few broken images of each attack are kept to be looked at, by a stated rule, and nothing depends on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from evaluation_toys import THREE_NORMS, save, write_suite

import benchmark
from benchmark import data
from benchmark.evaluation import evaluate, plan, trial_record
from benchmark.ledger import Evaluation, Ledger
from benchmark.ledger.sample_images import FEW, SampleImages


@pytest.fixture
def attacked(tmp_path: Path) -> tuple[Evaluation, Ledger]:
    """A network under three attacks, on two shards of images."""
    return attack(tmp_path)


def attack(folder: Path) -> tuple[Evaluation, Ledger]:
    with torch.random.fork_rng(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "SHARD", 40)
        suite = write_suite(folder, THREE_NORMS, 60)
        (evaluation,) = evaluate(
            save(folder), suite=suite, results=folder / "results", precision="fp32", progress=False
        )
    return evaluation, Ledger.open(folder / "results")


def found(evaluation: Evaluation, ledger: Ledger) -> list[list[SampleImages | None]]:
    """Per attack, the sample images of each of its records."""
    digest = evaluation.model["digest"]
    return [[ledger.sample_images(digest, name) for name in outcome.records] for outcome in evaluation.outcomes]


def test_the_first_that_each_attack_broke(attacked) -> None:
    evaluation, ledger = attacked
    test = data.load("digits").test
    network = benchmark.load_model(ledger.folder.parent / "toy.pt").model().eval()
    for outcome, (first, second) in zip(evaluation.outcomes, found(evaluation, ledger), strict=True):
        broken = np.flatnonzero((outcome.broken & ~evaluation.clean_errors)[:40])
        assert len(broken) > FEW
        assert first.positions.tolist() == broken[:FEW].tolist()
        assert second is None  # one record of each attack is enough
        x, y = test.batch(torch.from_numpy(first.positions))
        np.testing.assert_array_equal(first.clean, (255 * x).round().numpy())
        assert first.labels.tolist() == [str(label) for label in y.tolist()]
        x_adv = x + torch.from_numpy(first.change).float()
        assert first.predictions.tolist() == [str(label) for label in network(x_adv).argmax(1).tolist()]
        assert all(first.labels != first.predictions)
        size = np.abs(first.change).max((1, 2, 3)) if outcome.norm == "linf" else None
        assert size is None or size == pytest.approx(outcome.distance[first.positions], abs=1e-3)


def test_large_images_are_fewer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for room, expected in ((3 * 64 * 2, 2), (1, 1)):
        monkeypatch.setattr(trial_record, "ROOM", room)
        (tmp_path / str(room)).mkdir()
        for first, _ in found(*attack(tmp_path / str(room))):
            assert len(first.positions) == expected


def test_the_ledger_is_whole_without_them(attacked, tmp_path: Path) -> None:
    """Neither lost nor damaged ones make anything run again, and a damaged one is said."""
    evaluation, ledger = attacked
    lost, damaged, *whole = sorted((ledger.folder / "images").rglob("*.npz"))
    lost.unlink()
    content = damaged.read_bytes()
    damaged.write_bytes(content[: len(content) // 2])
    before = {path: path.stat().st_mtime_ns for path in ledger.folder.rglob("*") if path.is_file()}
    again, _ = attack(tmp_path)
    assert again.id == evaluation.id
    assert {path: path.stat().st_mtime_ns for path in ledger.folder.rglob("*") if path.is_file()} == before
    remaining = [first for first, _ in found(evaluation, ledger) if first]
    assert len(remaining) == len(whole) > 0
    assert [str(damaged) in problem for problem in ledger.problems] == [True]
    (tmp_path / "zoo").mkdir(exist_ok=True)
    (finding,) = benchmark.doctor(results=ledger.folder, zoo=tmp_path / "zoo")
    assert (finding.place, finding.action) == (str(damaged), "move")


@pytest.mark.parametrize(
    "change",
    [
        {"positions": np.zeros(2, np.int32)},
        {"labels": np.zeros(2, np.int64)},
        {"clean": np.zeros((2, 8, 8), np.uint8)},
        {"change": np.zeros((2, 1, 8, 9), np.float16)},
        {"predictions": np.array(["1"])},
    ],
    ids=lambda change: next(iter(change)),
)
def test_something_else_is_damaged(tmp_path: Path, change: dict) -> None:
    good = {
        "positions": np.arange(2),
        "labels": np.array(["1", "2"]),
        "predictions": np.array(["2", "1"]),
        "clean": np.zeros((2, 1, 8, 8), np.uint8),
        "change": np.zeros((2, 1, 8, 8), np.float16),
    }
    ledger = Ledger.open(tmp_path, create=True)
    ledger.write_sample_images("a", "b", SampleImages(**good))
    assert ledger.sample_images("a", "b").positions.tolist() == [0, 1]
    ledger.write_sample_images("a", "b", SampleImages(**{**good, **change}))
    assert ledger.sample_images("a", "b") is None
    assert len(ledger.problems) == 1
