"""Outer minimisations: the loss of each method, written like its formula.

h(x) is `h.clean`, h(x') on its own adversarial example is `h.adversarial`, h's logits on the example of another
network is `h.on(other)`; D(a‖b) is `kl(a, b)`, the target first. Hyper-parameters are keyword arguments with
the papers' values. The first line of a docstring is the formula; what follows says where the authors' code differs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from benchmark.registry import Registry
from benchmark.training.batch import Batch, Mismatch, Net, pick
from benchmark.training.cohort import Side
from benchmark.training.losses import (
    Reduction,
    angle,
    bce,
    ce,
    divergence,
    huber,
    kl,
    label_probability,
    soft_ce,
)
from benchmark.training.parameters import Fraction, NotNegative, Positive

Outer = Callable[..., Tensor]
OUTERS: Registry[Outer] = Registry("outer loss")

Classification = Literal["ce", "bce"]
_CLASSIFICATION: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"ce": ce, "bce": bce}


@OUTERS.register("natural")
def natural(batch: Batch, loss: Classification = "ce", temperature: Positive = 1.0) -> Tensor:
    """CE(h(x), y).

    `loss=bce` trains the natural teacher of MAT's offline scenario, `temperature=100` the teacher of DD.
    """
    return _CLASSIFICATION[loss](batch.net.clean / temperature, batch.y)


@OUTERS.register("at")
def at(batch: Batch, loss: Classification = "ce") -> Tensor:
    """CE(h(x'), y), averaged over the norms if there is an x' for each.

    `loss=bce` trains the robust teacher of MAT's offline scenario.
    """
    return mean(_CLASSIFICATION[loss](z, batch.y) for z in batch.net.adversarials)


@OUTERS.register("trades")
def trades(batch: Batch, beta: NotNegative = 6.0) -> Tensor:
    """CE(h(x), y) + β·D(h(x)‖h(x')), both sides of D learn."""
    h = batch.net
    return ce(h.clean, batch.y) + beta * kl(h.clean, h.adversarial)


@OUTERS.register("mart")
def mart(batch: Batch, lam: NotNegative = 5.0, as_coded: bool = False) -> Tensor:
    """BCE(h(x'), y) + λ·mean (1 − p_y(x))·D(h(x)‖h(x')).

    λ is 6 for WRN-34-10. The authors' code adds small constants inside BCE's logarithm and the weight (`as_coded`).
    """
    h, y = batch.net, batch.y
    weight = 1 + (1e-7 if as_coded else 0.0) - label_probability(h.clean, y)
    return (
        bce(h.adversarial, y, slack=1e-4 if as_coded else 0.0)
        + lam * (weight * divergence(h.clean, h.adversarial)).mean()
    )


@OUTERS.register("alp")
def alp(batch: Batch, weight: NotNegative = 1.0) -> Tensor:
    """½[CE(h(x), y) + CE(h(x'), y)] + w·mean (h(x) − h(x'))², over examples and classes.

    w is 0.5 in the documented command of the original ImageNet code, which also smooths the labels by 0.1.
    """
    h, y = batch.net, batch.y
    return mean([ce(h.clean, y), ce(h.adversarial, y)]) + weight * (h.clean - h.adversarial).square().mean()


@OUTERS.register("dd")
def dd(batch: Batch, temperature: Positive = 100.0) -> Tensor:
    """−Σ_k T^τ_k(x)·log h^τ_k(x); evaluated at τ = 1.

    The teacher has to be trained at the same temperature: `natural` with `temperature=100`.
    """
    return soft_ce(batch.teacher.clean / temperature, batch.net.clean / temperature)


@OUTERS.register("ard")
def ard(
    batch: Batch,
    alpha: Fraction = 1.0,
    temperature: Positive = 30.0,
    tempered: bool = False,
    reduction: Reduction = "batchmean",
) -> Tensor:
    """(1 − α)·CE(S(x), y) + α·τ²·D(T^τ(x)‖S^τ(x')).

    MMARD's table tempers the cross-entropy too (`tempered`); the authors' code reduces D by torch's `mean`, 1/K of
    this (`reduction=mean`), and crafts in train mode (`bn=train`).
    """
    s, t, tau = batch.net, batch.teacher, temperature
    label = ce(s.clean / tau if tempered else s.clean, batch.y) if alpha < 1 else 0.0
    return (1 - alpha) * label + alpha * tau**2 * kl(t.clean / tau, s.adversarial / tau, reduction)


@OUTERS.register("act")
def act(
    batch: Batch, alpha_natural: Fraction = 0.9, alpha_robust: Fraction = 0.9, temperature: Positive = 4.0
) -> Tensor:
    """(1 − α)·CE(g(x), y) + α·τ²·D(f^τ(x')‖g^τ(x)) + (1 − α)·CE(f(x'), y) + α·τ²·D(g^τ(x)‖f^τ(x')).

    g is the natural network, f the robust one, each with its own α. The teaching side of either D is held constant.
    """
    (g, f), tau, y = batch.nets, temperature, batch.y
    of_g = (1 - alpha_natural) * ce(g.clean, y)
    of_g = of_g + alpha_natural * tau**2 * kl(f.adversarial.detach() / tau, g.clean / tau)
    of_f = (1 - alpha_robust) * ce(f.adversarial, y)
    of_f = of_f + alpha_robust * tau**2 * kl(g.clean.detach() / tau, f.adversarial / tau)
    return of_g + of_f


@OUTERS.register("iad")
def iad(
    batch: Batch,
    alpha: Fraction = 1.0,
    beta: NotNegative = 0.1,
    temperature: Positive = 1.0,
    warmup: Fraction = 0.3,
    weighted: bool = True,
) -> Tensor:
    """(1 − α)·CE(S(x), y) + α·τ²·mean [a·D(T^τ(x)‖S^τ(x')) + (1 − a)·D(S^τ(x)‖S^τ(x'))], a = T_y(x')^β.

    For the first `warmup` of training (60 of 200 epochs in the code) only the teacher teaches. The code of IAD-I
    leaves the teacher's term without its weight a (`weighted=false`) and crafts in train mode (`bn=train`).
    """
    s, t, tau = batch.net, batch.teacher, temperature
    trust = label_probability(t.on(s), batch.y).pow(beta)
    warm = batch.progress < warmup
    taught = divergence(t.clean / tau, s.adversarial / tau)
    if not warm:
        introspection = (1 - trust) * divergence(s.clean / tau, s.adversarial / tau)
        taught = (trust if weighted else 1) * taught + introspection
    label = ce(s.clean, batch.y) if alpha < 1 else 0.0
    return (1 - alpha) * label + alpha * tau**2 * taught.mean()


@OUTERS.register("iad-2")
def iad_2(
    batch: Batch,
    alpha_1: Fraction = 0.5,
    alpha_2: Fraction = 0.25,
    beta: NotNegative = 0.1,
    temperature: Positive = 1.0,
    warmup: Fraction = 0.2,
) -> Tensor:
    """(1 − α₁ − α₂)·CE(S(x'), y) + α₁·τ²·mean [a·D(T(x')‖S(x')) + (1 − a)·D(S(x)‖S(x'))] + α₂·τ²·D(N(x')‖S(x')).

    T is the robust teacher, N the natural one, a = T_y(x')^β; a = 1 for the first `warmup` of training.
    """
    s, (plain, robust), tau = batch.net, batch.teachers, temperature
    own = s.adversarial / tau
    taught = divergence(robust.on(s) / tau, own)
    if batch.progress >= warmup:
        trust = label_probability(robust.on(s), batch.y).pow(beta)
        taught = trust * taught + (1 - trust) * divergence(s.clean / tau, own)
    label = (1 - alpha_1 - alpha_2) * ce(s.adversarial, batch.y)
    return label + alpha_1 * tau**2 * taught.mean() + alpha_2 * tau**2 * kl(plain.on(s) / tau, own)


@OUTERS.register("rslad")
def rslad(batch: Batch, alpha: Fraction = 5 / 6, reduction: Reduction = "batchmean") -> Tensor:
    """α·D(T(x)‖S(x')) + (1 − α)·D(T(x)‖S(x)).

    The authors' code reduces by torch's `mean`, 1/K of this (`reduction=mean`).
    """
    s, t = batch.net, batch.teacher
    return alpha * kl(t.clean, s.adversarial, reduction) + (1 - alpha) * kl(t.clean, s.clean, reduction)


@OUTERS.register("mtard")
def mtard(
    batch: Batch, rate: NotNegative = 0.025, power: Positive = 1.0, reduction: Reduction = "batchmean"
) -> Tensor:
    """w·D(N(x)‖S(x)) + (1 − w)·D(T(x')‖S(x')), N natural, T robust.

    w starts at ½ and follows the term that has shrunk less since the first batch: with ℓ̂ a term relative to its
    first value, w ← w − r·(w − ℓ̂_nat^b/(ℓ̂_nat^b + ℓ̂_adv^b)). MMARD tabulates a constant weight (`rate=0`); the
    authors' code reduces by torch's `mean`, 1/K of this (`reduction=mean`).
    """
    s, (plain, robust) = batch.net, batch.teachers
    terms = torch.stack([kl(plain.clean, s.clean, reduction), kl(robust.on(s), s.adversarial, reduction)])
    weight = _balance(batch.memory, terms.detach(), rate, power)
    return weight * terms[0] + (1 - weight) * terms[1]


def _balance(memory: dict[str, Tensor], terms: Tensor, rate: float, power: float) -> Tensor:
    first = memory.setdefault("first_terms", terms.clone())
    relative = (terms / first.clamp_min(1e-12)).pow(power)
    weight = memory.get("weight", torch.full_like(terms[0], 0.5))
    memory["weight"] = weight - rate * (weight - relative[0] / relative.sum().clamp_min(1e-12))
    return memory["weight"]


@OUTERS.register("mmard")
def mmard(
    batch: Batch,
    alpha: NotNegative = 1.0,
    delta: Positive = 1.0,
    average: bool = False,
    reduction: Reduction = "batchmean",
) -> Tensor:
    """D(T(x')‖S(x')) + α·Σ Huber_δ(ψ_T − ψ_S), ψ the angle at the label between the predictions for x and x'.

    δ is not stated in the paper. Its sum over examples can be made a mean (`average`), its D the 1/K of
    RSLAD's code that it follows (`reduction=mean`).
    """
    s, t, y = batch.net, batch.teacher, batch.y
    gap = angle(t.clean, t.on(s), y) - angle(s.clean, s.adversarial, y)
    relation = huber(gap, delta)
    return kl(t.on(s), s.adversarial, reduction) + alpha * (relation.mean() if average else relation.sum())


@OUTERS.register("kl")
def distil(batch: Batch, reduction: Reduction = "batchmean") -> Tensor:
    """D(T(x')‖S(x')): MMARD without its relational term."""
    return kl(batch.teacher.on(batch.net), batch.net.adversarial, reduction)


@OUTERS.register("cat")
def cat(
    batch: Batch,
    pair: tuple[Side, Side] = ("trades", "alp"),
    alpha: Fraction = 1 / 20,
    beta: NotNegative = 6.0,
    weight: NotNegative = 1.0,
) -> Tensor:
    """α·(L₁ + L₂) + (1 − α)·[D(h₂(x'₁)‖h₁(x'₁)) + D(h₁(x'₂)‖h₂(x'₂))], L_n the loss of a defence of its own.

    The teaching side of either D is held constant.
    """
    own: dict[str, Callable[[Batch], Tensor]] = {
        "at": at,
        "trades": lambda step: trades(step, beta),
        "alp": lambda step: alp(step, weight),
    }
    h1, h2 = batch.nets
    losses = own[pair[0]](batch.of(h1)) + own[pair[1]](batch.of(h2))
    coupling = kl(h2.on(h1).detach(), h1.adversarial) + kl(h1.on(h2).detach(), h2.adversarial)
    return alpha * losses + (1 - alpha) * coupling


@OUTERS.register("mat")
def mat(batch: Batch, alpha: Fraction = 0.6, detach_teacher: bool = False) -> Tensor:
    """(1 − α)·Σ_n BCE(h_n(x'_n), y) + α/(N − 1)·Σ_n Σ_{m≠n} D(h_m(x)‖h_n(x'_n)).

    α is 0.45 on CIFAR-100. The paper differentiates the whole loss, the teaching side of D included;
    mutual learning usually holds it constant (`detach_teacher`).
    """
    nets = batch.nets
    own = total(bce(h.adversarial, batch.y) for h in nets)
    taught = total(kl(_taught(m, detach_teacher), n.adversarial) for n in nets for m in nets if m is not n)
    return (1 - alpha) * own + alpha / (len(nets) - 1) * taught


@OUTERS.register("mat-offline")
def mat_offline(batch: Batch, alpha: Fraction = 0.6) -> Tensor:
    """(1 − α)·BCE(h₂(x'₂), y) + α·D(h₁(x)‖h₂(x'₂)), h₁ trained before and frozen."""
    h2, h1 = batch.net, batch.teacher
    return (1 - alpha) * bce(h2.adversarial, batch.y) + alpha * kl(h1.clean, h2.adversarial)


@OUTERS.register("mat-nat-rob")
def mat_nat_rob(batch: Batch, alpha: Fraction = 0.6, detach_teacher: bool = False) -> Tensor:
    """(1 − α)·[BCE(h₁(x), y) + BCE(h₂(x'₂), y)] + α·[D(h₂(x)‖h₁(x)) + D(h₁(x)‖h₂(x'₂))], h₁ natural."""
    h1, h2 = batch.nets
    own = bce(h1.clean, batch.y) + bce(h2.adversarial, batch.y)
    taught = kl(_taught(h2, detach_teacher), h1.clean) + kl(_taught(h1, detach_teacher), h2.adversarial)
    return (1 - alpha) * own + alpha * taught


@OUTERS.register("mat-avg")
def mat_avg(batch: Batch, alpha: Fraction = 0.6, detach_teacher: bool = False) -> Tensor:
    """1/M·Σ_m [(1 − α)·BCE(h₀(x'_0m), y) + α·D(h_m(x)‖h₀(x'_0m))] + the specialists' losses (`specialists`)."""
    h0, *others = batch.nets
    pairs = zip(others, h0.adversarials, strict=True)
    generalist = mean(_learn(z, _taught(m, detach_teacher), batch.y, alpha) for m, z in pairs)
    return generalist + specialists(batch, alpha, detach_teacher)


@OUTERS.register("mat-max")
def mat_max(batch: Batch, alpha: Fraction = 0.6, detach_teacher: bool = False) -> Tensor:
    """(1 − α)·BCE(h₀(x'_0k), y) + α·D(h_k(x)‖h₀(x'_0k)) + the specialists' losses (`specialists`).

    k, the attack that won, is chosen per example, and so is the specialist that teaches it.
    """
    h0, *others = batch.nets
    if h0.own.winner is None:
        raise Mismatch("it asks which norm won, and the strategy of the inner maximisation is not max")
    teacher = pick([_taught(m, detach_teacher) for m in others], h0.own.winner)
    return _learn(h0.adversarial, teacher, batch.y, alpha) + specialists(batch, alpha, detach_teacher)


@OUTERS.register("mat-msd")
def mat_msd(batch: Batch, alpha: Fraction = 0.6, detach_teacher: bool = False) -> Tensor:
    """1/M·Σ_m [(1 − α)·BCE(h₀(x'_msd), y) + α·D(h_m(x)‖h₀(x'_msd))] + the specialists' losses (`specialists`)."""
    h0, *others = batch.nets
    generalist = mean(_learn(h0.adversarial, _taught(m, detach_teacher), batch.y, alpha) for m in others)
    return generalist + specialists(batch, alpha, detach_teacher)


def specialists(batch: Batch, alpha: float, detach_teacher: bool) -> Tensor:
    """Σ_m [(1 − α)·BCE(h_m(x'_m), y) + α/M·Σ_{n≠m} D(h_n(x)‖h_m(x'_m))], the generalist being one of the h_n."""
    others = batch.nets[1:]
    own = total(bce(m.adversarial, batch.y) for m in others)
    taught = total(kl(_taught(n, detach_teacher), m.adversarial) for m in others for n in batch.nets if n is not m)
    return (1 - alpha) * own + alpha / len(others) * taught


@OUTERS.register("ramp")
def ramp(batch: Batch, lam: NotNegative = 5.0) -> Tensor:
    """mean max_m CE(f(x'_m), y) + λ·mean D(f(x'_source)‖f(x'_target)) over the sources classified correctly.

    λ is 1.5 for fine-tuning. The throw-away copy minimises CE(g(x), y). The code passes the examples of larger CE
    through the network once more; here the maximum is taken over the two passes that are there already.
    """
    (f, scaffold), y = batch.nets, batch.y
    source, target = f.adversarials
    worst = torch.maximum(_each_ce(source, y), _each_ce(target, y)).mean()
    right = (source.argmax(1) == y).to(source.dtype)
    pairing = (right * divergence(source, target)).sum() / right.sum().clamp_min(1)
    return worst + lam * pairing + ce(scaffold.clean, y)


def total(terms: object) -> Tensor:
    """Σ."""
    return torch.stack(list(terms)).sum()  # type: ignore[call-overload]


def mean(terms: object) -> Tensor:
    """1/M·Σ."""
    return torch.stack(list(terms)).mean()  # type: ignore[call-overload]


def _learn(student: Tensor, teacher: Tensor, y: Tensor, alpha: float) -> Tensor:
    return (1 - alpha) * bce(student, y) + alpha * kl(teacher, student)


def _taught(teacher: Net, detach: bool) -> Tensor:
    return teacher.clean.detach() if detach else teacher.clean


def _each_ce(logits: Tensor, y: Tensor) -> Tensor:
    return -(logits.log_softmax(1) * one_hot(y, logits.shape[1])).sum(1)
