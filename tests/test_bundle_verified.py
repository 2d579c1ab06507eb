"""A bundle that was read: what is found out about it, and what is said to be unknown."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bundle_toys import bundled, content, with_bundles
from command_line import bench
from evaluation_toys import save, with_last_layer
from synthetic import add_evaluation

import benchmark
from benchmark.errors import BadInput
from benchmark.ledger import Ledger
from benchmark.ledger.answers import read_known, write_known
from benchmark.ledger.bundle_file import CLAIM
from benchmark.ledger.manifests import filed, read_manifest
from benchmark.ledger.record import read_record
from benchmark.ledger.stored_adversarials import (
    StoredAdversarials,
    read_stored_adversarials,
    write_stored_adversarials,
)
from benchmark.sharing.claim import claimed_row
from benchmark.sharing.verify import _stored
from benchmark.storage import digest

pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.filterwarnings("ignore::benchmark.errors.Notice")]


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    return with_bundles(tmp_path_factory.mktemp("made"))


def test_verify_says_what_was_checked_and_what_was_not(made, capsys):
    code, out, err = bench(capsys, "verify", made / "plain.zip")
    assert (code, err) == (0, "")
    assert "checked: 1 claimed row, over 30 images: computed anew from the records" in out
    assert "not checked: whether 'toy' answers on any image as the records say: name its checkpoint" in out
    assert "no adversarial images are in the bundle" in out
    assert "not checked: what pages tell of the network beside its weights" in out
    assert "not checked: what records tell beside verdicts" in out
    code, out, _ = bench(capsys, "verify", made / "images.zip")
    assert code == 0
    assert "fool the network and lie within the radius: name its checkpoint" in out


@pytest.mark.parametrize("way", [(), ("--checkpoint",)])
def test_with_the_checkpoint_the_images_are_run_through_the_network(made, capsys, way):
    code, out, err = bench(capsys, "verify", made / "images.zip", *way, made / "toy.pt")
    assert (code, err) == (0, "")
    assert "adversarial images of" in out
    assert "were run through the network in float32" in out
    assert "fool the network" not in out


def test_weights_in_a_bundle_are_taken_where_no_checkpoint_is_named(made, tmp_path):
    path = benchmark.bundle(made / "results", "toy", out=tmp_path / "w.zip", weights=made / "toy.pt", images=True)
    found = benchmark.verify_bundle(path)
    assert found.rechecks
    assert not found.problems


def test_what_is_no_adversarial_image_is_found_with_the_network(made, tmp_path):
    """Stored images that fool nobody, under right checksums."""
    files = content(made / "images.zip")
    name = next(name for name in sorted(files) if name.startswith("adversarials/"))
    path = tmp_path / "x.npz"
    path.write_bytes(files[name])
    kept = read_stored_adversarials(path)
    write_stored_adversarials(path, StoredAdversarials(kept.rows, np.zeros_like(kept.images)))
    forged = bundled(tmp_path / "forged.zip", {**files, name: path.read_bytes()})
    assert not benchmark.verify_bundle(forged).problems, "their values lie in [0, 1]: only the network tells"
    found = benchmark.verify_bundle(forged, made / "toy.pt")
    assert any("not adversarial at the recorded distance" in problem for problem in found.problems)
    write_stored_adversarials(path, StoredAdversarials(kept.rows, kept.images + 2))
    forged = bundled(tmp_path / "outside.zip", {**files, name: path.read_bytes()})
    assert any("outside of [0, 1]" in problem for problem in benchmark.verify_bundle(forged).problems)


def test_another_network_is_told_from_the_one_that_was_attacked(made, tmp_path):
    other = save(tmp_path, with_last_layer("other", 2.0, 1.0))
    with pytest.raises(BadInput, match=r"images\.zip has no evaluation of"):
        benchmark.verify_bundle(made / "images.zip", other)


def test_a_row_that_the_records_do_not_come_to(made, tmp_path, capsys):
    files = content(made / "plain.zip")
    rows = json.loads(files[CLAIM])["rows"]
    rows[0]["rworst"]["value"] += 0.1
    forged = bundled(tmp_path / "better.zip", files, rows=rows)
    code, out, err = bench(capsys, "verify", forged)
    assert code == 1
    assert "rworst value is claimed to be" in err
    assert "the records come to" in err
    assert "contradictions were found" in out
    rows[0]["rworst"]["value"] -= 0.1 - 1e-6
    assert benchmark.verify_bundle(bundled(tmp_path / "a-little.zip", files, rows=rows)).problems
    rows[0]["rworst"] = None
    assert benchmark.verify_bundle(bundled(tmp_path / "none.zip", files, rows=rows)).problems
    assert benchmark.verify_bundle(bundled(tmp_path / "no-row.zip", files, rows=[])).problems


def test_what_is_said_in_words_contradicts_nothing_and_is_told(made, tmp_path):
    files = content(made / "plain.zip")
    rows = json.loads(files[CLAIM])["rows"]
    rows[0]["commands"] = ["rm -rf ~"]
    rows[0]["notes"] = ["another version's words"]
    found = benchmark.verify_bundle(bundled(tmp_path / "words.zip", files, rows=rows))
    assert not found.problems
    assert any("the commands in bundle.json" in sentence for sentence in found.unchecked)


@pytest.mark.parametrize(
    ("change", "said"),
    [({"name": "better"}, "calls the network otherwise"), ({"digest": "0" * 64}, "has results of 'toy'")],
)
def test_a_network_under_another_name(made, tmp_path, change, said):
    files = content(made / "plain.zip")
    network = json.loads(files[CLAIM])["network"] | change
    found = benchmark.verify_bundle(bundled(tmp_path / "x.zip", files, network=network))
    assert any(said in problem for problem in found.problems)


@pytest.mark.parametrize(
    ("forge", "said"),
    [
        (lambda record: {"broken": np.zeros_like(record.broken) | record.clean_errors}, "broken within the radius"),
        (lambda record: {"evaluated": record.clean_errors}, "robust that were not attacked"),
    ],
)
def test_records_at_odds_with_themselves(made, tmp_path, forge: Callable, said: str):
    shutil.copytree(made / "results", tmp_path / "results")
    ledger = Ledger.open(tmp_path / "results")
    (evaluation,) = ledger.evaluations()
    record = ledger.read(evaluation.model["digest"], evaluation.outcomes[0].records[0])
    assert record is not None
    ledger.write(replace(record, **forge(record)))
    found = benchmark.verify_bundle(benchmark.bundle(tmp_path / "results", "toy", out=tmp_path / "x.zip"))
    assert any(said in problem for problem in found.problems), found.problems


def test_an_attack_that_failed_is_said_since_its_threat_has_no_number(made, tmp_path):
    shutil.copytree(made / "results", tmp_path / "results")
    ledger = Ledger.open(tmp_path / "results")
    (evaluation,) = ledger.evaluations()
    record = ledger.read(evaluation.model["digest"], evaluation.outcomes[1].records[0])
    assert record is not None
    untried = {"broken": record.clean_errors, "distance": np.where(record.clean_errors, 0, np.inf)}
    untried |= {"clean_class": None, "adversarial_class": None, "evaluated": record.clean_errors}
    ledger.write(replace(record, info={**record.info, "error": "out of memory"}, **untried))
    found = benchmark.verify_bundle(benchmark.bundle(tmp_path / "results", "toy", out=tmp_path / "x.zip"))
    assert not found.problems
    assert found.rows[0]["under"]["l2"] is None
    assert any("what 'pgd-l2' breaks: it failed ('out of memory')" in sentence for sentence in found.unchecked)


def test_records_of_another_network_or_of_no_evaluation(made, tmp_path):
    add_evaluation(tmp_path / "other", "at")
    benchmark.bundle(tmp_path / "other", "at", out=tmp_path / "other.zip")
    files = content(made / "plain.zip")
    theirs = {name: each for name, each in content(tmp_path / "other.zip").items() if name.startswith("records/")}
    found = benchmark.verify_bundle(bundled(tmp_path / "mixed.zip", {**files, **theirs}))
    assert sum("belongs to another network" in problem for problem in found.problems) == len(theirs)
    lacking = next(name for name in files if name.startswith("records/"))
    found = benchmark.verify_bundle(bundled(tmp_path / "less.zip", {k: v for k, v in files.items() if k != lacking}))
    assert found.problems


def test_an_evaluation_that_names_other_attacks_than_its_records(made, tmp_path):
    files = content(made / "plain.zip")
    name = next(name for name in files if name.startswith("evaluations/"))
    (tmp_path / "x.json").write_bytes(files[name])
    manifest = read_manifest(tmp_path / "x.json")
    manifest["seed"] += 1
    found = benchmark.verify_bundle(bundled(tmp_path / "x.zip", {**files, name: filed(manifest).encode()}))
    assert any("was made with another seed" in problem for problem in found.problems)


def forged_evaluation(
    made: Path, tmp_path: Path, change: Callable[[dict], object], beside: bool = False
) -> list[str]:
    """What is found where an evaluation says something else, under a right checksum and with the rows it comes to."""
    files = content(made / "plain.zip")
    name = next(name for name in files if name.startswith("evaluations/"))
    (tmp_path / "x.json").write_bytes(files[name])
    manifest = read_manifest(tmp_path / "x.json")
    change(manifest)
    place = f"evaluations/toy-{manifest['id'][:16]}.json"
    kept = {other: each for other, each in files.items() if beside or other != name}
    (tmp_path / "folder").mkdir()
    with zipfile.ZipFile(bundled(tmp_path / "x.zip", {**kept, place: filed(manifest).encode()})) as archive:
        archive.extractall(tmp_path / "folder")
    rows = [claimed_row(each) for each in Ledger.open(tmp_path / "folder").evaluations()]
    forged = bundled(tmp_path / "x.zip", {**kept, place: filed(manifest).encode()}, rows=rows)
    return benchmark.verify_bundle(forged).problems


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda told: told.update(rules=1), "was made with another rules"),
        (lambda told: told.update(mode="worst-case"), "has another id"),
        (lambda told: told.update(id="f" * 64), "has another id"),
        (lambda told: told.update(crafted_on={**told["model"], "name": "other"}), "is not where such an evaluation"),
        (
            lambda told: told["classes"].update(labels="3 " + told["classes"]["labels"].partition(" ")[2]),
            "that it says are of another: 0",
        ),
        (lambda told: told["suite"]["items"][0].update(kind="minimum-norm"), "is said to be of kind 'minimum-norm'"),
        (
            lambda told: told["classes"].update(answers=" ".join(["3"] * told["dataset"]["images"])),
            "has other answers without attack than its evaluation",
        ),
    ],
)
def test_what_an_evaluation_says_of_itself(made, tmp_path, change, said):
    problems = forged_evaluation(made, tmp_path, change)
    assert any(said in problem for problem in problems), problems


def test_an_evaluation_of_another_format_is_not_read_as_one_of_this(made, tmp_path):
    files = content(made / "plain.zip")
    name = next(name for name in files if name.startswith("evaluations/"))
    told = json.loads(files[name]) | {"format": 2}
    del told["sha256"]
    forged = json.dumps({"sha256": digest(told), **told}).encode()
    problems = benchmark.verify_bundle(bundled(tmp_path / "x.zip", {**files, name: forged})).problems
    assert any("it is of format 2, and this version reads 1" in problem for problem in problems), problems


def test_one_evaluation_under_two_ids_would_be_two_rows(made, tmp_path):
    problems = forged_evaluation(made, tmp_path, lambda told: told.update(id="f" * 64), beside=True)
    assert any("there may be another one of the same" in problem for problem in problems)


def test_what_pages_show_and_what_names_a_network_is_read_too(made, tmp_path):
    files = content(made / "images.zip")
    first, second = sorted(name for name in files if name.startswith("images/"))
    (answers,) = (name for name in files if name.startswith("answers/"))
    known = tmp_path / "x.npz"
    known.write_bytes(files[answers])
    true, others = read_known(known), []
    for name in ("network", "contents", "data"):  # whose place is still the true one
        write_known(known, replace(true, **{name: getattr(true, name)[:16] + "2" * 48}))
        others.append(known.read_bytes())
    moved = f"answers/{'2' * 16}/{Path(answers).name}"
    elsewhere = {moved: files[answers]}
    for forged, said in (
        ({first: b"x" * len(files[first])}, "images/"),
        ({first: files[second], second: files[first]}, "images that were broken though the record denies it"),
        ({answers: b"x" * 100}, "answers/"),
        *(({answers: other}, "has the answers of another network, or to other images") for other in others),
        (elsewhere, "is not where such answers are filed"),
    ):
        problems = benchmark.verify_bundle(bundled(tmp_path / "x.zip", {**files, **forged})).problems
        assert any(said in problem for problem in problems), (said, problems)
        assert not any(str(Path(problem).parent).startswith("/") for problem in problems), "no temporary folder"


def test_weights_that_are_another_networks_contradict_whoever_is_asked(made, tmp_path, capsys):
    other = Path(save(tmp_path, with_last_layer("other", 2.0, 1.0)))
    for weights in (other.read_bytes(), b"x"):
        files = {**content(made / "images.zip"), "weights/x.pt": weights}
        forged = bundled(tmp_path / "x.zip", files)
        for words in ((), (made / "toy.pt",)):
            code, _, err = bench(capsys, "verify", forged, *words)
            assert code == 1
            assert "contradicted: weights/x.pt" in err


def test_stored_images_that_are_none_of_the_records_are_found(tmp_path):
    """Whatever a bundle's own digests say of them."""
    add_evaluation(tmp_path, "at")
    ledger = Ledger(tmp_path)
    record = read_record(next((tmp_path / "records").rglob("*.safetensors")))
    path = ledger.stored_adversarials_path(record.key["network"], record.digest)
    claims = np.flatnonzero(np.isfinite(record.distance) & ~record.clean_errors)
    assert len(claims)

    def problems(rows: np.ndarray, value: float = 0.5) -> list[str]:
        images = np.full((len(rows), 1, 2, 2), value, np.float32)
        write_stored_adversarials(path, StoredAdversarials(rows, images))
        return [problem.partition(": ")[2] for problem in _stored(ledger, record)]

    assert problems(claims) == []
    assert problems(claims, 1.5) == ["an image has values outside of [0, 1]"]
    assert problems(claims[:0]) == ["it does not hold the images that its record says were broken"]
    assert problems(np.array([len(record.broken)])) == ["its images don't belong to this record"]
    path.write_bytes(b"no archive")
    assert len(list(_stored(ledger, record))) == 1
    path.unlink()
    assert not list(_stored(ledger, record))
