"""A checkpoint and a results folder that version 0.1.0 wrote: both are read, in today's words, and gone on with."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import benchmark
from benchmark.attacks.white_box.ddn import DDN
from benchmark.attacks.white_box.gradient import PGD
from benchmark.evaluation.request import EvaluationRequest
from benchmark.ledger import load_results

OLD = Path(__file__).parent / "version-0.1.0"
#: What that version called the evaluation.
ID = "8e9aea95318f785a7a48652cb806a32403787bd49dc33a4c6d83836e031d65a7"


@pytest.fixture
def old(tmp_path, monkeypatch):
    """The folder, where it may be written to; results and suite are named from within."""
    shutil.copytree(OLD, tmp_path / "old")
    monkeypatch.chdir(tmp_path / "old")
    return tmp_path / "old"


def test_an_old_ledger_says_the_same_in_todays_words():
    (found,) = load_results(OLD / "ledger")
    assert found.id == ID
    assert (found.mode, found.suite["preset"], not found.failures) == ("complete", "standard", True)
    kinds = {outcome.label: (outcome.kind, outcome.epsilon) for outcome in found.outcomes}
    assert kinds == {"pgd-linf": ("fixed-budget", 0.1), "ddn-l2": ("minimum-norm", 0.5)}
    broken = [int(np.sum(outcome.distance <= outcome.epsilon)) for outcome in found.outcomes]
    assert (int(found.clean_errors.sum()), broken) == (3, [4, 3])


def test_an_old_checkpoint_is_the_network_that_the_old_ledger_knows():
    (found,) = load_results(OLD / "ledger")
    network = benchmark.load_model(OLD / "at.pt")
    assert network.digest == found.model["digest"]


@pytest.fixture
def old_draws(monkeypatch):
    """Its attacks drew other random numbers; all else that it was asked for is asked for today."""
    for attack in (PGD, DDN):
        monkeypatch.setattr(attack, "uses_noise", lambda *_: False)


def test_an_old_evaluation_is_made_again_since_its_attacks_drew_other_numbers(old):
    request = EvaluationRequest(suite="s.yaml", results="ledger", device="cpu", precision="fp32")
    (plan,) = request.plans(["at.pt"]).plans.values()
    assert plan.id != ID


def test_an_old_evaluation_is_not_made_again_for_anything_else(old, old_draws):
    """Its name holds what decides its numbers: under today's words the same is asked for."""
    request = EvaluationRequest(suite="s.yaml", results="ledger", device="cpu", precision="fp32")
    (plan,) = request.plans(["at.pt"]).plans.values()
    assert plan.id == ID


def test_an_old_ledger_makes_a_report(old):
    benchmark.report(results="ledger", out=old / "reports")
    page = (old / "reports" / "index.html").read_text()
    assert "standard" in page
    assert "58.3" in page


def test_an_old_evaluation_learns_the_margin_of_its_suite_from_the_same_records(old, old_draws):
    suite = old / "s.yaml"
    suite.write_text(suite.read_text() + "margin: 2\n")
    before = {path: path.stat().st_mtime_ns for path in (old / "ledger" / "records").rglob("*.safetensors")}
    (found,) = benchmark.evaluate(
        "at.pt", suite=suite, results="ledger", device="cpu", precision="fp32", progress=False
    )
    assert (found.id, found.suite["margin"]) == (ID, 2)
    assert {path: path.stat().st_mtime_ns for path in (old / "ledger" / "records").rglob("*.safetensors")} == before
