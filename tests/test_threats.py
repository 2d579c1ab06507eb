"""Balls, boxes and steps against worked numbers and an independent solver."""

from __future__ import annotations

import pytest
import torch
from scipy.optimize import minimize

from benchmark import threats
from benchmark.errors import BadInput
from benchmark.noise import BatchNoise, ExampleNoise
from benchmark.threats import NORMS, Threat


def row(*values: float) -> torch.Tensor:
    return torch.tensor([values], dtype=torch.float32)


def project(norm: str, epsilon: float, x: torch.Tensor, delta: torch.Tensor) -> torch.Tensor:
    return Threat(norm, epsilon).project(x, x + delta) - x


@pytest.mark.parametrize(
    ("delta", "expected"),
    [
        (row(0.5, -0.3, 0.2), row(0.366667, -0.166667, 0.066667)),
        (row(0.1, -0.1, 0.0), row(0.1, -0.1, 0.0)),
    ],
)
def test_l1_projection_in_the_open(delta, expected):
    x = torch.full_like(delta, 0.5)
    torch.testing.assert_close(project("l1", 0.6, x, delta), expected, atol=1e-6, rtol=0)


def test_l1_rows_inside_stay_put_beside_rows_outside():
    x = torch.full((2, 3), 0.5)
    delta = torch.cat([row(0.1, -0.1, 0.0), row(0.5, -0.3, 0.2)])
    moved = project("l1", 0.6, x, delta)
    torch.testing.assert_close(moved[0], delta[0], atol=1e-7, rtol=0)


@pytest.mark.parametrize(
    ("x", "delta", "expected"),
    [
        (row(0.5, 0.5, 0.5), row(0.2, -0.1, 0.4), row(0.133333, -0.033333, 0.333333)),
        (row(0.9, 0.1, 0.5), row(0.3, -0.3, 0.4), row(0.1, -0.1, 0.3)),
    ],
)
def test_l1_projection_onto_ball_and_box(x, delta, expected):
    torch.testing.assert_close(project("l1", 0.5, x, delta), expected, atol=1e-6, rtol=0)


def test_l1_projection_is_the_nearest_point_of_ball_and_box():
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        x = torch.rand(1, 5, generator=generator)
        target = x + torch.randn(1, 5, generator=generator)
        ours = Threat("l1", 0.8).project(x, target)
        constraint = {"type": "ineq", "fun": lambda z, x=x: 0.8 - abs(z - x[0].numpy()).sum()}
        best = minimize(
            lambda z, t=target: ((z - t[0].numpy()) ** 2).sum(),
            x[0].numpy(),
            bounds=[(0, 1)] * 5,
            constraints=[constraint],
            options={"maxiter": 500, "ftol": 1e-12},
        )
        assert Threat("l1", 0.8).contains(x, ours).all()
        assert float(((ours - target) ** 2).sum()) <= best.fun + 1e-4


def test_l2_projection_rescales_then_clips():
    half = torch.full((1, 2), 0.5, dtype=torch.float32)
    torch.testing.assert_close(project("l2", 0.5, half, row(0.36, 0.48)), row(0.3, 0.4))
    torch.testing.assert_close(project("l2", 0.5, half, row(0.1, 0.2)), row(0.1, 0.2))
    clipped = project("l2", 0.5, row(0.5, 0.95, 0.1), row(0.36, 0.48, 0.0))
    torch.testing.assert_close(clipped, row(0.3, 0.05, 0.0))
    assert float(Threat("l2", 0.5).distance(clipped)) == pytest.approx(0.304138, abs=1e-6)


def test_linf_step_and_projection():
    x, delta = torch.full((1, 3), 0.5), row(0.029, -0.03, 0.0)
    threat = Threat("linf", 0.03)
    stepped = x + delta + 0.003 * threat.steepest(row(1, 1, -1), x)
    torch.testing.assert_close(threat.project(x, stepped) - x, row(0.03, -0.027, -0.003), atol=1e-7, rtol=0)


def test_l2_step_is_normalised_and_survives_a_zero_gradient():
    step = 0.05 * Threat("l2", 1).steepest(torch.cat([row(3, 4, 0), row(0, 0, 0)]), torch.zeros(2, 3))
    torch.testing.assert_close(step, torch.cat([row(0.03, 0.04, 0), row(0, 0, 0)]))


@pytest.mark.parametrize(("gap", "expected"), [(0.05, row(1, 0, 0, -1)), (0.0, row(1, -1, 0, 0))])
def test_l1_step_takes_the_largest_coordinates_that_can_move(gap, expected):
    x = row(0.5, 0.02, 0.98, 0.5)
    step = Threat("l1", 12).steepest(row(0.9, -0.8, 0.7, -0.6), x, k=2, gap=gap)
    torch.testing.assert_close(step * 2, expected)


def test_l1_step_raises_black_pixels_and_allows_k_per_row():
    step = Threat("l1", 12).steepest(row(3, 2, 1).repeat(2, 1), torch.zeros(2, 3), k=torch.tensor([1, 2]))
    torch.testing.assert_close(step, torch.cat([row(1, 0, 0), row(0.5, 0.5, 0)]))


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32)])
def test_starts_and_projections_are_inside_ball_and_box(norm, shape):
    threat = Threat(norm, {"linf": 0.03, "l2": 0.5, "l1": 12, "l0": 5}[norm])
    x = (torch.rand(16, *shape, generator=torch.Generator().manual_seed(1)) * 255).round() / 255
    start = threat.random_start(x, ExampleNoise(0, range(16)))
    far = threat.project(x, x + torch.randn(x.shape, generator=torch.Generator().manual_seed(2)))
    for point in (start, far):
        assert threat.contains(x, point).all()
        assert (threat.distance(point - x) > 0).all()
    torch.testing.assert_close(threat.project(x, far), far, atol=1e-6, rtol=0)


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_starts_fill_the_ball_uniformly(norm):
    """In d dimensions the radius of a uniform point has median ε·2^(-1/d)."""
    threat = Threat(norm, 0.1)
    x = torch.full((4000, 2), 0.5)
    start = threat.random_start(x, BatchNoise(4000, torch.Generator().manual_seed(0)))
    assert float(threat.distance(start - x).median()) == pytest.approx(0.1 * 2**-0.5, rel=0.03)


def test_contains_refuses_what_is_outside():
    x = torch.full((1, 2), 0.5)
    threat = Threat("linf", 0.1)
    assert not threat.contains(x, x + 0.11).any()
    assert not threat.contains(torch.ones(1, 2), torch.ones(1, 2) + 1e-6).any()
    assert not threat.contains(x, torch.full((1, 2), float("nan"))).any()


def test_example_noise_ignores_the_batch():
    whole = ExampleNoise(7, range(10), restart=2)
    part = ExampleNoise(7, [3, 8], restart=2)
    for _ in range(2):
        torch.testing.assert_close(whole.normal(4)[[3, 8]], part.normal(4))
    assert not torch.equal(ExampleNoise(7, [3], 0).uniform(4), ExampleNoise(7, [3], 1).uniform(4))


@pytest.mark.parametrize(
    ("norm", "epsilon"), [("linf", 0.0), ("l2", -1), ("l1", float("nan")), ("l2", float("inf")), ("l3", 1.0)]
)
def test_bad_threats_are_refused(norm, epsilon):
    with pytest.raises(BadInput):
        Threat(norm, epsilon)


def test_l1_projection_of_many_values_that_round_alike_stays_in_the_ball():
    """On a grid of 2⁻²⁴ a common shrinkage rounds thousands of values the same way: 1e-5 of ε without care."""
    x = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    far = x + 0.01 * (torch.rand(x.shape, generator=torch.Generator().manual_seed(1)) - 0.5)
    threat = Threat("l1", 3.0)
    moved = threat.project(x, far)
    assert (threat.distance(moved - x) <= 3 * (1 + 1e-7)).all()
    assert (threat.distance(moved - x) >= 3 * (1 - 1e-4)).all()


def test_each_row_has_its_own_radius():
    x, far = torch.full((2, 1, 2, 2), 0.5), torch.ones(2, 1, 2, 2)
    radii = torch.tensor([0.1, 0.4])
    for norm in ("linf", "l2", "l1"):
        rows = threats.project(x, far, norm, radii)
        alone = [Threat(norm, float(r)).project(x[i : i + 1], far[i : i + 1])[0] for i, r in enumerate(radii)]
        torch.testing.assert_close(rows, torch.stack(alone))
    assert (threats.project(x, far, "l0", torch.tensor([1, 3])) != x).flatten(1).sum(1).tolist() == [1, 3]


def test_a_threat_without_a_ball_is_held_to_the_box_only():
    x = torch.zeros(1, 1, 2, 2)
    fog = Threat("fog", 128.0)
    assert fog.contains(x, torch.ones_like(x)).all()
    assert not fog.contains(x, torch.full_like(x, 1.01)).any()
    assert not fog.contains(x, torch.full_like(x, torch.nan)).any()
    assert fog.distance(row(0.1, -0.4)).item() == pytest.approx(0.4)
