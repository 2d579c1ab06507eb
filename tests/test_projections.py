"""What a projection returns is in ball and box, and comes in the end; `test_projections_nearest.py` has how near."""

from __future__ import annotations

import math

import pytest
import torch
from elsewhere import back, elsewhere
from hypothesis import example, given, settings
from hypothesis import strategies as st
from projection_cases import changes, images, projected_elsewhere
from torch import Tensor

from benchmark import projections, threats
from benchmark.noise import ExampleNoise
from benchmark.projections import HALF_STEP, running_sum
from benchmark.threats import NORMS, Threat


@settings(max_examples=400)
@given(
    st.sampled_from(NORMS),
    st.sampled_from([(1, 1, 1), (1, 2, 3), (1, 8, 8), (3, 32, 32)]),
    st.floats(-4, 3),
    st.floats(-8, 5),
    st.sampled_from(["anywhere", "levels", "faces", "near", "fine"]),
    st.sampled_from(["gaussian", "ties", "one way", "sparse", "two sizes", "denormal"]),
    st.integers(0, 2**32 - 1),
    st.booleans(),
)
@example("l0", (1, 1, 1), -4e-11, 0.0, "anywhere", "gaussian", 0, False)  # a count of nearly one is one
def test_a_projection_is_in_ball_and_box(norm, shape, log_radius, log_size, place, kind, seed, each):
    """For radii from 1e-4 to 1e3 and changes of up to 1e5; with `each`, every row has its radius in a tensor."""
    generator = torch.Generator().manual_seed(seed)
    radius = 10**log_radius
    x = images(place, shape, generator)
    target = x + changes(kind, 10**log_size, x, generator)
    radii = torch.full((4,), radius) if each else radius
    for moved in (threats.project(x, target, norm, radii), projected_elsewhere(x, target, norm, radii)):
        check_inside(x, target, moved, norm, float(torch.tensor(radius)) if each else radius)


def check_inside(x: Tensor, target: Tensor, moved: Tensor, norm: str, radius: float) -> None:
    assert moved.dtype == x.dtype
    assert moved.shape == x.shape
    assert threats.in_box(moved).all()
    length = threats.distance(moved.double() - x.double(), norm)
    assert (length <= radius * (1 + 1e-7) + (2 * HALF_STEP if norm == "linf" else 0)).all()
    if norm in ("l1", "l2"):
        assert (length <= radius * (1 + 1e-12)).all()
    if norm != "linf" or radius < 1:
        assert Threat(norm, radius).contains(x, moved).all()
    before = threats.distance(target.double() - x.double(), norm)
    inside = (before <= radius * (1 - 1e-6)) & threats.in_box(target)
    assert torch.equal(moved[inside], target[inside])
    assert torch.equal(moved[-1], x[-1])


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("radius", [1e-4, 0.01, 0.9])
def test_a_projection_of_large_images_is_in_ball_and_box(norm, radius):
    generator = torch.Generator().manual_seed(0)
    x = images("levels", (3, 224, 224), generator)
    for kind, size in (("gaussian", 0.1), ("ties", 1e5), ("one way", 1e-6)):
        target = x + changes(kind, size, x, generator)
        moved = threats.project(x, target, norm, radius)
        check_inside(x, target, moved, norm, radius)
        if kind == "gaussian" and norm != "l0":  # however small the ball, it is used
            assert (threats.distance(moved[:3] - x[:3], norm) > 0.9 * radius * (norm != "linf" or radius < 0.1)).all()


@pytest.mark.parametrize("radius", [0.3, 0.9])
def test_one_value_ends_inside_however_its_product_is_rounded(radius):
    x = 0.1 * torch.rand(10_000, 1, generator=torch.Generator().manual_seed(0))
    target = x + 1 + 9 * torch.rand(x.shape, generator=torch.Generator().manual_seed(1))
    moved = threats.project(x, target, "l2", radius)
    assert (threats.distance(moved.double() - x.double(), "l2") <= radius).all()


@pytest.mark.parametrize("norm", ["l2", "l1"])
def test_a_radius_of_each_row_is_kept_to_its_last_digit(norm):
    """It may be float32, whose square is not: with that rounded, a point a little farther out would do."""
    generator = torch.Generator().manual_seed(0)
    x, radii = (
        0.25 + 0.5 * torch.rand(4000, 4, generator=generator),
        0.05 + 0.1 * torch.rand(4000, generator=generator),
    )
    moved = threats.project(x, x + torch.randn(x.shape, generator=generator), norm, radii)
    assert (threats.distance(moved.double() - x.double(), norm) <= radii.double() * (1 + 1e-12)).all()


@pytest.mark.parametrize(("norm", "shape", "epsilon"), [("l1", (3, 32, 32), 0.01), ("l2", (1, 8, 8), 0.005)])
def test_small_balls_lose_nothing(norm, shape, epsilon):
    """45 % and 10 % of these projections were taken for points outside."""
    generator = torch.Generator().manual_seed(0)
    x = (64 + torch.rand(200, *shape, generator=generator) * 127).round() / 255  # the box is far away
    target = x + torch.randn(x.shape, generator=generator) * 0.01
    for radius in (epsilon, torch.full((200,), epsilon, dtype=torch.float64)):
        moved = threats.project(x, target, norm, radius)
        length = threats.distance(moved.double() - x.double(), norm)
        assert Threat(norm, epsilon).contains(x, moved).all()
        assert (length <= epsilon).all()
        assert (length >= epsilon * 0.98).all()
    start = Threat(norm, epsilon).random_start(x, ExampleNoise(0, range(200)))
    assert Threat(norm, epsilon).contains(x, start).all()


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("each", [False, True])
def test_of_no_rows_a_projection_is_none(norm, each):
    none = torch.empty(0, 3, 2, 2)
    assert threats.project(none, none, norm, torch.empty(0) if each else 0.5).shape == none.shape


def test_a_count_beyond_every_whole_number_changes_all():
    x = torch.full((2, 3), 0.5)
    assert torch.equal(threats.project(x, x + 0.25, "l0", 1e30), x + 0.25)


# That it ends.


@pytest.mark.timeout(120)
@pytest.mark.parametrize("radius", [5e-324, 1e-300, 1e-45, 1e-20, 1e-4, 0.01, 2.0])
@pytest.mark.parametrize("size", [1e-45, 1e-38, 1.0, 100.0, 2e3, 1e5, 1e10, 1e30, 3e38, math.inf])
def test_the_l1_projection_ends(radius, size):
    """With a λ of 2000 no float64 brought the sum to within 1e-12 of a small ε, and the search for one went on.

    On an accelerator nothing is searched for, but changes of 1e18 and more were left as long as the box allows.
    """
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(5, 64, generator=generator)
    x[1], x[2] = x[1].round(), 1e-42
    away = torch.randn(x.shape, generator=generator)
    delta = torch.cat([away[:3], away[3:4].sign(), torch.where(away[4:] > 0, 1.0, 0.3)]) * size
    for each in (radius, torch.full((5,), radius, dtype=torch.float64)):
        for moved in (threats.project(x, x + delta, "l1", each), projected_elsewhere(x, x + delta, "l1", each)):
            assert threats.in_box(moved).all()
            assert (threats.distance(moved.double() - x.double(), "l1") <= radius * (1 + 1e-12)).all()


@pytest.mark.parametrize("norm", NORMS)
def test_rows_of_infinity_are_projected_and_rows_of_nan_stay_so(norm):
    x = torch.full((3, 4), 0.5)
    target = x.clone()
    target[0, 0], target[1] = math.inf, torch.tensor([math.inf, -math.inf, 0.5, 0.5])
    target[2, 3] = math.nan
    radius = 0.3 if norm != "l0" else 1
    for moved in (threats.project(x, target, norm, radius), projected_elsewhere(x, target, norm, radius)):
        assert threats.in_box(moved[:2]).all()
        assert (threats.distance(moved[:2] - x[:2], norm) > 0.29).all()
        assert not threats.in_box(moved[2:]).any()


@pytest.mark.parametrize("norm", ["l2", "l1"])
@pytest.mark.parametrize("each", [False, True])
def test_no_row_waits_for_another(norm, each):
    """A row that needs every step there is changes nothing in the rows beside it."""
    generator = torch.Generator().manual_seed(1)
    x = torch.rand(8, 64, generator=generator)
    target = x + torch.randn(x.shape, generator=generator)
    target[3] = x[3] + 1e17 * (1 + torch.rand(64, generator=generator))
    radii = torch.full((8,), 0.7, dtype=torch.float64)
    for project in (threats.project, projected_elsewhere):
        together = project(x, target, norm, radii if each else 0.7)
        for n in range(8):
            alone = project(x[n : n + 1], target[n : n + 1], norm, radii[:1] if each else 0.7)
            assert torch.equal(together[n : n + 1], alone)


def test_on_an_accelerator_sums_are_the_same_though_they_are_added_otherwise():
    """Where repeats have to be the same; whole numbers, whose sums are exact in any order."""
    values = torch.randint(-9, 9, (3, 37), generator=torch.Generator().manual_seed(0)).double()
    expected = torch.tensor([[sum(row[: n + 1]) for n in range(37)] for row in values.tolist()])
    fractions = torch.rand(3, 37, generator=torch.Generator().manual_seed(1))
    for repeatable in (False, True):
        torch.use_deterministic_algorithms(repeatable)
        for width in (1, 2, 3, 4, 16, 17, 37):
            assert torch.equal(back(running_sum(elsewhere(values[:, :width]))), expected[:, :width])
        assert torch.equal(running_sum(fractions), fractions.cumsum(1))  # a processor's are the same in every repeat


def test_only_values_that_were_rounded_outward_step_back_and_no_more_of_them_than_it_takes():
    """Four values are written as they are, four end half a step farther out: two of these have to end farther in."""
    step = 2 * HALF_STEP
    flat = torch.full((2, 8), 0.5, dtype=torch.float64)
    goal = flat + step * torch.tensor([2.0, 2, 2, 2, 1.5, 1.5, 1.5, 1.5])
    limit = (goal - flat).sum(1, keepdim=True)
    made = projections._rounded_inside(flat, goal, limit, 1, torch.float32)
    assert ((made.double() - flat) / step).tolist() == [[2, 2, 2, 2, 1, 1, 2, 2]] * 2


# What the check accepts.


def honest(norm: str, epsilon: float, x: Tensor, direction: Tensor) -> Tensor:
    """x + δ in float32 with δ of length ε in float64."""
    delta = direction.flatten(1).double()
    delta = delta * (epsilon / threats.distance(delta, norm)[:, None])
    return (x.flatten(1).double() + delta).to(x.dtype).view_as(x)


@pytest.mark.parametrize(
    ("norm", "epsilon", "shape", "beyond"),
    [
        ("linf", 0.005, (1, 8, 8), 1.0001),
        ("linf", 0.1, (3, 32, 32), 1.00001),
        ("l2", 0.005, (1, 8, 8), 1.001),
        ("l2", 0.5, (3, 32, 32), 1.0001),
        ("l2", 0.5, (3, 224, 224), 1.0001),
        ("l1", 0.01, (1, 8, 8), 1.001),
        ("l1", 0.5, (1, 8, 8), 1.0001),
        ("l1", 0.01, (3, 32, 32), 1.02),
        ("l1", 12.0, (3, 32, 32), 1.0001),
        ("l1", 12.0, (3, 224, 224), 1.001),
    ],
)
def test_points_of_the_surface_are_inside_as_float32_writes_them(norm, epsilon, shape, beyond):
    """Whatever direction the roundings have in common; and not much farther out does inside end."""
    generator = torch.Generator().manual_seed(0)
    x = 0.5 + 0.25 * images("fine", shape, generator)
    for direction in (torch.randn(x.shape, generator=generator), torch.ones_like(x)):
        assert Threat(norm, epsilon).contains(x, honest(norm, epsilon, x, direction)).all()
        assert not Threat(norm, epsilon).contains(x, honest(norm, beyond * epsilon, x, direction)).any()


def test_grey_levels_are_as_far_apart_as_they_say():
    levels = torch.arange(248, dtype=torch.float32)[:, None] / 255
    later = (torch.arange(248, dtype=torch.float32)[:, None] + 8) / 255
    assert Threat("linf", 8 / 255).contains(levels, later).all()
    assert not Threat("linf", 7.999 / 255).contains(levels, later).any()
