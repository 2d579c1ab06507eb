"""What attacks are said to cost is what they cost: their passes are counted."""

from __future__ import annotations

import pytest
import torch
from fixed_networks import digits_right, fixed
from torch import nn

from benchmark.attacks import PreparedClassifier, make_attack
from benchmark.evaluation.cost import ANSWER, SearchPasses, passes_of_attack, search_passes
from benchmark.noise import ExampleNoise
from benchmark.planning import speed
from benchmark.threats import Threat

#: Passes of each image that are no part of the search: candidates judged, zeros told from gradients.
FEW = 12


class Steady(nn.Module):
    """A network that no small change leads astray, but whose gradients are no zeros."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(classes, 36, generator=torch.Generator().manual_seed(0)) / 100)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.flatten(1) @ self.weight.t() - torch.arange(len(self.weight))


@pytest.mark.parametrize("classes", [3, 4, 10])
@pytest.mark.parametrize(
    ("name", "norm", "parameters"),
    [
        ("autoattack", "linf", {"steps": 2, "queries": 30}),
        ("autoattack", "linf", {"steps": 2, "variant": "rand"}),
        ("apgd-ce", "l1", {"steps": 5}),
        ("apgd-t", "l1", {"steps": 5}),
        ("fab-t", "l1", {"steps": 5}),
        ("square", "l2", {"queries": 30}),
        ("fgsm", "linf", {}),
        ("mim", "linf", {}),
        ("gaussian-noise", "l2", {"repeats": 30}),
        ("salt-and-pepper", "l1", {"steps": 30}),
        ("spatial", "spatial", {"rotations": 5, "shifts": 3}),
        ("spatial", "spatial", {"tries": 30}),
    ],
)
def test_an_image_that_withstands_costs_what_is_counted(name, norm, parameters, classes):
    attack, images = make_attack(name, parameters), 2
    x = torch.rand(images, 1, 6, 6, generator=torch.Generator().manual_seed(1))
    classifier = PreparedClassifier(Steady(classes), classes, "cpu", "fp32", x)
    y = torch.zeros(images, dtype=torch.long)
    attack(classifier, x, y, Threat(norm, 1e-3), ExampleNoise(0, range(images)))
    told = search_passes(attack, norm, classes=classes)
    assert classifier.backwards / images == told.gradients
    assert abs(classifier.forwards / images - sum(told)) <= FEW


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("network", ["natural", "at"])
@pytest.mark.parametrize(
    ("name", "norm", "parameters"),
    [
        ("deepfool", "linf", {}),
        ("cw", "l2", {}),
        ("pointwise", "l1", {"noise_steps": 100}),
        ("boundary", "l2", {"steps": 500}),
        ("hopskipjump", "l2", {"steps": 4}),
        ("hopskipjump", "linf", {"steps": 4, "most_probes": 150}),
    ],
)
def test_what_follows_from_no_parameter_is_told_to_within_twice_or_half_of_it(name, norm, parameters, network):
    """Where an attack stops by itself. The radius is so small that the image withstands it in any case."""
    attack, net, images = make_attack(name, parameters), fixed(network).model().eval(), 8
    x, y = digits_right(net, images)
    classifier = PreparedClassifier(net, 10, "cpu", "fp32", x)
    attack(classifier, x, y, Threat(norm, 1e-3), ExampleNoise(0, range(images)))
    told = search_passes(attack, norm, values=x[0].numel())
    measured = SearchPasses(classifier.backwards / images, (classifier.forwards - classifier.backwards) / images)
    assert measured.weight / 2 < told.weight < 2 * measured.weight
    assert attack.gradient_free == (not classifier.backwards) == (not told.gradients)


def test_putting_values_back_takes_longer_the_more_there_are():
    """On CIFAR-10 ten runs took 51 s in l1, 64 s in l2, 3.10 ms an answer (docs/performance.md): 1,645 and 2,065."""
    attack = make_attack("pointwise")
    assert search_passes(attack, "l1", values=64).answers < 1100
    assert 1600 < search_passes(attack, "l1", values=3072).answers < 2100


def test_of_a_librarys_attack_the_steps_count_that_its_suite_states():
    assert passes_of_attack(make_attack("foolbox.attacks:LinfPGD", {"steps": 30}), "linf") == 30


def test_answers_are_cheaper_than_gradients():
    assert SearchPasses(100, 50).weight == 100 + 50 * ANSWER
    assert passes_of_attack(make_attack("square"), "linf") < passes_of_attack(make_attack("apgd-t"), "linf") * 3
    assert passes_of_attack(make_attack("pgd", {"steps": 30}), "linf") == 30


@pytest.mark.parametrize("classes", [4, 10])
def test_what_a_library_does_between_passes_is_probed_without_a_word(caplog, monkeypatch, classes):
    monkeypatch.setattr(speed, "PROBE_SECONDS", 0)
    monkeypatch.setattr(speed, "MANY", 8)
    for name, parameters in (("square", {"queries": 500}), ("apgd-t", {"steps": 50})):
        attack, cpu = make_attack(name, parameters), torch.device("cpu")
        work = speed.own_work(attack, Threat("linf", 0.1), (1, 6, 6), classes, cpu)
        assert work > 0, f"{name} has loops over images, or sorts logits, which takes time"
    assert not caplog.records, "the network of the probe has gradients of every loss"


@pytest.mark.parametrize(("name", "parameters"), [("spatial", {"rotations": 3, "shifts": 3}), ("corruption", {})])
def test_what_an_attack_without_steps_does_between_passes_is_probed(name, parameters, monkeypatch):
    monkeypatch.setattr(speed, "PROBE_SECONDS", 0)
    monkeypatch.setattr(speed, "MANY", 8)
    threat = Threat(name, 1)
    assert speed.own_work(make_attack(name, parameters), threat, (1, 6, 6), 10, torch.device("cpu")) >= 0


def test_a_slow_network_is_timed_on_few_images_and_its_ways_back_are_known(monkeypatch):
    monkeypatch.setattr(speed, "SLOW", -1.0)
    found = speed.measure(Steady(10), (1, 6, 6), 10, device=torch.device("cpu"), precision="fp32", batch=8)
    assert found.forward > 0
    assert found.backward == speed.BACK * found.forward
    assert found.learning_backward == speed.BACK_TO_WEIGHTS * found.forward
    assert found.gradient == found.forward + found.backward
