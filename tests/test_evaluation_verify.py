"""The verdict: what counts as broken, what is a fault of the attack, and in which arithmetic."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from benchmark.evaluation.judge import AttackFault, exact_logits, verify
from benchmark.memory import halve_on_out_of_memory
from benchmark.threats import Threat


class Threshold(nn.Module):
    """Class 1 where the first pixel is above one half, else class 0; NaN where it is exactly 1."""

    def forward(self, x):
        first = x.flatten(1)[:, 0]
        logits = torch.stack([0.5 - first, first - 0.5], dim=1)
        return torch.where(first[:, None] == 1, torch.nan, logits)


def judge(first_pixels, kind="fixed-budget", epsilon=0.3, handed=None):
    """The verdict on candidates for images whose first pixel is 0.4 (class 0), which move that pixel."""
    x = torch.full((len(first_pixels), 1, 1, 2), 0.4)
    x_adv = x.clone()
    x_adv[:, 0, 0, 0] = torch.tensor(first_pixels)
    y = torch.zeros(len(x), dtype=torch.int64)
    handed = torch.ones(len(x), dtype=torch.bool) if handed is None else torch.tensor(handed)
    return verify(Threshold(), x, y, x_adv, handed, Threat("linf", epsilon), kind)


def test_a_budget_attack_breaks_inside_the_ball_only():
    verdict = judge([0.6, 0.4, 0.9])
    assert verdict.broken.tolist() == [True, False, False]
    torch.testing.assert_close(verdict.distance, torch.tensor([0.2, torch.inf, torch.inf]))
    assert verdict.distance.dtype == torch.float32
    assert verdict.faults == {"outside the ball linf 0.3": 1}


def test_a_minimal_attack_may_go_far_and_is_broken_by_its_distance():
    verdict = judge([0.6, 0.4, 0.9], kind="minimum-norm")
    assert verdict.wrong.tolist() == [True, False, True]
    assert verdict.broken.tolist() == [True, False, False]
    torch.testing.assert_close(verdict.distance, torch.tensor([0.2, torch.inf, 0.5]))
    assert verdict.faults == {}


@pytest.mark.parametrize("kind", ["fixed-budget", "minimum-norm"])
def test_what_is_no_image_is_a_fault_and_never_a_success(kind):
    verdict = judge([float("nan"), float("inf"), 1.0001, -0.1, 0.6], kind, epsilon=0.9)
    assert verdict.broken.tolist() == [False, False, False, False, True]
    assert verdict.faults == {"not finite": 2, "outside the box [0, 1]": 2}
    assert torch.isinf(verdict.distance[:4]).all()


def test_equality_with_epsilon_is_broken():
    for kind in ("fixed-budget", "minimum-norm"):
        assert judge([0.4 + 0.25], kind, epsilon=0.25).broken.tolist() == [True]


def test_a_float32_step_of_exactly_epsilon_is_inside():
    x = (torch.arange(256) / 255).view(-1, 1, 1, 1).expand(-1, 1, 1, 2).contiguous()
    x_adv = torch.clamp(x + 0.03, max=1)
    verdict = verify(
        Threshold(),
        x,
        torch.zeros(256, dtype=torch.int64),
        x_adv,
        torch.ones(256).bool(),
        Threat("linf", 0.03),
        "fixed-budget",
    )
    assert not verdict.faults


def test_logits_that_are_not_numbers_are_no_answer_and_no_defence():
    verdict = judge([1.0, 0.6, 0.4], epsilon=0.7)
    assert verdict.broken.tolist() == [True, True, False]
    assert verdict.no_answer.tolist() == [True, False, False]
    assert judge([1.0], epsilon=0.2).broken.tolist() == [False]  # outside the ball it is a fault, whatever the answer


def test_rows_that_were_not_handed_over_are_never_broken_and_never_at_fault():
    verdict = judge([0.6, 0.6, float("nan")], handed=[False, True, False])
    assert verdict.broken.tolist() == [False, True, False]
    assert verdict.faults == {}


@pytest.mark.parametrize(
    ("candidates", "reason"),
    [
        (torch.zeros(2, 1, 1, 3), "shape"),
        (torch.zeros(2, 1, 1, 2).double(), "float64"),
        ([0.0], "list"),
        (None, "None"),
    ],
)
def test_what_is_no_candidate_at_all_fails_the_attack(candidates, reason):
    x, y = torch.zeros(2, 1, 1, 2), torch.zeros(2, dtype=torch.int64)
    with pytest.raises(AttackFault, match=reason):
        verify(Threshold(), x, y, candidates, torch.ones(2).bool(), Threat("linf", 0.1), "fixed-budget")


def test_the_pass_is_float32_in_eval_mode_without_gradients_whatever_surrounds_it():
    class Spy(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 2)

        def forward(self, x):
            logits = self.layer(x.flatten(1))
            seen.append((logits.dtype, self.training, logits.requires_grad, torch.get_float32_matmul_precision()))
            return logits

    seen = []
    torch.set_float32_matmul_precision("medium")
    try:
        with torch.autocast("cpu", torch.bfloat16):
            exact_logits(Spy().train(), torch.zeros(3, 1, 1, 2))
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision("highest")
    assert seen == [(torch.float32, False, False, "highest")]


def test_images_are_left_as_they_were():
    x = torch.full((1, 1, 1, 2), 0.4)
    x_adv = torch.full((1, 1, 1, 2), torch.nan)
    verify(Threshold(), x, torch.zeros(1).long(), x_adv, torch.ones(1).bool(), Threat("linf", 0.1), "fixed-budget")
    assert (x == 0.4).all()
    assert x_adv.isnan().all()


def test_memory_that_runs_out_halves_the_batch():
    sizes = []

    def compute(rows):
        count = len(range(100)[rows])
        sizes.append(count)
        if count > 30:
            raise torch.OutOfMemoryError("out of memory")
        return torch.arange(rows.start, rows.stop)

    assert halve_on_out_of_memory(compute, 100).tolist() == list(range(100))
    assert sizes == [100, 50, 25, 25, 25, 25]


def test_other_errors_and_one_row_too_many_are_not_hidden():
    def fail(rows):
        raise RuntimeError(message)

    for message in ("out of memory", "something else"):
        with pytest.raises(RuntimeError, match=message):
            halve_on_out_of_memory(fail, 4)
