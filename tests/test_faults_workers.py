"""Workers that die or hang are replaced; what kills them again and again is recorded as failed, with the reason."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from evaluation_toys import evaluated, save
from fault_toys import Deadly

from benchmark.attacks import ATTACKS
from benchmark.engines import Limits, Means, choice, policy
from benchmark.errors import BadInput
from benchmark.evaluation import engine, plan
from benchmark.evaluation.jobs import Step
from benchmark.evaluation.request import EvaluationRequest


@pytest.fixture
def run(tmp_path, monkeypatch):
    """evaluate() with one well-behaved attack and a deadly one; gives the evaluation and the number of tries."""
    monkeypatch.setitem(ATTACKS._own, "deadly", Deadly)
    monkeypatch.setattr(plan, "SHARD", 10)

    def run(way: str, times: int = 10**6, norm: str = "l2", **options):
        log = tmp_path / "log"
        log.touch()
        lines = "  - {attack: fgsm, norm: linf}\n" + (
            f"  - {{attack: deadly, norm: {norm}, parameters: {{way: {way}, log: '{log}', times: {times}}}}}\n"
            f"  - {{attack: pgd, norm: {norm}, parameters: {{steps: 2}}}}\n"
        )
        (found,) = evaluated(tmp_path, lines, images=10, **{"workers": 2, **options})
        return found, log.stat().st_size

    return run


def test_a_worker_that_dies_or_hangs_is_replaced_and_its_job_begun_again(run, monkeypatch):
    """Twice at most: the slow tests below try three times, each time in a new process, which loads for seconds."""
    monkeypatch.setattr(engine, "Limits", partial(Limits, tries=2))
    found, tries = run("die hang", workers=1, time_limit=4)
    assert tries == 2
    assert found.outcome("deadly-l2").errors == ("given up after 2 tries: took longer than the time limit of 4 s",)
    assert found.outcome("fgsm-linf").complete
    assert found.outcome("pgd-l2").complete


@pytest.mark.slow
def test_a_job_that_kills_its_worker_is_begun_three_times_then_recorded_as_failed(run):
    found, tries = run("die")
    assert tries == 3
    deadly = found.outcome("deadly-l2")
    assert deadly.errors == ("given up after 3 tries: its process was ended by signal 9",)
    assert not deadly.complete
    assert not deadly.broken[~found.clean_errors].any()
    assert not deadly.evaluated[~found.clean_errors].any()
    assert found.outcome("fgsm-linf").complete
    assert found.outcome("pgd-l2").complete


@pytest.mark.parametrize(
    ("asked", "is_timed", "begun"), [(1, False, []), (1, True, [1]), (2, False, [1]), (2, True, [1])]
)
def test_a_single_job_has_a_worker_where_workers_are_asked_for(monkeypatch, asked, is_timed, begun):
    """Else an attack that kills its process ended the program, and would each time the last job is begun again."""
    made = []
    monkeypatch.setattr(choice, "Processes", lambda slots, set_up: made.append(len(slots)))
    Means(asked).open(1, "cpu", is_timed)
    assert made == begun


class Toy:
    """A task of two steps that are never begun."""

    name, family, steps = "toy", "toys", (Step("pgd"), Step("ddn"))


def test_the_time_limit_is_for_attacks_alone():
    """Neither for what is loaded before the first one, nor for recording that one was given up."""
    pool = policy._Policy([Toy()], SimpleNamespace(), print, Limits(1.0), None)
    pool.running[0] = at = policy._Running()
    assert pool.left(0) == float("inf")  # it loads
    at.begun = time.monotonic() - 5
    assert pool.left(0) < 0
    pool.given_up[0][Step("pgd")] = "given up after 3 tries"
    assert pool.left(0) == float("inf")
    at.steps = 1  # the next one is timed again
    assert pool.left(0) < 0


@pytest.mark.slow
def test_a_worker_that_died_by_chance_is_replaced_without_a_trace(run):
    found, tries = run("die", times=2)
    assert tries == 3
    assert not found.failures


@pytest.mark.slow
def test_an_attack_that_leaves_the_program_is_treated_alike(run):
    found, tries = run("exit")
    assert tries == 3
    assert found.outcome("deadly-l2").errors == ("given up after 3 tries: its process was ended with code 7",)


@pytest.mark.slow
def test_what_hangs_past_the_time_limit_is_stopped(run):
    began = time.monotonic()
    found, tries = run("hang", workers=1, time_limit=4)
    assert tries == 3
    assert found.outcome("deadly-l2").errors == ("given up after 3 tries: took longer than the time limit of 4 s",)
    assert found.outcome("pgd-l2").complete
    assert time.monotonic() - began < 500  # it would have slept for 600 s each time


@pytest.mark.slow
def test_in_worst_case_mode_the_attacks_before_and_after_keep_their_results(run):
    found, tries = run("die", norm="linf", mode="worst-case")
    assert tries == 3
    assert found.outcome("fgsm-linf").complete
    assert not found.outcome("deadly-linf").complete
    assert found.outcome("pgd-linf").complete


@pytest.mark.slow
def test_what_was_given_up_is_tried_again_next_time(run):
    assert run("die", times=3)[0].failures
    found, tries = run("die", times=3)
    assert tries == 4
    assert not found.failures


@pytest.mark.parametrize("limit", [0, -1, float("nan"), float("inf")])
def test_a_time_limit_is_a_positive_number(tmp_path: Path, limit: float):
    with pytest.raises(BadInput, match="time_limit must be a positive number"):
        EvaluationRequest(suite="smoke", time_limit=limit, results=tmp_path).plans([save(tmp_path)])
