"""`--inner` and `--outer`: the attack or the loss of another method, and what a checkpoint says of it."""

from __future__ import annotations

import pytest
import torch
from test_training_recipe import plan
from torch import nn

from benchmark.data import load
from benchmark.errors import BadInput
from benchmark.methods.objectives import OBJECTIVES
from benchmark.methods.outer import OUTERS
from benchmark.methods.overrides import bind_method
from benchmark.models import load_checkpoint
from benchmark.noise import BatchNoise
from benchmark.recipes.radius import Radius
from benchmark.training import METHODS, train
from benchmark.training.decision import decide
from benchmark.training.step import StepNetworks


def bound(method, inner=None, outer=None, **settings):
    return bind_method(method, settings, method, inner, outer)


def attack(method, inner=None, **settings):
    """How the last network of a method is attacked."""
    run = bound(method, inner, **settings)
    return run.attack(run.cohort.members[-1])


ONE_WAY = [name for name in METHODS.names() if not any(m.objective for m in METHODS.get(name).cohort().members)]


@pytest.mark.parametrize("donor", ONE_WAY)
def test_the_whole_attack_of_a_method_comes_along(donor):
    """Whatever `ard` has otherwise, with the name of a method behind --inner it is attacked as that method is."""
    own = bound(donor)
    generalist = next(member for member in own.cohort.members if member.attacked)
    assert attack("ard", donor) == own.attack(generalist)


def test_mmards_inner_maximisation_starts_where_mmards_does():
    assert (attack("ard")["start"], attack("ard")["climbs"]) == ("uniform", "CE(h(x'), y)")
    found = attack("ard", "mmard")
    assert (found["start"], found["climbs"][:14]) == ("gaussian", "D(T(x')‖S(x'))")
    assert attack("ard", "mmard", start="zero")["start"] == "zero"
    # It reaches the examples: those of one step of no length lie where the ascent starts.
    x, y = torch.full((8, 1, 2, 2), 0.5), torch.zeros(8, dtype=torch.int64)
    radii = {"linf": Radius(epsilon=0.3, step_size=1e-9, steps=1)}
    networks = [nn.Sequential(nn.Flatten(), nn.Linear(4, 3)) for _ in range(2)]
    players = StepNetworks(bound("ard", "mmard"), networks[:1], networks[1:], radii)
    (examples,) = players.craft(x, y, ("linf",), BatchNoise(8, torch.Generator().manual_seed(0)))
    assert 0 < float((examples.images[0] - x).abs().max()) < 0.01


def test_strategy_norms_and_kind_of_ascent_come_along():
    found = attack("ard", "e-at")
    assert (found["norms"], found["strategy"], found["ascent"], found["keep"], found["start"]) == (
        ["linf", "l1"],
        "hardest",
        "apgd",
        "best",
        "zero",
    )
    assert attack("at-l2", "at-msd")["norms"] == ["linf", "l2", "l1"]
    assert attack("at", "at-max", norms=["l2"])["norms"] == ["l2"]


@pytest.mark.parametrize("objective", [name for name in OBJECTIVES.names() if name not in METHODS])
def test_an_objectives_name_replaces_the_objective_alone(objective):
    for method in ("e-at", "trades", "at-l1"):
        before, after = attack(method), attack(method, objective)
        assert {**after, "climbs": ""} == {**before, "climbs": ""}
        assert after["climbs"].startswith((OBJECTIVES.get(objective).__doc__ or "").split(".")[0].split(",")[0])


def test_a_pair_takes_one_attack_and_its_own_stays_its_own():
    pair = bound("cat", "mart")
    assert [pair.attack(member)["start"] for member in pair.cohort.members] == ["gaussian", "gaussian"]
    own = bound("cat", "cat")
    assert [own.attack(m) for m in own.cohort.members] == [
        bound("cat").attack(m) for m in bound("cat").cohort.members
    ]
    assert own.attack(own.cohort.members[0])["climbs"] == "D(h(x)‖h(x'))"


@pytest.mark.parametrize("donor", METHODS.names())
def test_the_loss_of_a_method_comes_with_its_values(donor):
    run = bound(donor, outer=donor)
    assert run.outer.func is METHODS.get(donor).outer
    assert run.settings == bound(donor).settings


@pytest.mark.parametrize("loss", [name for name in OUTERS.names() if name not in METHODS])
def test_a_loss_that_is_no_methods_goes_by_its_own_name(loss):
    assert bound("ard", outer=loss).outer.func is OUTERS.get(loss)


def test_a_recipe_gives_each_part_what_it_gives_the_method_it_is_from(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text("""
lr: 0.1
epochs: 1
threats: {digits: {linf: {epsilon: 0.1, step_size: 0.1, steps: 1}}}
overrides:
  - {methods: [ard], set: {start: zero, temperature: 4}}
  - {methods: [mart], set: {bn: train, lam: 6}}
  - {methods: [mat], set: {alpha: 0.45, lr: 0.5}}
""")

    def run(method, inner=None, outer=None, **settings):
        return decide(method, load("digits"), "small-cnn", str(path), settings, inner, outer)

    taken = run("ard", "mart")[1]
    assert (taken.settings["start"], taken.settings["bn"], taken.settings["temperature"]) == ("gaussian", "train", 4)
    assert run("ard", "ce")[1].settings["start"] == "zero"
    assert run("ard", "mart", start="uniform")[1].settings["start"] == "uniform"
    assert run("at", outer="mart")[1].settings["lam"] == 6
    assert run("mart", outer="trades")[1].settings["bn"] == "train"
    assert "lam" not in run("mart", outer="trades")[1].settings
    assert run("ard", "mat")[0].lr == 0.1  # the run's own
    with pytest.raises(BadInput, match="unknown setting 'lam'"):
        run("mart", outer="trades", lam=3)


@pytest.mark.parametrize(
    ("method", "options", "words"),
    [
        ("at", {"inner": "mmard"}, ["the attack", "frozen teacher, and there is none", "ard", "rslad", "--teacher"]),
        ("at", {"outer": "mmard"}, ["the outer loss", "one frozen teacher", "--teacher adds none", "ard", "mmard"]),
        ("ard", {"outer": "mtard"}, ["2 frozen teachers, and there is 1", "iad-2, mtard"]),
        ("at", {"outer": "mat"}, ["several trained networks, and there is 1", "act, cat, mat"]),
        ("at", {"outer": "mat-msd"}, ["several trained networks", "mat-msd"]),
        ("at-max", {"outer": "mat-max"}, ["several trained networks", "mat-max"]),
        ("at", {"outer": "cat"}, ["2 trained networks", "cat"]),
        ("mat", {"inner": "e-at"}, ["one trained network, and there are 2", "at-l2"]),
        ("mat", {"inner": "at-max", "outer": "mat-max"}, ["a specialist per norm, 3, and there are 1", "norms="]),
        (
            "mat-avg",
            {"inner": "trades"},
            ["3 adversarial examples", "one for each specialist", "there is 1", "norms="],
        ),
        ("ramp", {"set": ["norms=[linf]"]}, ["2 adversarial examples", "and there is 1", "norms=linf,l1"]),
        ("ramp", {"set": ["norms=linf,l2,l1"]}, ["2 adversarial examples", "and there are 3", "norms=linf,l1"]),
        ("at", {"inner": "cat"}, ["each in a way of its own", "--inner ce", "--inner trades"]),
        ("at", {"inner": "natural"}, ["not attacked", "--inner at"]),
        ("at-msd", {"set": ["keep=last"]}, ["highest loss", "keep=best"]),
        ("at-max", {"set": ["strategy=msd", "keep=last"]}, ["highest loss", "keep=best"]),
    ],
)
def test_contradictions_are_refused_with_a_way_out(method, options, words):
    with pytest.raises(BadInput) as caught:
        plan(method, **options)
    for word in words:
        assert word in str(caught.value)
    assert "number of networks" not in str(caught.value)


def test_multi_steepest_descent_is_recorded_as_it_keeps():
    assert bound("at-msd").settings["keep"] == bound("at", "at-msd").settings["keep"] == "best"
    assert bound("at-max", strategy="msd").settings["keep"] == "best"
    run = bound("mat-msd")
    kept = {member.name: run.attack(member)["keep"] for member in run.cohort.members}
    assert kept == {"generalist": "best", "linf": "last", "l2": "last", "l1": "last"}


def test_of_two_teachers_the_robust_one_guides_the_attack():
    """`mtard --inner rslad`: T is the robust teacher, the second of its roles."""
    x, y = torch.full((2, 1, 2, 2), 0.5), torch.tensor([0, 1])
    radii = {"linf": Radius(epsilon=0.3, step_size=0.1, steps=1)}
    nets = [nn.Sequential(nn.Flatten(), nn.Linear(4, 3)) for _ in range(4)]

    def images(natural, robust):
        players = StepNetworks(bound("mtard", "rslad", start="zero"), nets[:1], [natural, robust], radii)
        return players.craft(x, y, ("linf",), BatchNoise(2, torch.Generator().manual_seed(0)))[0].images[0]

    flipped = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
    flipped.load_state_dict({key: -9 * value for key, value in nets[2].state_dict().items()})
    assert torch.equal(images(nets[1], nets[2]), images(flipped, nets[2]))
    assert not torch.equal(images(nets[1], nets[2]), images(nets[1], flipped))


def test_the_card_says_what_was_used(tmp_path):
    options = {
        "set": {"epochs": 1, "batch_size": 512, "validation.steps": 1, "threats.linf.steps": 1},
        "device": "cpu",
        "precision": "fp32",
        "progress": False,
        "out": tmp_path,
    }
    (path,) = train("at", inner="trades", outer="mart", **options)
    extra = load_checkpoint(path).extra
    assert (extra["inner"], extra["outer"], extra["settings"]["start"]) == ("trades", "mart", "gaussian")
    assert extra["attack"]["climbs"] == "D(h(x)‖h(x'))"
    assert extra["attack"]["start"] == "gaussian"
    assert extra["minimises"].startswith("BCE(h(x'), y) + λ")
    first, second = train("cat", **options)
    assert load_checkpoint(first).extra["attack"]["start"] == "gaussian"
    assert load_checkpoint(second).extra["attack"]["start"] == "uniform"
    natural, _ = train("mat-nat-rob-online", **options)
    assert load_checkpoint(natural).extra["attack"] == {}
