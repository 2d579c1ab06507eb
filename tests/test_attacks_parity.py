"""Our own attacks beside Foolbox's, on the same small networks: as close to the image, or closer."""

from __future__ import annotations

import warnings

import pytest
import torch
from fixed_networks import digits_right, tiny
from torch import Tensor

from benchmark.attacks import PreparedClassifier, make_attack
from benchmark.noise import ExampleNoise
from benchmark.threats import Threat

warnings.filterwarnings("ignore", category=DeprecationWarning, module="foolbox")


def median_distances(network: str, name: str, parameters: dict, norm: str, theirs) -> tuple[float, float]:
    import foolbox

    net = tiny(network)
    x, y = digits_right(net, 60)
    threat = Threat(norm, 0.5)
    noise = ExampleNoise(0, range(len(x)))
    ours = make_attack(name, parameters)(PreparedClassifier(net, 10), x, y, threat, noise)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        _, foreign, _ = theirs(foolbox.PyTorchModel(net, bounds=(0, 1), device="cpu"), x, y, epsilons=None)

    def median(x_adv: Tensor) -> float:
        found = threat.distance(x_adv - x).masked_fill(net(x_adv).argmax(1) == y, torch.inf)
        return float(found.median())

    return median(ours), median(foreign)


def foolbox_attack(name: str, **parameters):
    import foolbox

    return getattr(foolbox.attacks, name)(**parameters)


CASES = [
    ("ddn", {}, "l2", "DDNAttack", {"steps": 100}, 1.01),
    (
        "cw",
        {},
        "l2",
        "L2CarliniWagnerAttack",
        {"binary_search_steps": 5, "steps": 200, "stepsize": 0.025, "initial_const": 0.01},
        1.01,
    ),
    ("deepfool", {}, "l2", "L2DeepFoolAttack", {}, 1.01),
    ("deepfool", {}, "linf", "LinfDeepFoolAttack", {}, 1.01),
    ("fmn", {}, "linf", "LInfFMNAttack", {"steps": 100}, 1.02),
    ("fmn", {}, "l2", "L2FMNAttack", {"steps": 100}, 1.0),
    ("fmn", {}, "l1", "L1FMNAttack", {"steps": 100}, 1.02),
    ("fmn", {}, "l0", "L0FMNAttack", {"steps": 100}, 1.0),
    ("salt-and-pepper", {"steps": 300}, "l2", "SaltAndPepperNoiseAttack", {"steps": 300}, 1.1),
]


#: On both networks, but for the attack that takes as long as all others together.
PAIRS = [
    pytest.param(network, *case, marks=pytest.mark.slow if (case[0], network) == ("cw", "tiny-at") else ())
    for network in ("tiny-natural", "tiny-at")
    for case in CASES
]


@pytest.mark.parametrize(("network", "name", "parameters", "norm", "theirs", "their_parameters", "ratio"), PAIRS)
def test_as_close_as_foolbox(network, name, parameters, norm, theirs, their_parameters, ratio):
    ours, foreign = median_distances(network, name, parameters, norm, foolbox_attack(theirs, **their_parameters))
    assert 0 < ours <= ratio * foreign


def test_gaussian_noise_breaks_as_many_as_foolbox():
    import foolbox

    net = tiny("tiny-natural")
    x, y = digits_right(net, 60)
    threat = Threat("l2", 2.0)
    noise = ExampleNoise(0, range(len(x)))
    attack = make_attack("gaussian-noise", {"repeats": 50})
    x_adv = attack(PreparedClassifier(net, 10), x, y, threat, noise)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        theirs = foolbox_attack("L2ClippingAwareRepeatedAdditiveGaussianNoiseAttack", repeats=50)
        broken = theirs(foolbox.PyTorchModel(net, bounds=(0, 1), device="cpu"), x, y, epsilons=2.0)[2]
    ours = float((net(x_adv).argmax(1) != y).float().mean())
    assert ours == pytest.approx(float(broken.float().mean()), abs=0.15)
    # The projection keeps 2^-22 of the radius and 2^-25 for each of 8×8 values back, so that rounding ends inside.
    full = torch.full((len(x),), 2.0, dtype=torch.float64)
    torch.testing.assert_close(threat.distance(x_adv - x), full, rtol=2**-22 + 2**-25 * 8 / 2.0 + 1e-7, atol=0)


@pytest.mark.slow
@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_hopskipjump_gets_as_close_as_foolbox_alone_with_each_image(norm):
    """Foolbox gets one image at a time, since it normalises the gradients of a batch together."""
    import foolbox

    net = tiny("tiny-natural")
    x, y = digits_right(net, 60)
    threat = Threat(norm, 0.5)
    ours = make_attack("hopskipjump", {"steps": 10})(
        PreparedClassifier(net, 10), x[:20], y[:20], threat, ExampleNoise(0, range(20))
    )
    model = foolbox.PyTorchModel(net, bounds=(0, 1), device="cpu")
    attack = foolbox_attack("HopSkipJumpAttack", steps=10, constraint=norm)
    theirs = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for i in range(20):
            start = x[(y != y[i]).nonzero()[0]]
            theirs.append(attack(model, x[i : i + 1], y[i : i + 1], epsilons=None, starting_points=start)[1])
    assert threat.distance(ours - x[:20]).median() <= 1.05 * threat.distance(torch.cat(theirs) - x[:20]).median()
