"""Results belong to what a network computes: what answers otherwise is another network, whatever it is made of."""

from __future__ import annotations

import importlib.metadata
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from evaluation_toys import save, trained, with_last_layer, write_suite

import benchmark
from benchmark.errors import BadInput
from benchmark.evaluation import verification as recheck
from benchmark.evaluation.request import EvaluationRequest
from benchmark.evaluation.target import load_target
from benchmark.ledger import Ledger, load_results
from benchmark.ledger.answers import Answers, read_known
from benchmark.models.normalize import Normalize

ATTACKS = "  - {attack: fgsm, norm: linf}\n"
SOURCE = "python:entry:make"

ENTRY = """
from pathlib import Path
from benchmark.models import load_checkpoint
from helper import Shaded
def make():
    return Shaded(load_checkpoint("toy.pt").model())
"""
HELPER = """
from pathlib import Path
from torch import nn
class Shaded(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner
    def forward(self, x):
        return self.inner({})
"""
#: Reads what it does from a file that is no module: neither its weights nor its code tell.
BY_FILE = "eval(Path('way.txt').read_text())"


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save(tmp_path)
    (tmp_path / "entry.py").write_text(ENTRY)
    (tmp_path / "helper.py").write_text(HELPER.format(BY_FILE))
    (tmp_path / "way.txt").write_text("x")
    yield tmp_path
    for name in ("entry", "helper"):
        sys.modules.pop(name, None)


def ask(source: str = SOURCE, **options):
    options = {"results": "results", "dataset": "digits", "trust_remote_code": True, "precision": "fp32", **options}
    (found,) = benchmark.evaluate(source, suite=write_suite(Path(), ATTACKS, images=40), progress=False, **options)
    return found


def records() -> int:
    return len(list(Path("results/records").rglob("*.safetensors")))


# What counts as the same answers.


def answers(*logits) -> Answers:
    return Answers.of(torch.tensor(logits, dtype=torch.float32))


LOGITS = [[3.0, -1.0, 0.5], [-2.0, 7.0, 1.0]]


@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1.0, 1e6])
@pytest.mark.parametrize(
    ("change", "same"),
    [
        ([[0, 0, 0], [0, 0, 0]], True),
        ([[1e-5, 0, 0], [0, -1e-5, 0]], True),
        ([[1e-3, 1e-3, -1e-3], [0, 0, 0]], True),
        ([[0, 0, 0], [0, 0, 0.02]], False),
        ([[1, 1, 1], [0, 0, 0]], False),
    ],
)
def test_rounding_is_allowed_and_no_more(scale, change, same):
    one = np.array(LOGITS, np.float32) * np.float32(scale)
    other = ((np.array(LOGITS) + np.array(change)) * scale).astype(np.float32)
    assert answers(*one.tolist()).agree(answers(*other.tolist())) is same


def test_where_all_logits_are_large_the_rounding_of_these_is_allowed():
    logits = torch.tensor(LOGITS) + 2.0**20
    near = torch.nextafter(logits, torch.tensor(torch.inf))
    assert Answers.of(logits).agree(Answers.of(near))
    assert not Answers.of(logits).agree(Answers.of(logits + 8))


def test_no_answer_is_the_same_as_no_answer_alone():
    silent, loud = [float("nan")] * 3, [float("inf"), 0.0, 1.0]
    assert answers(silent, LOGITS[0]).agree(answers(silent, LOGITS[0]))
    assert answers(loud).agree(answers(loud))
    assert not answers(silent, LOGITS[0]).agree(answers(LOGITS[0], silent))
    assert not answers(silent).agree(answers(loud))


def test_who_was_asked_for_fewer_images_is_known_by_these():
    assert answers(LOGITS[0]).agree(answers(*LOGITS))
    assert answers(*LOGITS).agree(answers(LOGITS[0]))
    assert not answers(LOGITS[1]).agree(answers(*LOGITS))
    assert not Answers.of(torch.zeros(0, 3)).agree(answers(*LOGITS))
    assert not answers([1.0, 2.0]).agree(answers(*LOGITS))


# What is filed.


def test_what_answers_otherwise_is_filed_apart_and_each_is_found_again(place):
    first = ask()
    (place / "way.txt").write_text("1 - x")
    other = ask()
    assert other.clean_errors.mean() > 0.5 > first.clean_errors.mean()
    assert other.id != first.id
    assert any("answers otherwise" in warning for warning in other.warnings)
    assert records() == 2
    (place / "way.txt").write_text("x")
    assert ask().id == first.id
    (place / "way.txt").write_text("1 - x")
    assert ask().id == other.id
    assert records() == 2
    assert [each.name for each in load_results("results")] == [SOURCE, SOURCE]


def test_what_answers_otherwise_to_no_picture_but_between_them_is_filed_apart(place):
    """The digits' grey levels are sixteenths."""
    first = ask()
    (place / "way.txt").write_text("(x * 16).frac().eq(0) * x + (x * 16).frac().ne(0) * (1 - x)")
    other = ask()
    assert (other.clean_errors == first.clean_errors).all()
    assert other.id != first.id
    assert any("answers otherwise" in warning for warning in other.warnings)


def test_an_edited_helper_is_filed_apart_in_one_process(place):
    first = ask()
    (place / "helper.py").write_text(HELPER.format("1 - x"))
    edited = ask()
    assert (edited.clean_errors == ask(results="empty").clean_errors).all()
    assert (edited.clean_errors != first.clean_errors).any()


def test_other_members_of_a_plain_list_are_filed_apart(place):
    (place / "entry.py").write_text(
        """
import torch
from torch import nn
from benchmark.models import load_checkpoint
class Ensemble(nn.Module):
    def __init__(self):
        super().__init__()
        self.members = [load_checkpoint(name).model() for name in open("members.txt").read().split()]
    def forward(self, x):
        return sum(member(x) for member in self.members)
def make():
    return Ensemble()
"""
    )
    save(place, with_last_layer("negative", -1, -1))
    found = []
    for members in ("toy.pt toy.pt", "toy.pt negative.pt negative.pt", "toy.pt toy.pt"):
        (place / "members.txt").write_text(members)
        found.append(ask())
    assert found[0].id == found[2].id != found[1].id
    assert found[1].clean_errors.mean() > 0.5 > found[0].clean_errors.mean()


def test_workers_make_sure_that_it_is_the_network_that_was_planned(place):
    assert ask(time_limit=600).clean_errors.mean() < 0.5
    for file, text in (("helper.py", HELPER.format("1 - x")), ("way.txt", "1 - x")):
        suite = write_suite(place, ATTACKS, images=40)
        request = EvaluationRequest(suite=suite, dataset="digits", trust_remote_code=True, results="results")
        target = request.plans([SOURCE]).plans[SOURCE].target
        before = (place / file).read_text()
        load_target(target)
        (place / file).write_text(text)
        with pytest.raises(BadInput, match=f"{SOURCE}: its weights or its code are not what they were"):
            load_target(target)
        (place / file).write_text(before)


def test_the_same_weights_in_changed_code_of_our_own_are_filed_apart(place, monkeypatch):
    first = ask("toy.pt")
    with monkeypatch.context() as patch:
        patch.setattr(Normalize, "forward", lambda self, x: (1 - x - self.mean) / self.std)
        changed = ask("toy.pt")
    assert changed.model["contents"] == first.model["digest"] == trained().digest != changed.model["digest"]
    assert changed.clean_errors.mean() > first.clean_errors.mean()
    with pytest.raises(BadInput, match=r"toy\.pt may be any of 2 networks; name one by its digest"):
        benchmark.compare(["toy.pt", changed.model["digest"]], results="results")
    assert ask("toy.pt").id == first.id


def test_results_without_answers_are_those_of_the_network(place):
    """As older ledgers are, and those whose answers were lost."""
    first = ask("toy.pt")
    (answers,) = Path("results/answers").rglob("*.npz")
    for spoil in (lambda: shutil.rmtree("results/answers"), lambda: answers.write_bytes(b"rotten")):
        spoil()
        assert ask("toy.pt").id == first.id
        assert read_known(answers).network == first.model["digest"]
    assert records() == 1


def test_damaged_answers_are_named_by_the_doctor(place):
    ask("toy.pt")
    (answers,) = Path("results/answers").rglob("*.npz")
    answers.write_bytes(b"rotten")
    Path("zoo").mkdir(exist_ok=True)
    (finding,) = benchmark.doctor(results="results", zoo="zoo")
    assert (finding.place, finding.action) == (str(answers), "move")


def test_stored_images_are_judged_by_the_network_that_they_are_of(place, monkeypatch):
    ask(save_adversarial=True)
    (place / "way.txt").write_text("0.8 * x")
    kept = ask(save_adversarial=True)
    assert (kept.outcomes[0].broken & ~kept.clean_errors).any()
    (found,) = recheck.verify("results", SOURCE, trust_remote_code=True)
    assert found.stored == found.confirmed == int((kept.outcomes[0].broken & ~kept.clean_errors).sum())
    real = importlib.metadata.version  # as with another version of a library, which is what verify is for
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "99" if name == "torch" else real(name))
    assert recheck.verify("results", SOURCE, trust_remote_code=True) == [found]
    (place / "helper.py").write_text(HELPER.format("x * 0 + 0.5"))
    with pytest.raises(BadInput, match="has no evaluation of"):
        recheck.verify("results", SOURCE, trust_remote_code=True)


def test_answers_lie_in_the_ledger_and_lead_nowhere_else(place):
    ledger = Ledger.open("results", create=True)
    (place / "elsewhere").mkdir()
    (place / "results" / "answers").symlink_to(place / "elsewhere")
    with pytest.raises(BadInput, match="by a link"):
        ask("toy.pt")
    assert not list((place / "elsewhere").iterdir())
    assert ledger.known(trained().digest) == []
