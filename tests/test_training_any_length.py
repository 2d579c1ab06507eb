"""Who goes by the number of epochs: of them no run is extended, and all that is registered says so rightly."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import get_args

import pytest
import torch
from extended_runs import assert_same_state, fit_in, interrupt, planned, toy_network
from synthetic_training import content

from benchmark.errors import BadInput
from benchmark.methods import outer
from benchmark.methods.overrides import bind_method
from benchmark.methods.table import METHODS
from benchmark.models import ARCHITECTURES
from benchmark.recipes.recipe import Recipe
from benchmark.recipes.schedule_kinds import KINDS
from benchmark.training.extending import by_length
from benchmark.training.parallel import make_fabric
from benchmark.training.report import Reporter
from benchmark.training.state import kept_path
from benchmark.training.trainer import Trainer


@pytest.fixture(scope="module", autouse=True)
def toy():
    with toy_network():
        yield


@pytest.fixture
def fit(tmp_path):
    return partial(fit_in, tmp_path)


REFUSED = {
    "cosine": ("at", {"schedule": "cosine"}, "schedule=cosine goes by"),
    "one-cycle": ("at", {"schedule": "one-cycle"}, "schedule=one-cycle goes by"),
    "warm-up of AWP": ("at-awp", {"awp_warmup": 0.5}, "awp_warmup=0.5 goes by"),
    "warm-up of a method": ("iad", {"warmup": 0.25}, "warmup=0.25 goes by"),
    "both": ("iad", {"warmup": 0.25, "schedule": "cosine"}, "schedule=cosine and warmup=0.25 go by"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_goes_by_the_number_of_epochs_is_refused(fit, tmp_path, kind):
    method, settings, told = REFUSED[kind]
    teacher = fit(1, name="teacher", method="natural") if method == "iad" else []
    fit(1, settings, method, teacher=teacher)
    assert not kept_path(tmp_path / "zoo", "mine").exists()
    before = content(tmp_path)
    for name in ("mine", "longer"):
        with pytest.raises(BadInput) as caught:
            fit(2, settings, method, teacher=teacher, extend=True, name=name)
        for part in (told, "number of epochs", *(("train it anew", "--init") if name == "longer" else ("--init",))):
            assert part in str(caught.value)
    assert content(tmp_path) == before


def asks_late(batch):
    """AT's loss, which wants to know how much lies behind after four steps."""
    count = batch.memory.setdefault("count", torch.zeros(()))
    count += 1
    return outer.at(batch) * (batch.progress if count > 4 else 1.0)


def test_a_loss_that_asks_only_later_is_noticed(fit, tmp_path):
    """The dry run makes one step; what was asked for in a run is in its state."""
    with METHODS.lent("late", replace(METHODS.get("at"), title="late", outer=asks_late)):
        fit(1, method="late")
        assert kept_path(tmp_path / "zoo", "mine").exists()
        fit(2, method="late", name="longer", extend=True)  # the whole first epoch did not ask
        assert not kept_path(tmp_path / "zoo", "longer").exists()
        with pytest.raises(BadInput, match="finds no run") as caught:
            fit(1, {"lr": 0.05}, method="late", name="other", extend=True)
        assert "mine has lr 0.1, not 0.05" in str(caught.value)


def asks_once(batch):
    """AT's loss, which wants to know how much lies behind in the fourth step only."""
    count = batch.memory.setdefault("count", torch.zeros(()))
    count += 1
    return outer.at(batch) * (batch.progress if count == 4 else 1.0)


def test_what_was_asked_for_before_an_interruption_is_not_forgotten(fit, tmp_path, monkeypatch):
    with METHODS.lent("once", replace(METHODS.get("at"), title="once", outer=asks_once)):
        with monkeypatch.context() as patch:
            interrupt(patch, 7)  # steps, three of which make an epoch
            with pytest.raises(KeyboardInterrupt):
                fit(3, method="once")
        fit(3, method="once", resume=True)
    assert not kept_path(tmp_path / "zoo", "mine").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_schedules_say_rightly_whether_they_span_the_training(kind):
    examples = {
        "multistep": [{"milestones": [2, 3]}],
        "exponential": [{"factor": 0.5, "every": 2}],
        "piecewise-linear": [{"knots": [[0, 0], [2, 1], [9, 0]]}],
        "cosine": [{}, {"span": 2}, {"span": 9}],
    }
    name = get_args(kind.model_fields["name"].annotation)[0]
    for settings in examples.get(name, [{}]):
        rates = []
        for epochs in (4, 5):
            recipe = Recipe(lr=0.1, epochs=epochs, schedule={"name": name, **settings}, threats={})
            rates.append([recipe.lr_at(step / 8) for step in range(8 * 4)])
        assert (rates[0] != rates[1]) is recipe.schedule.spans_training


def _changed(name):
    """A method's settings with each part of the training in the middle, so that two and three epochs differ by it."""
    bound = bind_method(name, {}, "test")
    return {
        key: 0.4 for key in ("warmup", "awp_warmup") if key in bound.settings and (key == "warmup" or "awp" in name)
    }


@pytest.mark.parametrize("method", METHODS.names())
def test_methods_that_do_not_ask_for_progress_do_not_depend_on_it(method, tmp_path):
    """Two epochs of a run of two and of one of three: bit by bit, or the run says that it goes by their number.

    What asks only to ignore the answer would be found, too: no method but those with a warm-up may ask.
    """
    roles, states = METHODS.get(method).cohort().teachers, []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        teachers = [ARCHITECTURES.get("toy")(num_classes=4, shape=(1, 8, 8)) for _ in roles]
    for epochs in (2, 3):
        plan = planned(epochs, _changed(method), method, teacher=teachers)
        trainer = Trainer(plan, make_fabric(plan.device, plan.precision))
        while trainer.epoch < 2:
            with trainer._fixed_randomness(), Reporter("mine", epochs, trainer.steps, False, None) as report:
                trainer._train_epoch(tmp_path, report)
            trainer.epoch += 1
        states.append(trainer.state_dict())
    assert bool(_changed(method)) is bool(by_length(plan)) is not states[0]["any_length"]
    if states[0]["any_length"]:
        assert_same_state(*states)
    else:
        with pytest.raises(AssertionError):
            assert_same_state(*states)
