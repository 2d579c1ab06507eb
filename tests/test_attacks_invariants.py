"""What holds for every attack, whatever it does: run over all that are registered."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from attack_toys import EVERY, Net, RowByRow, cheap, images, predictions, threat
from torch import Tensor, nn

from benchmark.attacks import ATTACKS, PreparedClassifier, make_attack
from benchmark.attacks.objectives import is_wrong
from benchmark.noise import BatchNoise, ExampleNoise
from benchmark.threats import in_box

SHAPES = [((1, 8, 8), 2), ((1, 8, 8), 3), ((3, 32, 32), 10), ((3, 64, 64), 100)]
BATCH_INDEPENDENT = [(name, norm) for name, norm in EVERY if ATTACKS.get(name).batch_independent]
MINIMAL = [(name, norm) for name, norm in EVERY if ATTACKS.get(name).kind == "minimum-norm"]


def attack(name: str, norm: str, net: nn.Module, x: Tensor, y: Tensor, classes: int = 3, first: int = 0) -> Tensor:
    noise = ExampleNoise(5, range(first, first + len(x)))
    return cheap(name)(PreparedClassifier(net, classes), x, y, threat(norm), noise)


def assert_admissible(name: str, norm: str, x: Tensor, x_adv: Tensor) -> None:
    assert x_adv.shape == x.shape
    assert x_adv.dtype == x.dtype
    assert not x_adv.requires_grad
    assert in_box(x_adv).all()
    if ATTACKS.get(name).kind == "fixed-budget":
        assert threat(norm).contains(x, x_adv).all()


@pytest.mark.parametrize(
    ("shape", "classes"), SHAPES, ids=lambda v: "x".join(map(str, v)) if isinstance(v, tuple) else v
)
@pytest.mark.parametrize(("name", "norm"), EVERY)
def test_candidates_are_admissible_and_nothing_else_changes(name, norm, shape, classes):
    net = Net(shape, classes)
    x = images(4, shape)
    y = predictions(net, x)
    y[0] = (y[0] + 1) % classes  # one is misclassified from the start
    before, state = x.clone(), {key: value.clone() for key, value in net.state_dict().items()}
    torch.manual_seed(3)
    generators = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002

    x_adv = attack(name, norm, net, x, y, classes)

    assert_admissible(name, norm, x, x_adv)
    assert torch.equal(x, before)
    assert x_adv.data_ptr() != x.data_ptr()
    assert torch.equal(torch.get_rng_state(), generators[0])
    assert (np.random.get_state()[1] == generators[1]).all()  # noqa: NPY002
    assert random.getstate() == generators[2]
    assert all(torch.equal(value, state[key]) for key, value in net.state_dict().items())
    assert all(p.requires_grad and p.grad is None for p in net.parameters())
    assert not net.training


@pytest.mark.parametrize(("name", "norm"), EVERY)
def test_the_same_seed_gives_the_same_images(name, norm):
    net = Net((1, 8, 8), 4)
    x = images(5)
    y = predictions(net, x)
    assert torch.equal(attack(name, norm, net, x, y, 4), attack(name, norm, net, x, y, 4))


@pytest.mark.parametrize(("name", "norm"), EVERY)
def test_who_says_to_follow_no_gradient_asks_for_none(name, norm):
    net = Net((1, 8, 8), 4)
    x = images(3)
    classifier = PreparedClassifier(net, 4)
    cheap(name)(classifier, x, predictions(net, x), threat(norm), ExampleNoise(5, range(3)))
    assert (classifier.backwards == 0) == ATTACKS.get(name).gradient_free


@pytest.mark.parametrize(("name", "norm"), EVERY)
def test_a_batch_of_one_and_training_noise(name, norm):
    net = Net((1, 8, 8), 4)
    x = images(1)
    y = predictions(net, x)
    noise = BatchNoise(1, torch.Generator().manual_seed(1))
    assert_admissible(name, norm, x, cheap(name)(PreparedClassifier(net, 4), x, y, threat(norm), noise))


@pytest.mark.parametrize(("name", "norm"), BATCH_INDEPENDENT)
def test_an_example_does_not_feel_its_neighbours(name, norm):
    net = RowByRow(192, 6)
    x = images(6, (3, 8, 8))
    y = predictions(net, x)
    y[2] = (y[2] + 1) % 6
    together = attack(name, norm, net, x, y, 6)
    alone = torch.cat([attack(name, norm, net, x[i : i + 1], y[i : i + 1], 6, first=i) for i in range(len(x))])
    torch.testing.assert_close(together, alone, atol=1e-6, rtol=0)


@pytest.mark.parametrize(("name", "norm"), MINIMAL)
def test_what_is_misclassified_already_stays_as_it_is(name, norm):
    net = Net((1, 8, 8), 3)
    x = images(4)
    y = predictions(net, x)
    y[1:3] = (y[1:3] + 1) % 3
    assert torch.equal(attack(name, norm, net, x, y)[1:3], x[1:3])


class Constant(nn.Module):
    """Always the same logits, whatever the image."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.tensor([0.0, 2.0, 1.0, 0.5]).expand(len(x), 4)


class Deaf(Net):
    """Its output changes with the image, its gradient does not know."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.detach())


class Moody(Net):
    """Returns NaN for images whose first value is large."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.where(x.flatten(1)[:, :1] > 0.6, torch.nan, super().forward(x))


@pytest.mark.parametrize(("name", "norm"), EVERY)
def test_a_constant_network_is_never_fooled(name, norm):
    x, y = images(3), torch.ones(3, dtype=torch.int64)
    x_adv = attack(name, norm, Constant(), x, y, 4)
    assert_admissible(name, norm, x, x_adv)
    if ATTACKS.get(name).kind == "minimum-norm":
        assert torch.equal(x_adv, x)


@pytest.mark.parametrize(("name", "norm"), EVERY)
def test_a_network_without_gradient_is_survived(name, norm):
    net = Deaf((1, 8, 8), 4)
    x = images(3)
    assert_admissible(name, norm, x, attack(name, norm, net, x, predictions(net, x), 4))


@pytest.mark.parametrize(("name", "norm"), EVERY)
def test_a_network_that_returns_nan_is_survived(name, norm):
    net = Moody((1, 8, 8), 4)
    x = images(8)
    x[0, 0, 0, 0], x[1, 0, 0, 0] = 0.9, 0.1
    y = torch.where(x.flatten(1)[:, 0] > 0.6, 0, predictions(Net((1, 8, 8), 4), x))
    x_adv = attack(name, norm, net, x, y, 4)
    assert_admissible(name, norm, x, x_adv)


@pytest.mark.parametrize(("name", "norm"), MINIMAL)
def test_in_low_precision_only_what_float32_confirms_is_kept(name, norm):
    net = Net((1, 8, 8), 4)
    x = images(6)
    y = predictions(net, x)
    classifier = PreparedClassifier(net, 4, precision="bf16")
    x_adv = cheap(name)(classifier, x, y, threat(norm), ExampleNoise(5, range(6)))
    found = (x_adv != x).flatten(1).any(1)
    with torch.no_grad():
        assert is_wrong(net(x_adv), y)[found].all()


@pytest.mark.parametrize(
    ("name", "norm", "fewer", "more"),
    [
        *(("pgd", norm, {"steps": 2}, {"steps": 8}) for norm in ("linf", "l2", "l1")),
        *((name, name, {"steps": 1}, {"steps": 9}) for name in ("elastic", "snow", "jpeg")),
        ("gaussian-noise", "l2", {"repeats": 2}, {"repeats": 20}),
        ("square", "linf", {"queries": 5}, {"queries": 60}),
    ],
)
def test_more_steps_break_what_fewer_broke(name, norm, fewer, more):
    net = Net((1, 8, 8), 10, seed=2)
    x = images(40)
    y = predictions(net, x)

    def broken(parameters):
        chosen = make_attack(name, parameters)
        x_adv = chosen(PreparedClassifier(net, 10), x, y, threat(norm), ExampleNoise(5, range(len(x))))
        return predictions(net, x_adv) != y

    few, many = broken(fewer), broken(more)
    assert (few <= many).all()
    assert many.any()


@pytest.mark.parametrize("name", ["boundary", "hopskipjump"])
def test_more_steps_bring_decision_attacks_closer(name):
    net = Net((1, 8, 8), 10, seed=2)
    x = images(10)
    y = predictions(net, x)

    def distances(steps):
        chosen = make_attack(name, {"steps": steps})
        noise = ExampleNoise(5, range(len(x)))
        return threat("l2").distance(chosen(PreparedClassifier(net, 10), x, y, threat("l2"), noise) - x)

    near, far = distances(100), distances(1)
    assert (near <= far + 1e-6).all()
    assert near.mean() < 0.9 * far.mean()
