"""That attacks are as strong as they say: more budget, more restarts and better methods find no less.

Everything runs over all registered attacks. One that is new has to say in `BUDGETS` how its budget is told little
from much, or why it has none.
"""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from types import SimpleNamespace
from typing import Any, cast

import pyautoattack
import pytest
import torch
from attack_toys import CHEAP, EVERY, Crooked, cheap, images, predictions
from torch import Tensor, nn

from benchmark.attacks import ATTACKS, PreparedClassifier, make_attack
from benchmark.attacks.adapters.autoattack import MEMBERS
from benchmark.data import Dataset
from benchmark.evaluation.attack_run import Trial
from benchmark.evaluation.suite import SuiteItem
from benchmark.evaluation.target import LoadedTarget, Target
from benchmark.noise import ExampleNoise
from benchmark.threats import Threat

SHAPE, CLASSES, COUNT = (3, 8, 8), 10, 24
X = images(COUNT, SHAPE)

#: Radii at which little effort breaks some of the images and much effort more of them.
EPSILON = {
    "linf": 0.01,
    "l2": 0.12,
    "l1": 0.9,
    "l0": 5.0,
    "fog": 64.0,
    "gabor": 25.0,
    "elastic": 0.1,
    "snow": 0.25,
    "jpeg": 0.15,
    "spatial": 10.0,
    "corruption": 3.0,
}

#: Of an attack that sees nothing of the network: so that three times as many images fall with much effort, whatever
#: is drawn, and not one more by chance.
WIDER = {"gaussian-noise": 1.0}

#: Attack → the fields that say how much it may try → little and much.
BUDGETS: dict[str, dict[str, tuple[int, int]]] = {
    "pgd": {"steps": (2, 16)},
    "mim": {"steps": (1, 10)},
    "ddn": {"steps": (5, 40)},
    "cw": {"steps": (5, 40), "searches": (1, 4)},
    "deepfool": {"steps": (1, 10), "candidates": (2, 10)},
    "fmn": {"steps": (5, 40)},
    "gaussian-noise": {"repeats": (2, 30)},
    "salt-and-pepper": {"steps": (20, 200)},
    "boundary": {"steps": (10, 150)},
    "pointwise": {"noise_steps": (1, 100)},
    "hopskipjump": {"steps": (1, 10), "probes": (5, 50), "most_probes": (5, 60)},
    "autoattack": {"steps": (2, 20), "queries": (2, 100)},
    "apgd-ce": {"steps": (2, 20)},
    "apgd-t": {"steps": (2, 20)},
    "fab-t": {"steps": (1, 10)},
    "square": {"queries": (2, 100)},
    "fog": {"steps": (1, 20)},
    "gabor": {"steps": (1, 20)},
    "elastic": {"steps": (1, 20)},
    "snow": {"steps": (1, 20)},
    "jpeg": {"steps": (1, 20)},
    "spatial": {"rotations": (1, 15), "shifts": (1, 5), "tries": (1, 20)},
}

#: Attacks without any budget, and why.
NO_BUDGET = {
    "fgsm": "one step is its definition",
    "corruption": "asks the network nothing: there is one image for each severity",
}

#: Counts that are no budget, and why.
NOT_BUDGETS = {
    ("ddn", "levels"): "how finely the image is quantised",
}

#: What else is set where the field is tried: to leave it room, or to make few steps long enough to matter.
BESIDES: dict[tuple[str, str], dict[str, Any]] = {
    ("cw", "steps"): {"initial_c": 0.1},
    ("cw", "searches"): {"initial_c": 0.1},
    ("deepfool", "candidates"): {"steps": 10},
    ("hopskipjump", "probes"): {"steps": 4},
    ("hopskipjump", "most_probes"): {"steps": 8},
    ("spatial", "rotations"): {"shifts": 1},
    ("autoattack", "steps"): {"queries": 2},
    ("snow", "steps"): {"step_size": 0.05},
    ("fog", "steps"): {"step_size": 0.05},
}

#: Where more need not be strictly better, and why.
NOT_STRICT = {
    ("pointwise", "l0", "noise_steps"): "where it begins; undoing ends with one or two values from anywhere",
}


class Deaf(Crooked):
    """Its gradient is 0: whatever follows gradients fails."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.detach())


#: Where what else the attack does would leave the field nothing to find.
NETWORKS: dict[tuple[str, str], type[Crooked]] = {("autoattack", "queries"): Deaf}


def counts(name: str) -> set[str]:
    """The fields of an attack that hold a whole number."""
    hints = typing.get_type_hints(ATTACKS.get(name))

    def is_count(hint: Any) -> bool:
        union = typing.get_origin(hint) in (typing.Union, types.UnionType)
        return hint is int or (union and int in typing.get_args(hint))

    return {field.name for field in dataclasses.fields(ATTACKS.get(name)) if is_count(hints[field.name])}


@pytest.mark.parametrize("name", [name for name, _ in ATTACKS])
def test_every_count_is_a_budget_or_says_why_not(name):
    budgets, others = set(BUDGETS.get(name, {})), {field for owner, field in NOT_BUDGETS if owner == name}
    assert counts(name) == budgets | others
    assert not budgets & others
    assert bool(budgets) != (name in NO_BUDGET)


def attacked(name: str, parameters: dict[str, Any], threat: Threat, net: nn.Module) -> tuple[Tensor, Tensor]:
    """Who is broken, and at what distance (where not, at the largest there is)."""
    y = predictions(net, X)
    attack = make_attack(name, parameters)
    x_adv = attack(PreparedClassifier(net, CLASSES), X, y, threat, ExampleNoise(5, range(COUNT)))
    wrong = predictions(net, x_adv) != y
    if attack.kind == "fixed-budget":
        return wrong, torch.zeros(COUNT)
    return wrong, torch.where(wrong, threat.distance(x_adv - X), threat.distance(torch.ones_like(X)))


def also_slow(name: str, norm: str, *more: str) -> Any:
    """The ensemble is tried in l2 alone, for what it hands on to its members, which are tried in each norm."""
    slow = name == "autoattack" and norm != "l2"
    return pytest.param(name, norm, *more, marks=pytest.mark.slow if slow else ())


@pytest.mark.parametrize(
    ("name", "norm", "field"),
    [also_slow(name, norm, field) for name, norm in EVERY for field in BUDGETS.get(name, {})],
)
def test_with_more_budget_an_attack_is_stronger(name, norm, field):
    net = NETWORKS.get((name, field), Crooked)(X[0].numel(), CLASSES)
    (few_broken, few_far), (many_broken, many_far) = (
        attacked(
            name,
            CHEAP.get(name, {}) | BESIDES.get((name, field), {}) | {field: value},
            Threat(norm, WIDER.get(name, EPSILON[norm])),
            net,
        )
        for value in BUDGETS[name][field]
    )
    assert many_broken.sum() >= few_broken.sum()
    if (name, norm, field) in NOT_STRICT:
        assert many_far.median() <= few_far.median() + 1
        return
    assert many_far.median() <= 1.001 * few_far.median()
    assert many_broken.sum() > few_broken.sum() or many_far.mean() < 0.99 * few_far.mean()


#: Attacks so strong on this toy that where one restart failed there is nothing to find, so that more gain nothing.
EXHAUSTED = {"autoattack", "apgd-ce", "apgd-t"}

#: Attacks that draw random numbers only with certain parameters.
RANDOM_WITH: dict[str, dict[str, Any]] = {"spatial": {"tries": 2}, "fmn": {"start": "boundary"}}


def may_be_random(name: str) -> bool:
    told = inspect.getattr_static(ATTACKS.get(name), "random")
    return isinstance(told, property) or bool(told)


class Images:
    """The images as a test set."""

    def __init__(self, y: Tensor) -> None:
        self.y = y

    def batch(self, rows: slice) -> tuple[Tensor, Tensor]:
        return X[rows], self.y[rows]


def trial(item: SuiteItem) -> Trial:
    net = Crooked(X[0].numel(), CLASSES)
    dataset = cast("Dataset", SimpleNamespace(test=Images(predictions(net, X)), num_classes=CLASSES, class_names=()))
    network = LoadedTarget(net, dataset, Target("", "", "toy", None, "", "cpu", "fp32"))
    made = Trial(network, item, 0, COUNT, None)
    made.run(seed=3)
    return made


@pytest.mark.parametrize(("name", "norm"), [also_slow(name, norm) for name, norm in EVERY if may_be_random(name)])
def test_what_one_restart_broke_more_restarts_break_too(name, norm):
    little = {field: few for field, (few, _) in BUDGETS.get(name, {}).items() if field in CHEAP.get(name, {})}
    attack = make_attack(name, CHEAP.get(name, {}) | little | RANDOM_WITH.get(name, {}))
    assert attack.random, f"say in RANDOM_WITH when {name} is random"
    threat = Threat(norm, EPSILON[norm])
    more = 3 if name in EXHAUSTED else 8
    one, many = (trial(SuiteItem(f"{name}-{norm}", attack, threat, restarts)) for restarts in (1, more))
    assert (one.broken <= many.broken).all()
    assert (many.distance <= one.distance).all()
    assert (many.distance < one.distance).any() or name in EXHAUSTED, "the restarts repeat each other"


#: Ordinary parameters, except where they would take seconds.
ORDINARY: dict[str, dict[str, Any]] = {
    "autoattack": {"steps": 20, "queries": 20},
    "apgd-t": {"steps": 20},
    "fab-t": {"steps": 20},
}

#: How many images less than FGSM an attack may break: DeepFool ends a little beyond the boundary, by its overshoot.
BEHIND = {"deepfool": 1}


@pytest.mark.parametrize(
    "name",
    [name for name, norm in EVERY if norm == "linf" and name != "fgsm" and not ATTACKS.get(name).gradient_free],
)
def test_who_follows_gradients_is_never_weaker_than_fgsm(name):
    net = Crooked(X[0].numel(), CLASSES)
    y = predictions(net, X)
    for epsilon in (0.004, 0.008):
        threat = Threat("linf", epsilon)
        breaks = []
        for attack in (cheap("fgsm"), make_attack(name, ORDINARY.get(name, {}))):
            x_adv = attack(PreparedClassifier(net, CLASSES), X, y, threat, ExampleNoise(5, range(COUNT)))
            breaks.append(int(((predictions(net, x_adv) != y) & threat.contains(X, x_adv)).sum()))
        assert 0 < breaks[0] < COUNT
        assert breaks[1] >= breaks[0] - BEHIND.get(name, 0)


#: What the library's AutoAttack is made of.
PARTS = ("apgd", "apgd_targeted", "fab", "square")


def settings(library: Any) -> dict[str, dict[str, Any]]:
    """Every number, word and switch that its parts are set to."""
    return {
        part: {
            key: value for key, value in vars(getattr(library, part)).items() if isinstance(value, int | float | str)
        }
        for part in PARTS
    }


@pytest.fixture
def configured(monkeypatch) -> list[pyautoattack.AutoAttack]:
    """The library objects as they are when they would start."""
    seen: list[Any] = []

    class Watched(pyautoattack.AutoAttack):
        def run_standard_evaluation(self, x: Tensor, y: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
            seen.append(self)
            return x, y

    monkeypatch.setattr(pyautoattack, "AutoAttack", Watched)
    return seen


LIBRARY = [
    *(("autoattack", {"variant": variant}, norm, members) for variant, members in MEMBERS.items()
      for norm in ("linf", "l2", "l1")),
    *((name, {}, norm, (name,)) for name, norm in EVERY
      if ATTACKS.get(name).source == "pyautoattack" and name != "autoattack"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "parameters", "norm", "members"), LIBRARY)
def test_autoattack_and_its_members_run_with_the_librarys_own_settings(configured, name, parameters, norm, members):
    threat, theirs = Threat(norm, EPSILON[norm]), {"linf": "Linf", "l2": "L2", "l1": "L1"}[norm]
    net = Crooked(X[0].numel(), 12)
    make_attack(name, parameters)(
        PreparedClassifier(net, 12), X, predictions(net, X), threat, ExampleNoise(5, range(COUNT))
    )
    (ours,) = configured
    untouched = pyautoattack.AutoAttack.__mro__[1](
        net, norm=theirs, eps=threat.epsilon, version=parameters.get("variant", "standard"), seed=ours.seed
    )
    assert list(ours.attacks_to_run) == list(members)
    assert (ours.norm, ours.epsilon, ours.version) == (untouched.norm, untouched.epsilon, untouched.version)
    if name == "autoattack":
        assert list(members) == list(untouched.attacks_to_run)
    expected, found = settings(untouched), settings(ours)
    for part in PARTS:
        found[part].pop("device", None), expected[part].pop("device", None)
    assert found == expected


def test_the_published_autoattack_in_figures(configured):
    net = Crooked(X[0].numel(), CLASSES)
    make_attack("autoattack")(
        PreparedClassifier(net, CLASSES), X, predictions(net, X), Threat("linf", 0.01), ExampleNoise(5, range(COUNT))
    )
    (library,) = configured
    parts = [getattr(library, part) for part in PARTS]
    assert list(library.attacks_to_run) == ["apgd-ce", "apgd-t", "fab-t", "square"]
    assert [part.n_restarts for part in parts] == [1, 1, 1, 1]
    assert [part.n_iter for part in parts[:3]] == [100, 100, 100]
    assert [part.n_target_classes for part in parts[1:3]] == [9, 9]
    assert library.square.n_queries == 5000
