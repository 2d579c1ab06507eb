"""An evaluation knows the class of each image and what the network answers, and says where that spoils accuracies."""

from __future__ import annotations

import json

import numpy as np
import pytest
from evaluation_toys import evaluated, save, trained, with_last_layer, write_suite
from hypothesis import given
from hypothesis import strategies as st
from synthetic import add_evaluation

import benchmark
from benchmark.data import load
from benchmark.errors import BadInput
from benchmark.ledger import Ledger, load_results
from benchmark.ledger.classes import NONE, Classes, class_warnings, read_classes
from benchmark.storage import digest

FGSM = "  - {attack: fgsm, norm: linf}\n"


def made(labels, answers, names=("cat", "dog", "eel")):
    return Classes(tuple(names), np.asarray(labels), np.asarray(answers))


def ask(folder, *networks, **options):
    return evaluated(folder, FGSM, list(networks), **options)


def rewrite(manifest_path, change):
    manifest = json.loads(manifest_path.read_text(encoding="utf-8"))
    manifest.pop("sha256")
    change(manifest)
    manifest_path.write_text(json.dumps({"sha256": digest(manifest), **manifest}), encoding="utf-8")


# What is filed.


@pytest.fixture(scope="module")
def filed(tmp_path_factory):
    """A folder with results of a good network and of one that always gives the same answer."""
    folder = tmp_path_factory.mktemp("classes")
    constant = with_last_layer("constant", 0.0, 1.0)
    return folder, *ask(folder, save(folder), save(folder, constant))


def test_labels_and_answers_are_those_of_the_images_and_of_the_network(filed):
    _, good, _ = filed
    x, y = load("digits").test.batch(slice(0, 60))
    assert good.classes.names == tuple("0123456789")
    assert good.classes.labels.tolist() == y.tolist()
    assert good.classes.answers.tolist() == trained().model()(x).argmax(1).tolist()
    assert ((good.classes.labels != good.classes.answers) == good.clean_errors).all()
    (again, _) = load_results(filed[0] / "results")[::-1]
    assert again.classes.answers.tolist() == good.classes.answers.tolist()


def test_a_network_that_always_gives_one_answer_is_said_to(filed):
    _, good, constant = filed
    assert not any("answers" in warning for warning in good.warnings)
    (said,) = (warning for warning in constant.warnings if "go by balanced accuracy" in warning)
    (answer,) = set(constant.classes.answers.tolist())
    others = int((constant.classes.labels != answer).sum())
    assert said.startswith(
        f"the network answers {answer} for 60 of 60 images without attack, and for {others} of the"
    )


def test_it_is_said_before_the_attacks(tmp_path, capsys):
    ask(tmp_path, save(tmp_path, with_last_layer("constant", 0.0, 1.0)), progress=True)
    lines = capsys.readouterr().err.splitlines()
    said = next(place for place, line in enumerate(lines) if "go by balanced accuracy" in line)
    assert said < next(place for place, line in enumerate(lines) if line.startswith("[1/1]"))


def test_results_of_older_versions_are_read_and_learn_the_classes_from_no_new_attack(filed, tmp_path):
    folder = tmp_path / "old"
    (first,) = ask(folder.parent, save(tmp_path), results=folder)
    (path,) = (folder / "evaluations").iterdir()
    rewrite(path, lambda manifest: manifest.pop("classes"))
    records = {each: each.stat().st_mtime_ns for each in folder.rglob("*.safetensors")}
    (old,) = load_results(folder)
    assert old.classes is None
    assert old.clean_errors.tolist() == first.clean_errors.tolist()
    assert benchmark.report(results=folder, out=tmp_path / "out").is_file()
    (new,) = ask(tmp_path, tmp_path / "toy.pt", results=folder)
    assert new.classes.labels.tolist() == first.classes.labels.tolist()
    assert new.id == old.id
    assert {each: each.stat().st_mtime_ns for each in folder.rglob("*.safetensors")} == records


def test_what_is_carried_over_knows_them_too(tmp_path):
    suite = write_suite(tmp_path, FGSM, images=30)
    paths = [save(tmp_path), save(tmp_path, with_last_layer("constant", 0.0, 1.0))]
    found = benchmark.transfer(paths, suite=suite, results=tmp_path / "results", precision="fp32", progress=False)
    assert {pair.name: len(set(pair.classes.answers.tolist())) > 1 for pair in found} == {
        "toy": True,
        "constant": False,
    }


# What is said.


@pytest.mark.parametrize(
    ("labels", "answers", "constant"),
    [
        ([0] * 60 + [1] * 3, [0] * 63, 0),  # whatever it is shown
        ([0] * 60 + [1] * 3, [0] * 61 + [1] * 2, None),  # as often, and rightly so
        ([0] * 60 + [1] * 3, [0] * 60 + [1] * 3, None),
        ([0, 1, 2] * 20, [2] * 60, 2),
        ([0, 1, 2] * 20, [2] * 58 + [0] * 2, 2),
        ([0, 1, 2] * 20, [2] * 55 + [0] * 5, None),
        ([0] * 20, [0] * 20, None),  # of one class only: nobody can tell
        ([0, 1] * 10, [NONE] * 20, None),
    ],
)
def test_one_answer_nearly_always(labels, answers, constant):
    found = made(labels, answers)
    assert found.constant == constant
    assert any("without attack" in warning for warning in class_warnings(found)) == (constant is not None)


def test_images_of_one_class_are_said_to_be():
    (said,) = class_warnings(made([1] * 5, [1] * 5))
    assert said.startswith(
        "all 5 images are of one class, dog: a network that always answers it would be right on all"
    )
    assert class_warnings(None) == []


# What is read.


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(NONE, 2)), min_size=1))
def test_what_is_written_is_read(pairs):
    found = made(*zip(*pairs, strict=True))
    again = read_classes(json.loads(json.dumps(found.written())))
    assert (again.names, again.labels.tolist(), again.answers.tolist()) == (
        found.names, found.labels.tolist(), found.answers.tolist(),
    )  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"labels": "0 1 2 0 1 3"}, {"labels": "0 1 2 0 1 -1"}, {"answers": "0 1 2 0 1 -2"}, {"answers": "0 1 2 0 1"},
        {"labels": "0 1 2 0 1 x"}, {"labels": ""}, {"labels": "0  1 2 0 1 2"}, {"names": []}, {"names": ["a", "b"]},
        {"labels": "0 1", "answers": "0 1"}, {"labels": "9" * 30}, {"labels": [0, 1, 2, 0, 1, 2]},
    ],
)  # fmt: skip
def test_classes_that_make_no_sense_are_damage(tmp_path, change):
    told = {"names": ["cat", "dog", "eel"], "labels": "0 1 2 0 1 2", "answers": "0 1 2 -1 1 2"}
    add_evaluation(tmp_path, classes=told)
    assert Ledger.open(tmp_path).evaluations()[0].classes is not None
    with pytest.raises(BadInput, match="could not be read again"):  # what would be refused on reading is not written
        add_evaluation(tmp_path, classes=told | change)
    (path,) = (tmp_path / "evaluations").iterdir()
    content = json.loads(path.read_text())
    content.pop("sha256")
    content["classes"] |= change
    path.write_text(json.dumps({"sha256": digest(content), **content}))
    ledger = Ledger.open(tmp_path)
    assert ledger.evaluations() == []
    assert "it is inconsistent (classes" in ledger.problems[0] or "images are not told" in ledger.problems[0]
