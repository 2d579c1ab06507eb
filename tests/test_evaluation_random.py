"""Networks that draw random numbers: gradients averaged, verdicts by vote, results marked and reproducible."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from evaluation_toys import write_suite
from random_networks import Coin

import benchmark
from benchmark.attacks import PreparedClassifier, make_attack
from benchmark.attacks.ascent import input_gradient
from benchmark.attacks.expectation import averaged
from benchmark.attacks.objectives import cross_entropy
from benchmark.errors import BadInput
from benchmark.evaluation.attack_run import Trial
from benchmark.evaluation.judge import asked
from benchmark.evaluation.judging import Judging
from benchmark.evaluation.shard import Shard
from benchmark.evaluation.suite import SuiteItem
from benchmark.evaluation.trial_record import file_trial
from benchmark.ledger import Ledger, load_results
from benchmark.reporting.leaderboards import leaderboards
from benchmark.reporting.reproduce import evaluation_command
from benchmark.threats import Threat

pytestmark = pytest.mark.usefixtures("one_thread")

ATTACKS = """\
  - {attack: pgd, norm: linf, parameters: {steps: 4, relative_step_size: 0.4}}
  - {attack: ddn, norm: l2, parameters: {steps: 4}}
"""


@pytest.fixture
def run(tmp_path):
    def evaluated(name="noisy", attacks=ATTACKS, results="results", images=24, **options):
        options = {"stochastic": 3, "verdict_passes": 5, **options}
        (found,) = benchmark.evaluate(
            f"python:random_networks:{name}",
            suite=write_suite(tmp_path, attacks, images=images),
            results=tmp_path / results,
            dataset="digits",
            trust_remote_code=True,
            precision="fp32",
            device="cpu",
            progress=False,
            **options,
        )
        return found

    return evaluated


def test_the_mean_is_over_so_many_draws():
    draws = iter([1.0, 2.0, 6.0])
    (mean,) = averaged(3, lambda: (torch.tensor([next(draws)]),))
    assert mean.tolist() == [3.0]


class Scaled(torch.nn.Module):
    """Logits (s·x, 0) with s drawn anew in each pass from 1, 2, 3, ... in turn."""

    def __init__(self):
        super().__init__()
        self.passes = 0

    def forward(self, x):
        self.passes += 1
        first = self.passes * x.flatten(1).sum(1, keepdim=True)
        return torch.cat([first, torch.zeros_like(first)], 1)


def test_a_gradient_is_the_mean_of_the_gradients_of_single_draws():
    """Of the loss, not of the loss of mean logits: -ln p is not linear in them."""
    x = torch.full((1, 1, 1, 1), 0.5)
    net = Scaled()
    _, loss, gradient = input_gradient(net, x, torch.tensor([0]), cross_entropy, 3)
    single = [s * (torch.sigmoid(torch.tensor(0.5 * s)) - 1) for s in (1, 2, 3)]
    assert net.passes == 3
    assert gradient.item() == pytest.approx(float(sum(single)) / 3, rel=1e-5)
    losses = [-torch.log(torch.sigmoid(torch.tensor(0.5 * s))) for s in (1, 2, 3)]
    assert loss.item() == pytest.approx(float(sum(losses)) / 3, rel=1e-5)


OURS = {"fgsm": "linf", "pgd": "l2", "mim": "linf", "ddn": "l2", "cw": "l2", "deepfool": "linf", "fmn": "l1"}


@pytest.mark.parametrize(("attack", "norm"), OURS.items())
def test_every_gradient_attack_of_ours_averages(attack, norm):
    from benchmark.attacks import make_attack
    from benchmark.noise import ExampleNoise
    from benchmark.threats import Threat

    class Counting(PreparedClassifier):
        with_gradient = 0

        def _pass(self, x, precision):
            Counting.with_gradient += x.requires_grad
            return super()._pass(x, precision)

    def gradients(draws):
        Counting.with_gradient = 0
        torch.manual_seed(0)
        x, y = torch.rand(2, 1, 4, 4), torch.tensor([0, 1])
        net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 3)).eval()
        y = net(x).argmax(1)
        classifier = Counting(net, 3, draws=draws)
        parameters = {} if attack in ("fgsm",) else {"steps": 2}
        made = make_attack(
            attack, {**parameters, **({"searches": 1, "abort_early": False} if attack == "cw" else {})}
        )
        made(classifier, x, y, Threat(norm, 1e-4), ExampleNoise(0, [0, 1]))
        return Counting.with_gradient

    assert gradients(4) == 4 * gradients(1) > 0


def test_answers_to_an_attack_without_gradients_are_averaged_too():
    net = Scaled()
    classifier = PreparedClassifier(net, 2, draws=3)
    x = torch.full((1, 1, 1, 1), 0.5)
    with torch.no_grad():
        first = classifier(x)[0, 0].item()
        second = classifier(x)[0, 0].item()
    # Means over three passes in a row, of s = k, k + 1, k + 2 and of the three after them.
    assert second - first == pytest.approx(0.5 * 3)
    assert classifier.forwards == 6


@pytest.mark.parametrize(("share", "right"), [(0.9, True), (0.1, False)])
def test_the_majority_of_passes_decides(share, right):
    x = torch.full((64, 1, 2, 2), 0.9)
    y = torch.ones(64, dtype=torch.long)
    wrong = asked(Coin(share).eval(), x, y, passes=101, seed=1).wrong_share
    assert wrong.mean().item() == pytest.approx(1 - share, abs=0.05)
    assert bool((wrong < 0.5).all()) is right


def test_a_tie_is_no_majority():
    class Turns(torch.nn.Module):
        calls = 0

        def forward(self, x):
            self.calls += 1
            return torch.tensor([[1.0, 0.0]] if self.calls % 2 else [[0.0, 1.0]]).expand(len(x), 2)

    wrong = asked(Turns(), torch.zeros(3, 1, 2, 2), torch.zeros(3, dtype=torch.long), passes=4).wrong_share
    assert wrong.tolist() == [0.5] * 3  # and `shard` and `verify` call 0.5 wrong


def test_a_random_network_is_refused_unless_it_is_said_to_be_one(run):
    with pytest.raises(BadInput, match="--stochastic 20"):
        run(stochastic=None, verdict_passes=None)


def test_results_are_marked_and_keep_the_share_of_wrong_passes(run, tmp_path):
    found = run()
    assert found.is_random
    assert found.judging == {"draws": 3, "verdict_passes": 5}
    assert "gradients over 3" in found.conditions
    pgd = found.outcome("pgd-linf")
    fifths = np.round(pgd.wrong_share * 5, 4)
    assert (fifths == fifths.round()).all()
    attacked = pgd.evaluated & ~found.clean_errors
    assert ((pgd.wrong_share >= 0.5) == pgd.broken)[attacked].all()
    assert len(np.unique(pgd.wrong_share)) > 2  # it does not always say the same
    assert not any("did not always make the same prediction" in text for text in found.warnings)
    (read,) = load_results(tmp_path / "results")
    assert (read.outcome("pgd-linf").wrong_share == pgd.wrong_share).all()


def test_the_same_seed_gives_the_same_numbers_whoever_ran_before(run, tmp_path):
    first = run(results="first")
    run(results="second", attacks=ATTACKS.splitlines(keepends=True)[1])
    second = run(results="second")  # DDN is there already, so that PGD is run in another place of the stream
    for label in ("pgd-linf", "ddn-l2"):
        one, other = first.outcome(label), second.outcome(label)
        assert (one.broken == other.broken).all()
        assert (one.distance == other.distance).all()
        assert (one.wrong_share == other.wrong_share).all()


def test_another_number_of_draws_or_votes_is_another_evaluation(run):
    ids = {run(attacks=ATTACKS.splitlines(keepends=True)[0], images=8, **more).id for more in (
        {}, {"stochastic": 2}, {"verdict_passes": 7}, {"eight_bit": True}
    )}  # fmt: skip
    assert len(ids) == 4


def test_stored_images_of_a_random_network_are_judged_again_by_vote(run, tmp_path):
    found = run(save_adversarial=True)
    rechecks = benchmark.verify(tmp_path / "results", "python:random_networks:noisy", trust_remote_code=True)
    assert {recheck.label for recheck in rechecks} == {outcome.label for outcome in found.outcomes}
    assert not [problem for recheck in rechecks for problem in recheck.problems]
    assert all(recheck.confirmed == recheck.claimed > 0 for recheck in rechecks)


def test_a_forged_record_of_a_random_network_is_still_refuted(run, tmp_path):
    import dataclasses

    found = run(save_adversarial=True)
    ledger = Ledger.open(tmp_path / "results")
    network, name = found.model["digest"], found.outcomes[0].records[0]
    record = ledger.read(network, name)
    broken = record.clean_errors.copy()
    ledger.write(dataclasses.replace(record, broken=broken, distance=np.where(broken, 0, np.inf).astype(np.float32)))
    rechecks = benchmark.verify(tmp_path / "results", "python:random_networks:noisy", trust_remote_code=True)
    assert any(recheck.refuted for recheck in rechecks)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"stochastic": 0}, "--stochastic must be a whole number from 1"),
        ({"stochastic": 2.5}, "stochastic must be a whole number"),
        ({"verdict_passes": 1}, "--verdict-passes must be a whole number from 2"),
        ({"stochastic": None}, "--verdict-passes is for networks that draw"),
    ],
)
def test_bad_numbers_are_refused(run, options, words):
    with pytest.raises(BadInput, match=words):
        run(**options)


def test_autoattack_runs_its_version_for_random_networks(monkeypatch):
    """With as many gradients averaged as were asked for, whatever the library's own number."""
    import pyautoattack

    from benchmark.attacks import make_attack
    from benchmark.noise import ExampleNoise
    from benchmark.threats import Threat

    seen = []

    def evaluation(self, x, y, batch_size=1):
        seen.append((self.version, tuple(self.attacks_to_run), self.apgd.eot_iter))
        return x, y

    monkeypatch.setattr(pyautoattack.AutoAttack, "run_standard_evaluation", evaluation)
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 5)).eval()
    x, y = torch.rand(2, 1, 2, 2), torch.tensor([0, 1])
    for draws in (1, 7):
        classifier = PreparedClassifier(net, 5, draws=draws)
        make_attack("autoattack")(classifier, x, y, Threat("linf", 0.1), ExampleNoise(0, [0, 1]))
    assert seen == [
        ("standard", ("apgd-ce", "apgd-t", "fab-t", "square"), seen[0][2]),
        ("rand", ("apgd-ce", "apgd-dlr"), 7),
    ]


def test_a_random_network_has_a_table_of_its_own(run, tmp_path):
    """It shares no rank with others, nor with itself under another number of passes."""
    first, other = run(images=8), run(images=8, stochastic=2)
    plain = run("undefended", images=8, stochastic=None, verdict_passes=None)
    boards = leaderboards([first, other, plain])
    assert [len(board.entries) for board in boards] == [1, 1, 1]
    assert len({board.anchor for board in boards} | {board.file for board in boards}) == 6
    assert [board.how for board in boards].count("standard") == 1
    assert "--stochastic 3 --verdict-passes 5" in evaluation_command(first)
    benchmark.report(results=tmp_path / "results", out=tmp_path / "reports")
    page = (tmp_path / "reports" / "index.html").read_text()
    assert "random: gradients over 3, verdicts over 5 passes" in page
    table = pd.read_csv(tmp_path / "reports" / "leaderboard.csv", keep_default_na=False)
    assert sorted(table["conditions"]) == sorted(board.conditions for board in boards)
    frame = benchmark.results.examples(tmp_path / "results")
    assert frame["wrong_share"].between(0, 1).all()
    assert frame["conditions"].nunique() == 3


def test_a_random_network_that_changes_is_not_told_to_be_random(run):
    with pytest.raises(BadInput, match="its weights or its code are not what they were"):
        run("drawn_anew")


def test_a_random_networks_gradients_are_judged_by_the_same_draws(run):
    """Else the draws decide which of two losses is higher, and honest noise is taken for a useless gradient."""
    probe = run(images=60, attacks=ATTACKS.splitlines(keepends=True)[0], stochastic=1).outcome("pgd-linf").probe
    assert probe.images > 15
    assert probe.uphill > 0.85 * probe.images


def test_an_image_without_an_answer_in_a_few_passes_is_filed_as_right():
    """The mean of its logits is no number, while it counts as classified correctly."""
    y = torch.zeros(3, dtype=torch.long)
    few = asked(Rarely(), torch.zeros(3, 1, 2, 2), y, passes=9)
    shard = Shard(torch.zeros(3, 1, 2, 2), y, few.wrong_share >= 0.5, *few)
    assert shard.no_answer.all()
    network = SimpleNamespace(shard=lambda *_: shard, judging=Judging(1, 9), changed_answers=lambda *_: 0)
    item = SuiteItem("fgsm", make_attack("fgsm", {}), Threat("linf", 0.1), 1)
    data = {"digest": "d", "start": 0, "stop": 3}
    record = file_trial(Trial(network, item, 0, 3, None), {"data": data}, {"error": None})
    assert not record.broken.any()
    assert not record.no_answer.any()
    assert record.clean_class.tolist() == record.adversarial_class.tolist() == [0, 0, 0]


class Rarely(torch.nn.Module):
    """Right in four of five passes, without an answer in the fifth."""

    calls = 0

    def forward(self, x):
        self.calls += 1
        logits = torch.tensor([[1.0, 0.0]]).expand(len(x), 2)
        return logits * torch.nan if self.calls % 5 == 0 else logits
