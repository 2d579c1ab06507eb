"""Snapshots: the network under attack, folded and cast, is the same function and leaves the one in training alone."""

from __future__ import annotations

import copy
import sys

import pytest
import torch
from torch import nn

from benchmark import models
from benchmark.methods.table import METHODS
from benchmark.noise import BatchNoise
from benchmark.recipes.radius import Radius
from benchmark.training.parallel import share_batch_norm
from benchmark.training.snapshot import FoldedNetwork, snapshots
from benchmark.training.step import StepNetworks


def network(architecture: str = "resnet18", seed: int = 0) -> nn.Module:
    """In train mode, with weights and running statistics that are not those of a fresh one."""
    torch.manual_seed(seed)
    half = (0.5, 0.5, 0.5)
    made = models.build(architecture, num_classes=10, shape=(3, 32, 32), mean=half, std=half).train()
    move(made)
    return made


def move(net: nn.Module) -> None:
    """What a training step changes: weights by the optimiser, running statistics by a pass."""
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.05 * parameter.std(correction=0) * torch.randn_like(parameter))
    net(torch.rand(4, 3, 32, 32))


@pytest.mark.parametrize("architecture", ["small-cnn", "resnet18", "preact-resnet18", "mobilenet-v2"])
def test_it_is_the_network_as_it_is_by_now(architecture):
    net, x = network(architecture), torch.rand(3, 3, 32, 32)
    snapshot = FoldedNetwork(net, low=False)
    for _ in range(2):
        move(net)
        stale = snapshot.network(x)
        snapshot.refresh()
        expected = copy.deepcopy(net).eval()(x)
        torch.testing.assert_close(snapshot.network(x), expected, rtol=1e-3, atol=1e-3)
        assert not torch.allclose(stale, expected, rtol=1e-3, atol=1e-3)


def test_batch_norms_are_folded_and_large_weights_cast():
    snapshot = FoldedNetwork(network(), low=True)
    layers = list(snapshot.network.modules())
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in layers)
    assert {layer.weight.dtype for layer in layers if isinstance(layer, nn.Conv2d)} == {torch.bfloat16}
    snapshot.refresh()
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.isfinite(snapshot.network(torch.rand(2, 3, 32, 32))).all()


def test_batch_norms_shared_between_processes_are_folded_too():
    net, x = network("resnet18"), torch.rand(3, 3, 32, 32)
    expected = copy.deepcopy(net).eval()(x)
    snapshot = FoldedNetwork(share_batch_norm(net), low=False)
    snapshot.refresh()
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in snapshot.network.modules())
    torch.testing.assert_close(snapshot.network(x), expected, rtol=1e-3, atol=1e-3)


class Branching(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(x).flatten(1) if x.sum() > 0 else -x.flatten(1)


class Twice(nn.Module):
    """Its convolution would be folded twice; as long as the batch norms are fresh, nobody could tell."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.first, self.second = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), nn.BatchNorm2d(3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(self.conv(self.first(self.conv(x)))).flatten(1)


class Hooked(nn.Sequential):
    """Its hook is lost to whoever follows its code alone."""

    def __init__(self) -> None:
        super().__init__(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten())
        self[1].register_forward_hook(lambda module, given, result: result + 1)


class Leaving(nn.Sequential):
    """It ends the program where it is asked outside of training."""

    def __init__(self) -> None:
        super().__init__(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten())
        self[1].register_forward_pre_hook(lambda module, given: None if module.training else sys.exit(0))


class Unnormalised(nn.Module):
    """Its code can't be followed, and need not be: there is nothing to fold."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3 * 32 * 32, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(x.flatten(1)) if x.sum() > 0 else -self.linear(x.flatten(1))


def dense() -> nn.Module:
    """With a batch norm after a linear layer."""
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 7), nn.BatchNorm1d(7), nn.ReLU(), nn.Linear(7, 10))


@pytest.mark.parametrize("odd", [Branching, Hooked, Twice, Leaving])
def test_networks_that_have_none_are_attacked_themselves(odd):
    x = torch.rand(2, 3, 32, 32)
    assert snapshots([network("small-cnn"), odd()], x, low=False) is None
    assert snapshots([network("small-cnn")], x, low=False) is not None


@pytest.mark.parametrize("make", [dense, Unnormalised])
def test_networks_of_other_packages_are_followed_as_training_changes_them(make):
    torch.manual_seed(0)
    net, x = make(), torch.rand(3, 3, 32, 32)
    (snapshot,) = snapshots([net], x, low=False)
    before = snapshot.network(x)
    for _ in range(20):
        move(net)
    snapshot.refresh()
    torch.testing.assert_close(snapshot.network(x), copy.deepcopy(net).eval()(x), rtol=1e-4, atol=1e-4)
    assert not torch.allclose(snapshot.network(x), before, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("low", [False, True])
def test_a_snapshot_that_was_tried_is_one_made_anew(low):
    """On a processor the one that was tried is kept: to follow a network's code takes longer than a few steps."""
    net, x = network("small-cnn"), torch.rand(2, 3, 32, 32)
    move(net)
    (kept,), new = snapshots([net], x, low), FoldedNetwork(net, low, x)
    for _ in range(2):
        assert kept.network.code == new.network.code
        assert kept.network.state_dict().keys() == new.network.state_dict().keys()
        for name, value in kept.network.state_dict().items():
            other = new.network.state_dict()[name]
            assert torch.equal(value, other)
            assert (value.dtype, value.stride()) == (other.dtype, other.stride())
        assert not any(parameter.requires_grad for parameter in kept.network.parameters())
        move(net)
        kept.refresh(), new.refresh()


def test_the_code_of_a_network_is_followed_once(monkeypatch):
    from torch import fx

    followed, trace = [], fx.symbolic_trace
    monkeypatch.setattr(fx, "symbolic_trace", lambda net: followed.append(net) or trace(net))
    assert snapshots([network("small-cnn")], torch.rand(2, 3, 32, 32), low=False)
    assert len(followed) == 1


def test_the_trial_of_a_snapshot_leaves_the_network_alone():
    net = network("small-cnn")
    before = copy.deepcopy(net.state_dict())
    snapshots([net], torch.rand(2, 3, 32, 32), low=True)
    assert net.training
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


class Strict(nn.Module):
    """It leaves autocast, so that weights in bfloat16 would meet float32."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3 * 32 * 32, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", enabled=False):
            return self.linear(x.flatten(1))


def test_weights_are_cast_only_where_the_network_stays_within_autocast():
    x = torch.rand(2, 3, 32, 32)
    (snapshot,) = snapshots([Strict()], x, low=True)
    with torch.autocast("cpu", torch.bfloat16):
        assert snapshot.network(x).dtype == torch.float32


@pytest.fixture
def in_double_precision():
    """So that rounding turns no sign of a gradient that is nearly zero, as TRADES's first ones are."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.usefixtures("in_double_precision")
@pytest.mark.parametrize("method", ["at", "trades", "mat"])
def test_the_same_examples_are_crafted_and_the_networks_feel_nothing(method):
    bound = METHODS.get(method).bind({}, method)
    nets = [network("small-cnn", seed) for seed, _ in enumerate(bound.cohort.members)]
    fast = snapshots(nets, torch.rand(2, 3, 32, 32), low=False)
    for net in nets:
        move(net)  # as steps do between one crafting and the next
    before = copy.deepcopy([net.state_dict() for net in nets])
    x, y = torch.rand(6, 3, 32, 32), torch.arange(6)
    radii = {"linf": Radius(epsilon=0.03, step_size=0.01, steps=3)}

    def craft(stand_ins: list[FoldedNetwork] | None) -> list[torch.Tensor]:
        players = StepNetworks(bound, nets, [], radii, snapshots=stand_ins)
        noise = BatchNoise(6, torch.Generator().manual_seed(0))
        return [found.images[0] for found in players.craft(x, y, ("linf",), noise) if found is not None]

    for a, b in zip(craft(None), craft(fast), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-9)
        assert (a - x).abs().max() > 0.02
    for net, state in zip(nets, before, strict=True):
        assert net.training
        assert all(parameter.requires_grad and parameter.grad is None for parameter in net.parameters())
        for key, value in net.state_dict().items():
            assert torch.equal(value, state[key]), key
