"""Losses against worked numbers (double precision)."""

from __future__ import annotations

import pytest
import torch

from benchmark.methods.losses import angle, bce, boosted, ce, divergence, huber, kl, soft_ce


def row(*values: float) -> torch.Tensor:
    return torch.tensor([values], dtype=torch.float64)


def close(actual, expected, atol=1e-6):
    expected = torch.as_tensor(expected, dtype=torch.float64)
    torch.testing.assert_close(torch.as_tensor(actual).double(), expected, atol=atol, rtol=0)


LOGITS = row(2, 1, 0.1, -1)


@pytest.mark.parametrize(
    ("label", "plain", "both", "with_slack"),
    [(0, 0.449313, 0.716842, 0.716711), (1, 1.449313, 2.465607, 2.465331), (3, 3.449313, 4.465607, 4.465331)],
)
def test_boosted_cross_entropy(label, plain, both, with_slack):
    y = torch.tensor([label])
    close(ce(LOGITS, y), plain)
    close(bce(LOGITS, y), both)
    close(bce(LOGITS, y, slack=1e-4), with_slack)


@pytest.mark.parametrize(
    ("label", "gradient"),
    [(0, [-0.557648, 0.469463, 0.066162, 0.022023]), (1, [1.276133, -1.179085, -0.072811, -0.024237])],
)
def test_gradient_of_boosted_cross_entropy(label, gradient):
    z = LOGITS.clone().requires_grad_()
    bce(z, torch.tensor([label])).backward()
    close(z.grad[0], gradient)


def test_boosted_cross_entropy_stays_finite_where_a_wrong_class_saturates():
    z = torch.tensor([[40.0, 0.0, 0.0]], requires_grad=True)
    loss = boosted(z, torch.tensor([1]))
    loss.sum().backward()
    close(loss, [79.306853], atol=1e-4)
    assert torch.isfinite(z.grad).all()


NATURAL = torch.tensor([[2, 1, 0.1, -1], [0.5, 0, 1.5, -0.5]], dtype=torch.float64)
ADVERSARIAL = torch.tensor([[1, 1.5, 0.2, -0.5], [0.8, 0.1, 0.6, -0.2]], dtype=torch.float64)
LABELS = torch.tensor([0, 2])


def test_divergence_and_its_reductions():
    close(divergence(NATURAL, ADVERSARIAL), [0.246281, 0.161962])
    close(kl(NATURAL, ADVERSARIAL), 0.204121)
    close(kl(NATURAL, ADVERSARIAL, "mean"), 0.051030)
    close(kl(NATURAL, ADVERSARIAL, "sum"), 0.408243)
    close(kl(ADVERSARIAL, NATURAL), 0.199527)
    close(ce(NATURAL, LABELS), 0.497660)
    close(ce(ADVERSARIAL, LABELS), 1.193664)
    close(boosted(ADVERSARIAL, LABELS), [1.886345, 1.653323])


def test_gradient_of_the_divergence_on_both_sides():
    z, z_adv = NATURAL.clone().requires_grad_(), ADVERSARIAL.clone().requires_grad_()
    kl(z, z_adv).backward()
    close(z_adv.grad, [[-0.168484, 0.130847, 0.019929, 0.017708], [0.079796, 0.027911, -0.137063, 0.029355]])
    close(z.grad, [[0.161025, -0.116811, -0.028405, -0.015809], [-0.076817, -0.033667, 0.138744, -0.028260]])


@pytest.mark.parametrize(("tau", "expected"), [(1, 0.424481), (4, 0.384160), (30, 0.355983)])
def test_divergence_at_a_temperature(tau, expected):
    teacher, student = row(2, 1, 0.1), row(1, 2, 0.5)
    close(tau**2 * kl(teacher / tau, student / tau), expected)


def test_divergence_the_other_way_round():
    close(kl(row(1, 2, 0.5), row(2, 1, 0.1)), 0.406067)


def test_soft_cross_entropy():
    close((row(10, 5, 0, -5) / 20).softmax(1)[0], [0.349932, 0.272527, 0.212244, 0.165296])
    close(soft_ce(row(10, 5, 0, -5) / 20, row(6, 8, 1, 0) / 20), 1.363194)


def test_angle_at_the_label():
    y = torch.tensor([0])

    def psi(p, p_adv):
        return angle(row(*p).clamp_min(1e-300).log(), row(*p_adv).clamp_min(1e-300).log(), y)

    close(psi((0.7, 0.2, 0.1), (0.4, 0.1, 0.5)), [0.848555])
    close(psi((0.6, 0.3, 0.1), (0.2, 0.7, 0.1)), [0.991870])
    close(psi((0.5, 0.5, 0), (0.5, 0, 0.5)), [0.5])
    close(psi((0.7, 0.2, 0.1), (0.4, 0.4, 0.2)), [1.0])
    close(psi((1, 0, 0), (0.5, 0, 0.5)), [0.0])


def test_huber():
    gap = torch.tensor(0.848555 - 0.991870, dtype=torch.float64)
    close(huber(gap, 1.0), 0.010270)
    close(huber(gap, 0.1), 0.009331)
