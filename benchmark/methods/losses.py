"""The losses that the formulas of the papers are written with: pure functions of logits.

Logits are N×K, labels N. A per-example loss has shape N; everything else is a scalar.
`kl(teacher, student)` is always D(teacher‖student), the first argument being the target.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmark.attacks.objectives import best_other

#: How per-example divergences become one number: the sum over classes averaged over examples (what the formulas
#: mean), the mean over examples and classes (a 1/K of it, torch's default), a tenth of the first (that mean, times 10
#: where there are 100 classes), or the sum over both.
Reduction = Literal["batchmean", "mean", "tenth", "sum"]


def ce(logits: Tensor, y: Tensor) -> Tensor:
    """−log p_y, averaged."""
    return F.cross_entropy(logits, y)


def boosted(logits: Tensor, y: Tensor, slack: float = 0.0) -> Tensor:
    """−log p_y − log(1 + slack − max_{k≠y} p_k) per example: MART's boosted cross-entropy (Wang et al. 2020, eq. 8).

    Formed from log-sum-exps, so that it stays finite where a wrong class saturates; MART's code adds a
    `slack` of 1e-4 instead.
    """
    everything = logits.logsumexp(1)
    rival = best_other(logits, y)
    is_rival = F.one_hot(logits.scatter(1, y[:, None], -torch.inf).argmax(1), logits.shape[1]).bool()
    if slack:
        second = -torch.log(1 + slack - (rival - everything).exp())
    else:
        second = everything - logits.masked_fill(is_rival, -torch.inf).logsumexp(1)
    return F.cross_entropy(logits, y, reduction="none") + second


def bce(logits: Tensor, y: Tensor, slack: float = 0.0) -> Tensor:
    """`boosted`, averaged. (The papers' BCE is this, never binary cross-entropy.)"""
    return boosted(logits, y, slack).mean()


def divergence(teacher: Tensor, student: Tensor) -> Tensor:
    """D(teacher‖student) = Σ_k t_k (log t_k − log s_k) per example, of logits."""
    return F.kl_div(student.log_softmax(1), teacher.log_softmax(1), reduction="none", log_target=True).sum(1)


def kl(teacher: Tensor, student: Tensor, reduction: Reduction = "batchmean") -> Tensor:
    """D(teacher‖student) of logits as one number."""
    each = divergence(teacher, student)
    if reduction == "sum":
        return each.sum()
    return each.mean() / {"batchmean": 1, "mean": teacher.shape[1], "tenth": 10}[reduction]


def soft_ce(teacher: Tensor, student: Tensor) -> Tensor:
    """−Σ_k t_k log s_k of logits, averaged over examples."""
    return -(teacher.softmax(1) * student.log_softmax(1)).sum(1).mean()


def huber(residual: Tensor, delta: float) -> Tensor:
    """r²/2 where |r| ≤ δ, else δ(|r| − δ/2), element by element (smooth-L1 is this divided by δ)."""
    return F.huber_loss(residual, torch.zeros_like(residual), delta=delta, reduction="none")


def angle(clean: Tensor, adversarial: Tensor, y: Tensor) -> Tensor:
    """cos of the angle at the label's vertex of the simplex between p(x) and p(x'), per example (MMARD, eq. 4).

    ψ = ⟨u, v⟩ with u and v the unit vectors from the one-hot label to the two predictions; 0 where a prediction
    sits on the vertex.
    """
    vertex = F.one_hot(y, clean.shape[1]).to(clean.dtype)
    u, v = (logits.softmax(1) - vertex for logits in (clean, adversarial))
    return (F.normalize(u, dim=1, eps=1e-8) * F.normalize(v, dim=1, eps=1e-8)).sum(1)


def label_probability(logits: Tensor, y: Tensor) -> Tensor:
    """p_y per example."""
    return logits.softmax(1).gather(1, y[:, None]).squeeze(1)
