"""Records of a large evaluation in one file: the same numbers, each checked alone, and nothing lost on the way."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
from pack_toys import NETWORK, content, damage, fill, names, packs, plain, record, singles, whole, with_classes

import benchmark
from benchmark.errors import BadInput, Notice
from benchmark.evaluation.shipping import _kept
from benchmark.ledger import Ledger, packing
from benchmark.ledger.pack import check_whole, read_pack
from benchmark.ledger.pack_layout import packed
from benchmark.ledger.packing import pack
from benchmark.ledger.record import Damaged, read_record
from benchmark.storage import digest


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch):
    monkeypatch.setattr(packing, "LEAST", 4)


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


@pytest.mark.parametrize("start", [0, 10, 20])
def test_what_was_made_once_more_counts(ledger, start):
    ledger, manifest = ledger
    pack(ledger, NETWORK, names(manifest))
    again = record(0, start, start + 10, seconds=99.0, hardware="a third machine")
    ledger.write(again)
    pack(ledger, NETWORK, names(manifest))
    assert ledger.read(NETWORK, again.digest).info["seconds"] == 99
    assert whole(ledger.folder).outcomes[0].costs["seconds"] > 99


def test_what_is_made_once_more_while_it_is_packed_counts(ledger, monkeypatch):
    ledger, manifest = ledger
    again = record(0, 10, 20, seconds=99.0)
    writes = packing.write_pack

    def written_meanwhile(*given):
        writes(*given)
        ledger.write(again)

    monkeypatch.setattr(packing, "write_pack", written_meanwhile)
    pack(ledger, NETWORK, names(manifest))
    assert singles(ledger) == [ledger.place(again.key)]
    assert whole(ledger.folder).outcomes[0].costs["seconds"] > 99


@pytest.mark.parametrize(("most", "number"), [(40, 4), (29, 6), (5, 16)])
def test_what_does_not_go_into_one_file_goes_into_several(ledger, monkeypatch, most, number):
    """Each attack has records of 10, 10, 10 and 5 images; what is too large by itself has a file of its own."""
    ledger, manifest = ledger
    before = plain(whole(ledger.folder))
    monkeypatch.setattr(packing, "PACKED", most)
    pack(ledger, NETWORK, names(manifest))
    assert not singles(ledger)
    assert len(packs(ledger)) == number
    assert plain(whole(ledger.folder)) == before


def test_a_pack_of_another_network_is_not_taken_for_whole(ledger):
    """Also where it was read before."""
    ledger, manifest = ledger
    pack(ledger, NETWORK, names(manifest))
    (path,) = packs(ledger)
    check_whole(path)
    moved = path.parent.with_name("0" * 16) / path.name
    moved.parent.mkdir()
    path.rename(moved)
    assert read_pack(moved).is_sound
    with pytest.raises(Damaged, match="belongs to another network"):
        check_whole(moved)


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


def test_what_two_processes_made_at_once_is_packed_once(ledger):
    ledger, manifest = ledger
    pack(ledger, NETWORK, names(manifest))
    one, other = record(0, 0, 10), record(1, 10, 20)
    for twin in (one, other):  # by a process that began before the pack was there
        ledger.write(dataclasses.replace(twin, info=twin.info | {"seconds": 9.0, "date": "2026-01-03T00:00:00"}))
    ledger.write(dataclasses.replace(record(2, 0, 10), info=record(2, 0, 10).info | {"hardware": "a third machine"}))
    before = plain(whole(ledger.folder))
    pack(ledger, NETWORK, names(manifest))
    assert len(singles(ledger)) == 1  # it was made by other means
    assert len(packs(ledger)) == 1
    assert [each["broken"] for each in plain(whole(ledger.folder))["outcomes"]] == [
        each["broken"] for each in before["outcomes"]
    ]
