"""The recipe `paper` holds the published settings: figures stated by each paper or read in its authors' code.

What `as-code` does otherwise is in test_training_as_code.py.
"""

from __future__ import annotations

import pytest

from benchmark.methods.table import METHODS
from benchmark.recipes.recipe import load_recipe

#: (method, network) → (rate, weight decay, epochs, rates by epoch counted from 1)
SCHEDULES = [
    ("natural", "resnet18", 0.1, 2e-4, 100, {74: 0.1, 75: 0.01, 90: 0.001}),
    ("at", "resnet18", 0.1, 5e-4, 200, {100: 0.1, 101: 0.01, 151: 0.001}),
    ("trades", "wrn-34-10", 0.1, 2e-4, 76, {74: 0.1, 75: 0.01, 76: 0.01}),
    ("trades-awp", "wrn-34-10", 0.1, 5e-4, 200, {99: 0.1, 100: 0.01, 150: 0.001}),
    ("mart", "resnet18", 0.01, 3.5e-3, 120, {74: 0.01, 75: 0.001, 90: 1e-4, 100: 1e-5}),
    ("mart", "wrn-34-10", 0.1, 7e-4, 90, {74: 0.1, 75: 0.01, 90: 0.001}),
    ("mat", "resnet18", 0.01, 3.5e-3, 120, {74: 0.01, 75: 0.001, 90: 1e-4, 100: 1e-5}),
    ("mat", "wrn-34-10", 0.1, 7e-4, 120, {74: 0.1, 75: 0.01, 90: 0.001, 100: 1e-4}),
    ("mat-max", "resnet18", 0.01, 3.5e-3, 120, {74: 0.01, 75: 0.001, 90: 1e-4, 100: 1e-5}),
    ("mat-nat-rob-offline", "resnet18", 0.01, 3.5e-3, 120, {74: 0.01, 75: 0.001}),
    ("ard", "resnet18", 0.1, 2e-4, 200, {100: 0.1, 101: 0.01, 151: 0.001}),
    ("iad", "resnet18", 0.1, 2e-4, 200, {100: 0.1, 101: 0.01, 151: 0.001}),
    ("rslad", "resnet18", 0.1, 2e-4, 300, {215: 0.1, 216: 0.01, 261: 0.001, 286: 1e-4}),
    ("mtard", "resnet18", 0.1, 2e-4, 300, {215: 0.1, 216: 0.01, 261: 0.001, 286: 1e-4}),
    ("mmard", "resnet18", 0.1, 2e-4, 300, {1: 0.1, 151: 0.05}),
    ("act", "resnet18", 0.1, 5e-4, 200, {59: 0.1, 60: 0.02, 120: 0.004, 160: 0.0008}),
    ("cat", "resnet18", 0.1, 5e-4, 200, {99: 0.1, 100: 0.01, 150: 0.001}),
    ("at-max", "preact-resnet18", 0.1, 5e-4, 50, {11: 0.05, 21: 0.1, 31: 0.0525, 41: 0.005, 46: 0.0025}),
    ("at-msd", "preact-resnet18", 0.1, 5e-4, 50, {11: 0.05, 21: 0.1}),
    ("sat-stochastic", "wrn-28-10", 0.21, 5e-4, 30, {13: 0.21, 7: 0.105, 22: 0.105}),
    ("ramp", "preact-resnet18", 0.05, 5e-4, 80, {70: 0.05, 71: 0.005}),
    ("e-at", "preact-resnet18", 0.05, 5e-4, 80, {70: 0.05, 71: 0.005}),
    ("ramp", "wrn-28-10", 0.1, 5e-4, 30, {13: 0.1, 7: 0.05, 22: 0.05}),
]


def resolved(method, architecture="resnet18", recipe="paper"):
    recipe, hyper = load_recipe(recipe).resolve(method, architecture, "cifar10", "cifar10", {}, recipe)
    return recipe, METHODS.get(method).bind(hyper, method)


@pytest.mark.parametrize(("method", "network", "lr", "decay", "epochs", "rates"), SCHEDULES)
def test_schedules(method, network, lr, decay, epochs, rates):
    recipe, _ = resolved(method, network)
    assert (recipe.optimizer, recipe.momentum, recipe.batch_size) == ("sgd", 0.9, 128)
    assert (recipe.lr, recipe.weight_decay, recipe.epochs) == (lr, decay, epochs)
    for epoch, rate in rates.items():
        assert recipe.lr_at(epoch - 1) == pytest.approx(rate), f"epoch {epoch}"


#: method → norm → (ε, step, steps)
EIGHT, TWO = pytest.approx(8 / 255, abs=1e-7), pytest.approx(2 / 255, abs=1e-7)
RADII = [
    ("at", {"linf": (EIGHT, TWO, 10)}),
    ("at-l2", {"l2": (pytest.approx(128 / 255, abs=1e-7), pytest.approx(15 / 255, abs=1e-7), 10)}),
    ("at-l1", {"l1": (12, 1.0, 50)}),
    ("trades", {"linf": (0.031, 0.007, 10)}),
    ("mart", {"linf": (0.031, 0.007, 10)}),
    ("act", {"linf": (0.031, 0.007, 10)}),
    ("trades-awp", {"linf": (EIGHT, TWO, 10)}),
    ("mat", {"linf": (EIGHT, 0.007, 10)}),
    ("mmard", {"linf": (EIGHT, TWO, 10)}),
    ("cat", {"linf": (EIGHT, TWO, 10)}),
    ("mat-msd", {"linf": (0.03, 0.003, 40), "l2": (0.5, 0.05, 50), "l1": (12, 1.0, 50)}),
    ("at-avg", {"linf": (0.03, 0.003, 40), "l2": (0.3, 0.05, 50), "l1": (12, 1.0, 50)}),
    ("at-max", {"linf": (0.03, 0.005, 40), "l2": (0.3, 0.05, 50), "l1": (12, 1.0, 50)}),
    ("sat-stochastic", {"linf": (EIGHT, pytest.approx(1 / 255, abs=1e-7), 10)}),
    ("sat-stochastic", {"l1": (pytest.approx(2000 / 255), 1.0, 20)}),
    ("ramp", {"linf": (EIGHT, TWO, 10), "l1": (12, 1.0, 10)}),
    ("e-at", {"linf": (EIGHT, TWO, 10), "l1": (12, 1.0, 10)}),
]


@pytest.mark.parametrize(("method", "radii"), RADII)
def test_radii(method, radii):
    recipe, _ = resolved(method)
    for norm, (epsilon, step, steps) in radii.items():
        row = recipe.threats[norm]
        assert (row.epsilon, row.step_size, row.steps) == (epsilon, step, steps)


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("trades", {"beta": 6.0}),
        ("mart", {"lam": 5.0}),
        ("mat", {"alpha": 0.6}),
        ("cat", {"alpha": 0.05, "pair": ["trades", "alp"]}),
        ("ard", {"alpha": 1.0, "temperature": 30.0}),
        ("rslad", {"alpha": 5 / 6}),
        ("mmard", {"alpha": 1.0, "delta": 1.0}),
        ("act", {"alpha_natural": 0.9, "alpha_robust": 0.9, "temperature": 4.0}),
        ("iad", {"alpha": 1.0, "beta": 0.1, "warmup": 0.3}),
        ("at-l1", {"start": "zero", "restarts": 1}),
        ("at-avg", {"start": "zero", "restarts": 0}),
        ("ramp", {"lam": 5.0, "merge": 0.5}),
    ],
)
def test_hyper_parameters(method, expected):
    settings = resolved(method)[1].settings
    assert {name: settings[name] for name in expected} == expected


def test_weights_of_large_networks_and_of_cifar100():
    assert resolved("mart", "wrn-34-10")[1].settings["lam"] == 6
    _, hyper = load_recipe("paper").resolve("mat", "resnet18", "cifar100", "cifar10", {}, "paper")
    assert hyper["alpha"] == 0.45


def test_what_robust_union_does_beside():
    assert resolved("at-msd")[0].threats["l1"].gap == "step"
    recipe, bound = resolved("at-l1", recipe="robust-union")
    assert (recipe.threats["l1"].k, bound.settings["restarts"], bound.settings["start"]) == ((1, 1), 1, "zero")
