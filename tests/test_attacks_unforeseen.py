"""Fog, Gabor, elastic, snow, JPEG and spatial changes: what their images are, in numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from attack_toys import images
from scipy.fft import dctn

from benchmark.attacks import PreparedClassifier, make_attack
from benchmark.attacks.black_box.spatial import Spatial, moved
from benchmark.attacks.filters import diamond_square, displacements, fetch, smooth
from benchmark.attacks.unforeseen import JPEG, Elastic, Fog, Gabor, Snow
from benchmark.attacks.unforeseen.jpeg import LUMA
from benchmark.errors import BadInput
from benchmark.noise import ExampleNoise
from benchmark.threats import Threat

COLOUR = images(3, (3, 32, 32))
ROWS = torch.arange(3)


def decoder(attack, x, epsilon):
    return attack.latent(x, epsilon, ExampleNoise(0, range(len(x))))


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 28, 20), (3, 32, 32), (3, 64, 64)])
@pytest.mark.parametrize("attack", [Fog(), Gabor(), Elastic(), Snow(), JPEG()], ids=lambda a: a.name)
def test_every_latent_point_is_an_image_and_has_a_gradient(attack, shape):
    x = images(3, shape, low=0.2, high=0.8)
    start, decode = decoder(attack, x, 1.0)
    assert ((start >= 0) & (start <= 1)).all()
    for z in (start, torch.zeros_like(start), torch.ones_like(start), torch.rand_like(start)):
        x_adv = decode(z, ROWS)
        assert x_adv.shape == x.shape
        assert torch.isfinite(x_adv).all()
        assert ((x_adv >= 0) & (x_adv <= 1)).all()
    z = start.clone().requires_grad_()
    weights = torch.linspace(-1, 1, x.numel()).view_as(x)
    (gradient,) = torch.autograd.grad((decode(z, ROWS) * weights).sum(), z)
    assert torch.isfinite(gradient).all()
    assert (gradient.flatten(1).abs().amax(1) > 0).all()


@pytest.mark.parametrize("attack", [Elastic(), JPEG()], ids=lambda a: a.name)
def test_the_middle_of_the_latent_cube_changes_nothing(attack):
    start, decode = decoder(attack, COLOUR, 0.5)
    torch.testing.assert_close(decode(torch.full_like(start, 0.5), ROWS), COLOUR, atol=1e-5, rtol=0)


def test_fog_follows_its_formula():
    start, decode = decoder(Fog(), COLOUR, 255.0)
    fog = diamond_square(start, 6, 2.0)[:, None, 16:48, 16:48]
    expected = (COLOUR + fog) / (COLOUR.amax((2, 3), keepdim=True) + 1)
    torch.testing.assert_close(decode(start, ROWS), expected)


def test_a_landscape_fills_the_unit_interval_and_starts_from_means():
    z = torch.rand(2, displacements(5), generator=torch.Generator().manual_seed(0))
    land = diamond_square(z, 5, 2.0)
    assert land.shape == (2, 32, 32)
    assert land.flatten(1).amin(1).tolist() == [0, 0]
    assert land.flatten(1).amax(1).tolist() == [1, 1]
    # With one level: the corner is 0, the middle its mean plus a displacement, the edges means of corner and middle.
    z = torch.tensor([[1.0, 0.5, 0.5]])
    torch.testing.assert_close(diamond_square(z, 1, 2.0), torch.tensor([[[0.0, 0.5], [0.5, 1.0]]]))


def test_gabor_only_brightens_and_by_no_more_than_epsilon():
    start, decode = decoder(Gabor(), COLOUR * 0.5, 25.5)
    change = decode(start, ROWS) - COLOUR * 0.5
    assert change.min() >= -1e-6
    torch.testing.assert_close(change.amax((1, 2, 3)), torch.full((3,), 0.1), atol=1e-5, rtol=0)
    assert torch.equal(change[:, :1].expand_as(change).gt(1e-6), change.gt(1e-6))


def test_elastic_moves_pixels_by_whole_steps():
    """A constant flow of one pixel to the right fetches the right neighbour."""
    start, decode = decoder(Elastic(), COLOUR, 1.0)
    z = torch.full_like(start, 0.5)
    z[:, 0] = 1.0
    torch.testing.assert_close(decode(z, ROWS)[:, :, :, :-1], COLOUR[:, :, :, 1:], atol=1e-5, rtol=0)


def test_snow_without_flakes_whitens_by_a_quarter():
    x = torch.full((1, 3, 16, 16), 0.4)
    start, decode = decoder(Snow(), x, 1.0)
    plain = decode(torch.zeros_like(start), torch.arange(1))
    torch.testing.assert_close(plain, torch.full_like(x, 0.75 * 0.4 + 0.25 * 1.1))
    assert decode(torch.ones_like(start), torch.arange(1)).mean() > plain.mean()


def test_snow_dims_regions_that_are_over_budget():
    """Flakes at full brightness everywhere and flakes at the budget everywhere look the same."""
    start, decode = decoder(Snow(budget=0.2), COLOUR, 0.5)
    full, allowed = (decode(torch.full_like(start, value), ROWS) for value in (1.0, 0.2))
    torch.testing.assert_close(full, allowed)


def test_jpeg_moves_quantised_coefficients_by_half_of_epsilon():
    x = torch.full((1, 1, 16, 8), 0.5)
    start, decode = decoder(JPEG(), x, 0.2)
    z = torch.rand(start.shape, generator=torch.Generator().manual_seed(0))
    change = 255 * (decode(z, torch.arange(1)) - x)[0, 0].numpy()
    table = np.array(LUMA).reshape(8, 8)
    for block in (0, 8):
        coefficients = dctn(change[block : block + 8], norm="ortho") / table
        expected = 0.1 * (2 * z.view(16, 8).numpy()[block : block + 8] - 1)
        np.testing.assert_allclose(coefficients, expected, atol=2e-4)


def test_a_larger_epsilon_changes_more():
    for attack, weak, strong in ((Fog(), 16, 128), (Gabor(), 6, 50), (Elastic(), 0.2, 2), (JPEG(), 0.1, 1)):
        changes = []
        for epsilon in (weak, strong):
            start, decode = decoder(attack, COLOUR, epsilon)
            changes.append((decode(start, ROWS) - COLOUR).abs().mean())
        assert changes[0] < changes[1]


def test_smoothing_keeps_constants_and_the_sum_of_an_inner_peak():
    torch.testing.assert_close(smooth(torch.full((1, 2, 9, 7), 0.3), 1.5), torch.full((1, 2, 9, 7), 0.3))
    peak = torch.zeros(1, 1, 31, 31)
    peak[0, 0, 15, 15] = 1
    blurred = smooth(peak, 2.0)
    assert blurred.sum().item() == pytest.approx(1, abs=1e-5)
    assert blurred[0, 0, 15, 17] / blurred[0, 0, 15, 15] == pytest.approx(math.exp(-0.5), abs=1e-5)


def test_fetching_from_nowhere_else_is_the_image():
    x = images(2, (3, 7, 5))
    torch.testing.assert_close(fetch(x, torch.zeros(1, 1, 1), torch.zeros(1, 1, 1)), x, atol=1e-6, rtol=0)


def test_turning_and_shifting():
    x = images(1, (2, 9, 9))
    quarter = torch.tensor([[math.pi / 2, 0.0, 0.0]])
    torch.testing.assert_close(moved(x, torch.zeros(1, 3)), x, atol=1e-5, rtol=0)
    torch.testing.assert_close(moved(x, quarter), x.rot90(-1, (2, 3)), atol=1e-5, rtol=0)
    right = moved(x, torch.tensor([[0.0, 2 * 2 / 9, 0.0]]))  # two of nine pixels
    torch.testing.assert_close(right[..., 2:], x[..., :-2], atol=1e-5, rtol=0)
    assert (right[..., :2] == 0).all()


def test_turning_keeps_lengths_in_an_oblong_image():
    x = torch.zeros(1, 1, 21, 41)
    x[0, 0, 10, 20:29] = 1  # eight pixels to the right of the middle
    turned = moved(x, torch.tensor([[math.pi / 2, 0.0, 0.0]]))
    torch.testing.assert_close(turned[0, 0, 10:19, 20], torch.ones(9), atol=1e-4, rtol=0)


def test_spatial_finds_the_turn_that_fools_and_stops_there():
    class Upright(torch.nn.Module):
        """Says 0 while the left half is brighter than the right."""

        def forward(self, x):
            left, right = x[..., :4].sum((1, 2, 3)), x[..., 5:].sum((1, 2, 3))
            return torch.stack([left, right], dim=1)

    x = torch.zeros(2, 1, 9, 9)
    x[0, 0, 4, 3] = 1.0
    x[1, 0, 4, 0] = 1.0  # too far from the middle
    classifier = PreparedClassifier(Upright(), 2)
    y = torch.zeros(2, dtype=torch.int64)
    x_adv = Spatial(shift=2.5 / 9)(classifier, x, y, Threat("spatial", 30), ExampleNoise(0, [0, 1]))
    assert Upright()(x_adv).argmax(1).tolist() == [1, 0]
    assert torch.equal(x_adv[1], x[1])
    assert classifier.forwards < 2 * 31 * 25
    random = Spatial(shift=2.5 / 9, tries=200)
    x_adv = random(classifier, x, y, Threat("spatial", 30), ExampleNoise(0, [0, 1]))
    assert Upright()(x_adv).argmax(1).tolist() == [1, 0]
    assert random.random
    assert not Spatial().random


@pytest.mark.parametrize(
    ("name", "parameters"), [("spatial", {"shift": 2.0}), ("fog", {"success": "some"}), ("snow", {"budget": 0.0})]
)
def test_parameters_that_make_no_sense_are_refused(name, parameters):
    with pytest.raises(BadInput, match=name):
        make_attack(name, parameters)
