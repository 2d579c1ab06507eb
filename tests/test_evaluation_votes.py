"""The verdict where one pass is not enough, or where images have eight bits: each image and each pass by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from benchmark.evaluation.judge import AttackFault, asked, rounded, verify
from benchmark.evaluation.judging import Judging
from benchmark.evaluation.votes import Votes
from benchmark.ledger.classes import NONE
from benchmark.threats import Threat


def votes(labels: list[int], *answers: list[int | None], classes: int = 4) -> Votes:
    """Of several passes, each with the class of every image; None is no answer."""
    found = Votes(torch.tensor(labels))
    for answer in answers:
        logits = torch.zeros(len(labels), classes)
        for row, predicted in enumerate(answer):
            logits[row, predicted or 0] = 1.0 if predicted is not None else torch.nan
        found.add(logits)
    return found


def test_the_share_of_wrong_passes_counts_those_without_an_answer():
    found = votes([0, 1, 2], [0, 1, None], [0, 2, 2], [0, 1, None], [0, 0, 3])
    assert found.wrong_share.tolist() == [0, 0.5, 0.75]
    assert found.wrong_share.dtype == torch.float32


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([0, 0, 0, 1], 0),  # right in most passes: its label
        ([0, 0, 1, 2], 1),  # half are wrong: of equally frequent ones the first, though its label is more frequent
        ([0, 0, 3, 3], 3),
        ([0, 2, 2, 1], 2),
        ([None, None, 3, 3], 3),  # no answer comes last
        ([None, None, 3, 0], NONE),
        ([None, None, None, None], NONE),
        ([3, 2, 1, 0], 1),
    ],
)
def test_the_class_that_agrees_with_the_verdict(answers, expected):
    """Beside an image that is always right, and one whose label is the last class."""
    found = votes([0, 1, 3], *([answer, 1, 2] for answer in answers)).classes()
    assert found.tolist() == [expected, 1, 2]
    assert found.dtype == torch.int64


class Passes(nn.Module):
    """Answers with one row of logits after the other, the same for every image; keeps what it was shown."""

    def __init__(self, *rows: list[float]) -> None:
        super().__init__()
        self.rows, self.shown = list(rows), []  # type: ignore[var-annotated]

    def forward(self, x: Tensor) -> Tensor:
        self.shown.append(x)
        return torch.tensor([self.rows[(len(self.shown) - 1) % len(self.rows)]]).expand(len(x), -1)


def test_logits_of_several_passes_are_their_mean():
    network = Passes([3.0, 0.0], [0.0, 1.0], [0.0, 2.0])
    found = asked(network, torch.zeros(2, 1, 1, 1), torch.tensor([0, 1]), passes=3)
    assert len(network.shown) == 3
    torch.testing.assert_close(found.logits, torch.tensor([[1.0, 1.0]] * 2))
    torch.testing.assert_close(found.wrong_share, torch.tensor([2 / 3, 1 / 3]))
    assert found.classes.tolist() == [1, 1]
    twice = asked(Passes([3.0, 0.0], [0.0, 1.0]), torch.zeros(2, 1, 1, 1), torch.tensor([0, 1]), passes=2)
    assert twice.logits.tolist() == [[1.5, 0.5]] * 2
    once = asked(Passes([3.0, 0.0], [0.0, 1.0]), torch.zeros(2, 1, 1, 1), torch.tensor([0, 1]))
    assert once.logits.tolist() == [[3.0, 0.0]] * 2
    assert once.wrong_share.tolist() == [0, 1]


class Drawn(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.rand(len(x), 3)


def test_a_seed_fixes_what_a_network_draws_and_no_pass_draws_the_same():
    x, y = torch.zeros(4, 1, 1, 1), torch.zeros(4, dtype=torch.long)
    first, again, other = (asked(Drawn(), x, y, 2, seed).logits for seed in (5, 5, 7))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(first, asked(Drawn(), x, y, 2, 2**32 + 5).logits)  # a seed is taken modulo 2³²
    assert not torch.equal(first, asked(Drawn(), x, y, 1, 5).logits)
    judged = verify(Drawn(), x, y, x, y == 0, Threat("linf", 0.1), "fixed-budget", Judging(1, 2), 5)
    assert torch.equal(first, judged.logits)


def test_a_verdict_needs_half_of_the_passes_that_were_asked_for():
    x = torch.full((2, 1, 1, 1), 0.4)
    network = Passes([1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0])
    judged = verify(
        network, x, torch.tensor([0, 1]), x, torch.ones(2).bool(), Threat("linf", 0.1), "fixed-budget", Judging(1, 4)
    )
    assert judged.wrong.tolist() == [False, True]
    assert judged.wrong_share.tolist() == [0.25, 0.75]
    assert judged.classes.tolist() == [0, 0]
    torch.testing.assert_close(judged.logits, torch.tensor([[0.75, 0.25]] * 2))


def test_half_of_the_passes_are_enough_to_be_wrong():
    x = torch.full((1, 1, 1, 1), 0.4)
    network = Passes([1.0, 0.0], [0.0, 1.0])
    judged = verify(
        network, x, torch.tensor([0]), x, x[:, 0, 0, 0] > 0, Threat("linf", 0.1), "fixed-budget", Judging(1, 2)
    )
    assert judged.wrong.tolist() == [True]


def test_candidates_of_another_layout_are_told_apart():
    x = torch.zeros(1, 1, 1, 2)
    with pytest.raises(AttackFault, match=r"^returned images that are sparse_coo on cpu instead of strided on cpu$"):
        verify(
            Drawn(), x, torch.zeros(1).long(), x.to_sparse(), torch.ones(1).bool(), Threat("l2", 1), "fixed-budget"
        )


LEVEL = 1 / 255


@pytest.mark.parametrize(
    ("kind", "candidate", "expected"),
    [
        ("fixed-budget", 0.6 + 1.3 * LEVEL, 0.6 + LEVEL),
        ("fixed-budget", 0.6 + 1.7 * LEVEL, 0.6 + LEVEL),  # two levels away would be outside
        ("fixed-budget", 0.6 + 3.3 * LEVEL, 0.6 + 3.3 * LEVEL),  # outside: left as it is, to be refused
        ("minimum-norm", 0.6 + 1.7 * LEVEL, 0.6 + 2 * LEVEL),
        ("minimum-norm", 0.6 + 3.3 * LEVEL, 0.6 + 3 * LEVEL),
        ("minimum-norm", 1.3, 1.3),
        ("fixed-budget", torch.nan, torch.nan),
    ],
)
def test_candidates_are_rounded_and_what_is_none_is_left(kind, candidate, expected):
    x = torch.full((2, 1, 1, 2), 0.6)
    x_adv = x.clone()
    x_adv[0, 0, 0, 1] = candidate
    made = rounded(x, x_adv, Threat("linf", 1.8 * LEVEL), kind)
    torch.testing.assert_close(made[0, 0, 0, 1], torch.tensor(expected), atol=1e-6, rtol=0, equal_nan=True)
    assert torch.equal(made[1], x[1])
    if candidate < 1:
        handed, judging = torch.ones(2).bool(), Judging(eight_bit=True)
        network = Passes([0.0, 1.0])
        told = verify(network, x, torch.zeros(2).long(), x_adv, handed, Threat("linf", 1.8 * LEVEL), kind, judging)
        is_outside = kind == "fixed-budget" and candidate == expected
        assert torch.equal(told.judged, x if is_outside else made)
        assert bool(told.faults) is is_outside


def test_only_what_was_handed_over_is_rounded_and_judged():
    x = torch.full((3, 1, 1, 2), 0.5)  # lies on no level itself
    x_adv = x + 0.7 * LEVEL
    handed = torch.tensor([True, False, True])
    network = Passes([0.0, 1.0])
    for eight_bit in (False, True):
        judging = Judging(eight_bit=eight_bit)
        judged = verify(
            network, x, torch.zeros(3).long(), x_adv, handed, Threat("l2", 0.1), "fixed-budget", judging
        ).judged
        assert torch.equal(judged[1], x[1])
        levels = judged[handed] * 255
        assert torch.allclose(levels, levels.round(), atol=1e-4, rtol=0) is eight_bit
        assert torch.equal(network.shown[-1], judged)
