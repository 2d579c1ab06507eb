"""`benchmark.attack`: two lines for every attack, and nothing of the caller's is changed or believed."""

from __future__ import annotations

import copy
import pickle
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch
from attack_toys import CHEAP, EPSILON
from torch import nn

import benchmark
from benchmark.attacks import ATTACKS, Attack
from benchmark.attacks.white_box.gradient import PGD
from benchmark.errors import BadInput
from benchmark.evaluation.judge import exact_logits
from benchmark.threats import Threat

pytestmark = pytest.mark.usefixtures("one_thread")

CLASSES = 10


class Net(nn.Module):
    """A linear network behind a dropout, which is random in training mode."""

    def __init__(self, weights: torch.Tensor | None = None) -> None:
        super().__init__()
        self.drop, self.linear = nn.Dropout(0.5), nn.Linear(3 * 8 * 8, CLASSES)
        generator = torch.Generator().manual_seed(0)
        drawn = torch.randn(CLASSES, 3 * 8 * 8, generator=generator) / 4
        with torch.no_grad():
            self.linear.weight.copy_(drawn if weights is None else weights)
            self.linear.bias.zero_()

    def forward(self, x):
        return self.linear(self.drop(x - 0.5).flatten(1))


def images(count: int = 4) -> tuple[torch.Tensor, torch.Tensor, Net]:
    net = Net()
    x = torch.rand(count, 3, 8, 8, generator=torch.Generator().manual_seed(1)) * 0.6 + 0.2
    return x, net.eval()(x).argmax(1), net


@pytest.mark.parametrize(("name", "norm"), [(name, norm) for name, attack in ATTACKS for norm in attack.norms])
def test_every_attack_returns_what_a_float32_pass_confirms(name, norm):
    x, y, net = images()
    y[0] = (y[0] + 1) % CLASSES  # misclassified without any change
    epsilon = EPSILON.get(norm, 0.5)
    found = benchmark.attack(net, x, y, name, norm=norm, epsilon=epsilon, **CHEAP.get(name, {}))
    threat = Threat(norm, epsilon)
    wrong = exact_logits(net, found.images).argmax(1) != y
    assert found.images.shape == x.shape
    assert found.images.dtype == torch.float32
    assert torch.equal(found.success, wrong & found.success)
    assert found.success[0]
    assert threat.contains(x, found.images).all()
    expected = torch.where(found.success, threat.distance(found.images - x).float(), torch.inf)
    assert torch.equal(found.distance, expected)
    assert found.distance[0] == 0
    assert torch.equal(found.images[~found.success], x[~found.success])


def test_the_distance_of_a_linear_network_is_known():
    """Between two classes of a linear network the closest point is |margin| / ‖w‖ away in the dual norm."""
    weights = torch.zeros(CLASSES, 3 * 8 * 8)
    weights[1] = torch.linspace(-1, 1, 3 * 8 * 8)
    net = Net(weights).eval()
    net.linear.bias.data[2:] = -100  # the other classes are far away
    x = torch.full((1, 3, 8, 8), 0.5)
    x[0, 0, 0, 0] = 0.6
    margin = float(exact_logits(net, x)[0, :2].diff().abs())
    found = benchmark.attack(net, x, torch.tensor([0]), "fmn", norm="l2", steps=100)
    exact = margin / float(weights[1].norm())
    assert exact <= float(found.distance) <= 1.05 * exact
    nearer = benchmark.attack(net, x, torch.tensor([0]), "pgd", norm="l2", epsilon=0.95 * exact)
    farther = benchmark.attack(net, x, torch.tensor([0]), "pgd", norm="l2", epsilon=1.05 * exact)
    assert not nearer.success
    assert farther.success
    assert torch.isinf(nearer.distance)


def test_without_a_radius_any_change_counts_and_with_one_only_those_inside():
    x, y, net = images()
    free = benchmark.attack(net, x, y, "fmn", norm="l2", steps=40)
    assert free.success.all()
    assert torch.isfinite(free.distance).all()
    middle = float(free.distance.median())
    bound = benchmark.attack(net, x, y, "fmn", norm="l2", epsilon=middle, steps=40)
    assert torch.equal(bound.success, free.distance <= middle)
    assert not bound.success.all()


def test_the_callers_model_and_images_stay_as_they_are():
    x, y, net = images()
    net.train()
    net.linear.bias.requires_grad_(False)
    net.drop.eval()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    flags = {name: parameter.requires_grad for name, parameter in net.named_parameters()}
    x.requires_grad_(True)
    kept, draws = x.detach().clone(), torch.get_rng_state()
    one, other = (benchmark.attack(net, x, y, norm="linf", epsilon="8/255", steps=3) for _ in range(2))
    assert net.training
    assert net.linear.training
    assert not net.drop.training
    assert flags == {name: parameter.requires_grad for name, parameter in net.named_parameters()}
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert all(parameter.grad is None for parameter in net.parameters())
    assert torch.equal(x, kept)
    assert x.requires_grad
    assert x.grad is None
    assert torch.equal(draws, torch.get_rng_state())
    assert not one.images.requires_grad
    assert torch.equal(one.images, other.images)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, lambda: torch.autocast("cpu", torch.bfloat16)])
def test_the_callers_mode_of_gradients_and_precision_changes_nothing(mode):
    x, y, net = images()
    expected = benchmark.attack(net, x, y, "pgd", norm="linf", epsilon=0.03, steps=3)
    with mode():
        found = benchmark.attack(net.half().float(), x.clone(), y.clone(), "pgd", norm="linf", epsilon=0.03, steps=3)
    net = Net().half().float()
    expected = benchmark.attack(net, x, y, "pgd", norm="linf", epsilon=0.03, steps=3)
    assert torch.equal(found.images, expected.images)


def test_arrays_bytes_and_an_attack_of_ones_own_are_taken():
    x, y, net = images()
    grey = (x * 255).round().to(torch.uint8)
    tensors = benchmark.attack(net, grey.float() / 255, y, "pgd", norm="linf", epsilon=0.05, steps=3)
    arrays = benchmark.attack(net, grey.numpy(), y.numpy().astype(np.uint8), PGD(steps=3), norm="Linf", epsilon=0.05)
    backwards = (grey.float() / 255).double().numpy()[::-1].copy()[::-1]
    doubles = benchmark.attack(net, backwards, y[:, None], PGD(), norm="linf", epsilon=0.05, steps=3)
    assert torch.equal(tensors.images, arrays.images)
    assert torch.equal(tensors.images, doubles.images)


def test_what_many_images_give_does_not_depend_on_how_many_there_are():
    x, y, net = images(260)
    many = benchmark.attack(net, x, y, "pgd", norm="linf", epsilon=0.01, steps=2)
    few = benchmark.attack(net, x[:4], y[:4], "pgd", norm="linf", epsilon=0.01, steps=2)
    assert len(many.images) == 260
    assert torch.allclose(many.images[:4], few.images, atol=1e-6)


class Returns(nn.Module):
    def __init__(self, returned) -> None:
        super().__init__()
        self.returned = returned

    def forward(self, x):
        return self.returned(x)


def logits(x: torch.Tensor) -> torch.Tensor:
    return x.flatten(1)[:, :CLASSES]


X, Y, NET = images()

#: What is wrong → (arguments, part of the message).
WRONG = {
    "0 to 255": ({"x": X * 255}, "divide them by 255"),
    "normalised": ({"x": X - 0.5}, "undo their normalisation"),
    "NaN": ({"x": X.clone().fill_(torch.nan)}, "NaN"),
    "whole numbers": ({"x": (X * 255).long()}, "int64"),
    "one image": ({"x": X[0]}, "x[None]"),
    "no image": ({"x": X[:0], "y": Y[:0]}, "no images"),
    "objects": ({"x": np.array([None] * 4)}, "not of numbers"),
    "a list": ({"x": [[1.0]]}, "torch.Tensor"),
    "masked": ({"x": np.ma.masked_array(X.numpy())}, "masked"),
    "sparse": ({"x": X.to_sparse()}, "dense"),
    "too few labels": ({"y": Y[:2]}, "2 labels for 4 images"),
    "float labels": ({"y": Y.float()}, "whole numbers"),
    "one-hot": ({"y": torch.eye(CLASSES)[Y].long()}, "argmax"),
    "negative": ({"y": Y - 10}, "negative"),
    "label too large": ({"y": Y + CLASSES}, "none of the network's 10 classes"),
    "no such attack": ({"attack": "pdg"}, "did you mean pgd"),
    "no such parameter": ({"stpes": 3}, "did you mean steps"),
    "bad parameter": ({"steps": 0}, "steps"),
    "no norm": ({"norm": None}, "say in which"),
    "norm of another": ({"attack": "fgsm", "norm": "l2"}, "supports linf"),
    "no radius": ({"epsilon": None}, "needs a radius"),
    "8 for 8/255": ({"epsilon": 8}, "8/255"),
    "a radius beyond all": ({"norm": "l2", "epsilon": 20}, "holds every image"),
    "restarts": ({"restarts": 0}, "restarts"),
    "seed": ({"seed": -1}, "seed"),
    "device": ({"device": "gpu"}, "gpu"),
    "precision": ({"precision": "half"}, "precision"),
    "no network": ({"model": lambda x: x}, "torch.nn.Module"),
    "another size": ({"x": X[..., :4]}, "fails on float32 images"),
    "a tuple without logits": ({"model": Returns(lambda x: (x, None))}, "logits"),
    "two logits": ({"model": Returns(lambda x: (logits(x), logits(x)))}, "can't be told"),
    "one number": ({"model": Returns(lambda x: x.sum())}, "a single number"),
    "random": ({"model": Returns(lambda x: logits(x) + torch.rand(len(x), CLASSES))}, "randomness"),
    "raising": ({"model": Returns(lambda x: x.missing)}, "missing"),
    "one class": ({"model": Returns(lambda x: logits(x)[:, :1]), "y": Y * 0}, "one number for each image"),
    "seed of words": ({"seed": "first"}, "seed must be a whole number"),
    "no seed": ({"seed": None}, "seed must be a whole number"),
    "half a seed": ({"seed": 0.5}, "seed must be a whole number"),
    "no such file": ({"model": "nowhere.pt"}, "nowhere.pt"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_one_clear_error(case):
    given, message = WRONG[case]
    usual = {"model": NET, "x": X, "y": Y, "attack": "pgd", "norm": "linf", "epsilon": 0.03}
    with pytest.raises(BadInput) as caught:
        benchmark.attack(**{**usual, **given})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_old_weight_norm_wrappers_and_hooks_are_no_obstacle():
    x, y, net = images()
    plain = benchmark.attack(net, x, y, "pgd", norm="linf", epsilon=0.03, steps=2)
    with pytest.warns(FutureWarning):
        nn.utils.weight_norm(net.linear)
    net(x)
    net.linear.register_forward_hook(lambda *_: None)
    found = benchmark.attack(nn.DataParallel(net), x, y, "pgd", norm="linf", epsilon=0.03, steps=2)
    assert torch.allclose(plain.images, found.images, atol=1e-6)


class Keeps(Net):
    """Keeps what it computed last, as networks do whose features somebody reads."""

    def forward(self, x):
        self.kept = {"logits": [super().forward(x)]}
        return self.kept["logits"][0]


@pytest.mark.parametrize("used", [False, True])
def test_a_network_that_keeps_what_it_computed_last_is_copied_without_its_history(used):
    x, y, net = images()
    keeps = Keeps().eval()
    if used:
        keeps(x)
    plain, found = (benchmark.attack(each, x, y, "pgd", norm="linf", epsilon=0.03, steps=2) for each in (net, keeps))
    assert torch.equal(plain.images, found.images)


@pytest.mark.filterwarnings("ignore:`torch.jit")
def test_scripted_and_traced_modules_are_taken():
    x, y, net = images()
    plain = benchmark.attack(net, x, y, "pgd", norm="linf", epsilon=0.03, steps=2)
    for scripted in (torch.jit.script(net), torch.jit.trace(net, x)):
        found = benchmark.attack(scripted, x, y, "pgd", norm="linf", epsilon=0.03, steps=2)
        assert torch.allclose(plain.images, found.images, atol=1e-6)


class Noisy(Net):
    def forward(self, x):
        return super().forward(x + 0.05 * torch.randn_like(x))


def test_a_random_network_is_judged_by_the_votes_of_several_passes():
    x, y, _ = images()
    usual = {"x": x, "y": y, "attack": "pgd", "norm": "linf", "epsilon": 0.3, "steps": 3}
    with pytest.raises(BadInput, match="in Python stochastic=20"):
        benchmark.attack(Noisy(), **usual)
    first, again = (benchmark.attack(Noisy(), **usual, stochastic=4, verdict_passes=5) for _ in range(2))
    assert first.success.all()
    assert torch.equal(first.images, again.images)
    votes = torch.stack([Noisy().eval()(first.images).argmax(1) != y for _ in range(50)]).float().mean(0)
    assert (votes > 0.2).all()


def test_eight_bit_images_are_what_a_file_can_hold():
    x, y, net = images()
    x = (x * 255).round() / 255
    found = benchmark.attack(net, x, y, "pgd", norm="linf", epsilon=16 / 255, steps=3, eight_bit=True)
    assert found.success.any()
    assert torch.equal((found.images * 255).round() / 255, found.images)


@pytest.mark.parametrize("kind", [np.uint16, np.uint32, np.uint64])
def test_labels_may_be_whole_numbers_of_any_kind(kind):
    x, y, net = images()
    one, other = (benchmark.attack(net, x, each, "fgsm", epsilon=0.1) for each in (y, y.numpy().astype(kind)))
    assert torch.equal(one.success, other.success)


def test_a_radius_may_be_written_as_a_fraction_or_a_decimal():
    x, y, net = images()
    one, other = (benchmark.attack(net, x, y, "fgsm", epsilon=each) for each in (0.03, "0.03"))
    assert torch.equal(one.images, other.images)


def test_the_answer_tells_the_predicted_classes_and_is_a_triple_still():
    x, y, net = images()
    y[0] = (y[0] + 1) % CLASSES
    found = benchmark.attack(net, x, y, "pgd", norm="linf", epsilon=0.1, steps=5)
    adversarial, success, distance = found
    assert adversarial is found.images
    assert (len(found), len(distance)) == (3, len(x))
    assert torch.equal(found.clean_class, exact_logits(net, x).argmax(1))
    assert torch.equal(found.adversarial_class, exact_logits(net, adversarial).argmax(1))
    assert torch.equal(found.adversarial_class != y, success)
    again = pickle.loads(pickle.dumps(found))
    assert torch.equal(again.adversarial_class, found.adversarial_class)
    assert torch.equal(copy.copy(found).clean_class, found.clean_class)


def test_of_images_that_were_broken_too_far_away_the_class_is_that_of_the_given_ones():
    x, y, net = images()
    found = benchmark.attack(net, x, y, "ddn", norm="l2", epsilon=1e-6, steps=5)
    assert not found.success.any()
    assert torch.equal(found.adversarial_class, y)
    anywhere = benchmark.attack(net, x, y, "ddn", norm="l2", steps=5)
    assert anywhere.success.any()
    assert torch.equal(anywhere.adversarial_class, exact_logits(net, anywhere.images).argmax(1))


def test_no_answer_is_told_as_such():
    class Undefined(nn.Module):
        def forward(self, x):
            bright = x.flatten(1).mean(1, keepdim=True)
            return torch.where(bright > 0.6, torch.nan, torch.cat([bright, -bright], 1))

    x, y = torch.full((2, 1, 2, 2), 0.55), torch.zeros(2, dtype=torch.long)
    found = benchmark.attack(Undefined(), x, y, Brighten(), norm="linf", epsilon=0.2)
    assert found.success.all()
    assert found.adversarial_class.tolist() == [-1, -1]
    assert found.clean_class.tolist() == [0, 0]


@dataclass(frozen=True)
class Brighten(Attack):
    """Makes every pixel brighter by the radius."""

    name: ClassVar[str] = "brighten"
    kind: ClassVar[str] = "fixed-budget"
    norms: ClassVar[tuple[str, ...]] = ("linf",)
    gradient_free: ClassVar[bool] = True

    def __call__(self, classifier, x, y, threat, noise):
        return threat.project(x, x + threat.epsilon)
