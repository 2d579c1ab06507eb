"""Options of a recipe: averaged weights, AdamW, label smoothing; what is not asked for changes nothing."""

from __future__ import annotations

import pytest
import torch
from synthetic_training import SHORT, run

from benchmark.errors import BadInput
from benchmark.methods.overrides import bind_method
from benchmark.models import load_checkpoint
from benchmark.recipes.recipe import YOUNGER
from benchmark.training import METHODS
from benchmark.training.averaging import WeightAverages
from benchmark.training.dry_run import dry_run
from benchmark.training.optimizer import make_optimizer
from benchmark.training.parallel import make_fabric
from benchmark.training.report import Reporter
from benchmark.training.request import make_plan
from benchmark.training.standing import Taken
from benchmark.training.trainer import Trainer

#: What the run `at` of the recipe `quick` is: of the version before there were such options.
BEFORE = "a0a519e00a8df5c5506fad0a66bd56fa4499a3a336b85ba687d426f7410e4690"


def planned(method="at", settings=None, **options):
    usual = {"dataset": "digits", "arch": None, "recipe": "quick", "seed": 0, "name": None}
    options = {**usual, "device": "cpu", "precision": "fp32", **options}
    return make_plan(method, set={**SHORT, **(settings or {})}, **options)


def trainer_of(method="at", **settings):
    plan = planned(method, settings)
    return Trainer(plan, make_fabric(plan.device, plan.precision))


def interrupted_after(monkeypatch, steps, *arguments, **options):
    """Train as `run`, until so many steps have been made."""
    made = []

    def die(self):
        made.append(1)
        if len(made) > steps:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Reporter, "step", die)
        with pytest.raises(KeyboardInterrupt):
            run(*arguments, **options)


def test_a_run_without_these_options_is_the_run_that_it_was():
    plan = planned()
    assert plan.digest == BEFORE
    assert not set(YOUNGER) & plan.recipe.model_dump(mode="json").keys()
    said = planned(settings={"ema": None, "label_smoothing": 0.0, "weight_decay_of": "all"})
    assert said.digest == BEFORE


@pytest.mark.parametrize(
    ("settings", "told"),
    [({"ema": 0.9}, "ema None, not 0.9"), ({"label_smoothing": 0.1}, "label_smoothing 0.0, not 0.1")],
)
def test_another_option_is_another_run_and_said(tmp_path, settings, told):
    run("at", tmp_path)
    with pytest.raises(Taken, match=told):
        run("at", tmp_path, settings)


# Averaged weights.


def test_averages_follow_the_formula_and_take_over_the_statistics():
    module = torch.nn.Sequential(torch.nn.Linear(1, 1, bias=False), torch.nn.BatchNorm1d(1))
    module[0].weight.data.fill_(1.0)
    averages = WeightAverages([module], 0.15)
    expected = 1.0
    for step, weight in enumerate((3.0, -2.0, 5.0)):
        module[0].weight.data.fill_(weight)
        module[1].running_mean.fill_(weight)
        averages.update()
        kept = min(0.15, (1 + step) / (10 + step))
        expected = kept * expected + (1 - kept) * weight
    found = averages.modules[0]
    assert float(found[0].weight) == pytest.approx(expected, rel=1e-6)
    assert float(found[1].running_mean) == 5.0
    assert float(module[0].weight.detach()) == 5.0
    assert not found.training
    again = WeightAverages([module], 0.15)
    again.load_state_dict(averages.state_dict())
    assert (again.steps, float(again.modules[0][0].weight)) == (3, float(found[0].weight))


@pytest.mark.parametrize(("method", "steps"), [("mat", 1), ("trades-awp", 1), ("at-avg", 3)])
def test_every_step_of_every_network_is_averaged_after_it_was_made(method, steps):
    """AWP moves the weights while the step is made; what is averaged is where they come to lie."""
    extra = {"strategy": "in-turn"} if steps > 1 else {"awp_warmup": 0.0} if method == "trades-awp" else {}
    trainer = trainer_of(method, ema=0.999, **extra)
    for module in trainer.members:
        module.train()
    before = [{name: value.clone() for name, value in module.named_parameters()} for module in trainer.members]
    trainer._step(*trainer.train.batch(slice(0, 32)), torch.Generator().manual_seed(0))
    assert trainer.averages.steps == steps
    if steps == 1:
        for module, average, old in zip(trainer.members, trainer.averages.modules, before, strict=True):
            for (name, new), own in zip(module.named_parameters(), average.parameters(), strict=True):
                torch.testing.assert_close(own, 0.1 * old[name] + 0.9 * new)


def test_what_is_validated_is_what_is_filed(tmp_path, monkeypatch):
    seen = {}
    validate = Trainer._validate

    def look(self):
        found = validate(self)
        seen["filed"] = [module.state_dict() for module in self.filed]
        seen["trained"] = [module.state_dict() for module in self.members]
        return found

    monkeypatch.setattr(Trainer, "_validate", look)
    paths = run("mat", tmp_path, {"ema": 0.9, "epochs": 1})
    for path, filed, trained in zip(paths, seen["filed"], seen["trained"], strict=True):
        for stored in (load_checkpoint(path), load_checkpoint(path.parent / "last" / path.name)):
            assert all(torch.equal(stored.state[key], value) for key, value in filed.items())
            assert any(not torch.equal(stored.state[key], value) for key, value in trained.items())
            assert stored.recipe["ema"] == 0.9
            assert stored.extra["changes"]["ema"] == 0.9


@pytest.mark.parametrize(
    ("method", "settings"),
    [
        ("mat", {"ema": 0.9}),
        ("ramp", {"ema": 0.9}),
        ("at", {"ema": 0.99, "optimizer": "adamw", "lr": 0.001, "weight_decay": 0.05, "weight_decay_of": "weights"}),
    ],
)
def test_an_interrupted_run_goes_on_bit_by_bit(tmp_path, monkeypatch, method, settings):
    settings = {**settings, "epochs": 3, "batch_size": 512, "validation.images": 20}
    whole = run(method, tmp_path / "whole", settings)
    interrupted_after(monkeypatch, 5, method, tmp_path / "part", settings)
    part = run(method, tmp_path / "part", settings, resume=True)
    for one, other in zip(whole, part, strict=True):
        assert load_checkpoint(one).digest == load_checkpoint(other).digest
        last = [load_checkpoint(path.parent / "last" / path.name).digest for path in (one, other)]
        assert last[0] == last[1]


# AdamW.


def test_a_step_of_adamw():
    """θ ← θ − lr·wd·θ − lr·m̂/(√v̂ + ε), and m̂/√v̂ is the sign in the first step."""
    trainer = trainer_of("natural", optimizer="adamw", lr=0.5, weight_decay=0.1)
    parameter = next(trainer.members[0].parameters())
    before = parameter.detach().clone()
    parameter.grad = torch.full_like(parameter, -2.0)
    trainer.optimizer.step()
    torch.testing.assert_close(parameter.detach(), before * (1 - 0.05) + 0.5)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_biases_and_batch_norms_can_be_left_out_of_the_decay(optimizer):
    settings = {"optimizer": optimizer, "lr": 0.1, "weight_decay": 0.5}
    module = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    all_of_it = make_optimizer([module], planned(settings=settings).recipe)
    weights = make_optimizer([module], planned(settings={**settings, "weight_decay_of": "weights"}).recipe)
    assert [(len(group["params"]), group["weight_decay"]) for group in all_of_it.param_groups] == [(4, 0.5)]
    assert [(len(group["params"]), group["weight_decay"]) for group in weights.param_groups] == [(1, 0.5), (3, 0.0)]
    assert weights.param_groups[0]["params"][0] is module[0].weight


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"optimizer": "adamw"}, "lr=0.1 and weight_decay=0.0005 are meant for sgd"),
        ({"optimizer": "adamw", "lr": 0.001}, "weight_decay=0.0005 is meant for sgd"),
        ({"optimizer": "adamw", "lr": 0.001, "weight_decay": 0.01, "momentum": 0.8}, "adamw has no momentum"),
        ({"optimizer": "rmsprop", "nesterov": True}, "rmsprop has no nesterov"),
        ({"betas": [0.9, 0.99]}, "sgd has no betas.*optimizer=adamw"),
        ({"optimizer": "adamw", "betas": [0.9, 1.5], "lr": 0.1, "weight_decay": 0}, "betas"),
        ({"optimizer": "adam"}, "adamw"),
        ({"ema": 1.0}, "ema"),
        ({"ema": 0}, "ema"),
        ({"ema": True}, "ema"),
        ({"label_smoothing": 1}, "label_smoothing"),
        ({"label_smoothing": "much"}, "label_smoothing"),
    ],
)
def test_what_decides_nothing_or_is_no_such_number_is_refused(settings, told):
    with pytest.raises(BadInput, match=told):
        planned(settings=settings)


# Label smoothing.

SMOOTH = ("natural", "at", "at-l2", "at-l1", "trades", "at-awp", "trades-awp", "alp", "act", "cat", "iad-2", "ramp")
SMOOTH += ("at-avg", "at-max", "at-msd", "e-at", "sat-stochastic")


@pytest.mark.parametrize("method", METHODS.names())
def test_labels_are_smoothed_where_the_loss_has_their_cross_entropy_and_refused_elsewhere(method):
    bound = bind_method(method, {}, method)
    if method in SMOOTH:
        dry_run(bound, method, 0.1)
    else:
        with pytest.raises(BadInput, match=f"{method}: label_smoothing=0.1 changes nothing"):
            dry_run(bound, method, 0.1)


def test_labels_are_smoothed_where_settings_bring_their_cross_entropy_in():
    dry_run(bind_method("ard", {"alpha": 0.5}, "ard"), "ard", 0.1)
    with pytest.raises(BadInput, match="changes nothing"):
        dry_run(bind_method("at", {"loss": "bce"}, "at"), "at", 0.1)
    with pytest.raises(BadInput, match="label_smoothing is set as well; set one of them"):
        dry_run(bind_method("alp", {"smoothing": 0.1}, "alp"), "alp", 0.1)


def test_the_loss_is_that_of_smooth_labels_and_the_attack_is_not(monkeypatch):
    """−Σ q log p with q = 0.9·label + 0.1/K: of adversarial images that are the same as without."""
    plain, smooth = trainer_of("at"), trainer_of("at", label_smoothing=0.1)
    x, y = plain.train.batch(slice(0, 16))
    crafted, losses = [], []
    for trainer in (plain, smooth):
        noise = trainer.shard.noise(16, torch.Generator().manual_seed(0))
        examples = trainer.players.craft(x, y, ("linf",), noise)
        crafted.append(examples[0].images[0])
        losses.append(trainer.method.outer(trainer._batch(x, y, examples, {})))
    assert torch.equal(*crafted)
    logits = plain.members[0](crafted[0])
    target = 0.9 * torch.nn.functional.one_hot(y, 10) + 0.01
    torch.testing.assert_close(losses[1], -(target * logits.log_softmax(1)).sum(1).mean())
    assert float(losses[0]) != float(losses[1])
