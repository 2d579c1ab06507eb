"""What would be refused when it is read is refused before it is written, and before anything is computed for it."""

from __future__ import annotations

import dataclasses
import json
import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from evaluation_toys import Misbehaving, save, trained, write_suite
from synthetic import add_evaluation

import benchmark
from benchmark.attacks import ATTACKS, FGSM
from benchmark.damage import Damaged
from benchmark.errors import BadInput
from benchmark.evaluation import evaluate, transfer
from benchmark.evaluation import request as order
from benchmark.ledger import Ledger, arrays
from benchmark.ledger.manifests import filed, read_manifest
from benchmark.ledger.record import read_record
from benchmark.ledger.stored_adversarials import (
    StoredAdversarials,
    read_stored_adversarials,
    write_stored_adversarials,
)
from benchmark.limits import EPOCHS, HEADER, MANIFEST, MESSAGE, MESSAGES
from benchmark.models import load_checkpoint, save_checkpoint
from benchmark.models.files import header_text
from benchmark.recipes.recipe import load_recipe
from benchmark.training.state import load_state, save_state

ROW = {"epoch": 1, "loss": 0.123456}


def with_history(rows: int):
    return dataclasses.replace(trained(), history=[ROW] * rows)


def longest_history() -> int:
    """How many rows a checkpoint's header has room for, with a little to spare for the pickle around it."""
    card = {name: value for name, value in vars(with_history(0)).items() if name not in ("state", "digest")}
    return (HEADER - len(header_text(card)) - 10_000) // (len(header_text(ROW)) + 1)


def test_the_longest_cards_fit_into_an_evaluation(tmp_path: Path) -> None:
    """A header of four megabytes was refused as an evaluation of five, when all attacks were done."""
    rows = [ROW] * longest_history()
    content = add_evaluation(tmp_path, crafted_on="other")
    for card in ("model", "crafted_on"):
        content[card]["history"] = rows
    text = filed(content)
    assert 2 * HEADER - 30_000 < len(text) < MANIFEST
    (tmp_path / "long.json").write_text(text)
    assert len(read_manifest(tmp_path / "long.json")["model"]["history"]) == len(rows)


@pytest.mark.slow
def test_the_longest_history_that_is_saved_is_evaluated_and_shown(tmp_path: Path) -> None:
    rows = longest_history()
    network = save_checkpoint(tmp_path / "long.pt", with_history(rows))
    assert network.stat().st_size > HEADER - 20_000
    suite = write_suite(tmp_path, "  - {attack: fgsm, norm: linf}\n", images=5)
    words = {"suite": suite, "results": tmp_path / "results", "precision": "fp32", "progress": False}
    (found,) = evaluate(network, **words)
    assert len(found.model["history"]) == rows
    (pair,) = transfer(network, **words)
    assert len(pair.crafted_on["history"]) == len(pair.model["history"]) == rows
    assert benchmark.report(results=tmp_path / "results", out=tmp_path / "reports").exists()


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_a_longer_history_is_not_saved(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"long{suffix}"
    with pytest.raises(BadInput, match=r"can't save .* has a header of more than 4,194,304 bytes.* its history"):
        save_checkpoint(path, with_history(longest_history() + 1000))
    assert not list(tmp_path.iterdir())


def test_a_training_state_that_could_not_be_read_is_not_saved(tmp_path: Path) -> None:
    path = tmp_path / "state.pt"
    for content, reason in (
        ({"history": "x" * HEADER}, "a header of more than 4,194,304 bytes"),
        ({"memory": {1.5: 2}}, "a key that is neither a word"),
    ):
        with pytest.raises(BadInput, match=f"can't save the training state {path}: the file .*{reason}"):
            save_state(path, {}, content)
    assert not list(tmp_path.iterdir())
    longest = [{"epoch": n, **{f"figure {m}": 0.123456 for m in range(12)}} for n in range(EPOCHS)]
    save_state(path, {}, {"history": longest, "weights": torch.ones(3)})
    assert load_state(path, {})["history"] == longest
    save_checkpoint(tmp_path / "all.pt", dataclasses.replace(trained(), history=longest))


def test_more_epochs_than_a_history_has_room_for_are_refused_at_once() -> None:
    with pytest.raises(BadInput, match="epochs"):
        load_recipe("quick").resolve("at", "small-cnn", "digits", "digits", {"epochs": EPOCHS + 1}, "here")


@dataclasses.dataclass(frozen=True)
class Talkative(FGSM):
    """Warns much, and of much."""

    name = "talkative"

    def __call__(self, classifier, x, y, threat, noise):
        for number in range(3 * MESSAGES):
            logging.getLogger("benchmark.attacks").warning("%s: %s", number, "\ud800" * 10**5)
        return super().__call__(classifier, x, y, threat, noise)


@pytest.mark.parametrize("text", ["x" * 10**6, "\ud800 is no character"])
def test_what_attacks_say_is_cut_when_it_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """A record of an error of a megabyte was written, and found damaged by everybody who wanted to read it."""

    # Of what is logged pytest makes a report, which has to be UTF-8.
    monkeypatch.setattr(logging.getLogger("benchmark"), "propagate", False)

    def fail(*_):
        raise RuntimeError(text)

    monkeypatch.setattr(Misbehaving, "__call__", fail)
    monkeypatch.setitem(ATTACKS._own, "misbehaving", Misbehaving)
    monkeypatch.setitem(ATTACKS._own, "talkative", Talkative)
    lines = "  - {attack: misbehaving, norm: linf}\n  - {attack: talkative, norm: linf}\n"
    suite = write_suite(tmp_path, lines, images=5)
    (found,) = evaluate(save(tmp_path), suite=suite, results=tmp_path / "results", precision="fp32", progress=False)
    (error,) = found.outcome("misbehaving-linf").errors
    assert error.startswith(f"RuntimeError: {text[:9]}".encode(errors="backslashreplace").decode())
    assert len(error) <= MESSAGE
    assert found.outcome("talkative-linf").complete
    warnings = found.outcome("talkative-linf").warnings
    assert len(warnings) == MESSAGES + 1
    assert max(map(len, warnings)) <= MESSAGE
    assert "more warnings" in warnings[-1]
    assert benchmark.doctor(results=tmp_path / "results", zoo=tmp_path / "zoo")[0].problem.count("failed") == 1


def test_what_could_not_be_filed_is_refused_before_an_attack_begins(tmp_path: Path) -> None:
    """A label of 150,000 letters fits into a suite, and not into an evaluation."""
    attack = f"  - {{attack: fgsm, norm: linf, label: {'x' * 150_000}}}\n"
    with pytest.raises(BadInput, match=r"could not be read again \(suite.items.0.label: String should have at most"):
        evaluate(
            save(tmp_path),
            suite=write_suite(tmp_path, attack),
            results=tmp_path / "results",
            progress=False,
        )
    assert not list((tmp_path / "results").rglob("*.safetensors"))


def test_images_that_would_not_be_read_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order, "ARRAYS", (4 * 64 + 8) * 60 - 1)
    suite = write_suite(tmp_path, "  - {attack: fgsm, norm: linf}\n", images=60)
    with pytest.raises(BadInput, match="60 images of digits would take 15,840 bytes, 15,839 are the most"):
        evaluate(save(tmp_path), suite=suite, results=tmp_path / "results", save_adversarial=True, progress=False)
    monkeypatch.setattr(arrays, "ARRAYS", 1000)
    with pytest.raises(BadInput, match="its arrays would take 1,056 bytes, 1,000 are the most"):
        write_stored_adversarials(
            tmp_path / "a.npz", StoredAdversarials(np.arange(4), np.ones((4, 1, 8, 8), np.float32))
        )
    assert not (tmp_path / "a.npz").exists()


def test_arrays_are_bounded_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of many arrays, each as large as one may be, would take as many times the memory."""
    path = tmp_path / "a.npz"
    write_stored_adversarials(path, StoredAdversarials(np.arange(4), np.ones((4, 1, 8, 8), np.float32)))
    monkeypatch.setattr(arrays, "ARRAYS", 1056)
    assert len(read_stored_adversarials(path).images) == 4
    monkeypatch.setattr(arrays, "ARRAYS", 1055)
    with pytest.raises(Damaged, match=r"images.npy claims to hold more than 1,055 bytes, with those before it"):
        read_stored_adversarials(path)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"info": {"error": "x" * 200_000}}, "error: String should have at most 100000"),
        ({"info": {"seconds": 1e300}}, "seconds: Input should be less than"),
        ({"info": {"seconds": "x"}}, "seconds"),
        ({"key": {"attack": {"x": "y" * 2**24}}}, "16,777,216 are the most"),
        ({"key": {"attack": {2: "a", 10: "b"}}}, "it belongs to another job"),  # as words, 10 is first
        ({"distance": np.full(6, np.nan, np.float32)}, "a distance is negative or not a number"),
        ({"broken": np.zeros(5, bool)}, "broken is bool .5. for 6 images"),
    ],
)
def test_a_record_that_could_not_be_read_is_not_written(tmp_path: Path, change: dict, reason: str) -> None:
    add_evaluation(tmp_path)
    path = next((tmp_path / "records").rglob("*.safetensors"))
    found = read_record(path)
    for name, value in change.items():
        changed = getattr(found, name) | value if isinstance(value, dict) else value
        found = dataclasses.replace(found, **{name: changed})
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(BadInput, match=reason):
        Ledger(tmp_path).write(found)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"notes": ["x" * 200_000]}, "notes.0: String should have at most"),
        ({"notes": ["x" * 90_000] * 150}, f"it takes .* bytes, {MANIFEST:,} are the most"),
        ({"seed": 10**400}, "seed: Input should be less than"),
        ({"records": {}}, "its records are not those of its suite"),
        ({"dataset": {"name": "d", "digest": "d", "images": 7}}, "the digest of its suite is not"),
    ],
)
def test_an_evaluation_that_could_not_be_read_is_not_written(tmp_path: Path, change: dict, reason: str) -> None:
    content = add_evaluation(tmp_path)
    (path,) = (tmp_path / "evaluations").iterdir()
    whole = path.read_text()
    with pytest.raises(BadInput, match=rf"the evaluation of 'at' could not be read again \({reason}"):
        Ledger(tmp_path).write_evaluation({**content, **change})
    assert path.read_text() == whole
    assert json.loads(whole)["id"] == content["id"]


def test_a_checkpoint_at_the_bounds_of_a_card_is_read_again(tmp_path: Path) -> None:
    odd = {"name": "n" * 1000, "seed": 2**63, "selected_epoch": 2**62}
    history = [{"loss": float("nan"), "x": -4e38}]
    path = save_checkpoint(tmp_path / "a.pt", dataclasses.replace(trained(), history=history, **odd))
    assert str(load_checkpoint(path).history) == "[{'loss': nan, 'x': -4e+38}]"
    (tmp_path / "b").mkdir()
    suite = write_suite(tmp_path / "b", "  - {attack: fgsm, norm: linf}\n", images=5)
    (found,) = evaluate(path, suite=suite, results=tmp_path / "results", precision="fp32", progress=False)
    assert found.model["history"] == [{"loss": "nan", "x": -4e38}]
