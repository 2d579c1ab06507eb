"""What a projection returns is the nearest point where it says so, to what rounding takes."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from projection_cases import changes, images, projected_elsewhere

from benchmark import threats
from benchmark.projections import HALF_STEP
from benchmark.threats import Threat


def exactly_onto_l1(x: list[float], target: list[float], radius: float) -> list[Fraction]:
    """The δ nearest to target − x in ball and box, in fractions, from the sum's value at each of its corners."""
    change = [Fraction(t) - Fraction(v) for v, t in zip(x, target, strict=True)]
    room = [1 - Fraction(v) if c > 0 else Fraction(v) for v, c in zip(x, change, strict=True)]
    limit = Fraction(radius)

    def kept(shrinkage: Fraction) -> list[Fraction]:
        return [min(max(abs(c) - shrinkage, Fraction(0)), r) for c, r in zip(change, room, strict=True)]

    corners = sorted(
        {Fraction(0)} | {max(abs(c) - s, Fraction(0)) for c, r in zip(change, room, strict=True) for s in (0, r)}
    )
    if sum(kept(corners[0])) <= limit:
        shrinkage = Fraction(0)
    else:
        low, high = next((a, b) for a, b in pairwise(corners) if sum(kept(b)) <= limit)
        above, below = sum(kept(low)), sum(kept(high))
        shrinkage = low + (high - low) * (above - limit) / (above - below)
    return [k if c > 0 else -k for k, c in zip(kept(shrinkage), change, strict=True)]


@settings(max_examples=200)
@given(
    st.integers(2, 12),
    st.floats(-3, 1),
    st.floats(-3, 6),  # beyond, float64 has no room for x in x_adv − x
    st.sampled_from(["anywhere", "levels", "faces", "near"]),
    st.sampled_from(["gaussian", "ties", "one way", "sparse", "two sizes"]),
    st.integers(0, 2**32 - 1),
)
def test_the_l1_projection_is_the_nearest_point_in_fractions(size, log_radius, log_size, place, kind, seed):
    generator = torch.Generator().manual_seed(seed)
    radius = 10**log_radius
    x = images(place, (size,), generator)
    target = x + changes(kind, 10**log_size, x, generator)
    moved, there = threats.project(x, target, "l1", radius), projected_elsewhere(x, target, "l1", radius)
    # Every value is rounded, and λ may be larger by what the roundings of all may come to.
    allowed = (size + 2) * HALF_STEP
    for row in range(4):
        expected = exactly_onto_l1(x[row].tolist(), target[row].tolist(), radius)
        for ended in (moved[row].tolist(), there[row].tolist()):
            found = [Fraction(m) - Fraction(v) for m, v in zip(ended, x[row].tolist(), strict=True)]
            assert max(abs(float(a - b)) for a, b in zip(found, expected, strict=True)) <= allowed


@pytest.mark.parametrize("size", [1.0, 1e5, 1e10, 1e17])
def test_ties_share_the_ball_however_far_away_they_are(size):
    """At 1e10 neighbouring float64 values are 2e-6 apart: λ itself can't say what is left of each."""
    x = torch.full((1, 100), 0.5)
    moved = Threat("l1", 1.0).project(x, x + size)
    torch.testing.assert_close(moved - x, torch.full_like(x, 0.01), atol=3 * HALF_STEP, rtol=0)


@pytest.mark.parametrize("size", [1e7, 1e10, 1e17])
def test_the_largest_changes_take_all_however_far_away_they_are(size):
    x = torch.full((1, 100), 0.5)
    target = x + size
    target[0, 7:9] = size * (1 + 2**-20)  # a few of float32's steps
    expected = torch.zeros_like(x)
    expected[0, 7:9] = 0.3
    moved = Threat("l1", 0.6).project(x, target)
    torch.testing.assert_close(moved - x, expected, atol=100 * HALF_STEP, rtol=0)


@pytest.mark.parametrize("norm", ["l2", "l1"])
@pytest.mark.parametrize("each", [False, True])
def test_little_of_the_ball_is_given_up_for_rounding(norm, each):
    generator = torch.Generator().manual_seed(0)
    x = images("levels", (3, 32, 32), generator)
    radius = {"l2": 0.5, "l1": 12.0}[norm]
    target = x + changes("gaussian", 1.0, x, generator) * 0.1
    moved = threats.project(x, target, norm, torch.full((4,), radius) if each else radius)[:3]
    given_up = 1 - threats.distance(moved.double() - x[:3].double(), norm) / radius
    if norm == "l2":  # there the box takes more than rounding does
        given_up = given_up * threats.in_box(target[:3])
    # Every value may be rounded towards the image; with one radius for all, as much is kept back for the other way.
    roundings = {"l2": 3072**0.5, "l1": 3072}[norm] * (1 if each else 2)
    assert (given_up >= 0).all()
    assert (given_up <= roundings * HALF_STEP / radius + 3e-7).all()


@pytest.mark.parametrize(("norm", "roundings"), [("l2", 8), ("l1", 64)])
def test_no_more_values_step_back_than_rounding_calls_for(norm, roundings):
    """All values would move by 1.6 of float32's steps and are rounded to 2: two in five of them have to move by 1."""
    x, step = torch.full((1, 64), 0.5), 2 * HALF_STEP
    moved = threats.project(x, x + 1, norm, torch.tensor([1.6 * step * roundings], dtype=torch.float64))
    length = float(threats.distance(moved.double() - x.double(), norm)) / step
    assert set(((moved - x) / step).flatten().tolist()) == {1.0, 2.0}
    assert 1.6 * roundings - 1 <= length <= 1.6 * roundings
