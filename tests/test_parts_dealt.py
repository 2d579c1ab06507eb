"""Parts of some work: nothing is in two, nothing in none, none is much longer than another, all machines agree."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from papers_ledger import write_toy

from benchmark.papers import load_paper
from benchmark.papers.setting import make_setting
from benchmark.papers.shares import NOWHERE, Division, Request
from benchmark.papers.work import plan_work
from benchmark.parts import Part, deal
from benchmark.planning.effort import Effort, _named, costs_of, multiplications
from benchmark.planning.estimate import TimeEstimate
from benchmark.planning.jobs import Job, JobList
from benchmark.planning.ledger_index import LedgerIndex
from benchmark.planning.networks import PlannedNetwork

COSTS = st.dictionaries(st.text(max_size=4), st.floats(0, 1e18), max_size=40)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(COSTS, st.integers(1, 60), st.randoms(use_true_random=False))
def test_work_is_dealt_out_whole_once_evenly_and_alike(costs, parts: int, order: random.Random) -> None:
    dealt = deal(costs, parts)
    assert set(dealt) == set(costs)
    assert set(dealt.values()) <= set(range(1, parts + 1))
    loads = [sum(cost for key, cost in costs.items() if dealt[key] == number) for number in range(1, parts + 1)]
    # Who has most had least before its last piece, which is at most the largest.
    assert max(loads) - min(loads) <= max(costs.values(), default=0) * (1 + 1e-9)
    shuffled = list(costs.items())
    order.shuffle(shuffled)
    assert deal(dict(shuffled), parts) == dealt


def test_alike_pieces_are_dealt_in_turn() -> None:
    counts = [list(deal({f"run {n}": 1.0 for n in range(23)}, 5).values()).count(part) for part in range(1, 6)]
    assert sorted(counts) == [4, 4, 5, 5, 5]
    free = list(deal({f"run {n}": 0.0 for n in range(6)}, 3).values())
    assert sorted(free) == [1, 1, 2, 2, 3, 3]


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    return write_toy(tmp_path, monkeypatch)


def everything(name: str):
    loaded = load_paper(name)
    return plan_work(loaded, list(loaded.exhibits), [make_setting(loaded, "digits")], LedgerIndex([]), NOWHERE)


def own(name: str, works, number: int, parts: int):
    loaded = load_paper(name)
    asked = [Request(tuple(loaded.exhibits))]
    division = Division(loaded, asked, [make_setting(loaded, "digits")], Part(number, parts))
    return [job for work in division.own(works) for job in work.jobs.jobs]


@pytest.mark.parametrize(("paper", "parts"), [("mat", 3), ("toy", 50)])
def test_the_parts_of_a_paper_are_all_of_it(
    paper: str, parts: int, toy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of three parts each has a share; of fifty, most have none."""
    monkeypatch.setattr(Effort, "estimate", _made_up)
    name = toy if paper == "toy" else paper
    whole = everything(name)
    shares = [own(name, whole[:1], number, parts) for number in range(1, parts + 1)]
    assert all(shares) == (paper == "mat")
    assert sorted(job.what for share in shares for job in share) == sorted(job.what for job in whole[0].jobs.jobs)
    for share in shares:  # a training and what is asked about its networks
        families = {job.family for job in share}
        assert not any(job.family in families for other in shares if other is not share for job in other)


def test_what_is_done_already_changes_nobodys_part(toy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who begins later, or goes on, does the same part, of which less is left."""
    monkeypatch.setattr(Effort, "estimate", _made_up)
    (whole, *_) = everything("mat")
    left = type(whole)(whole.setting, whole.keys, JobList(whole.jobs.jobs[::3]))
    for number in (1, 2, 3):
        before, after = (own("mat", [each], number, 3) for each in (whole, left))
        assert after == [job for job in before if job in left.jobs.jobs]


def _made_up(self: TimeEstimate, job: Job):
    from benchmark.planning.estimate import Estimate

    return Estimate(float(len(job.what) ** 3), "")


def test_a_paper_is_dealt_by_what_its_jobs_cost(toy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by how many they are: what costs more than all the others together is a part of its own."""
    works = everything(toy)
    families = sorted({job.family for work in works for job in work.jobs.jobs})
    assert len(families) > 2
    for costly in families:
        costs = {family: 100.0 if family == costly else 1.0 for family in families}
        monkeypatch.setattr("benchmark.papers.shares.costs_of", lambda jobs, setting, costs=costs: costs)
        first = [job.family for job in own(toy, works, 1, 2)]
        assert set(first) == {costly}


def test_nothing_that_only_this_machine_knows_counts(toy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No probe, no ledger, no library that may be absent elsewhere."""

    def probed(*args: object, **more: object) -> None:
        raise AssertionError("a probe")

    for name in ("measure", "own_work", "skeleton", "load_model"):
        monkeypatch.setattr(f"benchmark.planning.estimate.{name}", probed)
    (work,) = everything(toy)
    costs = costs_of(work.jobs.jobs, work.setting)
    assert costs == costs_of(work.jobs.jobs, work.setting)
    assert costs["no-such-method"] == 0
    ard, natural = sorted((cost for cost in costs.values() if cost), reverse=True)
    assert ard > natural
    foreign = Job(PlannedNetwork("robustbench:Big_70_16"), work.jobs.jobs[-1].query)
    assert costs_of([foreign], work.setting)["robustbench:Big_70_16"] > natural


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("robustbench:Jia2022LAS-AT_70_16", "wrn-70-16"),
        ("robustbench:cifar100/Linf/Rade2021Helper_R18_ddpm", "resnet18"),
        ("robustbench:Gowal2020Uncovering_28_10_extra", "wrn-28-10"),
        ("robustbench:Somebody_12_3", "wrn-34-10"),
        ("python:mine:make", "wrn-34-10"),
    ],
)
def test_the_size_of_a_published_network_is_read_from_its_name(source: str, expected: str) -> None:
    assert _named(source) == expected


def test_multiplications_are_those_of_the_layers() -> None:
    # ResNet-18 for 32×32 images has 0.56 G, WRN-34-10 5.2 to 6.7 G with its first convolution at full width.
    assert multiplications("resnet18", (3, 32, 32), 10) == pytest.approx(0.5554e9, rel=1e-3)
    assert 5e9 < multiplications("wrn-34-10", (3, 32, 32), 10) < 7e9
