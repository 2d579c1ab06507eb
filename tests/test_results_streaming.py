"""What a ledger says of each image, a piece at a time."""

from __future__ import annotations

import importlib.util
import sys
import tracemalloc
from pathlib import Path

import pack_toys
import pandas as pd
import pytest
from pack_toys import NETWORK, fill, names, with_classes

import benchmark
from benchmark import checkup
from benchmark.analysis.frames import tidy
from benchmark.errors import BadInput
from benchmark.ledger import Ledger
from benchmark.ledger.packing import pack

has_pyarrow = importlib.util.find_spec("pyarrow") is not None


@pytest.fixture
def results(tmp_path) -> Path:
    ledger, manifest = fill(tmp_path / "results")
    fill(tmp_path / "results", attacks=3)
    pack(ledger, NETWORK, names(manifest) * 30)
    return tmp_path / "results"


def test_pieces_are_all_of_it(results):
    table = benchmark.results.load(results)
    pieces = [*table.examples()]
    assert len(pieces) == len(table) == 7
    pd.testing.assert_frame_equal(pd.concat(pieces, ignore_index=True), benchmark.results.examples(results))
    pd.testing.assert_frame_equal(pd.DataFrame(table), tidy(Ledger.open(results).evaluations()))
    assert type(table[table["norm"] == "l2"]) is pd.DataFrame


@pytest.mark.skipif(not has_pyarrow, reason="pyarrow is optional")
@pytest.mark.parametrize("seed", [3, 2**64 - 1])
def test_parquet_holds_the_same_rows(results, tmp_path, seed):
    ledger = Ledger.open(results)
    _, manifest = fill(results)
    ledger.write_evaluation(manifest | {"seed": seed})
    path = benchmark.results.load(results).examples().to_parquet(tmp_path / "new/images.parquet")
    whole = benchmark.results.examples(results)
    pd.testing.assert_frame_equal(pd.read_parquet(path), whole, check_dtype=False)
    benchmark.report(results=results, out=tmp_path / "tables", format="parquet")
    again = pd.read_parquet(tmp_path / "tables/examples.parquet")
    assert len(again) == len(whole)


def test_without_pyarrow_nothing_is_written(results, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BadInput, match="pip install pyarrow"):
        benchmark.results.load(results).examples().to_parquet(tmp_path / "images.parquet")
    assert not (tmp_path / "images.parquet").exists()


def test_memory_does_not_grow_with_the_ledger(tmp_path, monkeypatch):
    monkeypatch.setattr(pack_toys, "SHARD", 20_000)
    ledger, manifest = fill(tmp_path, attacks=2, images=40_000)

    def peak(evaluations: int) -> int:
        for number in range(1, evaluations):
            ledger.write_evaluation(manifest | {"id": f"{number:016}{0:048}"})
        tracemalloc.start()
        rows = sum(len(piece) for piece in benchmark.results.load(tmp_path).examples())
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert rows == 80_000 * evaluations
        return found

    few, many = peak(2), peak(8)
    assert many < 1.5 * few


def test_the_doctor_holds_one_evaluation_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(pack_toys, "SHARD", 20_000)
    ledger, manifest = fill(tmp_path, attacks=2, images=40_000)

    def peak(evaluations: int) -> int:
        for number in range(1, evaluations):
            ledger.write_evaluation(manifest | {"id": f"{number:016}{0:048}"})
        tracemalloc.start()
        checkup.doctor(results=tmp_path)
        checkup.lacking(results=tmp_path)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    few, many = peak(2), peak(8)
    assert many < 1.5 * few


def test_classes_take_no_more_room_in_memory_than_they_need(tmp_path):
    ledger, manifest = fill(tmp_path, images=20)
    for name in names(manifest):
        ledger.write(with_classes(ledger.read(NETWORK, name), 10))
    (found,) = ledger.evaluations()
    assert {outcome.adversarial_class.itemsize for outcome in found.outcomes} == {2}


def test_networks_that_are_filed_meanwhile_are_called_by_their_names(results):
    pieces = benchmark.results.load(results).examples()
    ledger = Ledger.open(results)
    _, manifest = fill(results)
    ledger.write_evaluation(manifest | {"id": "0" * 64, "model": manifest["model"] | {"name": "new"}})
    assert {piece["model"][0] for piece in pieces} == {"net", "new"}
