"""In worst-case mode some images are shown to every attack, gradients are looked at, and no accuracy is another."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from evaluation_toys import THREE_NORMS, evaluated
from test_analysis_masking import replayed
from torch import nn

from benchmark.analysis import aggregate
from benchmark.analysis.masking import masking_flags, unchecked
from benchmark.errors import BadInput
from benchmark.evaluation import jobs, plan, probe, run_job
from benchmark.ledger import Ledger
from benchmark.ledger.evaluation import Probe, common
from benchmark.noise import ExampleNoise
from benchmark.threats import Threat

pytestmark = pytest.mark.usefixtures("one_thread")

ATTACKS = f"""{THREE_NORMS}
  - {{attack: ddn, norm: l2, parameters: {{steps: 20}}}}
  - {{attack: salt-and-pepper, norm: l1, parameters: {{steps: 5}}}}
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Evaluates the trained network on sixty images in three shards."""
    monkeypatch.setattr(plan, "SHARD", 25)

    def run(mode, attacks=ATTACKS, **options):
        (found,) = evaluated(tmp_path, attacks, mode=mode, **options)
        return found

    return run


def test_every_attack_sees_the_common_images_and_what_is_left_and_nothing_else(run):
    worst = run("worst-case")
    standing: dict[str, np.ndarray] = {}
    for outcome in worst.outcomes:
        left = standing.get(outcome.norm, ~worst.clean_errors)
        assert np.array_equal(outcome.evaluated, left | worst.common | worst.clean_errors)
        standing[outcome.norm] = left & ~outcome.broken
        assert np.array_equal(aggregate.left_standing(worst, outcome.label), left)
    assert worst.common.sum() == 30
    again = [outcome for outcome in worst.outcomes if (outcome.evaluated & ~worst.clean_errors & ~left).any()]
    assert again  # there were images to be shown a second time


def test_worst_case_mode_is_complete_mode_without_what_need_not_be_seen(run):
    """So that false alarms may be counted on replayed evaluations; and accuracies are those of complete mode."""
    full, worst = run("complete"), run("worst-case")
    expected = replayed(full)
    for norm in full.norms:
        assert aggregate.norm_accuracy(full, norm) == aggregate.norm_accuracy(worst, norm)
    assert aggregate.r_worst(full) == aggregate.r_worst(worst)
    for one, other in zip(expected.outcomes, worst.outcomes, strict=True):
        assert np.array_equal(one.evaluated, other.evaluated)
        assert np.array_equal(one.broken, other.broken)
        assert np.array_equal(np.isinf(one.distance), np.isinf(other.distance))
        assert one.probe == other.probe
    assert masking_flags(expected) == masking_flags(worst) == []
    assert unchecked(worst) is None


def test_records_of_older_versions_are_read_and_said_to_be_uncheckable(run, monkeypatch):
    monkeypatch.setattr(jobs.AttackJob, "handed", lambda self, standing: standing)
    monkeypatch.setattr(run_job, "probe", lambda *arguments: None)
    old = run("worst-case")
    monkeypatch.undo()
    assert {outcome.probe for outcome in old.outcomes} == {None}
    assert "could not be checked" in unchecked(old)
    assert masking_flags(old) == []
    assert aggregate.r_worst(old) is not None


def test_what_the_ledger_says_of_gradients_adds_up_over_the_shards(run):
    full = run("complete")
    right = int((common(60) & ~full.clean_errors).sum())
    for outcome in full.outcomes:
        blind = outcome.definition["gradient_free"]
        assert outcome.probe == (None if blind else Probe(right, 0, right))


def test_counts_that_make_no_sense_are_not_kept(run, tmp_path):
    full = run("complete", attacks=ATTACKS.splitlines(keepends=True)[0])
    ledger = Ledger.open(tmp_path / "results")
    network, name = full.model["digest"], full.outcomes[0].records[0]
    record = ledger.read(network, name)
    assert record is not None
    for wrong in ({"images": 5, "dead": 3, "uphill": 3}, {"images": 0, "dead": 0, "uphill": 0}, {"images": 5}, 7):
        with pytest.raises(BadInput, match=r"could not be read again \(it is inconsistent \(probe"):
            ledger.write(dataclasses.replace(record, info=record.info | {"probe": wrong}))


# The look at the gradients.


class Plane(nn.Module):
    """Logits (0, w·x): a step along w raises the loss of class 0, and no other direction does as much."""

    def __init__(self, change=lambda x: x) -> None:
        super().__init__()
        self.weight = nn.Buffer(torch.linspace(-1, 1, 16))
        self.change = change

    def forward(self, x):
        score = self.change(x).flatten(1) @ self.weight
        return torch.stack([0.5 + 0 * score, score - 1], dim=1)


def look(network, norm, images=40, size=4):
    x = torch.rand(images, 1, size, size, generator=torch.Generator().manual_seed(1)) * 0.2 + 0.4
    y = torch.zeros(images, dtype=torch.long)
    threat = Threat(norm, {"linf": 0.1, "l2": 0.5, "l1": 2.0}[norm])
    noise = ExampleNoise(0, torch.arange(images), 0, x.device)
    dead, uphill = probe._look(network, x, y, threat, noise).unbind(1)
    return int(dead.sum()), int(uphill.sum())


@pytest.mark.parametrize("norm", probe.NORMS)
def test_of_a_plane_every_gradient_leads_uphill(norm):
    assert look(Plane(), norm) == (0, 40)


@pytest.mark.parametrize("norm", probe.NORMS)
@pytest.mark.parametrize(
    "change",
    [lambda x: (8 * x).round() / 8, lambda x: x.detach(), lambda x: x * torch.nan_to_num(x.log().sign() * 0)],
)
def test_of_a_staircase_none_is_alive(norm, change):
    assert look(Plane(change), norm) == (40, 0)


@pytest.mark.parametrize("norm", probe.NORMS)
def test_a_gradient_of_another_sign_leads_nowhere(norm):
    dead, uphill = look(Plane(lambda x: 2 * x.detach() - x), norm)
    assert (dead, uphill) == (0, 0)


@pytest.mark.parametrize("norm", probe.NORMS)
def test_a_random_gradient_seldom_beats_four_random_steps(norm):
    """Each of five directions is the best for as many; two losses make it no more than two of five."""
    directions = torch.randn(400, 1, 4, 4, generator=torch.Generator().manual_seed(2))

    class Random(Plane):
        def forward(self, x):
            return super().forward(x.detach()) + (x * directions[: len(x)]).flatten(1).sum(1)[:, None].sub(
                (x.detach() * directions[: len(x)]).flatten(1).sum(1)[:, None]
            ) * torch.tensor([0.0, 1.0])

    dead, uphill = look(Random(), norm, images=400)
    assert dead == 0
    assert 0.1 < uphill / 400 < 0.4


def test_networks_that_fail_when_asked_for_a_gradient_are_left_to_the_attacks(monkeypatch, tmp_path, run):
    def fail(*arguments):
        raise RuntimeError("no backward here")

    monkeypatch.setattr(probe, "input_gradient", fail)
    probe.probe.cache_clear()
    full = run("complete")
    probe.probe.cache_clear()
    assert {outcome.probe for outcome in full.outcomes} == {None}
    assert not full.failures


def test_looking_is_on_no_attacks_bill(run, monkeypatch, tmp_path):
    bills = []
    for number, looking in enumerate((probe.probe, lambda *arguments: None)):
        monkeypatch.setattr(run_job, "probe", looking)
        found = run("complete", results=tmp_path / str(number))
        bills.append(
            [
                {name: outcome.costs[name] for name in ("forwards", "backwards", "dead_gradients")}
                for outcome in found.outcomes
            ]
        )
    assert bills[0] == bills[1]
