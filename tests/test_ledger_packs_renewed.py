"""What packed records learn later, predicted classes above all, is kept: in a folder, and where it is merged."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pack_toys import NETWORK, content, fill, names, packs, plain, record, singles, whole, with_classes
from safetensors import safe_open

import benchmark
from benchmark.checkup import doctor
from benchmark.errors import Notice
from benchmark.ledger import Ledger, packing
from benchmark.ledger import pack as reading
from benchmark.ledger.packing import pack


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch):
    monkeypatch.setattr(packing, "LEAST", 4)


def learn(folder: Path, some: Iterable[str]) -> None:
    """As `bench evaluate --add-classes` does: a file for each record that learns the classes."""
    ledger = Ledger(folder)
    for name in some:
        ledger.write(with_classes(ledger.read(NETWORK, name), 10))


def classes_known(folder: Path) -> bool:
    return all(outcome.knows_classes for outcome in whole(folder).outcomes)


def test_a_pack_of_which_all_was_made_once_more_is_written_anew(tmp_path):
    ledger, manifest = fill(tmp_path)
    pack(ledger, NETWORK, names(manifest))
    before = packs(ledger)
    learn(tmp_path, names(manifest))
    right = {name: content(ledger.read(NETWORK, name)) for name in names(manifest)}
    pack(ledger, NETWORK, names(manifest))
    assert not singles(ledger)
    assert packs(ledger) == before
    assert {name: content(ledger.read(NETWORK, name)) for name in right} == right
    assert classes_known(tmp_path)


def test_a_pack_of_which_some_was_made_once_more_stays(tmp_path):
    ledger, manifest = fill(tmp_path)
    pack(ledger, NETWORK, names(manifest))
    (before,) = packs(ledger)
    written = before.read_bytes()
    learn(tmp_path, names(manifest)[1:])
    pack(ledger, NETWORK, names(manifest))
    assert (len(singles(ledger)), before.read_bytes()) == (15, written)
    learn(tmp_path, names(manifest)[:1])
    ledger.place(record(0, 0, 10).key).write_bytes(b"damaged meanwhile")
    pack(ledger, NETWORK, names(manifest))
    assert (len(singles(ledger)), before.read_bytes()) == (16, written)


def test_a_pack_that_somebody_called_otherwise_stays_and_the_files_count(tmp_path):
    ledger, manifest = fill(tmp_path)
    pack(ledger, NETWORK, names(manifest))
    (before,) = packs(ledger)
    before.rename(before.with_name("0.safetensors"))
    learn(tmp_path, names(manifest))
    pack(ledger, NETWORK, names(manifest))
    assert classes_known(tmp_path)


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> Path:
    """Results folders of the same records: which of them know classes, and which are packed, their names say."""
    top = tmp_path_factory.mktemp("folders")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "LEAST", 4)
        for folder in ("old-packed", "old-single", "new-single", "new-packed", "learnt", "even", "odd"):
            ledger, manifest = fill(top / folder)
            own = names(manifest)
            if folder.startswith("new"):
                learn(top / folder, own)
            if folder == "odd":
                learn(top / folder, own[1::2])
            if folder not in ("old-single", "new-single"):
                pack(ledger, NETWORK, own[:8] if folder == "odd" else own)
            if folder in ("learnt", "even"):
                learn(top / folder, own[:: 2 if folder == "even" else 1])
    return top


@pytest.mark.parametrize(
    "merged",
    [
        ("old-packed", "new-single"),
        ("old-packed", "new-packed"),
        ("old-single", "new-packed"),
        ("old-packed", "learnt"),
        ("learnt",),
        ("even", "odd"),
        ("odd", "new-packed"),
    ],
)
def test_a_merge_loses_no_class_however_the_records_lie(merged, folders, tmp_path):
    for number, order in enumerate(dict.fromkeys((merged, merged[::-1]))):
        into = tmp_path / str(number)
        found = benchmark.merge([folders / name for name in order], into=into)
        assert (found.records, found.evaluations) == (16, 1)
        assert classes_known(into)
        assert not [each for each in doctor(results=into) if each.action]


@pytest.mark.parametrize("old", ["old-packed", "old-single", "even"])
@pytest.mark.parametrize("new", ["new-packed", "new-single", "learnt"])
def test_what_is_added_to_a_folder_teaches_it_the_classes(old, new, folders, tmp_path):
    shutil.copytree(folders / old, tmp_path / "results")
    found = benchmark.merge([folders / new], into=tmp_path / "results")
    assert found.records == 16
    assert classes_known(tmp_path / "results")


def test_a_file_counts_in_a_merge_for_the_pack_of_its_own_folder_alone(tmp_path):
    """What another folder's record tells, and no more, gives way to what is packed already."""
    (packed, manifest), (other, _) = fill(tmp_path / "packed"), fill(tmp_path / "other")
    pack(packed, NETWORK, names(manifest))
    again = record(0, 10, 20, seconds=99.0, hardware="a third machine")
    other.write(again)

    def seconds(*folders: str) -> float:
        into = tmp_path / "-".join(folders)
        benchmark.merge([tmp_path / folder for folder in folders], into=into)
        return whole(into).outcomes[0].costs["seconds"]

    assert seconds("packed", "other") < 99
    assert seconds("other", "packed") < 99
    packed.write(again)
    assert seconds("packed", "packed") > 99


@pytest.mark.parametrize("folders", [("packed",), ("packed", "other"), ("other", "packed")])
def test_a_failure_gives_way_in_a_merge_to_what_is_packed(folders, tmp_path):
    (packed, manifest), (other, _) = fill(tmp_path / "packed"), fill(tmp_path / "other")
    before = plain(whole(packed.folder))
    pack(packed, NETWORK, names(manifest))
    found = record(0, 10, 20, error="it raised")
    distance = np.where(found.clean_errors, np.float32(0), np.float32(np.inf))
    failed = replace(found, broken=found.clean_errors, distance=distance, no_answer=found.no_answer & False)
    for ledger in (packed, other):
        ledger.write(with_classes(failed, 10))  # though it tells more, as of a later version
    benchmark.merge([tmp_path / folder for folder in folders], into=tmp_path / "merged")
    assert plain(whole(tmp_path / "merged")) == before


def test_a_merge_knows_packs_by_what_is_in_them(folders, tmp_path):
    """Two packs under one name, as somebody may have called them, are two."""
    for folder, own in (("one", slice(0, 8)), ("two", slice(8, 16))):
        ledger, manifest = fill(tmp_path / folder)
        pack(ledger, NETWORK, names(manifest)[own])
        (path,) = packs(ledger)
        path.rename(path.with_name("pack.safetensors"))
        for left in singles(ledger):
            left.unlink()
    benchmark.merge([tmp_path / "one", tmp_path / "two"], into=tmp_path / "both")
    whole(tmp_path / "both")


def test_classes_that_take_different_room_are_not_packed_together(tmp_path):
    ledger, manifest = fill(tmp_path)
    for start, classes in ((0, 10), (10, 1000)):
        ledger.write(with_classes(record(0, start, start + 10), classes))
    with pytest.warns(Notice, match="16 records .* stay in files of their own: .*_class is uint"):
        pack(ledger, NETWORK, names(manifest))
    assert len(singles(ledger)) == 16
    whole(tmp_path)


def test_packs_are_not_read_again_for_each_record(tmp_path, monkeypatch):
    """Also where a network has more of them than are kept in memory."""
    ledger, manifest = fill(tmp_path, attacks=8)
    for start in range(0, 32, 4):
        pack(ledger, NETWORK, names(manifest)[start : start + 4])
    assert len(packs(ledger)) == 8
    read = []
    monkeypatch.setattr(reading, "safe_open", lambda path, kind: read.append(path) or safe_open(path, kind))
    assert all(ledger.read(NETWORK, name) for name in names(manifest))
    assert ledger.read(NETWORK, "0" * 64) is None
    assert len(read) <= 2 * 8
    learn(tmp_path, names(manifest)[:4])
    pack(ledger, NETWORK, names(manifest)[:4])  # another file under the name of one that is known
    assert ledger.read(NETWORK, names(manifest)[0]).adversarial_class is not None
