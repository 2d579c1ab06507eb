"""Packs that are damaged or forged: it is found, and costs no record that is whole."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from pack_toys import NETWORK, content, damage, fill, names, packs, plain, record, singles, whole
from safetensors import safe_open
from safetensors.numpy import save

import benchmark
from benchmark.errors import BadInput, Notice
from benchmark.ledger import Ledger, packing
from benchmark.ledger.pack import read_pack
from benchmark.ledger.pack_layout import total
from benchmark.ledger.packing import pack
from benchmark.ledger.record import Damaged


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch):
    monkeypatch.setattr(packing, "LEAST", 4)


@pytest.fixture
def ledger(tmp_path) -> tuple[Ledger, dict]:
    return fill(tmp_path / "results")


def test_each_flipped_bit_is_found_and_costs_no_other_record(ledger):
    ledger, manifest = ledger
    right = {name: content(ledger.read(NETWORK, name)) for name in names(manifest)}
    pack(ledger, NETWORK, names(manifest))
    (path,) = packs(ledger)
    data = path.read_bytes()
    head = 8 + int.from_bytes(data[:8], "little")
    draw = random.Random(0)
    places = [*draw.sample(range(head), 12), *draw.sample(range(head, len(data)), 30)]
    for place in places:
        flipped = bytearray(data)
        flipped[place] ^= 1 << draw.randrange(8)
        path.write_bytes(flipped)
        again = Ledger(ledger.folder)
        found = {name: again.read(NETWORK, name) for name in right}
        lost = [name for name, each in found.items() if each is None]
        assert all(content(each) == right[name] for name, each in found.items() if each is not None)
        if place >= head:
            assert len(lost) <= 2  # where one ends is where the next one begins
        try:
            is_whole = read_pack(path).is_sound
        except Damaged:
            is_whole = False
        if lost or not is_whole:
            assert again.problems
            assert any("packs" in finding.place for finding in damage(ledger.folder)), place
        for evaluation in Ledger(ledger.folder).evaluations():
            assert sum(outcome.missing for outcome in evaluation.outcomes) == len(lost)


def damage_record(path: Path, word: str) -> None:
    """Change one letter of this word: of what a record is called, or of its checksum."""
    data = bytearray(path.read_bytes())
    data[data.index(word.encode()) + 3] ^= 1
    path.write_bytes(data)


def test_the_doctor_saves_what_is_whole(ledger):
    ledger, manifest = ledger
    pack(ledger, NETWORK, names(manifest))
    (path,) = packs(ledger)
    damage_record(path, record(2, 20, 30).digest)
    (finding,) = [each for each in damage(ledger.folder, mend=True) if each.action]
    assert finding.mended
    assert len(singles(ledger)) == 15
    ledger.write(record(2, 20, 30))
    pack(ledger, NETWORK, names(manifest))
    assert not singles(ledger)
    whole(ledger.folder)
    assert damage(ledger.folder) == []


def test_the_doctor_leaves_what_was_made_once_more(ledger):
    ledger, manifest = ledger
    pack(ledger, NETWORK, names(manifest))
    (path,) = packs(ledger)
    again = record(0, 0, 10, seconds=99.0)
    ledger.write(again)
    damage_record(path, record(2, 20, 30).digest)
    damage(ledger.folder, mend=True)
    assert ledger.read(NETWORK, again.digest).info["seconds"] == 99


def test_records_that_were_made_again_are_packed_beside_a_damaged_pack(ledger):
    ledger, manifest = ledger
    before = plain(whole(ledger.folder))
    made = [ledger.read(NETWORK, name) for name in names(manifest)]
    pack(ledger, NETWORK, names(manifest))
    (path,) = packs(ledger)
    damage_record(path, content(record(2, 20, 30))[1])
    for each in made:
        ledger.write(each)
    pack(ledger, NETWORK, names(manifest))
    assert not singles(ledger)
    (found,) = Ledger(ledger.folder).evaluations()
    assert plain(found) == before


def test_what_the_disk_garbles_takes_no_records_place(ledger, monkeypatch):
    ledger, manifest = ledger
    before, writes = plain(whole(ledger.folder)), packing.write_atomic

    def garbled(path, content):
        writes(path, content[:-1] + bytes([content[-1] ^ 1]))

    monkeypatch.setattr(packing, "write_atomic", garbled)
    with pytest.warns(Notice, match="stay in files of their own: .* not written as it should be"):
        pack(ledger, NETWORK, names(manifest))
    assert len(singles(ledger)) == 16
    (found,) = Ledger(ledger.folder).evaluations()
    assert plain(found) == before


def texts(arrays, told, old: bytes, new: bytes):
    """Another text of the same length in place of one."""
    assert old in arrays["texts"].tobytes()
    arrays["texts"] = np.frombuffer(arrays["texts"].tobytes().replace(old, new.ljust(len(old))), np.uint8)


LIES = {
    "a negative distance": lambda arrays, told: arrays["distance"].__setitem__(3, -1),
    "distances in float64": lambda arrays, told: arrays.update(distance=arrays["distance"].astype(np.float64)),
    "fewer images": lambda arrays, told: arrays.update(broken=arrays["broken"][:-1]),
    "an unknown array": lambda arrays, told: arrays.update(more=arrays["broken"]),
    "no names": lambda arrays, told: arrays.pop("names"),
    "ends that fall": lambda arrays, told: arrays["ends"].__setitem__(0, 30),
    "ends beyond the file": lambda arrays, told: arrays["ends"].__setitem__(-1, 2**40),
    "a group too few": lambda arrays, told: told["groups"].pop(),
    "a group of nothing": lambda arrays, told: told["groups"].append({**told["groups"][-1], "first": 16}),
    "bounds in words": lambda arrays, told: told["groups"][0].update(first="0"),
    "another version": lambda arrays, told: told.update(version=2),
    "a deep nest": lambda arrays, told: told["groups"][0]["key"].update(attack=eval("[" * 90 + "]" * 90)),
    "seconds below zero": lambda arrays, told: texts(arrays, told, b'"forwards":20', b'"forwards":-1'),
    "a text in place of a number": lambda arrays, told: texts(arrays, told, b'"forwards":20', b'"forwards":""'),
    "images of another place": lambda arrays, told: texts(arrays, told, b'"stop":20', b'"stop":99'),
    "no JSON": lambda arrays, told: texts(arrays, told, b'"stop":20', b'"stop"}20'),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_pack_that_lies_is_refused(ledger, lie):
    """Its checksum is that of the lie: whoever forges a file computes it anew."""
    ledger, manifest = ledger
    pack(ledger, NETWORK, names(manifest))
    (path,) = packs(ledger)
    with safe_open(path, "np") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        told = json.loads(file.metadata()["pack"])
    LIES[lie](arrays, told)
    text = json.dumps(told)
    path.write_bytes(save(arrays, {"pack": text, "sha256": total(text, arrays)}))
    with pytest.raises(Damaged, match="packs"):
        read_pack(path)
    assert Ledger(ledger.folder).evaluations() == []
    assert any("packs" in finding.place for finding in damage(ledger.folder))
    with pytest.raises(BadInput, match="nothing was merged"):
        benchmark.merge([ledger.folder], into=ledger.folder.parent / "other")
