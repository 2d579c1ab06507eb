"""The class that a record tells is the one of the pass that decides: of the original network, in float32."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from evaluation_toys import Misbehaving, evaluated, save, trained
from torch import nn

import benchmark
from benchmark.attacks import ATTACKS as REGISTERED
from benchmark.checkup import lacking
from benchmark.cli.main import main
from benchmark.data import load
from benchmark.evaluation.adding_classes import from_record
from benchmark.evaluation.judge import asked, verify
from benchmark.evaluation.plausible import plausible
from benchmark.ledger import Ledger, read_record
from benchmark.ledger.classes import NONE
from benchmark.ledger.predictions import UNKNOWN
from benchmark.ledger.record import write_record
from benchmark.ledger.stored_adversarials import read_stored_adversarials
from benchmark.threats import Threat


class Steps(nn.Module):
    """Class 0, 1 or 2 where the first pixel is in [0, 0.4), [0.4, 0.7) or [0.7, 1); NaN where it is 1."""

    def forward(self, x):
        first = x.flatten(1)[:, :1]
        logits = -(first - torch.tensor([0.2, 0.55, 0.85])).abs()
        return torch.where(first == 1, torch.nan, logits)


def judged(first_pixels, kind="fixed-budget", epsilon=0.5, handed=None):
    x = torch.full((len(first_pixels), 1, 1, 2), 0.3)
    x_adv = x.clone()
    x_adv[:, 0, 0, 0] = torch.tensor(first_pixels)
    handed = torch.ones(len(x), dtype=torch.bool) if handed is None else torch.tensor(handed)
    return verify(Steps(), x, torch.zeros(len(x), dtype=torch.long), x_adv, handed, Threat("linf", epsilon), kind)


def test_a_verdict_tells_the_class_of_what_it_judged():
    assert judged([0.3, 0.5, 0.75], epsilon=0.6).classes.tolist() == [0, 1, 2]


def test_no_answer_is_a_class_of_its_own_and_never_the_first():
    assert judged([1.0], epsilon=0.8).classes.tolist() == [NONE]


def test_what_is_refused_is_of_the_class_of_the_clean_image():
    assert judged([0.95, 1.2, 0.6], handed=[True, True, False]).classes.tolist() == [0, 0, 0]


def test_a_minimum_norm_attack_is_of_the_class_of_its_closest_image_also_beyond_the_radius():
    verdict = judged([0.75], kind="minimum-norm", epsilon=0.1)
    assert (verdict.wrong.tolist(), verdict.broken.tolist(), verdict.classes.tolist()) == ([True], [False], [2])


class Answers(nn.Module):
    """Gives these classes, one pass after the other; "none" is NaN."""

    def __init__(self, *classes):
        super().__init__()
        self.classes, self.calls = classes, 0

    def forward(self, x):
        answer = self.classes[self.calls % len(self.classes)]
        self.calls += 1
        logits = torch.zeros(len(x), 4)
        if answer == "none":
            return logits + torch.nan
        logits[:, answer] = 1
        return logits


@pytest.mark.parametrize(
    ("answers", "wrong", "expected"),
    [
        ((0, 0, 0, 2), False, 0),
        ((2, 2, 3, 0), True, 2),
        ((0, 0, 3, 2), True, 2),  # half of the passes are wrong; 2 and 3 are equally frequent
        ((0, 0, 0, 1, 1, 2, 3, 3, 3), True, 3),  # right more often than anything else, and wrong nevertheless
        ((0, "none", "none", 1), True, NONE),
        ((0, "none", 1), True, 1),
        (("none",) * 3, True, NONE),
        ((0, 0, "none"), False, 0),
    ],
)
def test_of_several_passes_the_class_is_the_most_frequent_that_agrees_with_the_verdict(answers, wrong, expected):
    found = asked(Answers(*answers), torch.zeros(2, 1, 2, 2), torch.zeros(2, dtype=torch.long), passes=len(answers))
    assert (found.wrong_share >= 0.5).tolist() == [wrong] * 2
    assert found.classes.tolist() == [expected] * 2


# What is filed.

ATTACKS = """\
  - {attack: pgd, norm: linf, parameters: {steps: 3, relative_step_size: 0.5}}
  - {attack: ddn, norm: l2, parameters: {steps: 8}}
"""


@pytest.fixture(scope="module")
def filed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("predictions")
    (evaluation,) = evaluated(folder, ATTACKS, images=40, save_adversarial=True)
    return folder, evaluation


def answers(x):
    with torch.no_grad():
        return trained().model().eval()(x).argmax(1)


def test_records_know_what_the_network_takes_images_for(filed):
    folder, evaluation = filed
    x, y = load("digits").test.batch(slice(0, 40))
    ledger = Ledger.open(folder / "results")
    for outcome in evaluation.outcomes:
        (name,) = outcome.records
        record = ledger.read(evaluation.model["digest"], name)
        stored = read_stored_adversarials(ledger.stored_adversarials_path(evaluation.model["digest"], name))
        expected = answers(x)
        assert record.clean_class.tolist() == expected.tolist()
        expected[torch.from_numpy(stored.rows)] = answers(torch.from_numpy(stored.images))
        assert record.adversarial_class.tolist() == outcome.adversarial_class.tolist() == expected.tolist()
        assert ((record.adversarial_class != y.numpy()) == np.isfinite(record.distance)).all()
    assert evaluation.clean_class.tolist() == answers(x).tolist()


def test_what_an_attack_was_not_tried_on_has_no_class(tmp_path):
    twice = "  - {attack: pgd, norm: linf}\n  - {attack: pgd, norm: linf, label: again, parameters: {steps: 3}}\n"
    (evaluation,) = evaluated(tmp_path, twice, images=30, mode="worst-case")
    first, second = evaluation.outcomes
    left_out = ~second.evaluated
    assert left_out.any()
    assert (second.adversarial_class[left_out] == UNKNOWN).all()
    assert (second.adversarial_class[second.evaluated] != UNKNOWN).all()
    assert (first.adversarial_class != UNKNOWN).all()


def test_an_attack_that_failed_tells_no_class(tmp_path, monkeypatch):
    monkeypatch.setitem(REGISTERED._own, "misbehaving", Misbehaving)
    (evaluation,) = evaluated(tmp_path, "  - {attack: misbehaving, norm: linf, parameters: {way: far}}\n", images=20)
    (outcome,) = evaluation.outcomes
    assert outcome.errors
    wrong = evaluation.clean_errors
    known = np.full(len(wrong), UNKNOWN) if outcome.adversarial_class is None else outcome.adversarial_class
    assert (known[~wrong] == UNKNOWN).all()
    assert (known[wrong] == evaluation.clean_class[wrong]).all()


# Verified.


def forged(folder, target, change):
    """A copy of the results in which every record is changed; what `verify` says of them, as one text."""
    results = target / "results"
    shutil.copytree(folder / "results", results)
    for path in results.glob("records/*/*"):
        write_record(path, change(read_record(path)))
    return " ".join(text for found in benchmark.verify(results, save(target)) for text in found.problems)


def with_classes(record, name, rows, shift):
    classes = getattr(record, name).copy()
    classes[rows] = (classes[rows] + shift) % 10
    return replace(record, **{name: classes})


def changed(record):
    return np.isfinite(record.distance) & ~record.clean_errors


def test_true_classes_are_confirmed(filed, tmp_path):
    assert forged(filed[0], tmp_path, lambda record: record) == ""


def test_a_wrong_class_of_a_stored_image_is_refuted(filed, tmp_path):
    def forge(record):  # to a third class, neither that of the image nor the one that is predicted
        shift = np.where((record.adversarial_class + 1) % 10 == record.clean_class, 2, 1)[changed(record)]
        return with_classes(record, "adversarial_class", changed(record), shift)

    assert "not taken for the recorded class" in forged(filed[0], tmp_path, forge)


def test_a_wrong_class_of_a_clean_image_is_refuted(filed, tmp_path):
    said = forged(filed[0], tmp_path, lambda record: with_classes(record, "clean_class", [0], 1))
    assert "names a class that is not predicted without attack: 0" in said


def test_classes_at_odds_with_the_verdicts_are_refuted(filed, tmp_path):
    def forge(record):
        return replace(
            record, adversarial_class=np.where(changed(record), record.clean_class, 9 - record.clean_class)
        )

    said = forged(filed[0], tmp_path, forge)
    assert "adversarial images are of the class of their images" in said
    assert "without an adversarial one are of another class" in said


def test_no_answer_can_be_forged_neither_way():
    logits = torch.tensor([[0.0, 1.0], [0.0, torch.nan]])
    assert plausible(logits, np.array([1, NONE])).tolist() == [True, True]
    assert plausible(logits, np.array([NONE, 0])).tolist() == [False, False]
    assert plausible(logits, np.array([2, 1])).tolist() == [False, False]


def test_of_two_equally_likely_classes_either_may_be_recorded():
    logits = torch.tensor([[3.0, 3.0 - 2e-6, -3.0], [3.0, 2.9, -3.0]])
    assert plausible(logits, np.array([1, 1])).tolist() == [True, False]
    assert plausible(logits, np.array([0, 0])).tolist() == [True, True]


def test_older_records_are_verified_and_said_to_lack_classes(filed, tmp_path):
    assert forged(filed[0], tmp_path, lambda record: replace(record, clean_class=None, adversarial_class=None)) == ""
    found = benchmark.verify(tmp_path / "results", save(tmp_path))
    assert [each.unclassed for each in found] == [1, 1]
    assert all(each.confirmed == each.claimed for each in found)


# Added to older results.


def aged(folder, target, keep_images):
    """A copy of the results as an older version would have left them; their records by path."""
    results = target / "results"
    shutil.copytree(folder / "results", results)
    for path in results.glob("records/*/*"):
        write_record(path, replace(read_record(path), clean_class=None, adversarial_class=None))
    if not keep_images:
        shutil.rmtree(results / "adversarials")
    return results


def test_the_doctor_says_what_older_results_lack_and_finds_no_fault_in_it(filed, tmp_path, capsys):
    aged(filed[0], tmp_path, keep_images=True)
    folders = ["--results", str(tmp_path / "results"), "--zoo", str(tmp_path)]
    with pytest.raises(SystemExit) as end:
        main(["doctor", *folders])
    out, said = capsys.readouterr()
    assert not end.value.code
    assert "no problems found" in out
    assert "1 evaluation of 1 in" in said
    assert "bench evaluate --add-classes" in said
    assert lacking(results=filed[0] / "results") == []
    assert lacking(results=tmp_path / "nowhere") == []


def test_a_record_shows_its_classes(filed, tmp_path):
    path = next(Path(filed[0] / "results").glob("records/*/*"))
    shown, record = benchmark.show(path), read_record(path)
    assert shown["clean_class"] == record.clean_class.tolist()
    assert shown["adversarial_class"] == record.adversarial_class.tolist()
    (old, _) = sorted(aged(filed[0], tmp_path, keep_images=True).glob("records/*/*"))
    assert "clean_class" not in benchmark.show(old)


@pytest.mark.parametrize("keep_images", [True, False])
def test_older_results_learn_their_classes_and_nothing_else_of_them_changes(
    filed, keep_images, tmp_path, monkeypatch
):
    folder, expected = filed
    results = aged(folder, tmp_path, keep_images)
    before = {path: read_record(path) for path in results.glob("records/*/*")}
    (unasked,) = evaluated(tmp_path, ATTACKS, images=40)
    assert not any(outcome.knows_classes for outcome in unasked.outcomes)
    if keep_images:  # then no attack is made
        monkeypatch.setattr("benchmark.evaluation.run_job._attack", None)
    (found,) = evaluated(tmp_path, ATTACKS, images=40, add_classes=True)
    assert found.id == expected.id
    for outcome, wanted in zip(found.outcomes, expected.outcomes, strict=True):
        assert outcome.knows_classes
        assert outcome.adversarial_class.tolist() == wanted.adversarial_class.tolist()
    for path, old in before.items():
        new = read_record(path)
        assert new.clean_class.tolist() == expected.clean_class.tolist()
        assert (new.digest, new.info) == (old.digest, old.info)
        for name in ("broken", "distance", "evaluated", "clean_errors", "no_answer"):
            assert getattr(new, name).tobytes() == getattr(old, name).tobytes()
    monkeypatch.setattr("benchmark.evaluation.run_job.run_job", None)
    evaluated(tmp_path, ATTACKS, images=40, add_classes=True)  # nothing lacks any more


def test_a_single_record_that_lacks_classes_is_asked_for_them(filed, tmp_path):
    shutil.copytree(filed[0] / "results", tmp_path / "results")
    path, _ = sorted((tmp_path / "results").glob("records/*/*"))
    write_record(path, replace(read_record(path), clean_class=None, adversarial_class=None))
    (found,) = evaluated(tmp_path, ATTACKS, images=40, add_classes=True)
    assert all(outcome.knows_classes for outcome in found.outcomes)


def test_where_another_image_is_found_the_class_stays_unknown(filed):
    folder, evaluation = filed
    ledger = Ledger.open(folder / "results")
    record = ledger.read(evaluation.model["digest"], evaluation.outcomes[0].records[0])
    lacking = replace(record, adversarial_class=np.where(changed(record), UNKNOWN, record.clean_class))
    distance = record.distance.copy()
    first = np.flatnonzero(changed(record))[0]
    distance[first] *= 0.9
    found = from_record(lacking, replace(record, distance=distance)).adversarial_class
    assert found[first] == UNKNOWN
    assert np.delete(found, first).tolist() == np.delete(record.adversarial_class, first).tolist()
