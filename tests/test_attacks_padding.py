"""Passes of a few sizes: which, that nobody's answer changes, and who is left as they are."""

from __future__ import annotations

import pytest
import torch
from attack_toys import Net, images, predictions, small_net
from torch import Tensor, nn

from benchmark.attacks import PreparedClassifier, make_attack
from benchmark.attacks.ascent import input_gradient
from benchmark.attacks.objectives import cross_entropy
from benchmark.attacks.padding import is_independent, padded, padded_size
from benchmark.noise import ExampleNoise
from benchmark.threats import Threat


def padding(net: nn.Module, x: Tensor, pads: bool = True) -> PreparedClassifier:
    """A prepared network that is filled up as on an accelerator; and on this processor, as it is asked here."""
    classifier = PreparedClassifier(net, 5, probe=x[:2])
    assert not classifier.pads
    classifier.pads = pads
    return classifier


class Sizes(nn.Module):
    """A network that notes how many images it is asked for."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net, self.seen = net, []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(len(x))
        return self.net(x)


def test_there_are_few_sizes_and_no_more_than_a_third_is_in_vain():
    sizes = [padded_size(images) for images in range(1, 257)]
    assert sorted(set(sizes)) == [8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256]
    assert all(size >= images for images, size in enumerate(sizes, 1))
    assert all(size <= 1.5 * images for images, size in enumerate(sizes, 1) if images > 8)
    assert padded_size(3, most=4) == 4
    assert padded_size(250, most=250) == 250


def test_gradients_flow_to_the_images_alone():
    x = images(3, (1, 4, 4)).requires_grad_()
    whole = padded(x, 8)
    assert len(whole) == 8
    assert torch.equal(whole[3:], x[2:].expand(5, 1, 4, 4))
    (gradient,) = torch.autograd.grad(whole.sum(), x)
    assert torch.equal(gradient, torch.ones_like(x))
    assert padded(x, 3) is x


@pytest.mark.parametrize("count", [1, 7, 8, 11])
def test_answers_gradients_and_counts_are_those_of_the_images(count):
    net, x = small_net(), images(count, (1, 8, 8))
    y = torch.zeros(count, dtype=torch.long)
    plain, filled = (padding(net, images(2, (1, 8, 8)), pads) for pads in (False, True))
    for ours, theirs in zip(
        input_gradient(filled, x, y, cross_entropy), input_gradient(plain, x, y, cross_entropy), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
    assert (filled.forwards, filled.backwards, filled.dead_gradients) == (count, count, plain.dead_gradients)


@pytest.mark.parametrize(
    ("name", "norm"), [("pgd", "linf"), ("pgd", "l1"), ("fmn", "l2"), ("deepfool", "l2"), ("boundary", "l2")]
)
def test_attacks_find_the_same_and_ask_for_few_sizes(name, norm):
    net = Net((1, 8, 8), 5)
    x = images(30, (1, 8, 8)).round(decimals=3)
    y = predictions(net, x)
    attack = make_attack(name, {"steps": 12})
    found = []
    for pads in (False, True):
        classifier = padding(net, x, pads)
        asked = Sizes(classifier.networks["fp32"])
        classifier.networks["fp32"] = asked
        threat = Threat(norm, {"linf": 0.05, "l2": 0.3, "l1": 1.0}[norm])
        with torch.enable_grad():
            found.append(attack(classifier, x, y, threat, ExampleNoise(0, range(30))).detach())
        sizes = set(asked.seen)
    torch.testing.assert_close(found[1], found[0], rtol=1e-4, atol=1e-5)
    assert sizes <= {8, 12, 16, 24, 32}


class Centred(nn.Module):
    """Whose answer to an image depends on the others of its batch."""

    def __init__(self) -> None:
        super().__init__()
        self.net = small_net()

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x - x.mean(0, keepdim=True))


class Random(Centred):
    def forward(self, x: Tensor) -> Tensor:
        return self.net(x + 0.5 * torch.randn_like(x))


class Pairs(Centred):
    """Which takes two images and no other number."""

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x.view(2, 1, 8, 8))


class Crowded(Centred):
    """Which answers otherwise in the batches of eight that few images are filled up to."""

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x if len(x) < 8 else 1 - x)


def test_only_networks_that_answer_image_by_image_are_filled_up():
    x = images(2, (1, 8, 8))
    assert is_independent(small_net().eval(), x)
    assert not is_independent(small_net().train(), x)  # batch norm
    for network in (Centred(), Random(), Pairs(), Crowded()):
        assert not is_independent(network.eval(), x)


def test_averages_over_draws_and_networks_without_a_probe_are_asked_as_they_are():
    x = images(2, (1, 8, 8))
    classifier = PreparedClassifier(small_net(), 5, probe=x)
    assert not classifier._may_pad(x)
    classifier.device = torch.device("cuda")  # the network itself stays here
    assert classifier._may_pad(x)
    assert not classifier._may_pad(None)
    classifier.draws = 2
    assert not classifier._may_pad(x)
