"""Adversarial images in eight bits: on the levels of an image file, in the ball, and judged as such."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from evaluation_toys import save, write_suite
from hypothesis import given, settings
from hypothesis import strategies as st

import benchmark
from benchmark.attacks.eight_bit import eight_bit
from benchmark.ledger import Ledger
from benchmark.threats import Threat

pytestmark = pytest.mark.usefixtures("one_thread")

RADII = {
    "linf": [0.5 / 255, 1 / 255, 4 / 255, 8 / 255, 0.03, 0.3],
    "l2": [0.01, 0.1, 0.5, 2.0],
    "l1": [0.1, 2.0, 12.0],
}


def on_levels(x):
    return bool(((x * 255 - (x * 255).round()).abs() < 1e-3).all())


@given(seed=st.integers(0, 2**20), case=st.sampled_from([(n, r) for n, radii in RADII.items() for r in radii]))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_pictures_stay_in_the_ball(seed, case):
    norm, radius = case
    generator = torch.Generator().manual_seed(seed)
    threat = Threat(norm, radius)
    x = torch.randint(0, 256, (4, 3, 6, 6), generator=generator) / 255
    x_adv = threat.project(x, x + 3 * radius * torch.randn(x.shape, generator=generator))
    made = eight_bit(x, x_adv, threat, within=True)
    assert on_levels(made)
    assert bool(threat.contains(x, made).all())


def test_a_change_of_whole_levels_is_left_alone():
    x = torch.tensor([[[[0.0, 100 / 255, 1.0]]]])
    x_adv = torch.tensor([[[[8 / 255, 92 / 255, 247 / 255]]]])
    assert torch.equal(eight_bit(x, x_adv, Threat("linf", 8 / 255), within=True), x_adv)


def test_rounding_keeps_most_of_the_change():
    """Of 7.6 levels 8 would leave the ball, 7 does not: no more than one level is given up."""
    x = torch.full((1, 1, 1, 4), 100 / 255)
    threat = Threat("linf", 7.6 / 255)
    made = eight_bit(x, x + 7.6 / 255 * torch.tensor([1.0, -1.0, 1.0, 0.5]), threat, within=True)
    assert (made * 255).round().flatten().tolist() == [107, 93, 107, 103]


def test_without_a_ball_the_nearest_level_is_taken():
    x_adv = torch.tensor([[[[0.4 / 255, 0.6 / 255, 254.6 / 255]]]])
    made = eight_bit(torch.zeros_like(x_adv), x_adv, Threat("l2", 1e-6), within=False)
    assert (made * 255).round().flatten().tolist() == [0, 1, 255]


def test_where_no_file_holds_a_candidate_the_image_withstands():
    """Of an image between two levels and a radius that reaches neither; that is no fault of the attack."""
    x = torch.full((2, 1, 2, 2), 100.5 / 255)
    threat = Threat("linf", 0.3 / 255)
    made = eight_bit(x, x + 0.3 / 255, threat, within=True)
    assert torch.equal(made, x)


def test_a_radius_below_the_rounding_fails_no_attack(tmp_path):
    suite = write_suite(tmp_path, "  - {attack: fgsm, norm: linf, epsilon: 0.0005}\n", images=20)
    (found,) = benchmark.evaluate(
        save(tmp_path), suite=suite, results=tmp_path / "results", eight_bit=True, device="cpu", progress=False
    )
    assert not found.failures
    assert not (found.outcomes[0].broken & ~found.clean_errors).any()


def test_an_evaluation_stores_and_counts_images_of_eight_bits_only(tmp_path):
    pgd = "  - {attack: pgd, norm: l2, parameters: {steps: 5, relative_step_size: 0.4}}\n"
    attacks = pgd + "  - {attack: ddn, norm: l2, parameters: {steps: 5}}\n"
    (found,) = benchmark.evaluate(
        save(tmp_path), suite=write_suite(tmp_path, attacks, images=40), results=tmp_path / "results",
        save_adversarial=True, eight_bit=True, precision="fp32", device="cpu", progress=False,
    )  # fmt: skip
    assert not found.failures
    assert found.conditions == "8-bit images"
    ledger = Ledger.open(tmp_path / "results")
    for outcome in found.outcomes:
        from benchmark.ledger.stored_adversarials import read_stored_adversarials

        kept = read_stored_adversarials(ledger.stored_adversarials_path(found.model["digest"], outcome.records[0]))
        assert len(kept.images) > 0
        assert np.allclose(kept.images * 255, np.round(kept.images * 255), atol=1e-3)
    rechecks = benchmark.verify(tmp_path / "results", tmp_path / "toy.pt")
    assert not [problem for recheck in rechecks for problem in recheck.problems]
    assert all(recheck.confirmed == recheck.claimed for recheck in rechecks)
