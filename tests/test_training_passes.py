"""The passes that an estimate counts are those that training makes."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

import pytest
import torch

from benchmark.data import Dataset, load
from benchmark.methods.table import METHODS
from benchmark.training.decision import decide
from benchmark.training.parallel import make_fabric
from benchmark.training.passes import Counters, Passes, TrainingPasses, passes_of_step, passes_of_training
from benchmark.training.request import make_plan
from benchmark.training.trainer import Trainer


def table() -> dict[str, tuple[str, str]]:
    """Of each method, the passes of each network that learns and of each teacher, as docs/performance.md has them."""
    text = (Path(__file__).parents[1] / "docs" / "performance.md").read_text(encoding="utf-8")
    rows = text.split("<!-- passes: begin -->")[1].split("<!-- passes: end -->")[0].strip().splitlines()[2:]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    return {method: (members, teachers) for method, members, teachers in cells}


#: Steps of the attack here; all norms have as many.
K = 3
STEPS = {f"threats.{norm}.steps": K for norm in ("linf", "l2", "l1")}


@cache
def digits() -> Dataset:
    return load("digits")


def decided(method: str, **settings: object):
    return decide(method, digits(), "small-cnn", "quick", {**_steps(method), **settings})


def _steps(method: str) -> dict[str, object]:
    bound = METHODS.get(method).bind({}, method)
    norms = {*bound.inner.norms, *(member.norm for member in bound.cohort.members if member.norm)}
    return {key: value for key, value in STEPS.items() if key.split(".")[1] in norms and bound.inner.objective}


def written(members: str, teachers: str) -> TrainingPasses:
    """ "K+1 K 2 2; 3·K 3·K 1 1" as numbers."""
    found = [[Passes(*map(value, each.split())) for each in side.split(";") if each] for side in (members, teachers)]
    return TrainingPasses(tuple(found[0]), tuple(found[1]))


def value(term: str) -> int:
    """ "3·K+2" as a number."""
    products = ([K if factor == "K" else int(factor) for factor in each.split("·")] for each in term.split("+"))
    return sum(map(math.prod, products))


@pytest.mark.parametrize("method", [name for name, _ in METHODS])
def test_a_step_makes_the_passes_of_the_table(method: str) -> None:
    """Read off formulas and algorithms."""
    recipe, bound = decided(method)
    assert passes_of_step(bound, recipe) == written(*table()[method])


@pytest.mark.parametrize(
    "method", ["natural", "trades", "at-awp", "mmard", "mtard", "cat", "mat-msd", "ramp", "e-at"]
)
def test_real_training_makes_as_many(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step of the trainer itself, on the networks that it trains, counted by hooks."""
    plan = make_plan(
        method, dataset=digits(), arch="small-cnn", recipe="quick", set=_steps(method), seed=0, device="cpu",
        precision="fp32", name=None, teacher=teachers(method),
    )  # fmt: skip
    monkeypatch.setattr("benchmark.training.trainer.snapshots", lambda *args: None)  # a hook follows no copy
    trainer = Trainer(plan, make_fabric(plan.device, plan.precision))
    counters = Counters(trainer.members, trainer.players.teachers)
    x, y = trainer.train.batch(slice(0, 8))
    for module in trainer.members:
        module.train()
    trainer.epoch = plan.recipe.epochs - 1
    trainer._step(x, y, torch.Generator().manual_seed(0))
    assert counters.passes() == passes_of_step(plan.bound, plan.recipe).times(8)


def teachers(method: str) -> list[object]:
    shape = digits().shape
    size = shape[0] * shape[1] * shape[2]
    count = len(METHODS.get(method).bind({}, method).cohort.teachers)
    return [
        torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(size, digits().num_classes)) for _ in range(count)
    ]


def test_epochs_validations_and_the_start_of_weight_perturbation_count() -> None:
    """10 epochs of 100 images, AWP in 4 of them, PGD on 20 held-out images after each second epoch."""
    settings = {
        "epochs": 10,
        "awp_warmup": 0.6,
        "validation.every": 2,
        "validation.images": 20,
        "validation.steps": 7,
    }
    recipe, bound = decided("at-awp", **settings)
    (found,) = passes_of_training(bound, recipe, images=100, held_out=50).members
    assert found.counts == pytest.approx((1000 * K + 5 * 20 * (7 + 2), 1000 * K + 5 * 20 * 7, 1400, 1400))


def test_a_drawn_norm_counts_by_its_mean() -> None:
    """Norms with 2, 4 and 6 steps, one drawn for each batch."""
    steps = {f"threats.{norm}.steps": n for norm, n in (("linf", 2), ("l2", 4), ("l1", 6))}
    recipe, bound = decided("sat-stochastic", **steps)
    assert passes_of_step(bound, recipe).members[0].counts == pytest.approx((4, 4, 1, 1))


def test_the_settings_of_an_own_run_reach_the_count() -> None:
    recipe, bound = decided("at", restarts=2, keep="best")
    found = passes_of_step(bound, recipe).members[0]
    assert found.backwards == 3 * K
    assert found.forwards > 3 * K
