"""Records of a large evaluation in one file: the same numbers, each checked alone, and nothing lost on the way."""

from __future__ import annotations

import dataclasses
import json
import os
import random
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save

import benchmark
from benchmark.checkup import Finding, doctor
from benchmark.errors import BadInput, Notice
from benchmark.evaluation.shipping import _kept
from benchmark.ledger import Ledger, Record, packing
from benchmark.ledger.classes import NONE
from benchmark.ledger.evaluation import Evaluation
from benchmark.ledger.pack import read_pack
from benchmark.ledger.pack_layout import packed, total
from benchmark.ledger.packing import pack
from benchmark.ledger.predictions import UNKNOWN, fitting
from benchmark.ledger.record import FORMAT, RULES, Damaged, checksum, read_record, written
from benchmark.ledger.schema import suite_digest
from benchmark.storage import digest

NETWORK, SHARD = digest("a network"), 10


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch):
    monkeypatch.setattr(packing, "LEAST", 4)


def item(number: int) -> dict:
    return {
        "label": f"attack-{number}",
        "attack": {"name": "pgd", "version": 1, "number": number},
        "norm": ("linf", "l2")[number % 2],
        "epsilon": 0.5,
        "restarts": 1,
        "kind": ("fixed-budget", "minimum-norm")[number % 2],
        "source": "own",
        "paper": "",
    }


def record(number: int, start: int, stop: int, **told) -> Record:
    """What one attack found on some images: oddities here and there, as attacks have them."""
    draw = np.random.default_rng([number, start])
    images = stop - start
    wrong = np.random.default_rng(start).random(images) < 0.2
    broken = wrong | (draw.random(images) < 0.5)
    silent = broken & (draw.random(images) < 0.3) if (number, start) == (1, 10) else np.zeros(images, bool)
    info = {
        **dict.fromkeys(("forwards", "backwards", "dead_gradients", "disagreements", "attacked"), start + number),
        "seconds": draw.random(),
        "error": None,
        "faults": {"outside the ball": 2} if start == 20 else {},
        "hardware": "a machine" if start else "another machine",
        "date": f"2026-01-02T00:00:{start:02}",
        "changed_answers": int(number == 2),
        "warnings": ['ä\n"{}'] if number == 0 else [],
        "probe": {"images": 5, "dead": 1, "uphill": start % 3} if number == 1 else None,
    }
    return Record(
        key={
            "network": NETWORK,
            "data": {"digest": "d", "start": start, "stop": stop},
            "attack": item(number)["attack"],
            "handed": None if number else digest(start),
        },
        broken=broken,
        distance=np.where(wrong, 0, np.where(broken, draw.random(images), np.inf)).astype(np.float32),
        evaluated=~silent | wrong,
        clean_errors=wrong,
        no_answer=silent,
        wrong_share=draw.random(images).astype(np.float32) if number == 3 and start else None,
        info=info | told,
    )


def fill(folder: Path, attacks: int = 4, images: int = 35) -> tuple[Ledger, dict]:
    """A ledger of one evaluation, in single files."""
    ledger = Ledger.open(folder, create=True)
    items = [item(number) for number in range(attacks)]
    records: dict[str, list[str]] = {}
    for number, each in enumerate(items):
        for start in range(0, images, SHARD):
            found = record(number, start, min(start + SHARD, images))
            ledger.write(found)
            records.setdefault(each["label"], []).append(found.digest)
    suite = {"name": "s", "preset": "standard", "items": items}
    manifest = {
        "format": FORMAT,
        "id": digest(["evaluation", attacks]),
        "model": {
            "name": "net",
            "method": "at",
            "network": "",
            "architecture": "a",
            "dataset": "x",
            "digest": NETWORK,
        },
        "suite": {**suite, "digest": suite_digest(suite, images)},
        "dataset": {"name": "x", "digest": "d", "images": images},
        "mode": "complete",
        "seed": 0,
        "precision": "fp32",
        "rules": RULES,
        "notes": [],
        "records": records,
    }
    ledger.write_evaluation(manifest)
    return ledger, manifest


def names(manifest: dict) -> list[str]:
    return [name for own in manifest["records"].values() for name in own]


def content(record: Record) -> tuple[str, str]:
    text, arrays = written(record)
    return text, checksum(text, arrays)


def singles(ledger: Ledger) -> list[Path]:
    return sorted(ledger.folder.glob("records/*/*.safetensors"))


def packs(ledger: Ledger) -> list[Path]:
    return sorted(ledger.folder.glob("packs/*/*.safetensors"))


def plain(value):
    """An evaluation as values that can be compared with ==."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.tobytes()
    if dataclasses.is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {name: round(each, 9) if isinstance(each, float) else plain(each) for name, each in value.items()}
    return value


def damage(folder: Path, **options) -> list[Finding]:
    """What the doctor finds, besides what attacks did wrong."""
    return [found for found in doctor(results=folder, **options) if "were rejected" not in found.problem]


def whole(folder: Path) -> Evaluation:
    ledger = Ledger.open(folder)
    (found,) = ledger.evaluations()
    assert not ledger.problems
    assert not any(outcome.missing for outcome in found.outcomes)
    return found


@pytest.fixture
def ledger(tmp_path) -> tuple[Ledger, dict]:
    return fill(tmp_path / "results")


def test_packed_records_say_what_the_single_ones_said(ledger):
    ledger, manifest = ledger
    before = plain(whole(ledger.folder))
    alone = {name: content(ledger.read(NETWORK, name)) for name in names(manifest)}
    pack(ledger, NETWORK, names(manifest))
    assert not singles(ledger)
    assert len(packs(ledger)) == 1
    assert plain(whole(ledger.folder)) == before
    assert {name: content(ledger.read(NETWORK, name)) for name in names(manifest)} == alone
    key = record(0, 0, 10).key
    assert content(ledger.find(key)) == alone[digest(key)]
    ((place, sent),) = _kept(ledger, key)
    assert place == ledger.place(key)
    place.write_bytes(sent)
    assert content(read_record(place)) == alone[digest(key)]
    place.unlink()
    assert ledger.read(NETWORK, "0" * 64) is None
    assert damage(ledger.folder) == []


def test_many_records_are_read_as_few(tmp_path):
    ledger, manifest = fill(tmp_path, images=200)
    pack(ledger, NETWORK, names(manifest))
    read = [len(ledger.together(NETWORK)(own)) for own in manifest["records"].values()]
    assert len(names(manifest)) == 80
    assert read[0] == 4  # another machine; faults; what is between and after
    assert read[2] == 20  # the network answered otherwise: of each shard it counts what all attacks saw


def test_small_evaluations_and_failed_attacks_stay_as_they_are(ledger, monkeypatch):
    ledger, manifest = ledger
    monkeypatch.setattr(packing, "LEAST", 100)
    pack(ledger, NETWORK, names(manifest))
    assert not packs(ledger)
    monkeypatch.setattr(packing, "LEAST", 4)
    failed = record(0, 0, 10, error="it raised")
    ledger.write(failed)
    pack(ledger, NETWORK, names(manifest))
    assert singles(ledger) == [ledger.place(failed.key)]
    with pytest.raises(BadInput, match="failed"):
        packed([failed])
    ledger.write(record(0, 0, 10))  # it was run again
    pack(ledger, NETWORK, names(manifest))
    assert not singles(ledger)
    ledger.write(failed)  # by another process, which began before that
    assert ledger.read(NETWORK, failed.digest).error is None
    pack(ledger, NETWORK, names(manifest))
    assert not singles(ledger)
    whole(ledger.folder)


def test_a_further_attack_makes_a_further_pack(tmp_path):
    ledger, manifest = fill(tmp_path)
    pack(ledger, NETWORK, names(manifest))
    before = packs(ledger)
    _, more = fill(tmp_path, attacks=5)
    for path in singles(ledger)[:-1]:  # what is there already is not made again
        if path.stem in names(manifest):
            path.unlink()
    pack(ledger, NETWORK, names(more))
    assert not singles(ledger)
    (added,) = set(packs(ledger)) - set(before)
    assert len(read_pack(added).names) == 4
    assert [len(found.outcomes) for found in Ledger.open(tmp_path).evaluations()] == [4, 5]


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


def test_the_doctor_saves_what_is_whole(ledger):
    ledger, manifest = ledger
    pack(ledger, NETWORK, names(manifest))
    (path,) = packs(ledger)
    data = bytearray(path.read_bytes())
    data[data.index(record(2, 20, 30).digest.encode()) + 3] ^= 1
    path.write_bytes(data)
    (finding,) = [each for each in damage(ledger.folder, mend=True) if each.action]
    assert finding.mended
    assert len(singles(ledger)) == 15
    ledger.write(record(2, 20, 30))
    pack(ledger, NETWORK, names(manifest))
    assert not singles(ledger)
    whole(ledger.folder)
    assert damage(ledger.folder) == []


class Killed(BaseException):
    pass


@pytest.mark.parametrize("step", range(24))
def test_nothing_is_lost_wherever_it_is_killed(ledger, monkeypatch, step):
    """Killed before each thing that is done to the folder; then another process goes on."""
    ledger, manifest = ledger
    before, left = plain(whole(ledger.folder)), step

    def dying(act):
        def instead(*arguments, **options):
            nonlocal left
            if left == 0:
                raise Killed
            left -= 1
            return act(*arguments, **options)

        return instead

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", dying(os.replace))
        patch.setattr(os, "fsync", dying(os.fsync))
        patch.setattr(Path, "unlink", dying(Path.unlink))
        try:
            pack(ledger, NETWORK, names(manifest))
        except Killed:
            assert left == 0
    assert plain(whole(ledger.folder)) == before
    pack(Ledger.open(ledger.folder), NETWORK, names(manifest))
    assert plain(whole(ledger.folder)) == before
    assert not singles(ledger)
    assert len(packs(ledger)) == 1


def test_a_reader_sees_no_hole_while_records_are_packed(ledger, monkeypatch):
    """At each step of the one who packs, a reader that began to look before it."""
    ledger, manifest = ledger
    before, looked = plain(whole(ledger.folder)), []
    reading = Ledger.read

    def packs_meanwhile(self, network, name):
        if not looked:
            looked.append(name)
            pack(Ledger(ledger.folder), NETWORK, names(manifest))
        return reading(self, network, name)

    monkeypatch.setattr(Ledger, "read", packs_meanwhile)
    assert plain(whole(ledger.folder)) == before
    assert looked
    assert not singles(ledger)


def test_where_it_cant_be_packed_all_stays(ledger, monkeypatch):
    ledger, manifest = ledger
    before = plain(whole(ledger.folder))

    def full(*arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        with pytest.warns(Notice, match=r"stay in files of their own: .*No space left"):
            pack(ledger, NETWORK, names(manifest))
    assert len(singles(ledger)) == 16
    assert plain(whole(ledger.folder)) == before


def test_what_was_made_once_more_counts(ledger):
    ledger, manifest = ledger
    pack(ledger, NETWORK, names(manifest))
    again = record(0, 0, 10, seconds=99.0)
    ledger.write(again)
    pack(ledger, NETWORK, names(manifest))
    assert ledger.read(NETWORK, again.digest).info["seconds"] == 99
    assert whole(ledger.folder).outcomes[0].costs["seconds"] > 99


def test_folders_merge_however_their_records_lie(tmp_path):
    (single, manifest), (other, _), (third, _) = (fill(tmp_path / name) for name in "abc")
    before = plain(whole(single.folder))
    pack(other, NETWORK, names(manifest))
    pack(third, NETWORK, names(manifest)[:8])
    for number, folders in enumerate((("a",), ("a", "b"), ("b", "a"), ("c", "b"), ("b", "c"), ("a", "c", "b"))):
        into = tmp_path / str(number)
        merged = benchmark.merge([tmp_path / name for name in folders], into=into)
        assert (merged.records, merged.evaluations) == (16, 1), folders
        assert plain(whole(into)) == before
        assert not singles(Ledger(into))
        assert damage(into) == []
    assert benchmark.merge([tmp_path / "b"], into=tmp_path / "a").records == 16
    assert plain(whole(tmp_path / "a")) == before
    lie = record(0, 0, 10)
    lie = dataclasses.replace(lie, broken=~lie.broken | lie.clean_errors)
    liar, _ = fill(tmp_path / "liar")
    liar.write(lie)
    for packs_too in (False, True):
        if packs_too:
            pack(liar, NETWORK, names(manifest))
        for folders in (("b", "liar"), ("liar", "b")):
            with pytest.raises(BadInput, match="say different things of one attack: broken"):
                benchmark.merge([tmp_path / name for name in folders], into=tmp_path / "refused")
    assert not (tmp_path / "refused").exists()


def test_an_earlier_version_refuses_a_folder_with_packs(ledger):
    ledger, manifest = ledger
    marker = ledger.folder / "format.json"
    assert '"version":1}' in marker.read_text()
    pack(ledger, NETWORK, names(manifest))
    assert '"version":2}' in marker.read_text()
    marker.write_text("{")
    assert damage(ledger.folder, mend=True)[0].mended
    assert '"version":2}' in marker.read_text()
    whole(ledger.folder)


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


def with_classes(found: Record, count: int) -> Record:
    """The same of a network with so many classes, which knows what it predicts."""
    clean = np.where(found.clean_errors, NONE, count - 1)
    adversarial = np.where(found.evaluated, np.where(found.broken & ~found.clean_errors, 0, clean), UNKNOWN)
    told = {"clean_class": clean, "adversarial_class": adversarial}
    return dataclasses.replace(found, **{name: fitting(own, count) for name, own in told.items()})


@pytest.mark.parametrize("count", [10, 1000])
@pytest.mark.parametrize("is_old", [lambda place: False, lambda place: place % 3 == 0], ids=["all", "some"])
def test_predicted_classes_are_packed_too(count, is_old, tmp_path):
    ledger, manifest = fill(tmp_path)
    for place, path in enumerate(singles(ledger)):
        if not is_old(place):
            ledger.write(with_classes(read_record(path), count))
    alone, before = {path.stem: read_record(path) for path in singles(ledger)}, plain(whole(tmp_path))
    pack(ledger, NETWORK, names(manifest))
    assert not singles(ledger)
    for name, found in alone.items():
        again = ledger.read(NETWORK, name)
        for own in ("clean_class", "adversarial_class"):
            assert np.array_equal(getattr(again, own), getattr(found, own))
    assert plain(whole(tmp_path)) == before
