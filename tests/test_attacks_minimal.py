"""The closest adversarial found so far, and what a search along the boundary takes for found."""

from __future__ import annotations

import pytest
import torch
from attack_toys import Net, images, predictions, threat

from benchmark.attacks import PreparedClassifier, make_attack
from benchmark.attacks.minimal import Closest
from benchmark.attacks.objectives import clearly_wrong, is_wrong
from benchmark.noise import ExampleNoise
from benchmark.threats import distance


class Credulous:
    num_classes = 2

    def confirm(self, x, y, broken):
        return broken


def test_the_closest_confirmed_image_is_kept_for_each_example():
    x = torch.zeros(3, 1, 2, 2)
    closest = Closest(Credulous(), x, torch.zeros(3, dtype=torch.int64), "linf")
    everyone = torch.tensor([True, True, False])
    assert closest.offer(x + 0.5, everyone).tolist() == [True, True, False]
    assert closest.offer(x + 0.6, everyone).tolist() == [False, False, False]
    # For some examples only: here the third, then the first.
    rows = torch.tensor([2, 0])
    assert closest.offer(x[rows] + 0.1, torch.tensor([True, True]), rows).tolist() == [True, True]
    torch.testing.assert_close(closest.distance, torch.tensor([0.1, 0.5, 0.1]))
    torch.testing.assert_close(closest.x_adv.amax((1, 2, 3)), torch.tensor([0.1, 0.5, 0.1]))


def test_a_margin_within_rounding_is_not_clearly_wrong():
    logits = torch.tensor([[10.0, 10.000001], [10.0, 10.01], [10.0, 9.0], [torch.nan, 1.0]])
    y = torch.zeros(4, dtype=torch.int64)
    assert is_wrong(logits, y).tolist() == [True, True, False, False]
    assert clearly_wrong(logits, y).tolist() == [False, True, False, False]


@pytest.mark.parametrize(
    ("name", "norm", "parameters", "farther"),
    [
        ("deepfool", "l2", {}, 1.001),
        ("deepfool", "linf", {}, 1.001),
        ("cw", "l2", {"steps": 100}, 1.015),
        ("ddn", "l2", {}, 1.015),
        ("fmn", "l2", {}, 1.015),
        ("fmn", "linf", {}, 1.015),
    ],
)
def test_a_search_in_low_precision_finds_as_much_as_in_float32(name, norm, parameters, farther):
    """At most `farther` times as far away, for nine images of ten."""
    net, x = Net((3, 16, 16), 10, seed=2), images(60, (3, 16, 16))
    y = predictions(net, x)

    def distances(precision: str) -> torch.Tensor:
        classifier = PreparedClassifier(net, 10, precision=precision)
        x_adv = make_attack(name, parameters)(classifier, x, y, threat(norm), ExampleNoise(0, range(len(x))))
        found = distance(x_adv - x, norm, x.dtype)
        return torch.where(predictions(net, x_adv) != y, found, torch.inf)

    exact, rough = distances("fp32"), distances("bf16")
    assert exact.isfinite().all()
    assert rough.isfinite().all()
    assert (rough / exact).quantile(0.9) <= farther
