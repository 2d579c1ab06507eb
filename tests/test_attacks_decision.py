"""Attacks that see decisions only: where they start, where they end, and Foolbox beside them."""

from __future__ import annotations

import pytest
import torch
from attack_toys import Net, images, predictions
from torch import nn

from benchmark.attacks import PreparedClassifier, make_attack
from benchmark.attacks.black_box.starts import on_the_boundary, towards
from benchmark.attacks.objectives import is_wrong
from benchmark.generators import OwnGenerators
from benchmark.noise import ExampleNoise
from benchmark.threats import Threat, distance


class Sums(nn.Module):
    """Bright images are class 1, all others 0: uniform noise is 0."""

    def __init__(self, threshold: float = 0.8) -> None:
        super().__init__()
        self.threshold = threshold

    def forward(self, x):
        score = x.mean((1, 2, 3)) - self.threshold
        return torch.stack([-score, score], dim=1)


def test_starts_are_plain_colours_where_noise_does_not_help():
    classifier = PreparedClassifier(Sums(), 2)
    dark, y = torch.full((1, 1, 8, 8), 0.1), torch.tensor([0])
    start = on_the_boundary(classifier, dark, y, "l2", ExampleNoise(0, [0]))
    assert classifier(start.x_adv).argmax(1).tolist() == [1]
    assert start.distance[0] == pytest.approx(0.7 * 8, rel=0.1)


@pytest.mark.parametrize("name", ["boundary", "hopskipjump", "pointwise"])
def test_an_image_without_a_start_is_left_as_it_is(name):
    deaf = PreparedClassifier(Sums(threshold=2.0), 2)
    x, y = images(3), torch.zeros(3, dtype=torch.int64)
    parameters = {"noise_steps": 5} if name == "pointwise" else {"steps": 3}
    made = make_attack(name, parameters)
    assert torch.equal(made(deaf, x, y, Threat("l2", 1), ExampleNoise(0, range(3))), x)


@pytest.mark.parametrize("name", ["boundary", "hopskipjump", "pointwise"])
def test_how_long_others_look_for_a_start_changes_nothing(name):
    """A bright image has a start at once; a dark one beside it looks for bright noise for long."""
    classifier = PreparedClassifier(Sums(), 2)
    bright, dark = (low + 0.1 * images(1) for low in (0.85, 0.05))
    x, y = torch.cat([bright, dark]), torch.tensor([1, 0])
    made = make_attack(name, {"noise_steps": 30} if name == "pointwise" else {"steps": 20})
    for seed in range(20):  # with one in ten or so no noise is bright enough
        starts = on_the_boundary(classifier, x, y, "l2", ExampleNoise(seed, [0, 1]).fork())
        if starts.distance.isfinite().all():
            break
    both = made(classifier, x, y, Threat("l2", 1), ExampleNoise(seed, [0, 1]))
    alone = made(classifier, x[:1], y[:1], Threat("l2", 1), ExampleNoise(seed, [0]))
    assert classifier(both).argmax(1).tolist() == [0, 1]
    torch.testing.assert_close(both[:1], alone)


def test_bisection_ends_just_beyond_the_boundary():
    classifier = PreparedClassifier(Sums(), 2)
    x, far = torch.full((1, 1, 8, 8), 0.5), torch.ones(1, 1, 8, 8)
    y = torch.tensor([0])
    for norm in ("l2", "linf"):
        near = towards(classifier, x, far, y, norm, halvings=20)
        assert float(near.mean()) == pytest.approx(0.8, abs=1e-4)
        assert classifier(near).argmax(1).tolist() == [1]


def test_pointwise_ends_where_no_single_value_can_be_put_back():
    net, x = Net((1, 8, 8), 10, seed=2), images(6)
    y = predictions(net, x)
    x_adv = make_attack("pointwise", {"noise_steps": 50})(
        PreparedClassifier(net, 10), x, y, Threat("l1", 1), ExampleNoise(0, range(6))
    )
    changed = (x_adv != x).flatten(1)
    assert is_wrong(net(x_adv), y).all()
    assert changed.any(1).all()
    for row, place in changed.nonzero().tolist():
        back = x_adv[row].flatten().clone()
        back[place] = x[row].flatten()[place]
        assert not is_wrong(net(back.view(1, 1, 8, 8)), y[row : row + 1])


def foolbox_distances(attack, net, x, y, starts, norm):
    import foolbox

    model = foolbox.PyTorchModel(net, bounds=(0, 1), device="cpu")
    with torch.no_grad():
        x_adv = attack.run(model, x, foolbox.criteria.Misclassification(y), starting_points=starts)
    assert is_wrong(net(x_adv), y).all()
    return distance(x_adv - x, norm)


@pytest.mark.parametrize("norm", ["l2", "l1"])
def test_pointwise_beside_foolbox(norm):
    """From the same starts both end equally far away, ours after a fraction of the passes."""
    from foolbox.attacks import PointwiseAttack

    from benchmark.attacks.black_box.pointwise import Pointwise

    net, x = Net((3, 16, 16), 10, seed=2), images(24, (3, 16, 16))
    y = predictions(net, x)
    classifier, noise = PreparedClassifier(net, 10), ExampleNoise(0, range(len(x)))
    attack = Pointwise(noise_steps=20)
    starts = attack._start(classifier, x, y, norm, noise.select(torch.ones(len(x), dtype=torch.bool))).x_adv
    before = classifier.forwards
    ours = distance(attack(classifier, x, y, Threat(norm, 1), noise) - x, norm)
    passes = classifier.forwards - 2 * before
    asked, theirs = [], []
    net.register_forward_pre_hook(lambda _, inputs: asked.append(len(inputs[0])))
    for seed in range(3):  # its orders decide by a few percent
        with OwnGenerators(seed):
            theirs.append(foolbox_distances(PointwiseAttack(l2_binary_search=norm == "l2"), net, x, y, starts, norm))
    assert ours.mean() <= 1.03 * torch.stack(theirs).mean()
    assert passes < 0.3 * sum(asked) / 3


def test_boundary_beside_foolbox():
    """From the same starts and with as many proposals, ours ends no farther away."""
    from foolbox.attacks import BoundaryAttack

    net, x = Net((3, 16, 16), 10, seed=2), images(12, (3, 16, 16))
    y = predictions(net, x)
    classifier, noise = PreparedClassifier(net, 10), ExampleNoise(0, range(len(x)))
    starts = on_the_boundary(classifier, x, y, "l2", ExampleNoise(0, range(len(x))).fork()).x_adv
    ours = distance(make_attack("boundary", {"steps": 500})(classifier, x, y, Threat("l2", 1), noise) - x, "l2")
    with OwnGenerators(0):
        theirs = foolbox_distances(BoundaryAttack(steps=500), net, x, y, starts, "l2")
    assert ours.mean() <= theirs.mean()
