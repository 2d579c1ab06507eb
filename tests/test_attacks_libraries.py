"""What is borrowed: randomness kept apart, AutoAttack for any number of classes, starts, attacks by import path."""

from __future__ import annotations

import json
import logging
import math
import sys
import types

import pytest
import torch
from attack_toys import Net, images, predictions, threat
from torch import nn

from benchmark.attacks import PreparedClassifier, make_attack
from benchmark.attacks.adapters.libraries import LibraryModel
from benchmark.attacks.adapters.third_party import ForeignFault
from benchmark.errors import BadInput
from benchmark.noise import ExampleNoise
from benchmark.threats import Threat

NET = Net((1, 8, 8), 4)
X = images(6)
Y = predictions(NET, X)


def attack(name: str, parameters: dict, norm: str = "linf", net: nn.Module = NET, classes: int = 4):
    y = predictions(net, X)
    made = make_attack(name, parameters)
    return made(PreparedClassifier(net, classes), X, y, threat(norm), ExampleNoise(0, range(len(X))))


class Rude(nn.Module):
    """NaN for the first image, a tie for the second, no gradient for any."""

    def forward(self, x):
        logits = torch.tensor([[torch.nan, 1.0], [2.0, 2.0], [0.0, 3.0]]).expand(3, 2)
        return logits.clone()


def test_libraries_see_finite_logits_without_ties_that_depend_on_the_input():
    x = images(3).requires_grad_()
    logits = LibraryModel(PreparedClassifier(Rude(), 2), x, threat("linf"))(x)
    assert torch.isfinite(logits).all()
    assert (logits[:, 0] != logits[:, 1]).all()
    assert logits.argmax(1).tolist() == [0, 0, 1]
    logits.sum().backward()
    assert (x.grad == 0).all()
    assert x.grad.is_contiguous()


@pytest.mark.parametrize("classes", [2, 3, 12])
def test_autoattack_takes_its_targets_from_the_classes(classes):
    net = Net((1, 8, 8), classes)
    y = predictions(net, X)
    for variant in ("standard", "rand"):
        x_adv = attack("autoattack", {"steps": 5, "queries": 10, "variant": variant}, "linf", net, classes)
        assert threat("linf").contains(X, x_adv).all()
    assert torch.equal(attack("apgd-t", {"steps": 5}, "linf", net, classes), X) == (classes < 4)
    assert (predictions(net, attack("fab-t", {"steps": 20}, "linf", net, classes)) != y).any() or classes == 12


def test_autoattack_is_at_least_as_strong_as_its_first_member():
    alone = predictions(NET, attack("apgd-ce", {"steps": 20})) != Y
    together = predictions(NET, attack("autoattack", {"steps": 20, "queries": 100})) != Y
    assert (alone <= together).all()


def test_what_autoattack_warns_of_comes_out_of_our_log_once(caplog):
    class Probabilities(Net):
        def forward(self, x):
            return super().forward(x).softmax(1)

    trace = sys.gettrace()
    with caplog.at_level(logging.WARNING, "benchmark"):
        attack("apgd-ce", {"steps": 3}, net=Probabilities((1, 8, 8), 4))
    ours = [record.message for record in caplog.records if record.name == "benchmark.attacks.adapters.autoattack"]
    assert sum("probability distribution" in message for message in ours) == 1
    assert sys.gettrace() is trace


def test_autoattack_again_in_float32_where_low_precision_was_wrong():
    """A classifier that believes everything broken outside `exact` is not believed."""

    class Believer(PreparedClassifier):
        def __call__(self, x):
            logits = super().__call__(x)
            return logits if self.precision == "fp32" else logits.roll(1, 1)

    believer = Believer(NET, 4, precision="bf16")
    made = make_attack("apgd-ce", {"steps": 20})
    noise = ExampleNoise(0, range(len(X)))
    x_adv = made(believer, X, Y, threat("linf"), noise)
    exact = made(PreparedClassifier(NET, 4), X, Y, threat("linf"), noise)
    broken, expected = predictions(NET, x_adv) != Y, predictions(NET, exact) != Y
    assert expected.any()
    assert torch.equal(broken, expected)


@pytest.mark.parametrize(
    ("path", "parameters", "kind"),
    [
        ("foolbox.attacks:LinfPGD", {"steps": 20}, "fixed-budget"),
        ("foolbox.attacks:LInfFMNAttack", {"steps": 20}, "minimum-norm"),
    ],
)
def test_foolbox_attacks_by_import_path(path, parameters, kind):
    made = make_attack(path, parameters)
    assert made.kind == kind
    assert made.source == "foolbox"
    identity = made.identity()
    assert identity["name"] == path
    assert identity["parameters"] == parameters
    assert identity["library"].startswith("foolbox 3")
    x_adv = attack(path, parameters)
    assert (predictions(NET, x_adv) != Y).any()
    assert x_adv.shape == X.shape


@pytest.mark.parametrize(
    ("path", "parameters", "message"),
    [
        ("foolbox.attacks:LinfPGDD", {}, "LinfPGD"),
        ("foolbox.attacks:LinfPGD", {"stepz": 3}, "steps"),
        ("foolbox.nowhere:PGD", {}, "can't be imported"),
        ("os:system", {}, "benchmark.attacks"),
        ("foolbox.attacks.base:os", {}, "unknown attack"),
        ("foolbox.attacks:__import__('os')", {}, "paths look like"),
    ],
)
def test_import_paths_that_lead_nowhere_say_so(path, parameters, message):
    with pytest.raises(BadInput, match=message) as caught:
        make_attack(path, parameters, "suite.yaml, line 7")
    assert str(caught.value).startswith("suite.yaml, line 7: ")


@pytest.fixture
def fake_torchattacks(monkeypatch):
    """A stand-in for a library that is not installed here."""
    module = types.ModuleType("torchattacks")

    def add(name: str, body) -> None:
        def construct(self, model, eps=0.3, steps=10):
            self.model, self.eps, self.steps = model, eps, steps

        made = type(name, (), {"__init__": construct, "__call__": body, "__module__": "torchattacks.attacks"})
        setattr(module, name, made)

    add("Brighten", lambda self, x, y: (x + self.eps).clamp(0, 1))
    add("Crop", lambda self, x, y: x[:, :, 1:])
    add("Words", lambda self, x, y: "done")

    def crash(self, x, y):
        raise ZeroDivisionError("by zero")

    add("Crash", crash)
    monkeypatch.setitem(sys.modules, "torchattacks", module)


@pytest.mark.usefixtures("fake_torchattacks")
def test_the_radius_goes_where_the_attack_has_a_place_for_it():
    torch.testing.assert_close(attack("torchattacks:Brighten", {}), (X + 0.1).clamp(0, 1))
    torch.testing.assert_close(attack("torchattacks:Brighten", {"eps": 0.02}), (X + 0.02).clamp(0, 1))
    assert make_attack("torchattacks:Brighten").kind == "fixed-budget"


@pytest.mark.usefixtures("fake_torchattacks")
@pytest.mark.parametrize(
    ("name", "message"),
    [("Crop", r"shape \(6, 1, 7, 8\)"), ("Words", "returned str"), ("Crash", "ZeroDivisionError: by zero")],
)
def test_a_foreign_attack_that_breaks_down_is_named(name, message):
    with pytest.raises(ForeignFault, match=message):
        attack(f"torchattacks:{name}", {})


@pytest.mark.usefixtures("fake_torchattacks")
def test_a_reason_is_one_line_and_never_empty():
    def silent(self, x, y):
        raise AssertionError

    def long(self, x, y):
        raise ValueError("\nfirst\nsecond")

    for name, body in (("Silent", silent), ("Long", long)):
        made = type(
            name, (), {"__init__": lambda self, model: None, "__call__": body, "__module__": "torchattacks.a"}
        )
        setattr(sys.modules["torchattacks"], name, made)
    with pytest.raises(ForeignFault) as caught:
        attack("torchattacks:Long", {})
    assert str(caught.value) == "torchattacks:Long raised ValueError: first"
    with pytest.raises(ForeignFault, match=r"raised AssertionError at test_attacks_libraries.py:\d+: raise Ass"):
        attack("torchattacks:Silent", {})


@pytest.mark.parametrize(
    ("path", "parameters", "norm"),
    [
        ("foolbox.attacks:L2PGD", {}, "l2"),
        ("foolbox.attacks:LinfPGD", {}, "linf"),
        ("foolbox.attacks:SparseL1DescentAttack", {}, "l1"),
        ("foolbox.attacks:GenAttack", {}, "linf"),
    ],
)
def test_a_foolbox_attack_is_refused_where_its_radius_would_mean_something_else(path, parameters, norm):
    made = make_attack(path, parameters)
    made.check(threat(norm))
    for other in {"linf", "l2", "l1"} - {norm}:
        with pytest.raises(BadInput, match=f"does not support {other}; it supports {norm}$"):
            made.check(threat(other))


@pytest.mark.parametrize(
    ("name", "signature", "described", "parameters", "norms"),
    [
        ("PGDL2", "eps", "Arguments\n    Distance Measure : L2\n", {}, ("l2",)),
        ("APGD", "eps, norm='Linf'", "Distance Measure : Linf, L2\n", {}, ("linf",)),
        ("APGD", "eps, norm='Linf'", "Distance Measure : Linf, L2\n", {"norm": "L2"}, ("l2",)),
        ("EADEN", "eps", "Distance Measure : L1 and L2\n", {}, ("linf", "l2", "l1", "l0")),
        ("CW", "c=1", "Distance Measure : L2\n", {}, ("linf", "l2", "l1", "l0")),
        ("apgd", "eps, norm", "", {"norm": float("inf")}, ("linf",)),
        ("apgd", "eps, norm", "", {"norm": 1}, ("l1",)),
        ("apgd", "eps, norm=None", "", {}, ("linf", "l2", "l1", "l0")),
        ("pgd_linf", "eps", "", {}, ("linf",)),
        ("tr", "norm=2, eps=0.001", "", {}, ("linf", "l2", "l1", "l0")),  # its eps is no radius
    ],
)
def test_the_other_libraries_tell_their_norm_here_and_there(
    monkeypatch, name, signature, described, parameters, norms
):
    library = "adv_lib" if name.islower() else "torchattacks"
    space: dict = {"__name__": library}
    exec(f"def {name}(model, {signature}): pass", space)
    made = space[name]
    if library == "torchattacks":
        made = type(name, (), {"__init__": made, "__module__": library})
    made.__doc__ = described
    monkeypatch.setitem(sys.modules, library, types.SimpleNamespace(**{name: made}))
    found = make_attack(f"{library}:{name}", parameters)
    assert found.norms == norms
    told = json.loads(json.dumps(found.identity(), allow_nan=False))["parameters"]
    assert make_attack(f"{library}:{name}", told) == found


def test_what_a_librarys_attack_needs_is_asked_for_before_anything_runs(monkeypatch):
    def apgd(model, inputs, labels, eps, norm, steps=3, **more):
        raise AssertionError("nothing was to run")

    apgd.__module__ = "adv_lib"
    monkeypatch.setitem(sys.modules, "adv_lib", types.SimpleNamespace(apgd=apgd))
    with pytest.raises(BadInput, match="can't do without its parameters norm; state them"):
        make_attack("adv_lib:apgd", {"steps": 2})
    assert make_attack("adv_lib:apgd", {"norm": 1}).norms == ("l1",)


def test_a_minimal_attack_in_another_norm_runs_and_says_so(caplog):
    with caplog.at_level(logging.WARNING, "benchmark"):
        attack("foolbox.attacks:L2DeepFoolAttack", {"steps": 2}, "l2")
        assert not caplog.records
        attack("foolbox.attacks:L2DeepFoolAttack", {"steps": 2}, "linf")
    (record,) = caplog.records
    assert record.message.endswith("looks for small changes in l2, but is judged in linf")


@pytest.mark.parametrize("name", ["autoattack", "apgd-ce", "apgd-t"])
def test_autoattack_of_one_step_under_l1_is_refused(name):
    with pytest.raises(BadInput, match="at least 2 steps under l1"):
        make_attack(name, {"steps": 1}).check(threat("l1"))
    make_attack(name, {"steps": 2}).check(threat("l1"))
    make_attack(name, {"steps": 1}).check(threat("linf"))


@pytest.mark.parametrize(
    ("path", "norm", "epsilon", "shape"),
    [
        ("foolbox.attacks:L2ProjectedGradientDescentAttack", "l2", 0.005, (1, 8, 8)),
        ("foolbox.attacks:L1ProjectedGradientDescentAttack", "l1", 0.01, (3, 32, 32)),
        ("foolbox.attacks:LinfProjectedGradientDescentAttack", "linf", 1e-4, (3, 32, 32)),
    ],
)
def test_no_candidate_of_a_library_is_refused_for_the_rounding_of_its_values(path, norm, epsilon, shape):
    generator = torch.Generator().manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(math.prod(shape), 3))
    net[1].weight.data = torch.randn(net[1].weight.shape, generator=generator)
    x = (torch.rand(32, *shape, generator=generator) * 255).round() / 255
    ball = Threat(norm, epsilon)
    made = make_attack(path, {"steps": 5})
    x_adv = made(PreparedClassifier(net.eval(), 3), x, predictions(net, x), ball, ExampleNoise(0, range(32)))
    assert (x_adv != x).any()
    assert ball.contains(x, x_adv).all()
