"""A network that is given images on another scale than it expects is noticed; one that merely is weak is not."""

from __future__ import annotations

import pytest
import torch
from evaluation_toys import trained

from benchmark import data
from benchmark.models import range_doubts


def doubts(change, images: int = 250, y=lambda y: y) -> list[str]:
    x, labels = data.load("digits").test.batch(slice(0, images))
    network, labels = trained().model(), y(labels)

    def right(x):
        with torch.no_grad():
            return network(change(x)).argmax(1) == labels

    return range_doubts(right, x, labels, 10)


def normalised_before(x):
    """Puts right what was normalised, but for its middle greys; what was not comes out as one of these all over."""
    right = 0.37 * x + 0.3
    return torch.where((right > 0.29) & (right < 0.68), 0.5, right)


def refusing(x):
    if x.max() > 1 or x.min() < 0:
        raise ValueError("not an image")
    return x


@pytest.mark.parametrize("change", [lambda x: x, refusing, lambda x: 0.5 * x], ids=["plain", "refusing", "paler"])
def test_a_network_that_does_well_raises_no_doubt(change):
    assert doubts(change) == []


def test_one_that_expects_bytes_is_asked():
    (said,) = doubts(lambda x: x / 255)
    assert "when they run from 0 to 255" in said


def test_one_that_expects_normalised_images_is_asked():
    (said,) = doubts(normalised_before)
    assert "when they are normalised" in said


def test_one_no_better_than_chance_is_asked():
    (said,) = doubts(lambda x: x, y=lambda y: (y + 1) % 10)
    assert "no better than chance" in said


def test_chance_is_naming_the_commonest_class():
    """Three quarters right say nothing where three quarters of the images are of one class."""
    y = (torch.arange(200) % 4 == 0).long()
    x = torch.rand(200, 1, 2, 2)
    assert range_doubts(lambda x: y == 0, x, y, 2) != []
    assert range_doubts(lambda x: torch.arange(200) % 8 != 0, x, y, 2) == []


@pytest.mark.parametrize(("errors", "asked"), [(170, False), (150, True)])
def test_a_weak_network_that_gains_a_little_by_contrast_is_left_alone(errors, asked):
    x, y = torch.rand(250, 1, 2, 2), torch.arange(250) % 10
    here = torch.arange(250) >= errors
    there = torch.arange(250) >= errors - 80
    said = range_doubts(lambda images: there if images.max() > 10 else here, x, y, 10)
    assert bool(said) is asked


def test_a_few_images_prove_nothing():
    assert doubts(lambda x: x, images=2, y=lambda y: (y + 1) % 10) == []
    assert doubts(lambda x: x / 255, images=2) == []
