"""The commands that pages show: run as they stand they must lead to the same network, replaced parts included."""

from __future__ import annotations

import dataclasses
import shlex
from types import SimpleNamespace

import pytest
from evaluation_toys import evaluation
from test_training_recipe import plan as planned

from benchmark.reporting.networks import NetworkPage
from benchmark.reporting.reproduce import evaluation_command, training_command


def card_of(method: str, **options):
    plan = planned(method, seed=3, **options)
    values = plan.recipe.model_dump(mode="json")
    return plan, {
        "name": plan.name,
        "method": plan.method,
        "dataset": plan.dataset.name,
        "scale": plan.dataset.scale,
        "architecture": plan.architecture,
        "seed": plan.seed,
        "recipe": {"name": plan.recipe_name, **values},
        "extra": {
            "settings": plan.bound.settings,
            "inner": plan.inner,
            "outer": plan.outer,
            "precision": plan.precision,
        },
    }


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("at", {}),
        ("at", {"set": ["epochs=3", "threats.linf.steps=2"]}),
        ("mart", {"outer": "at"}),
        ("mart", {"outer": "at", "arch": "wrn-34-10", "recipe": "quick"}),
        ("at", {"inner": "trades", "set": ["bn=train"]}),
        ("mat-avg", {"inner": "bce"}),
    ],
)
def test_the_command_shown_describes_the_same_run(method, options):
    plan, card = card_of(method, **options)
    words = shlex.split(training_command(card))
    said = dict(zip(words[2::2], words[3::2], strict=False))
    settings = words[words.index("--set") + 1 :] if "--set" in words else []
    again, _ = card_of(
        said["--method"],
        arch=said["--arch"],
        recipe=said["--recipe"],
        inner=said.get("--inner"),
        outer=said.get("--outer"),
        set=settings,
    )
    assert again.recipe == plan.recipe
    assert again.bound.settings == plan.bound.settings


def test_the_command_shown_leads_to_the_file_and_to_the_name():
    """The network's own name is said where it is not the usual one, and its file is the one that training writes."""
    for name in ("模型", "mine", "con"):
        plan, card = card_of("mat", name=name)
        words = shlex.split(training_command(card))
        assert words[words.index("--name") + 1] == name
        for network, file in zip(plan.checkpoint_names(), plan.file_names(), strict=True):
            member = {**card, "name": network, "network": network.removeprefix(f"{name}-")}
            assert training_command(member) == training_command(card)
            evaluated = dataclasses.replace(evaluation([0]), model=member, suite={"name": "toy", "preset": "quick"})
            assert shlex.split(evaluation_command(evaluated))[2] == f"zoo/{file}"
    assert "--name" not in training_command(card_of("at", set=["epochs=3"])[1])
    foreign = {"name": "robustbench:some", "method": "external"}
    evaluated = dataclasses.replace(evaluation([0]), model=foreign, suite={"name": "toy", "preset": "quick"})
    assert evaluation_command(evaluated).startswith("bench evaluate robustbench:some --suite")


def test_a_networks_page_tells_the_attack_and_the_loss_that_were_used():
    def told(**options):
        _, card = card_of("at", **options)
        return NetworkPage.formulas.func(SimpleNamespace(card=card, name=card["name"]))

    usual, replaced = told(), told(inner="trades", outer="mart")
    assert usual["inner objective"] == "CE(h(x'), y)"
    assert replaced["inner objective"] == "D(h(x)‖h(x'))"
    assert replaced["outer objective"] != usual["outer objective"]
    _, card = card_of("at")
    card["extra"]["outer"] = "no-such-loss"
    assert NetworkPage.formulas.func(SimpleNamespace(card=card, name="x")) == {}
