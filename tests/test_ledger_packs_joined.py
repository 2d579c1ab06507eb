"""Of records in one file those that may stand for each other are read as one, and no others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pack_toys import NETWORK, fill, names, record, with_classes

from benchmark.ledger import Record, packing
from benchmark.ledger.pack import read_pack
from benchmark.ledger.packing import pack, write_pack


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch):
    monkeypatch.setattr(packing, "LEAST", 4)


def alike(start: int, **told) -> Record:
    """A record in which nothing is odd, so that those of images in a row may be read as one."""
    plain = {"hardware": "a machine", "faults": {}, "changed_answers": 0, "warnings": [], "probe": None}
    return record(0, start, start + 10, **(plain | told))


def joined(folder, records: list[Record]) -> list[Record]:
    ledger, _ = fill(folder, attacks=1, images=10)
    path = packing.pack_path(ledger, NETWORK, [each.digest for each in records])
    write_pack(ledger, NETWORK, records)
    return [*read_pack(path).joined(0, len(records))]


def bounds(records: list[Record]) -> list[tuple[int, int]]:
    return [(each.key["data"]["start"], each.key["data"]["stop"]) for each in records]


def test_many_records_are_read_as_few(tmp_path):
    ledger, manifest = fill(tmp_path, images=200)
    pack(ledger, NETWORK, names(manifest))
    read = [len(ledger.together(NETWORK)(own)) for own in manifest["records"].values()]
    assert len(names(manifest)) == 80
    assert read[0] == 4  # another machine; faults; what is between and after
    assert read[2] == 20  # the network answered otherwise: of each shard it counts what all attacks saw


def test_the_one_says_what_the_many_said(tmp_path):
    records = [alike(start, date=f"2026-01-0{4 - start // 10}", seconds=1.5 + start) for start in (0, 10, 20)]
    (one,) = joined(tmp_path, records)
    assert bounds([one]) == [(0, 30)]
    assert one.info["seconds"] == 34.5
    assert one.info["forwards"] == 0 + 10 + 20
    assert one.info["date"] == "2026-01-04"
    assert one.broken.tolist() == np.concatenate([each.broken for each in records]).tolist()


def of(data: str, found: Record) -> Record:
    return replace(found, key={**found.key, "data": {**found.key["data"], "digest": data}})


PROBE = {"images": 5, "dead": 1, "uphill": 2}


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([alike(0), alike(20)], [(0, 10), (20, 30)]),
        ([alike(0), alike(20), alike(30, seconds=1.0, hardware="b")], [(0, 10), (20, 30), (30, 40)]),
        ([alike(0), of("another", alike(10))], [(0, 10), (10, 20)]),
        ([alike(0), of("another", alike(10)), alike(20, hardware="b")], [(0, 10), (10, 20), (20, 30)]),
        ([alike(0), alike(10, hardware="b"), alike(20, hardware="b")], [(0, 10), (10, 30)]),
        ([alike(0), alike(10), alike(20, faults={"a": 1}), alike(30)], [(0, 20), (20, 30), (30, 40)]),
        ([alike(0, faults={"a": 1}), alike(10, faults={"a": 1})], [(0, 10), (10, 20)]),
        ([alike(0, faults={"a": 1}), alike(10, faults={"a": 1}), alike(20)], [(0, 10), (10, 20), (20, 30)]),
        ([alike(0, changed_answers=1), alike(10), alike(20)], [(0, 10), (10, 30)]),
        ([alike(0, probe=PROBE), alike(10), alike(20)], [(0, 10), (10, 30)]),
        ([with_classes(alike(0), 10), with_classes(alike(10), 10), alike(20), alike(30)], [(0, 20), (20, 40)]),
    ],
    ids=[
        "a gap",
        "a gap, and another machine",
        "other data",
        "other data, and another machine",
        "another machine",
        "faults",
        "faults of all",
        "faults of some",
        "changed answers",
        "probed",
        "classes",
    ],
)
def test_what_was_made_otherwise_is_read_apart(records, expected, tmp_path):
    found = joined(tmp_path, records)
    assert bounds(found) == expected
    for name in ("broken", "adversarial_class", "wrong_share"):
        for one in found:
            start, stop = one.key["data"]["start"], one.key["data"]["stop"]
            own = [getattr(each, name) for each in records if start <= each.key["data"]["start"] < stop]
            whole = None if own[0] is None else np.concatenate(own).tolist()
            assert (None if getattr(one, name) is None else getattr(one, name).tolist()) == whole


def test_probes_of_all_are_counted_together(tmp_path):
    records = [alike(start, probe={"images": 5, "dead": 1, "uphill": start // 10}) for start in (0, 10)]
    (one,) = joined(tmp_path, records)
    assert one.info["probe"] == {"images": 10, "dead": 2, "uphill": 1}
