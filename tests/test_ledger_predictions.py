"""Records know which class the network predicts, in a byte for each image; older ones don't, and stay readable."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from synthetic import add_evaluation
from test_evaluation_ledger import make_record

from benchmark.errors import BadInput, Notice
from benchmark.ledger import Ledger, load_results, read_record
from benchmark.ledger.classes import NONE
from benchmark.ledger.merge import merge
from benchmark.ledger.predictions import UNKNOWN, fitting, packed, unpacked
from benchmark.ledger.record import Damaged, write_record

CLASSES = {
    "clean_class": fitting(np.array([3, 1, 2, 0, NONE]), 10),
    "adversarial_class": fitting(np.array([3, 1, NONE, 7, UNKNOWN]), 10),
}


@given(st.lists(st.integers(UNKNOWN, 2**32 - 3), max_size=9))
def test_what_is_packed_is_unpacked(classes):
    found = fitting(np.array(classes, np.int64), max([*classes, 0]) + 1)
    again = unpacked(packed(found))
    assert again.tolist() == classes
    assert again.dtype == found.dtype


@pytest.mark.parametrize(("count", "bytes_"), [(2, 1), (254, 1), (255, 2), (1000, 2), (65_534, 2), (65_535, 4)])
def test_a_class_takes_a_byte_and_more_only_where_there_are_many(count, bytes_):
    """By how many there may be, not by which occur: so that all records of a network are alike."""
    classes = np.array([count - 1, 0, NONE, UNKNOWN])
    assert packed(fitting(classes, count)).itemsize == packed(fitting(classes[1:], count)).itemsize == bytes_


@pytest.mark.parametrize(
    "classes", [np.array([-3]), np.array([254], np.int16), np.array([2**32 - 2]), np.array([0.0])]
)
def test_what_is_no_class_is_not_packed(classes):
    with pytest.raises(ValueError, match="predicted class"):
        packed(classes)


def test_a_record_keeps_classes_under_the_same_name(tmp_path):
    old, new = make_record(), replace(make_record(), **CLASSES)
    assert new.digest == old.digest
    path = tmp_path / f"{new.digest}.safetensors"
    write_record(path, new)
    again = read_record(path)
    for name, classes in CLASSES.items():
        assert getattr(again, name).tolist() == classes.tolist()
    with safe_open(path, "np") as file:
        assert {file.get_tensor(name).dtype for name in CLASSES} == {np.dtype(np.uint8)}


def test_a_record_without_classes_says_so(tmp_path):
    path = tmp_path / f"{make_record().digest}.safetensors"
    write_record(path, make_record())
    again = read_record(path)
    assert again.clean_class is None
    assert again.adversarial_class is None


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        ({"adversarial_class": None}, "some classes of its images only"),
        ({"clean_class": np.array([3, 1, 2, 0, UNKNOWN])}, "no predicted class"),
        ({"clean_class": np.array([3, 1])}, r"classes are int64 \[2\] for 5 images"),
    ],
)
def test_classes_that_make_no_sense_are_refused(classes, said, tmp_path):
    record = replace(make_record(), **{**CLASSES, **classes})
    with pytest.raises(BadInput, match=said):
        write_record(tmp_path / f"{record.digest}.safetensors", record)


def test_a_record_may_be_made_of_what_is_stored():
    stored = {name: packed(classes) for name, classes in CLASSES.items()}
    made = replace(make_record(), **stored)
    for name, classes in CLASSES.items():
        assert getattr(made, name).tolist() == classes.tolist()


def test_a_changed_class_is_found(tmp_path):
    record = replace(make_record(), **CLASSES)
    path = tmp_path / f"{record.digest}.safetensors"
    write_record(path, record)
    content = path.read_bytes()
    packed_classes = packed(CLASSES["adversarial_class"]).tobytes()
    assert content.count(packed_classes) == 1
    path.write_bytes(
        content.replace(packed_classes, packed(fitting(np.array([3, 1, NONE, 8, UNKNOWN]), 10)).tobytes())
    )
    with pytest.raises(Damaged, match="checksum"):
        read_record(path)


# Put together.

NAMES = {"names": ["cat", "dog", "eel"], "labels": "0 1 2 0 1 2", "answers": "1 1 2 0 1 2"}
ATTACKS = [("pgd", "linf", 0.1, "fixed-budget", (1, 1, 0, 0, 0, float("nan")))]


def rewritten(results, change):
    """The evaluation once its single record is changed."""
    ledger = Ledger.open(results)
    path = next((results / "records").rglob("*.safetensors"))
    write_record(path, change(read_record(path)))
    return load_results(ledger.folder)


def test_an_evaluation_has_the_classes_of_its_records(tmp_path):
    add_evaluation(tmp_path, "at", ATTACKS, (1, 0, 0, 0, 0, 0), classes=NAMES)
    (old,) = load_results(tmp_path)
    assert old.outcomes[0].adversarial_class is None
    assert old.clean_class.tolist() == [1, 1, 2, 0, 1, 2]  # which the manifest knew before records did
    adversarial = np.array([1, 2, 2, 0, 1, UNKNOWN])
    classes = {"clean_class": np.array([1, 1, 2, 0, 1, 2]), "adversarial_class": adversarial}
    (new,) = rewritten(tmp_path, lambda record: replace(record, **classes))
    assert new.outcomes[0].adversarial_class.tolist() == adversarial.tolist()
    assert new.id == old.id


def test_a_class_that_there_is_not_leaves_an_evaluation_out(tmp_path):
    add_evaluation(tmp_path, "at", ATTACKS, (1, 0, 0, 0, 0, 0), classes=NAMES)
    classes = {"clean_class": np.array([1, 1, 2, 0, 1, 2]), "adversarial_class": np.array([1, 3, 2, 0, 1, 2])}
    with pytest.warns(Notice, match="class 3 of 3"):
        assert rewritten(tmp_path, lambda record: replace(record, **classes)) == []


# Merged.


@pytest.mark.parametrize("order", [("old", "new"), ("new", "old")])
def test_a_merge_takes_the_record_that_knows_the_classes(order, tmp_path):
    for name in order:
        record = make_record() if name == "old" else replace(make_record(), **CLASSES)
        Ledger.open(tmp_path / name, create=True).write(record)
    merge([tmp_path / name for name in order], tmp_path / "both")
    (path,) = (tmp_path / "both").rglob("*.safetensors")
    assert read_record(path).adversarial_class.tolist() == CLASSES["adversarial_class"].tolist()


def test_records_that_disagree_about_a_class_are_not_merged(tmp_path):
    for name, classes in (("one", [3, 1, NONE, 7, UNKNOWN]), ("two", [3, 1, 5, 7, UNKNOWN])):
        record = replace(make_record(), **{**CLASSES, "adversarial_class": np.array(classes)})
        Ledger.open(tmp_path / name, create=True).write(record)
    with pytest.raises(BadInput, match="different things of one attack: adversarial_class"):
        merge([tmp_path / "one", tmp_path / "two"], tmp_path / "both")
    assert not (tmp_path / "both").exists()
