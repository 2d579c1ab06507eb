"""APGD as an inner maximisation, beside its authors' code and beside steps of a fixed length; restarts; gaps."""

from __future__ import annotations

import pytest
import torch
from fixed_networks import tiny

from benchmark.attacks.apgd_steps import AdaptivePace
from benchmark.attacks.ascent import Move, ascend
from benchmark.attacks.objectives import cross_entropy, is_wrong
from benchmark.data import load
from benchmark.methods import objectives
from benchmark.methods.batch import Mismatch
from benchmark.methods.inner import Inner, craft
from benchmark.methods.objectives import Target
from benchmark.noise import BatchNoise
from benchmark.recipes.radius import Radius
from benchmark.threats import Threat
from benchmark.training import METHODS

THREATS = [Threat("linf", 0.15), Threat("l2", 0.8), Threat("l1", 2.0)]


def noise(size=100):
    return BatchNoise(size, torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def digits():
    """A hundred digits, their labels, and a network that tells them apart."""
    return tiny("tiny-natural"), *load("digits").train.batch(slice(0, 100))


def losses(digits, threat, steps, pace):
    network, x, y = digits
    move = Move(threat, 2.5 * threat.epsilon / steps, (1, 4))
    made = AdaptivePace(threat, x, steps) if pace else None
    x_adv = ascend(network, x, y, cross_entropy, [move], steps=steps, start=x, noise=noise(), keep="best", pace=made)
    assert bool(threat.contains(x, x_adv).all())
    return cross_entropy(network(x_adv), y)


@pytest.fixture
def in_double_precision():
    """So that what is rounded otherwise on another processor decides nowhere whether a step was uphill."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.usefixtures("in_double_precision")
@pytest.mark.parametrize("threat", THREATS[:2], ids=str)
@pytest.mark.parametrize("steps", [10, 50, 100])
@pytest.mark.parametrize("name", ["tiny-natural", "tiny-at"])
def test_apgd_is_that_of_its_authors(digits, name, threat, steps):
    """They add 1e-12 to an l2 norm before dividing by it, and the gradients' are 2e-3 or more: 5e-10 relatively.

    In l2 our steps end inside the ball as float32 would write it, at a radius smaller by 2⁻²⁵·8/0.8 + 2⁻²², 5e-7
    relatively; along a hundred steps that is a few millionths of the loss.
    """
    library = pytest.importorskip("pyautoattack.autopgd_base")
    network, x, y = tiny(name).double(), digits[1].double(), digits[2]
    norm = {"linf": "Linf", "l2": "L2"}[threat.norm]
    theirs = library.APGDAttack(network, norm=norm, eps=threat.epsilon, n_iter=steps, seed=0, loss="ce", device="cpu")
    theirs.init_hyperparam(x)
    _, _, expected, _ = theirs.attack_single_run(x, y, x_init=x.clone())
    found = losses((network, x, y), threat, steps, pace=True)
    close = 2e-5 if threat.norm == "l2" else 1e-8
    torch.testing.assert_close(found, expected, atol=close, rtol=close)


@pytest.mark.parametrize("threat", THREATS, ids=str)
def test_apgd_climbs_higher_than_steps_of_a_fixed_length(digits, threat):
    assert losses(digits, threat, 20, pace=True).mean() > losses(digits, threat, 20, pace=False).mean()


def test_apgd_in_l1_moves_ever_fewer_coordinates(digits):
    network, x, y = digits
    pace = AdaptivePace(THREATS[2], x, 20)
    ascend(network, x, y, cross_entropy, [Move(THREATS[2], 1.0)], steps=20, start=x, noise=noise(), pace=pace)
    assert pace.share.max() < 0.5
    assert pace.size.min() >= 0.2 - 1e-6
    assert pace.size.max() <= 2.0


RADII = {threat.norm: Radius(epsilon=threat.epsilon, step_size=threat.epsilon / 4, steps=4) for threat in THREATS}


def crafted(digits, **options):
    network, x, y = digits
    inner = Inner(objectives.ce, **options)
    return craft(inner, cross_entropy, Target(network, x, y), inner.norms, RADII, noise()).images


def test_methods_that_are_published_with_apgd_use_it(digits):
    for name in ("e-at", "ramp"):
        assert METHODS.get(name).bind({}, name).inner.ascent == "apgd"
    assert METHODS.get("at").bind({}, "at").inner.ascent == "fixed"
    network, _, y = digits
    fixed, apgd = (crafted(digits, start="zero", keep="best", ascent=ascent)[0] for ascent in ("fixed", "apgd"))
    assert cross_entropy(network(apgd), y).mean() > cross_entropy(network(fixed), y).mean()


def test_apgd_and_msd_exclude_each_other(digits):
    with pytest.raises(Mismatch, match="one norm at a time"):
        crafted(digits, norms=("linf", "l2"), strategy="msd", ascent="apgd")


def test_a_restart_is_kept_where_it_ends_misclassified(digits):
    network, x, y = digits
    wide = {"linf": Radius(epsilon=0.6, step_size=1e-9, steps=1)}

    def objective(logits, y, x):  # flat, so that each ascent ends where it starts
        return 0 * logits.sum(1)

    def ends(restarts):
        inner = Inner(objectives.ce, start="zero", restarts=restarts)
        return craft(inner, objective, Target(network, x, y), inner.norms, wide, noise()).images[0]

    assert torch.equal(ends(0), x)
    moved, wrong = (ends(2) != x).flatten(1).any(1), is_wrong(network(ends(2)), y)
    assert bool(wrong[moved].all())
    assert 0 < moved.sum() < len(x)
    assert is_wrong(network(ends(4)), y).sum() > wrong.sum()


def test_a_gap_of_a_step_passes_over_what_has_less_room():
    x = torch.tensor([[0.5, 0.8, 0.98, 0.5]]).view(1, 1, 2, 2)
    gradient = torch.tensor([[0.6, 0.9, 0.8, -0.7]]).view(1, 1, 2, 2)
    for gap, expected in (("step", [1, 0, 0, -1]), (0.1, [0, 1, 0, -1]), (0.0, [0, 1, 1, 0])):
        move = Move(Threat("l1", 12), 0.5, gap=gap)  # shares of a quarter
        moved = (move(x, x, gradient, torch.tensor([2])) - x).sign().flatten()
        assert moved.tolist() == expected
