"""A softmax or sigmoid at a network's end is left out in the search, and decides in the verdict."""

from __future__ import annotations

import pytest
import torch
from evaluation_toys import trained, write_suite
from torch import Tensor, nn

from benchmark.attacks import PreparedClassifier, last_layer
from benchmark.attacks.last_layer import decided
from benchmark.attacks.objectives import clearly_wrong
from benchmark.data import load
from benchmark.errors import UnfitNetwork
from benchmark.evaluation import evaluate, transfer
from benchmark.ledger import Ledger
from benchmark.models.class_order import Reordered


def linear(scale: float = 1.0) -> nn.Module:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 5))
    with torch.no_grad():
        network[1].weight.mul_(scale)
    return network.eval()


class Inner(nn.Module):
    """Calls its parts in an order of its own, the last layer not named last."""

    def __init__(self, end: nn.Module) -> None:
        super().__init__()
        self.end, self.body = end, linear()

    def forward(self, x: Tensor) -> Tensor:
        return self.end(self.body(x))


class Gated(nn.Module):
    """A sigmoid within the network and one at its end, maybe the same under two names."""

    def __init__(self, shared: bool) -> None:
        super().__init__()
        self.gate, self.body = nn.Sigmoid(), linear()
        self.end = self.gate if shared else nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        return self.end(self.body(x * self.gate(x)))


class Twice(nn.Module):
    """One sigmoid, passed through twice."""

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.body = nn.Sigmoid(), linear()

    def forward(self, x: Tensor) -> Tensor:
        return self.gate(self.body(x * self.gate(x)))


class Calling(nn.Module):
    """Its last layer is a function."""

    def __init__(self, end, traceable: bool = True) -> None:
        super().__init__()
        self.body, self.end, self.traceable = linear(), end, traceable

    def forward(self, x: Tensor) -> Tensor:
        if not self.traceable and len(x) > 1_000_000:  # a tracer does not know how many images there are
            return x
        return self.end(self.body(x * x.sigmoid()))


class Attending(nn.Module):
    """A softmax within, and none at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.soft, self.body = nn.Softmax(1), linear()

    def forward(self, x: Tensor) -> Tensor:
        return self.body(self.soft(x.flatten(1)).view_as(x))


@pytest.fixture
def x() -> Tensor:
    return torch.rand(8, 1, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("network", "layer"),
    [
        (nn.Sequential(linear(), nn.Softmax(1)), "softmax"),
        (nn.Sequential(linear(), nn.Softmax(-1)), "softmax"),
        (nn.Sequential(linear(), nn.Sequential(nn.Sigmoid(), nn.Identity())), "sigmoid"),
        (Inner(nn.Softmax(dim=1)), "softmax"),
        (Inner(nn.Sigmoid()), "sigmoid"),
        (Gated(shared=False), "sigmoid"),
        (Gated(shared=True), "sigmoid"),
        (Calling(lambda z: z.softmax(dim=1)), "softmax"),
        (Calling(lambda z: torch.softmax(input=z, dim=-1)), "softmax"),
        (Calling(lambda z: nn.functional.softmax(z, 1).clone()), "softmax"),
        (Calling(torch.sigmoid), "sigmoid"),
        (nn.Sequential(Calling(lambda z: z.sigmoid()), nn.Identity()), "sigmoid"),
        (Reordered(nn.Sequential(linear(), nn.Softmax(1)), [4, 2, 0, 1, 3]), "softmax"),
        (Reordered(nn.Sequential(linear(), nn.Sigmoid()), [4, 2, 0, 1, 3]), "sigmoid"),
    ],
)
def test_a_known_layer_is_found_and_left_out(network, layer, x):
    before = network(x)
    assert last_layer(network.eval(), x) == layer
    assert torch.equal(network(x), before)  # it is not changed
    classifier = PreparedClassifier(network, 5, probe=x[:2], last_layer=layer)
    torch.testing.assert_close(classifier.outputs(x), before)
    logits = classifier(x)
    assert bool((logits < 0).any())
    assert torch.equal(logits.argmax(1), before.argmax(1))


@pytest.mark.parametrize(
    "network",
    [
        linear(),
        nn.Sequential(linear(), nn.LogSoftmax(1)),
        Twice(),  # what is left of it would be another network
        Attending(),
        Calling(torch.sigmoid, traceable=False),
        Calling(lambda z: z.softmax(1) ** 2),
        Calling(lambda z: 1 / (1 + (-z).exp())),  # it is one, but nobody knows
        nn.Sequential(linear(), nn.Softmax(0)),  # of each class over the images
        nn.Sequential(linear(), nn.Softmax(1), nn.Hardtanh(0, 0.3)),
        nn.Sequential(linear(), nn.ReLU(), nn.Hardtanh(0, 1)),
        nn.Sequential(nn.Sigmoid(), linear(), nn.Softmax(1), nn.Softmax(0)),
    ],
)
def test_anything_else_is_left_as_it_is(network, x):
    assert last_layer(network.eval(), x) == ""


def test_what_a_foreign_network_raises_is_no_layer(x):
    class Broken(nn.Module):
        def forward(self, x):
            raise RuntimeError("no")

    assert last_layer(Broken(), x) == ""
    assert last_layer(torch.jit.script(nn.Sequential(linear(), nn.Softmax(1))), x) == ""


def test_a_network_that_ends_otherwise_than_planned_is_refused(x):
    with pytest.raises(UnfitNetwork, match="is said to end in a layer 'softmax', which it does not"):
        PreparedClassifier(linear(), 5, probe=x, last_layer="softmax")


# Ties.


def test_where_probabilities_saturate_the_first_of_them_is_the_answer():
    """In float32 the sigmoid of 20 is 1, as that of 30: the network answers the first class, whatever is larger."""
    logits = torch.tensor([[20.0, 30.0, -5.0], [30.0, 20.0, -5.0], [-5.0, 20.0, 30.0], [1.0, 2.0, 0.0]])
    made = decided(logits, "sigmoid")
    assert made.argmax(1).tolist() == torch.sigmoid(logits).argmax(1).tolist() == [0, 0, 1, 1]
    assert clearly_wrong(made, torch.tensor([1, 1, 2, 0])).tolist() == [True] * 4
    assert not clearly_wrong(made, torch.tensor([0, 0, 1, 1])).any()
    assert torch.equal(made[1], logits[1])  # nothing else is changed
    assert torch.equal(made[3], logits[3])


def test_gradients_are_those_of_the_logits():
    logits = torch.tensor([[20.0, 30.0, -5.0]], requires_grad=True)
    (gradient,) = torch.autograd.grad(decided(logits, "sigmoid")[0, 1], logits)
    assert gradient.tolist() == [[0.0, 1.0, 0.0]]


def test_an_infinite_logit_is_a_probability():
    made = decided(torch.tensor([[torch.inf, 3.0], [-torch.inf, 3.0], [torch.nan, 3.0]]), "sigmoid")
    assert torch.isfinite(made[:2]).all()
    assert made[:2].argmax(1).tolist() == [0, 1]
    assert torch.isnan(made[2]).any()
    assert not torch.isfinite(decided(torch.tensor([[torch.inf, 3.0]]), "softmax")).all()  # it returns NaN


@pytest.mark.parametrize("layer", ["softmax", "sigmoid"])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 30.0, 1e4])
def test_the_decision_is_always_that_of_the_whole_network(layer, scale):
    logits = scale * torch.randn(1000, 4, generator=torch.Generator().manual_seed(0))
    outputs = torch.sigmoid(logits) if layer == "sigmoid" else logits.softmax(1)
    assert torch.equal(decided(logits, layer).argmax(1), outputs.argmax(1))


# Evaluations.

ATTACKS = """\
  - {attack: fgsm, norm: linf}
  - {attack: pgd, norm: linf, parameters: {steps: 5, relative_step_size: 0.5}}
  - {attack: deepfool, norm: l2}
"""

MODULE = """\
import torch
from torch import nn
from evaluation_toys import trained

def plain(): return trained().model()
def after(layer, factor=30):
    class Loud(nn.Module):
        def forward(self, z): return factor * z
    return nn.Sequential(trained().model(), Loud(), layer)
def softmax(): return after(nn.Softmax(1))
def sigmoid(): return after(nn.Sigmoid(), 4)
def spelt():
    class End(nn.Module):
        def forward(self, z): return 1 / (1 + (-z).exp())
    return after(End(), 1)
def functional():
    class End(nn.Module):
        def forward(self, z): return torch.softmax(z, 1)
    return after(End())
def loud(): return after(nn.Identity())
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    (tmp_path / "ending.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)

    def run(name, **options):
        (found,) = evaluate(
            f"python:ending:{name}",
            suite=write_suite(tmp_path, ATTACKS, images=40),
            dataset="digits",
            trust_remote_code=True,
            precision="fp32",
            progress=False,
            **options,
        )
        assert not found.failures
        return found

    return run


@pytest.mark.parametrize("name", ["softmax", "functional"])
def test_a_saturated_softmax_hides_nothing(run, name):
    """Its probabilities are 0 and 1, and where they are, its gradients are 0."""
    logits, found = run("loud"), run(name)
    assert found.model["last_layer"] == "softmax"
    for mine, theirs in zip(found.outcomes, logits.outcomes, strict=True):
        assert mine.broken.tolist() == theirs.broken.tolist()
        assert mine.costs["dead_gradients"] == theirs.costs["dead_gradients"]
    assert logits.outcome("fgsm-linf").broken.sum() > logits.clean_errors.sum()
    assert any("attacks search on the logits before its last layer, a softmax" in said for said in found.warnings)
    assert "last_layer" not in logits.model


def test_what_is_crafted_before_a_last_layer_is_what_is_crafted_without_it(run, tmp_path):
    run("softmax")  # makes the suite
    options = {
        "suite": tmp_path / "toy-suite.yaml",
        "dataset": "digits",
        "trust_remote_code": True,
        "precision": "fp32",
    }
    pairs = [
        transfer(f"python:ending:{source}", "python:ending:sigmoid", progress=False, **options)[0]
        for source in ("softmax", "loud")
    ]
    one, other = ([outcome.broken.tolist() for outcome in pair.outcomes] for pair in pairs)
    assert one == other
    assert pairs[0].id != pairs[1].id
    for left_out, pair in zip(("softmax", None), pairs, strict=True):  # of the source, whatever the target ends in
        record = Ledger.open("results").read(pair.model["digest"], pair.outcomes[0].records[0])
        assert record.key.get("last_layer") == left_out


def test_verdicts_are_of_the_whole_network(run):
    """A sigmoid of large logits returns 1 for several classes, and the first of these is the answer."""
    found = run("sigmoid")
    x, y = load("digits").test.batch(slice(0, 40))
    with torch.no_grad():
        outputs = torch.sigmoid(4 * trained().model()(x))
    assert (outputs == 1).sum(1).max() > 1
    assert found.clean_errors.tolist() == (outputs.argmax(1) != y).tolist()
    assert not found.unstable
    for outcome in found.outcomes:
        assert outcome.costs["faults"] == {}
    assert any(outcome.broken[~found.clean_errors].any() for outcome in found.outcomes)


def test_a_sigmoid_that_can_not_be_left_out_is_warned_of(run):
    found = run("spelt")
    assert "last_layer" not in found.model
    assert any("lies in [0, 1], like the probabilities of a sigmoid" in said for said in found.warnings)


def test_records_and_evaluations_are_known_by_what_was_left_out(run, monkeypatch):
    found = run("softmax")
    monkeypatch.setattr("benchmark.evaluation.target.last_layer", lambda network, x: "")
    whole = run("softmax")
    assert whole.outcome("deepfool-l2").broken.sum() < found.outcome("deepfool-l2").broken.sum()
    assert whole.model["digest"] == found.model["digest"]
    assert whole.id != found.id
    assert {name for outcome in whole.outcomes for name in outcome.records}.isdisjoint(
        name for outcome in found.outcomes for name in outcome.records
    )
