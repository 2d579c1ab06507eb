"""What is crafted on one network and tried on another; images that are kept and judged again."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from evaluation_toys import Misbehaving, save, trained, with_last_layer, write_suite
from picture_trees import write_tree

from benchmark.analysis.transfer import transfer_matrices
from benchmark.attacks import ATTACKS
from benchmark.checkup import doctor
from benchmark.errors import BadInput
from benchmark.evaluation import evaluate, transfer
from benchmark.evaluation.verification import verify
from benchmark.ledger import load_results
from benchmark.ledger.ledger import Ledger
from benchmark.ledger.record import Damaged, read_record
from benchmark.ledger.stored_adversarials import (
    StoredAdversarials,
    read_stored_adversarials,
    write_stored_adversarials,
)
from benchmark.models import build

pytestmark = pytest.mark.usefixtures("one_thread")

PGD = "  - {attack: pgd, norm: linf, parameters: {steps: 5, relative_step_size: 0.3, success: last}}\n"
DDN = "  - {attack: ddn, norm: l2, parameters: {steps: 20}}\n"


@pytest.fixture
def options(tmp_path):
    return {
        "suite": write_suite(tmp_path, PGD),
        "results": tmp_path / "results",
        "precision": "fp32",
        "progress": False,
    }


@pytest.fixture
def networks(tmp_path):
    """The trained network, and one with its last layer changed: another function of the same images."""
    return [save(tmp_path), save(tmp_path, with_last_layer("other", 0.2, 2.0))]


def test_the_diagonal_is_the_white_box_attack(options, networks):
    crafted = transfer(networks, **options)
    white_box = evaluate(networks, **options)
    assert [(found.crafted_on["name"], found.name) for found in crafted] == [
        ("toy", "toy"), ("toy", "other"), ("other", "toy"), ("other", "other"),
    ]  # fmt: skip
    for found, expected in ((crafted[0], white_box[0]), (crafted[3], white_box[1])):
        assert np.mean(found.outcomes[0].broken == expected.outcomes[0].broken) >= 59 / 60
    (matrix,) = transfer_matrices(crafted)
    assert (matrix.sources, matrix.targets) == (("toy", "other"), ("toy", "other"))
    assert (np.diag(matrix.accuracy) <= matrix.accuracy.min(0) + 2 / 60).all()
    for row, column in ((0, 1), (1, 0)):
        found = crafted[2 * row + column]
        assert matrix.accuracy[row, column] == pytest.approx(1 - found.outcomes[0].broken.mean())


def test_doctor_names_the_verb_that_fills_a_gap(options, networks, tmp_path):
    options |= {"suite": write_suite(tmp_path, PGD + DDN)}
    transfer(networks[0], networks[1], **options)
    evaluate(networks[0], **options)
    assert doctor(results=options["results"]) == []
    for record in options["results"].glob("records/*/*.safetensors"):
        if "ddn" in str(read_record(record).key):
            record.unlink()
    remedies = {finding.remedy for finding in doctor(results=options["results"])}
    assert remedies == {"bench transfer runs it again", "bench evaluate runs it again"}


def test_one_crafting_run_per_source_and_none_the_second_time(options, networks, monkeypatch):
    calls = []
    original = ATTACKS.get("pgd").__call__
    monkeypatch.setattr(ATTACKS.get("pgd"), "__call__", lambda *args: calls.append(len(args[2])) or original(*args))
    first = transfer(networks[:1], networks, **options)
    assert calls == [60]
    again = transfer(networks[:1], networks, **options)
    assert calls == [60]
    assert [found.id for found in first] == [found.id for found in again]


def test_what_one_target_lacks_is_crafted_on_its_source_alone(options, networks, monkeypatch):
    calls = []
    original = ATTACKS.get("pgd").__call__
    monkeypatch.setattr(ATTACKS.get("pgd"), "__call__", lambda *args: calls.append(len(args[2])) or original(*args))
    alone = transfer(networks[0], networks, **options)
    both = transfer(networks, networks, **options)
    assert calls == [60, 60]
    assert [found.id for found in both[:2]] == [found.id for found in alone]


def test_candidates_that_every_target_rejects_are_an_error(options, networks, tmp_path, monkeypatch):
    monkeypatch.setitem(ATTACKS._own, "misbehaving", Misbehaving)
    attack = "  - {attack: misbehaving, norm: linf, parameters: {way: out of the box}}\n"
    options["suite"] = write_suite(tmp_path, attack)
    for found in transfer(networks[:1], networks, **options):
        assert any("AttackFault" in failure for failure in found.failures), found.failures
        assert not found.outcomes[0].broken[~found.clean_errors].any()


def test_networks_of_other_images_are_refused_by_name(options, networks, tmp_path):
    """Both are of the small-cnn's kind, for images of another shape."""
    pictures = write_tree(tmp_path / "pictures", classes=2)
    facts = {"num_classes": 2, "shape": (3, 8, 8), "mean": (0.5,) * 3, "std": (0.5,) * 3}
    state = build("small-cnn", **facts).state_dict()
    texts = {"name": "painter", "dataset": f"folder:{pictures}", "scale": "digits"}
    painter = save(tmp_path, dataclasses.replace(trained(), state=state, **facts, **texts))
    with pytest.raises(
        BadInput, match=r"same images, but these are not: toy \(digits\), painter \(folder:.*pictures\)"
    ):
        transfer(networks[0], painter, scale="digits", **options)


def test_transfers_stay_off_the_leaderboard(options, networks, tmp_path):
    transfer(networks[0], networks[1], **options)
    assert load_results(tmp_path / "results") == []
    assert len(Ledger.open(tmp_path / "results").transfers()) == 1


def test_an_attack_that_fails_on_the_source_fails_for_every_target(options, networks, tmp_path, monkeypatch):
    monkeypatch.setitem(ATTACKS._own, "misbehaving", Misbehaving)
    options["suite"] = write_suite(tmp_path, "  - {attack: misbehaving, norm: linf}\n")
    crafted = transfer(networks[:1], networks, **options)
    assert all("broke down" in found.failures[0] for found in crafted)
    assert np.isnan(transfer_matrices(crafted)[0].accuracy).all()


def test_nothing_to_craft_on_is_refused(options):
    with pytest.raises(BadInput, match="no network"):
        transfer([], **options)


def test_kept_images_are_confirmed_again(options, networks, tmp_path):
    options["suite"] = write_suite(tmp_path, PGD + DDN)
    (evaluation,) = evaluate(networks[0], save_adversarial=True, **options)
    rechecks = verify(tmp_path / "results", networks[0])
    assert [recheck.label for recheck in rechecks] == ["pgd-linf", "ddn-l2"]
    for recheck, outcome in zip(rechecks, evaluation.outcomes, strict=True):
        found = np.isfinite(outcome.distance) & ~evaluation.clean_errors
        assert recheck.stored == recheck.confirmed == found.sum() > 0
        assert not recheck.problems


def test_images_that_fooled_another_network_are_kept_and_confirmed(options, networks, tmp_path):
    transfer(networks[0], networks[1], **options)
    assert verify(tmp_path / "results", networks[1]) == []
    (pair,) = transfer(networks[0], networks[1], save_adversarial=True, **options)
    (recheck,) = verify(tmp_path / "results", networks[1])
    (outcome,) = pair.outcomes
    found = np.isfinite(outcome.distance) & ~pair.clean_errors
    assert recheck.stored == recheck.confirmed == found.sum() > 0
    assert recheck.crafted_on == pair.crafted_on["name"] != recheck.model == pair.name


def test_images_that_do_not_fool_are_refuted(options, networks, tmp_path):
    evaluate(networks[0], save_adversarial=True, **options)
    (path,) = (tmp_path / "results" / "adversarials").rglob("*.npz")
    kept = read_stored_adversarials(path)
    kept.images[:2] = 0.5
    write_stored_adversarials(path, kept)
    (recheck,) = verify(tmp_path / "results", networks[0])
    assert recheck.confirmed == recheck.stored - 2
    assert recheck.refuted == tuple(kept.rows[:2])


def test_images_that_were_taken_out_are_missed(options, networks, tmp_path):
    evaluate(networks[0], save_adversarial=True, **options)
    (path,) = (tmp_path / "results" / "adversarials").rglob("*.npz")
    kept = read_stored_adversarials(path)
    write_stored_adversarials(path, type(kept)(kept.rows[2:], kept.images[2:]))
    (recheck,) = verify(tmp_path / "results", networks[0])
    assert recheck.claimed == len(kept.rows)
    assert recheck.stored == recheck.confirmed == len(kept.rows) - 2
    assert f"of {len(kept.rows)} images that its record claims, 2 are not in it" in recheck.problems[0]


def test_images_are_made_when_they_are_asked_for_later(options, networks, tmp_path):
    evaluate(networks[0], **options)
    assert not (tmp_path / "results" / "adversarials").exists()
    assert verify(tmp_path / "results", networks[0]) == []
    evaluate(networks[0], save_adversarial=True, **options)
    assert len(list((tmp_path / "results" / "adversarials").rglob("*.npz"))) == 1


def test_a_stranger_is_not_verified(options, networks, tmp_path):
    evaluate(networks[0], **options)
    with pytest.raises(BadInput, match="no evaluation of"):
        verify(tmp_path / "results", networks[1])


@pytest.mark.parametrize(
    ("folder", "ending", "told"),
    [("records", "safetensors", ("the record {name} is absent or damaged",)), ("adversarials", "npz", ())],
)
def test_where_a_record_or_its_images_are_gone_nothing_is_judged(options, networks, tmp_path, folder, ending, told):
    options["suite"] = write_suite(tmp_path, PGD + DDN)
    (evaluation,) = evaluate(networks[0], save_adversarial=True, **options)
    (name,) = evaluation.outcome("ddn-l2").records
    (path,) = (tmp_path / "results" / folder).rglob(f"{name}.{ending}")
    path.unlink()
    rechecks = {recheck.label: recheck for recheck in verify(tmp_path / "results", networks[0])}
    gone, there = rechecks["ddn-l2"], rechecks["pgd-linf"]
    assert gone.problems == tuple(text.format(name=name) for text in told)
    assert gone.stored == 0
    assert (gone.claimed > 0) == (folder == "adversarials"), "only a record knows what was found"
    assert there.stored == there.claimed > 0


@pytest.mark.parametrize("change", ["larger", "beyond"])
def test_images_of_another_test_set_are_named(options, networks, tmp_path, change):
    evaluate(networks[0], save_adversarial=True, **options)
    (path,) = (tmp_path / "results" / "adversarials").rglob("*.npz")
    kept = read_stored_adversarials(path)
    images = np.pad(kept.images, ((0, 0), (0, 0), (0, 1), (0, 0))) if change == "larger" else kept.images
    write_stored_adversarials(path, StoredAdversarials(kept.rows + 60 * (change == "beyond"), images))
    (recheck,) = verify(tmp_path / "results", networks[0])
    assert recheck.problems == (f"{path}: its images don't belong to this shard of the test set",)
    assert recheck.stored == 0


def test_damaged_images_are_named(options, networks, tmp_path):
    evaluate(networks[0], save_adversarial=True, **options)
    (path,) = (tmp_path / "results" / "adversarials").rglob("*.npz")
    whole = path.read_bytes()
    for content in (whole[:-30], whole[:100], b"", b"PK\x03\x04"):
        path.write_bytes(content)
        (recheck,) = verify(tmp_path / "results", networks[0])
        assert str(path) in recheck.problems[0]


def test_keepsakes_that_are_something_else_are_refused(tmp_path):
    path = tmp_path / "a.npz"
    for rows, images in (([0, 1], np.zeros((1, 1, 8, 8))), ([0.5], np.zeros((1, 1, 8, 8))), ([0], [["a"]])):
        np.savez_compressed(path, rows=rows, images=images)
        with pytest.raises(Damaged):
            read_stored_adversarials(path)
    np.savez_compressed(path, rows=np.array([{}], dtype=object), images=0)
    with pytest.raises(Damaged):
        read_stored_adversarials(path)
    write_stored_adversarials(path, StoredAdversarials(np.array([3]), np.ones((1, 1, 8, 8), np.float32)))
    assert read_stored_adversarials(path).rows.tolist() == [3]
