"""Losses of a network that learns from frozen teachers: T robust, N natural, S the student."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.methods.batch import Batch
from benchmark.methods.formulas import formula
from benchmark.methods.losses import Reduction, angle, bce, divergence, huber, kl, label_probability, soft_ce
from benchmark.methods.outer.base import OUTERS
from benchmark.parameters import Fraction, NotNegative, PartOfTraining, Positive


@OUTERS.register("dd")
@formula("−Σ_k T^τ_k(x)·log h^τ_k(x); evaluated at τ = 1")
def dd(batch: Batch, temperature: Positive = 100.0) -> Tensor:
    """The teacher has to be trained at the same temperature, which the recipe decides: `natural` with
    `temperature=100` for `paper`, with `temperature=20` for `quick`.
    """
    return soft_ce(batch.teacher.clean / temperature, batch.net.clean / temperature)


@OUTERS.register("ard")
@formula("(1 − α)·CE(S(x), y) + α·τ²·D(T^τ(x)‖S^τ(x'))")
def ard(
    batch: Batch,
    alpha: Fraction = 1.0,
    temperature: Positive = 30.0,
    tempered: bool = False,
    reduction: Reduction = "batchmean",
) -> Tensor:
    """MMARD's table tempers the cross-entropy too (`tempered`); the authors' code reduces D by torch's `mean`, 1/K of
    this (`reduction=mean`), and crafts in train mode (`bn=train`).
    """
    s, t, tau = batch.net, batch.teacher, temperature
    label = batch.ce(s.clean / tau if tempered else s.clean) if alpha < 1 else 0.0
    return (1 - alpha) * label + alpha * tau**2 * kl(t.clean / tau, s.adversarial / tau, reduction)


@OUTERS.register("iad")
@formula("(1 − α)·CE(S(x), y) + α·τ²·mean [a·D(T^τ(x)‖S^τ(x')) + (1 − a)·D(S^τ(x)‖S^τ(x'))], a = T_y(x')^β")
def iad(
    batch: Batch,
    alpha: Fraction = 1.0,
    beta: NotNegative = 0.1,
    temperature: Positive = 1.0,
    warmup: PartOfTraining = 0.3,
    weighted: bool = True,
) -> Tensor:
    """For the first `warmup` of training (60 of 200 epochs in the code) only the teacher teaches. The code of IAD-I
    leaves the teacher's term without its weight a (`weighted=false`) and crafts in train mode (`bn=train`).
    """
    s, t, tau = batch.net, batch.teacher, temperature
    trust = label_probability(t.on(s), batch.y).pow(beta)
    warm = batch.training.before(warmup)
    taught = divergence(t.clean / tau, s.adversarial / tau)
    if not warm:
        introspection = (1 - trust) * divergence(s.clean / tau, s.adversarial / tau)
        taught = (trust if weighted else 1) * taught + introspection
    label = batch.ce(s.clean) if alpha < 1 else 0.0
    return (1 - alpha) * label + alpha * tau**2 * taught.mean()


@OUTERS.register("iad-2")
@formula("(1 − α₁ − α₂)·CE(S(x'), y) + α₁·τ²·mean [a·D(T(x')‖S(x')) + (1 − a)·D(S(x)‖S(x'))] + α₂·τ²·D(N(x')‖S(x'))")
def iad_2(
    batch: Batch,
    alpha_1: Fraction = 0.5,
    alpha_2: Fraction = 0.25,
    beta: NotNegative = 0.1,
    temperature: Positive = 1.0,
    warmup: PartOfTraining = 0.2,
) -> Tensor:
    """T is the robust teacher, N the natural one, a = T_y(x')^β; a = 1 for the first `warmup` of training."""
    s, (plain, robust), tau = batch.net, batch.frozen(2), temperature
    own = s.adversarial / tau
    taught = divergence(robust.on(s) / tau, own)
    if not batch.training.before(warmup):
        trust = label_probability(robust.on(s), batch.y).pow(beta)
        taught = trust * taught + (1 - trust) * divergence(s.clean / tau, own)
    label = (1 - alpha_1 - alpha_2) * batch.ce(s.adversarial)
    return label + alpha_1 * tau**2 * taught.mean() + alpha_2 * tau**2 * kl(plain.on(s) / tau, own)


@OUTERS.register("rslad")
@formula("α·D(T(x)‖S(x')) + (1 − α)·D(T(x)‖S(x))")
def rslad(batch: Batch, alpha: Fraction = 5 / 6, reduction: Reduction = "batchmean") -> Tensor:
    """The authors' code reduces D to a tenth of this on 10 and on 100 classes (`reduction=tenth`): by torch's `mean`,
    and times 10 on the latter.
    """
    s, t = batch.net, batch.teacher
    return alpha * kl(t.clean, s.adversarial, reduction) + (1 - alpha) * kl(t.clean, s.clean, reduction)


@OUTERS.register("mtard")
@formula("w·D(N(x)‖S(x)) + (1 − w)·D(T(x')‖S(x')), N natural, T robust")
def mtard(
    batch: Batch,
    rate: NotNegative = 0.025,
    power: Positive = 1.0,
    decay: bool = False,
    reduction: Reduction = "batchmean",
) -> Tensor:
    """w starts at ½ and follows the term that has shrunk less since the first batch: with ℓ̂ a term relative to its
    first value, w ← w − r·(w − ℓ̂_nat^b/(ℓ̂_nat^b + ℓ̂_adv^b)). MMARD tabulates a constant weight (`rate=0`); the
    authors' code lets r fall with the learning rate (`decay=true`) and reduces D to a tenth of this on 10 and on 100
    classes (`reduction=tenth`).
    """
    s, (plain, robust) = batch.net, batch.frozen(2)
    terms = torch.stack([kl(plain.clean, s.clean, reduction), kl(robust.on(s), s.adversarial, reduction)])
    weight = _balance(batch.memory, terms.detach(), rate * batch.rate if decay else rate, power)
    return weight * terms[0] + (1 - weight) * terms[1]


def _balance(memory: dict[str, Tensor], terms: Tensor, rate: float, power: float) -> Tensor:
    first = memory.setdefault("first_terms", terms.clone())
    relative = (terms / first.clamp_min(1e-12)).pow(power)
    weight = memory.get("weight", torch.full_like(terms[0], 0.5))
    memory["weight"] = weight - rate * (weight - relative[0] / relative.sum().clamp_min(1e-12))
    return memory["weight"]


@OUTERS.register("mmard")
@formula("D(T(x')‖S(x')) + α·Σ Huber_δ(ψ_T − ψ_S), ψ the angle at the label between the predictions for x and x'")
def mmard(
    batch: Batch,
    alpha: NotNegative = 1.0,
    delta: Positive = 1.0,
    average: bool = False,
    reduction: Reduction = "batchmean",
) -> Tensor:
    """δ is not stated in the paper. Its sum over examples can be made a mean (`average`), its D the tenth of
    RSLAD's code that it follows (`reduction=tenth`).
    """
    s, t, y = batch.net, batch.teacher, batch.y
    gap = angle(t.clean, t.on(s), y) - angle(s.clean, s.adversarial, y)
    relation = huber(gap, delta)
    return kl(t.on(s), s.adversarial, reduction) + alpha * (relation.mean() if average else relation.sum())


@OUTERS.register("kl")
@formula("D(T(x')‖S(x')): MMARD without its relational term")
def distil(batch: Batch, reduction: Reduction = "batchmean") -> Tensor:
    return kl(batch.teacher.on(batch.net), batch.net.adversarial, reduction)


@OUTERS.register("mat-offline")
@formula("(1 − α)·BCE(h₂(x'₂), y) + α·D(h₁(x)‖h₂(x'₂)), h₁ trained before and frozen")
def mat_offline(batch: Batch, alpha: Fraction = 0.6) -> Tensor:
    h2, h1 = batch.net, batch.teacher
    return (1 - alpha) * bce(h2.adversarial, batch.y) + alpha * kl(h1.clean, h2.adversarial)
