"""`bench verify` finds whatever contradicts the records."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest
from evaluation_toys import save, with_last_layer, write_suite
from forged_results import FAR, STRONG, Folder, bench_of, broken, first

from benchmark.errors import BadInput, Notice, PartlyFailed
from benchmark.evaluation import evaluate
from benchmark.evaluation.verification import verify
from benchmark.ledger.manifests import filed, read_manifest
from benchmark.ledger.sample_images import read_sample_images, write_sample_images
from benchmark.ledger.schema import suite_digest
from benchmark.ledger.stored_adversarials import (
    StoredAdversarials,
    read_stored_adversarials,
    write_stored_adversarials,
)
from benchmark.storage import digest

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path, STRONG + FAR)


def test_honest_records_are_contradicted_by_nothing(folder: Folder) -> None:
    for found in folder.verify().values():
        assert (found.refuted, found.problems, found.unstored) == ((), (), 0)
        assert found.claimed == found.stored == found.confirmed > 1


@pytest.mark.parametrize("label", ["strong", "far"])
@pytest.mark.parametrize("many", [1, None])
def test_an_image_that_fools_the_network_is_held_against_a_record_that_denies_it(folder, label, many) -> None:
    rows = broken(folder, label)[:many]
    folder.forge(label, rows, broken=False, distance=np.inf)
    found = folder.verify()
    assert found[label].refuted == tuple(rows)
    *shown, problem = found[label].problems
    seen = [row for row in read_sample_images(folder.sample_images(label)).positions if row in rows]
    where = f"{folder.sample_images(label)}: images that were broken though the record denies it"
    assert shown == ([f"{where}: {first(seen, 4)}"] if seen else [])
    assert problem.startswith(f"{folder.images(label)}: adversarial images although the record says")
    assert f": {first(rows, 20)}" in problem
    assert problem.endswith(f" and {len(rows) - 20} more") == (len(rows) > 20)
    other = {"strong": "far", "far": "strong"}[label]
    assert not found[other].problems


def test_what_else_a_record_may_say_that_is_not_so(folder: Folder) -> None:
    record, rows = folder.record("strong"), broken(folder, "strong")
    robust = np.flatnonzero(~record.broken)
    wrong = np.flatnonzero(record.clean_errors)
    for said, where, values in (
        ("images that are not adversarial at the recorded distance", rows[:2], {"distance": np.float32(0.001)}),
        ("counts images as robust that it says were broken", rows[:2], {"broken": False}),
        ("counts images as broken without an adversarial image", robust[:2], {"broken": True}),
        ("counts images as robust that were not attacked", robust[:3], {"evaluated": False}),
        ("counts images as misclassified without attack that are not", robust[:2], {"clean_errors": True}),
        ("counts images as classified correctly that are not", wrong[:1], {"clean_errors": False}),
        ("counts images as robust that it counts as misclassified", wrong[:1], {"broken": False}),
    ):
        folder.forge("strong", where, **values)
        found = folder.verify()["strong"]
        assert set(where) <= set(found.refuted), said
        assert any(said in problem and str(where[0]) in problem for problem in found.problems), (said, found.problems)
        folder.ledger.write(record)
        assert not folder.verify()["strong"].problems


def test_in_worst_case_mode_an_image_is_left_out_only_where_another_attack_broke_it(tmp_path: Path) -> None:
    lines = STRONG + "  - {attack: fgsm, norm: linf, label: last}\n"
    folder = Folder(tmp_path, lines, mode="worst-case")
    whole, left_out = folder.record("strong"), ~folder.record("last").evaluated
    assert left_out.any()
    assert not any(found.problems for found in folder.verify().values())
    last = np.flatnonzero(folder.record("last").broken & ~folder.record("last").clean_errors)
    folder.forge("strong", last[:2], evaluated=False, broken=False, distance=np.inf)
    folder.images("strong").unlink()
    assert any("were not attacked" in problem for problem in folder.verify()["strong"].problems), "it came first"
    folder.ledger.write(whole)
    robust = np.flatnonzero(folder.record("last").evaluated & ~folder.evaluation.outcome("strong").broken)[:2]
    folder.forge("last", robust, evaluated=False, broken=False, distance=np.inf)
    (problem,) = folder.verify()["last"].problems
    assert f"counts images as robust that were not attacked: {robust[0]}, {robust[1]}" in problem


def test_an_image_beside_a_record_that_claims_nothing_of_it_is_told(folder: Folder) -> None:
    kept, robust = read_stored_adversarials(folder.images("strong")), np.flatnonzero(~folder.record("strong").broken)
    rows = np.sort([*kept.rows, robust[0]])
    images = np.zeros((len(rows), *kept.images.shape[1:]), np.float32)
    images[np.searchsorted(rows, kept.rows)] = kept.images
    x = load_digits(robust[0])
    images[np.searchsorted(rows, robust[0])] = x
    write_stored_adversarials(folder.images("strong"), StoredAdversarials(rows, images))
    found = folder.verify()["strong"]
    assert found.refuted == (robust[0],)
    assert "the record does not list, and that are not adversarial" in found.problems[0]


def load_digits(position: int) -> np.ndarray:
    from benchmark.data import load

    return load("digits").test.batch(slice(position, position + 1))[0][0].numpy()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"epsilon": 0.5}, "another threat"),
        ({"restarts": 7}, "another restarts"),
    ],
)
def test_a_record_made_under_another_threat_than_the_evaluation_says(folder: Folder, change: dict, said: str) -> None:
    """Broken within a small radius, shown under a large one: the record's own key tells."""
    (path,) = (folder.results / "evaluations").iterdir()
    content = read_manifest(path)
    content["suite"]["items"][0] |= change
    content["suite"].pop("union", None)
    content["suite"]["digest"] = suite_digest(content["suite"], content["dataset"]["images"])
    path.write_text(filed(json.loads(json.dumps(content))))
    found = folder.verify()["strong"]
    assert any(f"was made with {said}" in problem for problem in found.problems)


def relist(folder: Folder, label: str, name: str) -> None:
    """Let the evaluation name another record under `label`, with all checksums right."""
    (path,) = (folder.results / "evaluations").iterdir()
    content = read_manifest(path)
    content["records"][label] = [name]
    path.write_text(filed(content))


def test_the_records_of_a_weak_attack_under_the_name_of_a_strong_one(tmp_path: Path) -> None:
    folder = Folder(tmp_path, STRONG + "  - {attack: fgsm, norm: linf, label: weak}\n")
    relist(folder, "strong", folder.record("weak").digest)
    found = folder.verify()
    assert any("was made with another attack, {'name': 'fgsm'" in problem for problem in found["strong"].problems)
    assert not found["weak"].problems
    assert bench_of(folder)[0] == 1


def test_the_records_of_other_images_than_the_evaluation_says(folder: Folder) -> None:
    key = folder.record("far").key
    other = dataclasses.replace(folder.record("far"), key=key | {"data": key["data"] | {"digest": "0" * 64}})
    folder.ledger.write(other)
    relist(folder, "far", other.digest)
    assert f"the record {other.digest} is about other test images" in folder.verify()["far"].problems


def test_images_that_are_gone_are_counted(folder: Folder) -> None:
    """It is no contradiction, and no proof."""
    folder.forge("strong", broken(folder, "strong"), broken=False, distance=np.inf)
    folder.images("strong").unlink()
    folder.sample_images("strong").unlink()
    assert "strong" not in folder.verify()
    found = folder.verify(reattack=5)
    assert (found["strong"].unstored, found["far"].unstored) == (1, 0)
    code, out, _ = bench_of(folder)
    assert code == 0
    assert "strong" not in out


def test_images_to_look_at_tell_what_was_broken(tmp_path: Path) -> None:
    """They are there without --save-adversarial, too; whoever forges a record may not think of them."""
    folder = Folder(tmp_path, STRONG, save_adversarial=False)
    rows = broken(folder, "strong")
    folder.forge("strong", rows, broken=False, distance=np.inf)
    found = folder.verify()["strong"]
    assert (found.refuted, found.stored, found.unstored) == (tuple(rows[:4]), 0, 1)
    code, _, err = bench_of(folder)
    assert code == 1
    assert f"images that were broken though the record denies it: {first(rows, 4)}" in err


@pytest.mark.parametrize("start", [-1, 60])
def test_images_to_look_at_of_other_images_are_damaged(folder: Folder, start: int) -> None:
    path = folder.sample_images("far")
    kept = read_sample_images(path)
    write_sample_images(path, dataclasses.replace(kept, positions=kept.positions - kept.positions[0] + start))
    assert folder.verify()["far"].problems == (f"{path}: its images don't belong to this shard of the test set",)
    path.write_bytes(path.read_bytes()[:-30])
    assert folder.verify()["far"].problems[0].startswith(f"{path}: it can't be read")


def test_damaged_evaluations_are_named_and_not_passed_over(folder: Folder, tmp_path: Path) -> None:
    """Their claims can't be looked at, so that not everything is well."""
    other = save(tmp_path, with_last_layer("other", 0.2, 2.0))
    evaluate(other, suite=write_suite(tmp_path, FAR), **folder.options)
    (path,) = (folder.results / "evaluations").glob("toy-*")
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.warns(Notice, match=re.escape(f"excluded: {path}: it can't be read")):
        assert [found.model for found in verify(folder.results, other)] == ["other"]
    folder.network = other
    code, out, err = bench_of(folder)
    assert (code, str(path) in err) == (1, True)
    assert "toy" not in out


def test_a_network_is_asked_for_by_what_it_is(folder: Folder, tmp_path: Path) -> None:
    other = save(tmp_path, with_last_layer("other", 0.2, 2.0))
    with pytest.raises(BadInput, match="no evaluation of"):
        verify(folder.results, other)


def test_one_evaluation_that_claims_another_last_layer_hides_no_other(tmp_path, monkeypatch):
    """Anybody's results folder may hold it; the network's other evaluations are judged all the same."""
    monkeypatch.chdir(tmp_path)
    folder = Folder(tmp_path, STRONG)
    honest = folder.verify()
    path = next((folder.results / "evaluations").glob("*.json"))
    manifest = json.loads(path.read_text())
    del manifest["sha256"]
    manifest["model"]["last_layer"] = "softmax"
    forged = manifest | {"id": digest("forged")}
    path.with_name(f"forged-{forged['id'][:16]}.json").write_text(json.dumps({"sha256": digest(forged), **forged}))
    with pytest.raises(PartlyFailed, match=r"is said to end in a layer 'softmax', which it does not") as caught:
        folder.verify()
    assert caught.value.done == list(honest.values())
