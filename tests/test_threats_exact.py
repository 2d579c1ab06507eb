"""Where a ball ends, to the last digit; where random points lie in it; which way a step goes at the box's edge."""

from __future__ import annotations

import math

import pytest
import torch
from elsewhere import Asked, back, elsewhere
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, kstest

from benchmark import threats
from benchmark.errors import BadInput
from benchmark.noise import BatchNoise, ExampleNoise
from benchmark.threats import NORMS, Threat


def double(*values: float) -> torch.Tensor:
    return torch.tensor([values], dtype=torch.float64)


def single(*values: float) -> torch.Tensor:
    return torch.tensor([values], dtype=torch.float32)


@pytest.mark.parametrize("changed", [1, 2, 4])
@pytest.mark.parametrize(("norm", "roundings"), [("linf", lambda n: 1), ("l2", math.sqrt), ("l1", float)])
def test_a_ball_ends_the_roundings_of_what_changed_beyond_its_radius(norm, roundings, changed):
    threat, x = Threat(norm, 0.5), torch.zeros(1, 6, dtype=torch.float64)
    edge = 0.5 * (1 + 1e-6) + 6e-8 * roundings(changed)
    out = torch.zeros_like(x)
    out[:, :changed] = edge / (1 if norm == "linf" else roundings(changed))
    assert threat.contains(x, out * (1 - 1e-14)).all()
    assert not threat.contains(x, out * (1 + 1e-14)).any()


@pytest.mark.parametrize("norm", ["l2", "l1"])
def test_roundings_never_add_a_hundredth_to_a_ball(norm):
    x, epsilon = torch.full((1, 10_000), 0.5, dtype=torch.float64), 1e-6
    each = epsilon / (100 if norm == "l2" else 10_000)
    assert Threat(norm, epsilon).contains(x, x + 1.00999 * each).all()
    assert not Threat(norm, epsilon).contains(x, x + 1.01001 * each).any()


def test_the_count_of_l0_has_no_slack_worth_a_pixel():
    x = double(0, 0, 0)
    assert Threat("l0", 2).contains(x, double(0.1, 1, 0)).all()
    assert not Threat("l0", 2).contains(x, double(0.1, 1, 1e-9)).any()


@pytest.mark.parametrize("norm", [*NORMS, "fog"])
def test_distances_are_float64_unless_asked_otherwise(norm):
    delta = torch.full((2, 10_000), 0.1)
    expected = {"linf": 1, "l2": 100, "l1": 10_000, "fog": 1}.get(norm, 0) * delta[0, 0].double() or 10_000
    found = threats.distance(delta, norm)
    assert found.dtype == torch.float64
    assert found.tolist() == pytest.approx([float(expected)] * 2, rel=1e-13)
    assert threats.distance(delta, norm, torch.float32).dtype == torch.float32
    assert Threat(norm, 0.5).distance(delta).tolist() == found.tolist()


def test_an_unknown_norm_is_named_with_those_that_there_are():
    for refuse in (lambda name: threats.distance(single(1), name), lambda name: Threat(name, 1)):
        with pytest.raises(BadInput, match=r"^unknown norm 'lin'; did you mean linf"):
            refuse("lin")
        with pytest.raises(BadInput, match=r"^unknown norm 'sphere'; known: .*elastic, .*l0, l1, l2, linf"):
            refuse("sphere")
    with pytest.raises(BadInput, match=r"^unknown norm 'fog'; known: l0, l1, l2, linf$"):
        threats.project(single(0), single(1), "fog", 1.0)
    with pytest.raises(BadInput, match=r"^epsilon of a threat must be a positive number, not -1$"):
        Threat("l2", -1)
    assert str(Threat("l2", 0.5)) == "l2 0.5"
    assert str(Threat("linf", 8 / 255)) == str(Threat("linf", "8/255")) == "linf 8/255"  # type: ignore[arg-type]
    assert Threat("linf", "8/255").epsilon == 8 / 255  # type: ignore[arg-type]


def test_each_row_is_in_the_box_or_not_whatever_is_beside_it():
    rows = torch.tensor([[0, 1], [0.5, -1e-30], [0.5, 1.0000001], [0.5, 0.5], [torch.nan, 0.5], [torch.inf, 0.5]])
    inside = [True, False, False, True, False, False]
    assert threats.in_box(rows).tolist() == inside
    assert Threat("l2", 2).contains(torch.full((6, 2), 0.5), rows).tolist() == inside
    assert Threat("fog", 2).contains(torch.full((6, 2), 0.5), rows).tolist() == inside


# Random starts.


def shares_of(norm: str, size: int) -> torch.Tensor:
    """What each of 4,000 uniform starts moves the first of `size` values by, in units of ε."""
    x = torch.full((4000, size), 0.5)
    start = Threat(norm, 0.4).random_start(x, BatchNoise(4000, torch.Generator().manual_seed(3)))
    return ((start - x) / 0.4)[:, 0]


@pytest.mark.parametrize(
    ("norm", "law"),
    [
        ("linf", lambda moved: kstest(moved.abs(), "uniform")),
        ("l2", lambda moved: kstest(moved.square(), beta(1 / 2, (6 + 1) / 2).cdf)),
        ("l1", lambda moved: kstest(moved.abs(), beta(1, 6).cdf)),
    ],
)
def test_one_value_of_a_uniform_point_has_the_textbook_law(norm, law):
    moved = shares_of(norm, 6)
    assert law(moved).pvalue > 0.01
    assert float((moved > 0).float().mean()) == pytest.approx(0.5, abs=0.025)


def test_l0_starts_set_a_random_choice_of_values_to_random_ones():
    x = torch.full((4000, 4), 0.25)
    start = Threat("l0", 1).random_start(x, BatchNoise(4000, torch.Generator().manual_seed(0)))
    changed = start != x
    assert (changed.sum(1) == 1).all()
    assert changed.float().mean(0).tolist() == pytest.approx([0.25] * 4, abs=0.03)
    assert kstest(start[changed], "uniform").pvalue > 0.01


@pytest.mark.parametrize("norm", NORMS)
def test_a_start_of_one_image_is_float32_and_that_of_the_image_in_a_batch(norm):
    x = torch.rand(3, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    whole = Threat(norm, {"linf": 0.5}.get(norm, 2)).random_start(x, ExampleNoise(0, range(3)))
    alone = Threat(norm, {"linf": 0.5}.get(norm, 2)).random_start(x[:1], ExampleNoise(0, [0]))
    assert whole.dtype == alone.dtype == torch.float32
    assert torch.equal(whole[:1], alone)


def test_the_rarest_of_all_draws_gives_a_start_too():
    """A uniform draw of exactly 0 has an infinite logarithm."""

    class Zero:
        def uniform(self, *shape: int) -> torch.Tensor:
            return torch.zeros(1, *shape)

    start = Threat("l1", 0.5).random_start(torch.full((1, 3), 0.5), Zero())  # type: ignore[arg-type]
    assert torch.isfinite(start).all()


# Steps and projections.


@pytest.mark.parametrize("norm", ["l2", "l0"])
def test_every_row_steps_by_its_own_length(norm):
    step = Threat(norm, 1).steepest(torch.cat([single(3, 4), single(0, -0.02)]), torch.zeros(2, 2))
    torch.testing.assert_close(step, torch.cat([single(0.6, 0.8), single(0, -1)]))


def test_what_lies_on_the_bound_does_not_move():
    step = Threat("l1", 1).steepest(single(9, -8, 1, 1), single(0.75, 0.25, 0.5, 0.7), k=4, gap=0.25)
    torch.testing.assert_close(step, single(0, 0, 0.25, 0.25))
    torch.testing.assert_close(Threat("l1", 1).steepest(single(9, -8, 1), single(1, 0, 0.5)), single(0, 0, 1))


def test_each_row_may_have_its_own_gap():
    gap = torch.tensor([0.3, 0.0])
    step = Threat("l1", 1).steepest(single(2, 1).repeat(2, 1), single(0.8, 0.5).repeat(2, 1), gap=gap)
    torch.testing.assert_close(step, torch.cat([single(0, 1), single(1, 0)]))


def test_k_is_brought_between_one_and_all():
    gradient = single(3, 2, 1).repeat(2, 1)
    step = Threat("l1", 1).steepest(gradient, torch.full((2, 3), 0.5), k=torch.tensor([0, 7]))
    torch.testing.assert_close(step, torch.cat([single(1, 0, 0), single(1, 1, 1) / 3]))
    torch.testing.assert_close(
        Threat("l1", 1).steepest(gradient, torch.full((2, 3), 0.5), k=7), single(1, 1, 1).repeat(2, 1) / 3
    )


def test_an_accelerator_that_is_told_the_largest_k_is_not_asked_for_it():
    gradient, k = single(5, 3, 2, 1).repeat(2, 1), torch.tensor([1, 3])
    x, threat = torch.full((2, 4), 0.5), Threat("l1", 1)
    expected = torch.cat([single(1, 0, 0, 0), single(1, 1, 1, 0) / 3])
    torch.testing.assert_close(threat.steepest(gradient, x, k), expected)
    torch.testing.assert_close(back(threat.steepest(elsewhere(gradient), x, elsewhere(k), most=3)), expected)
    with pytest.raises(Asked):
        threat.steepest(elsewhere(gradient), x, elsewhere(k))


def test_on_a_processor_ties_are_told_apart_as_without_the_largest_k():
    """What torch takes of equal values hangs on how many are asked for."""
    for k in (1, 7, 40):
        for most in (50, 500, 1000):
            found = [
                Threat("l1", 1).steepest(torch.ones(1, 1000), torch.full((1, 1000), 0.5), k, 0.0, n)
                for n in (None, most)
            ]
            assert torch.equal(*found)


@pytest.mark.parametrize(
    ("x", "x_adv", "expected"),
    [
        (single(0.9, 0.5), single(5, 0.1), single(0.9, 0.1)),
        (single(0.1, 0.5), single(-5, 0.9), single(0.1, 0.9)),
        (single(0.5, 0.4), single(7, 0.5), single(1, 0.4)),
        (single(0.5, 0.4), single(-7, 0.5), single(0, 0.4)),
    ],
)
def test_l0_keeps_the_largest_changes_that_the_box_allows(x, x_adv, expected):
    torch.testing.assert_close(Threat("l0", 1).project(x, x_adv), expected)


@pytest.mark.parametrize("norm", NORMS)
def test_a_projection_ends_in_the_box_and_leaves_what_is_inside_alone(norm):
    x, radius = single(0.9, 0.1, 0.5, 0.5), {"l0": 4}.get(norm, 0.3)
    near = single(0.95, 0.08, 0.52, 0.5)
    assert torch.equal(Threat(norm, radius).project(x, near), near)
    moved = Threat(norm, radius).project(x, single(3, -3, 0.5, 0.5))
    assert ((moved >= 0) & (moved <= 1)).all()
    torch.testing.assert_close(moved[0, :2], torch.tensor([1.0, 0.0]))


@pytest.mark.parametrize("norm", NORMS)
def test_rows_inside_are_bit_for_bit_what_they_were_whatever_is_beside_them(norm):
    x = torch.rand(64, 5, generator=torch.Generator().manual_seed(0))
    near = (x + 0.02 * (torch.rand(x.shape, generator=torch.Generator().manual_seed(1)) - 0.5)).clamp(0, 1)
    far = torch.rand(x.shape, generator=torch.Generator().manual_seed(2)) * 9 - 4
    radius = {"l0": 5}.get(norm, 0.3)
    moved = Threat(norm, radius).project(torch.cat([x, x]), torch.cat([near, far]))
    assert torch.equal(moved[:64], near)
    # Within the ball only once clipped, beside rows that are not.
    beyond = torch.cat([single(1.5, 0.5), single(-0.5, 0.5), single(0.9, 0.1)])
    start = torch.cat([single(1, 0.5), single(0, 0.5), single(0.5, 0.5)])
    moved = Threat(norm, {"l0": 1}.get(norm, 0.3)).project(start, beyond)
    assert threats.in_box(moved).all()
    torch.testing.assert_close(moved[:2], start[:2])


values = st.floats(0, 1, width=32)


@given(
    st.lists(st.tuples(values, values, st.floats(-2, 2, width=32)), min_size=1, max_size=6),
    st.floats(1e-4, 2),
    st.sampled_from(["l1", "l2", "linf"]),
)
def test_projections_are_the_nearest_points_by_their_optimality_conditions(entries, radius, norm):
    """Nothing in ball and box is nearer than the projection: (target − z)·(p − z) ≤ 0 for points p of both.

    The l2 projection rescales, then clips, which is nearest only where the box does not bind.
    """
    x, p, push = (torch.tensor([[float(entry[n]) for entry in entries]]) for n in range(3))
    target = x + push
    threat = Threat(norm, min(radius, 0.99) if norm == "linf" else radius)
    z = threat.project(x, target)
    assert threat.contains(x, z).all()
    if norm == "l2" and not threats.in_box(target).all():
        return
    inside = threat.project(x, p)
    assert float(((target - z) * (inside - z)).sum()) <= 1e-4


# How far along a direction.


@given(
    st.lists(st.tuples(values, st.floats(-3, 3, width=32)), min_size=2, max_size=8),
    st.lists(st.floats(0.01, 2), min_size=2, max_size=2),
)
def test_a_clipped_step_has_the_length_asked_for_or_all_that_the_box_allows(entries, radii):
    x = torch.tensor([[place for place, _ in entries]] * 2, dtype=torch.float64)
    way = torch.tensor([[step for _, step in entries], [-step for _, step in entries[::-1]]], dtype=torch.float64)
    way = torch.where(way.abs() < 1e-3, 0.0, way)
    reach = torch.linalg.vector_norm(torch.where(way > 0, 1 - x, x) * (way != 0), dim=1)
    scale = threats.clipped_scale(x, way, torch.tensor(radii))
    made = torch.linalg.vector_norm((x + scale[:, None] * way).clamp(0, 1) - x, dim=1)
    expected = torch.minimum(reach, torch.tensor(radii, dtype=torch.float64))
    torch.testing.assert_close(made, expected, atol=1e-6, rtol=1e-6)
    assert (scale >= 0).all()


def test_a_clipped_step_worked_by_hand():
    x = single(0.9, 0.5, 0.5).view(1, 1, 1, 3)
    way = single(1, -1, 0).view(1, 1, 1, 3)
    found = threats.clipped_scale(x, way, math.hypot(0.1, 0.3))  # the first value stops at 1, the second goes on
    assert found.tolist() == pytest.approx([0.3])
    assert found.dtype == torch.float32
    precise = threats.clipped_scale(x.double(), way.double(), 0.01)
    assert precise.tolist() == pytest.approx([0.01 / math.sqrt(2)], rel=1e-12)
    rounded = torch.tensor(0.01)  # as float32 has it; its square must not be rounded again
    precise = threats.clipped_scale(x.double(), way.double(), rounded)
    assert precise.tolist() == pytest.approx([float(rounded) / math.sqrt(2)], rel=1e-12)
    both = single(1, -1).view(1, 1, 1, 2)
    assert threats.clipped_scale(x[..., :2], both, 9.0).tolist() == pytest.approx([0.5])  # both have stopped by then
    assert threats.clipped_scale(x, way, 0.01).tolist() == pytest.approx([0.01 / math.sqrt(2)])
