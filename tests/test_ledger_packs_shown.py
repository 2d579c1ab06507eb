"""`bench show` of what is packed: of a record by the path that reports name, and of the pack."""

from __future__ import annotations

import pytest
from pack_toys import NETWORK, fill, names, packs, record

import benchmark
from benchmark.errors import BadInput
from benchmark.ledger import packing
from benchmark.ledger.packing import pack


@pytest.fixture
def ledger(tmp_path, monkeypatch):
    monkeypatch.setattr(packing, "LEAST", 4)
    return fill(tmp_path / "results")


def test_a_packed_record_is_shown_by_the_path_that_it_had(ledger, monkeypatch):
    ledger, manifest = ledger
    path = ledger.place(record(0, 10, 20).key)
    shown = benchmark.show(path)
    pack(ledger, NETWORK, names(manifest))
    assert not path.exists()
    assert benchmark.show(path) == shown
    path.parent.mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(path.parent)
    assert benchmark.show(path.name) == shown


def test_a_pack_says_which_records_it_has(ledger):
    ledger, manifest = ledger
    pack(ledger, NETWORK, names(manifest))
    (path,) = packs(ledger)
    shown = benchmark.show(path)
    assert shown["network"] == NETWORK
    assert [each["record"] for each in shown["records"]] == names(manifest)
    assert shown["records"][1]["attack"] == record(0, 10, 20).key["attack"]
    assert (shown["records"][1]["start"], shown["records"][1]["stop"]) == (10, 20)


def test_what_is_not_there_or_damaged_is_said(ledger):
    ledger, manifest = ledger
    pack(ledger, NETWORK, names(manifest))
    (path,) = packs(ledger)
    with pytest.raises(BadInput, match=r"no record .*0000"):
        benchmark.show(ledger.path(NETWORK, "0" * 64))
    with pytest.raises(BadInput, match="no such file"):
        benchmark.show(path.with_name("other.safetensors"))
    data = bytearray(path.read_bytes())
    place = data.index(record(2, 20, 30).digest.encode())
    data[place] = ord("f") if data[place] != ord("f") else ord("e")
    path.write_bytes(data)
    with pytest.raises(BadInput, match=r"packs.*bench doctor --mend"):
        benchmark.show(path)
    with pytest.raises(BadInput, match=r"no record .*packs.*checksum does not match"):
        benchmark.show(ledger.place(record(2, 20, 30).key))
    assert benchmark.show(ledger.place(record(2, 0, 10).key))["record"] == record(2, 0, 10).digest
