"""How C&W looks for its weight, and in which precision."""

from __future__ import annotations

import pytest
import torch
from attack_toys import Net, images, predictions, threat

from benchmark.attacks import PreparedClassifier
from benchmark.attacks.white_box.cw import CW
from benchmark.noise import ExampleNoise


class Searches(CW):
    """Fools the network from a weight on that each example has of its own; `confirmed` where float32 agrees."""

    def run(self, enough: list[float], confirmed: list[bool]) -> list[tuple[str, list[float], bool]]:
        """(precision, weights, whether it began where the search before ended) of each search."""
        seen, ends = [], []
        sure = torch.tensor(confirmed)

        def minimise(classifier, x, y, c, start, closest):
            seen.append((classifier.precision, c.tolist(), not ends or start is ends[-1]))
            fooled = c >= torch.tensor(enough)
            closest.distance = torch.where(fooled & sure, torch.ones_like(c), closest.distance)
            ends.append(start + 1)
            return fooled, ends[-1]

        object.__setattr__(self, "_minimise", minimise)  # attacks are frozen
        net, x = Net((3, 8, 8), 10), images(len(enough), (3, 8, 8))
        classifier = PreparedClassifier(net, 10, precision="bf16")
        self.search(classifier, x, predictions(net, x), "l2", ExampleNoise(0, range(len(x))))
        return seen


def test_the_weight_grows_tenfold_until_it_fools_and_is_bisected_then():
    seen = Searches(initial_c=0.01, searches=6).run([0.3, 0.001, 5.0], [True] * 3)
    weights = torch.tensor([weights for _, weights, _ in seen]).T
    expected = [[0.01, 0.1, 1, 0.55, 0.325, 0.2125], [0.01 / 2**k for k in range(4)], [0.01, 0.1, 1, 10, 5.5, 3.25]]
    torch.testing.assert_close(weights[0], torch.tensor(expected[0]))
    torch.testing.assert_close(weights[1, :4], torch.tensor(expected[1]))
    torch.testing.assert_close(weights[2], torch.tensor(expected[2]))


def test_what_only_low_precision_sees_is_no_reason_for_a_smaller_weight():
    seen = Searches(initial_c=1.0, searches=3).run([0.5, 0.5], [True, False])
    assert [weights for _, weights, _ in seen] == [[1.0, 1.0], [0.5, 10.0], [0.25, 100.0]]


def test_searches_go_on_where_the_last_one_ended_and_end_in_float32():
    seen = Searches(searches=5).run([0.3], [True])
    assert [precision for precision, _, _ in seen] == ["bf16"] * 3 + ["fp32"] * 2
    assert all(begun_there for _, _, begun_there in seen)


@pytest.mark.parametrize("abort_early", [True, False])
def test_an_example_ends_alike_whoever_is_left_beside_it(abort_early):
    net, x = Net((3, 8, 8), 10, seed=1), images(12, (3, 8, 8))
    y, classifier = predictions(net, x), PreparedClassifier(net, 10)
    attack = CW(steps=40, abort_early=abort_early)

    def attacked(rows):
        return attack(classifier, x[rows], y[rows], threat("l2"), ExampleNoise(0, rows))

    together = attacked(list(range(12)))
    for rows in ([0, 1, 2, 3], [11]):
        torch.testing.assert_close(attacked(rows), together[rows], atol=1e-3, rtol=0)


@pytest.mark.parametrize("pixels", [1, 4, 16, 64])
@pytest.mark.parametrize("start", [0.0, 1.0])
def test_it_is_not_held_back_where_the_image_is_black_or_white(pixels, start):
    """A plane at distance 0.5 that `pixels` of an 8×8 image lead to: known exactly."""
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 2))
    x = torch.full((1, 1, 8, 8), start)
    towards = torch.zeros(64)
    towards[:pixels] = (1 - 2 * start) / pixels**0.5
    offset = -0.5 - towards @ x.flatten()
    with torch.no_grad():
        net[1].weight.copy_(torch.stack([-towards, towards]))
        net[1].bias.copy_(torch.stack([-offset, offset]))
    net.requires_grad_(False)
    x_adv = CW()(PreparedClassifier(net, 2), x, torch.tensor([0]), threat("l2"), ExampleNoise(0, [0]))
    assert predictions(net, x_adv).tolist() == [1]
    assert 0.5 <= float((x_adv - x).norm()) <= 1.005 * 0.5
