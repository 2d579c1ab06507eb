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


def test_a_margin_within_rounding_is_not_clearly_wrong_but_no_answer_is():
    logits = torch.tensor([[10.0, 10.000001], [10.0, 10.01], [10.0, 9.0], [torch.nan, 1.0]])
    y = torch.zeros(4, dtype=torch.int64)
    assert is_wrong(logits, y).tolist() == [True, True, False, True]
    assert clearly_wrong(logits, y).tolist() == [False, True, False, True]


@pytest.mark.parametrize(
    ("name", "norm", "parameters", "farther"),
    [
        ("deepfool", "l2", {}, 1.001),
        ("deepfool", "linf", {}, 1.001),
        ("cw", "l2", {"steps": 100}, 1.02),  # 1.0153 with torch 2.10, which rounds otherwise
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


class TwoBoundaries(torch.nn.Module):
    """One pixel p in (0.2, 0.9) is of class 0; from 0.5 the gradient leads to 0.9, though 0.2 is closer."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        p = x.flatten(1).mean(1)
        margin = torch.minimum(2 * (p - 0.2), 0.9 - p)
        return torch.stack([margin, torch.zeros_like(margin)], dim=1)


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_fmn_from_the_boundary_finds_what_no_path_from_the_image_leads_to(norm):
    net, x = TwoBoundaries(), torch.full((6, 1, 1, 1), 0.5)
    y = torch.zeros(6, dtype=torch.int64)
    classifier = PreparedClassifier(net, 2, precision="fp32")

    def distances(restart: int, rows: slice = slice(0, 6), **parameters) -> torch.Tensor:
        noise = ExampleNoise(0, range(6)[rows], restart)
        fmn = make_attack("fmn", {"steps": 60, "gamma": 0.1, **parameters})
        x_adv = fmn(classifier, x[rows], y[rows], threat(norm), noise)
        assert (predictions(net, x_adv) != 0).all()
        return distance(x_adv - x[rows], norm)

    assert (distances(0) > 0.39).all(), "from the image it always goes the long way"
    found = torch.stack([distances(restart, start="boundary") for restart in range(6)]).amin(0)
    assert (found < 0.31).all(), "one of six starts lies on the other side"
    alone = torch.cat([distances(1, slice(row, row + 1), start="boundary") for row in range(6)])
    torch.testing.assert_close(alone, distances(1, start="boundary"))
    assert make_attack("fmn", {"start": "boundary"}).random
    assert not make_attack("fmn").random
