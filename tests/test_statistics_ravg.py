"""Ravg's interval: Wilson's for flags, as narrow as the images allow else, and never without a width."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.statistics.ravg_interval import equivalent_flags, mean_interval
from benchmark.statistics.wilson import wilson


@pytest.mark.parametrize(("right", "of"), [(0, 7), (1, 20), (10, 20), (333, 450), (450, 450)])
def test_for_flags_it_is_wilsons(right: int, of: int) -> None:
    assert mean_interval((np.arange(of) < right).astype(float)) == pytest.approx(wilson(right, of), abs=1e-12)


def test_for_shares_it_is_as_narrow_as_their_spread() -> None:
    """Of many images it is the usual ±1.96 standard errors."""
    values = np.random.default_rng(0).integers(0, 4, 40_000) / 3
    low, high = mean_interval(values)
    half = 1.96 * values.std() / 200
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=2e-5)
    assert high - low < 0.8 * np.subtract(*wilson(values.sum(), len(values))[::-1])


@pytest.mark.parametrize("share", [0.0, 1 / 3, 1.0])
def test_images_that_all_say_the_same_are_not_certain(share: float) -> None:
    low, high = mean_interval(np.full(20, share))
    assert 0 <= low <= share <= high <= 1
    assert 0.05 < high - low < 0.25


def test_a_few_values_are_worth_as_many_flags_as_the_formula_says() -> None:
    """By hand: 1, ½, ½, 0 have half of what flags vary; with 3² further values 11/13 of it."""
    assert equivalent_flags(np.array([1, 0.5, 0.5, 0]), 0.5, 3.0) == pytest.approx(4 * 13 / 11)


@pytest.mark.parametrize("images", [20, 450])
@pytest.mark.parametrize("accuracies", [(0.9, 0.5, 0.3), (0.98, 0.97, 0.99)])
def test_it_covers_as_often_as_it_says(images: int, accuracies: tuple[float, ...]) -> None:
    generator = np.random.default_rng(7)
    rounds, covered = 600, 0
    for _ in range(rounds):
        common = generator.random((images, 1))
        own = generator.random((images, 3))
        # Half of the images decide alike under all threats, half by themselves.
        level = np.where(generator.random((images, 1)) < 0.5, common, own)
        low, high = mean_interval((level < accuracies).mean(1))
        covered += low <= np.mean(accuracies) <= high
    assert covered / rounds > 0.95 - 3 * (0.95 * 0.05 / rounds) ** 0.5


@pytest.mark.parametrize("values", [[], [0.5, 1.1], [-0.1], [np.nan]])
def test_what_is_no_share_is_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="values in"):
        mean_interval(np.array(values))
