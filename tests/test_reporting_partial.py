"""Leaderboards accept networks with fewer images beside the others: marked, and without a rank."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from evaluation_toys import save, trained, with_last_layer, write_suite

import benchmark
from benchmark.ledger import Ledger
from benchmark.reporting.leaderboards import leaderboards
from benchmark.reporting.partial import PartialTable, partial_tables

#: A suite that takes no time, and no two attacks of which are alike.
ATTACK = "  - {attack: fgsm, norm: linf, epsilon: 0.02}\n"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One network on all 60 images, two on random samples of them, one on the first 30."""
    folder = tmp_path_factory.mktemp("partial")
    suite = write_suite(folder, ATTACK, images=60)
    whole, few = (save(folder, replace(trained(), name="whole")), save(folder, with_last_layer("few", 1.0, 0.9)))
    one, other = (
        save(folder, with_last_layer(name, *by)) for name, by in {"one": (1.0, 0.8), "<b>": (0.0, 1.0)}.items()
    )
    options = {"suite": suite, "results": folder / "results", "precision": "fp32", "progress": False}
    benchmark.evaluate(whole, **options)
    benchmark.evaluate(few, n=30, **options)
    benchmark.decide([one, other], out=folder / "decision", margin=1, **options)
    return folder / "results"


def tables(results: Path) -> tuple[list[PartialTable], list[PartialTable]]:
    ledger = Ledger.open(results)
    return partial_tables(leaderboards(ledger.evaluations()), ledger.samples())


def test_networks_on_fewer_images_stand_below_the_leaderboard_of_all(results: Path) -> None:
    below, alone = tables(results)
    assert not alone
    found = {line.network: line for table in below for line in table.lines}
    assert set(found) == {"few", "one", "<b>"}
    assert found["few"].which == "30 of 60, the first ones"
    assert found["one"].which.endswith("of 60, drawn at random")
    assert found["one"].value > found["<b>"].value
    assert all(line.low <= line.value <= line.high for line in found.values())
    board = next(board for board in leaderboards(Ledger.open(results).evaluations()) if board.images == 60)
    assert [entry.name for entry in board.entries] == ["whole"]


def test_without_a_leaderboard_samples_have_a_table_of_their_own(results: Path) -> None:
    below, (table,) = partial_tables([], Ledger.open(results).samples())
    assert not below
    assert table.title == "digits under toy (standard), 60 images"
    assert {line.network for line in table.lines} == {"one", "<b>"}


def test_other_attacks_are_another_question(results: Path) -> None:
    ledger = Ledger.open(results)
    other = [replace(sample, suite={**sample.suite, "items": []}) for sample in ledger.samples()]
    below, alone = partial_tables(leaderboards(ledger.evaluations()), other)
    assert {line.network for table in below for line in table.lines} == {"few"}
    assert len(alone) == 1


def test_the_page_marks_them_and_escapes_their_names(results: Path, tmp_path: Path) -> None:
    page = benchmark.report(results=results, out=tmp_path).read_text()
    assert "drawn at random" in page
    assert "30 of 60, the first ones" in page
    assert "&lt;b&gt;" in page
    assert "<b></th>" not in page
