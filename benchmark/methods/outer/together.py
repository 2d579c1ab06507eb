"""Losses of networks that learn together: the sum over all of them."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from benchmark.methods.batch import Batch, Mismatch, Net, pick
from benchmark.methods.cohort import Side
from benchmark.methods.formulas import formula
from benchmark.methods.losses import bce, kl
from benchmark.methods.outer.alone import alp, at, trades
from benchmark.methods.outer.base import OUTERS, mean, total
from benchmark.parameters import Fraction, NotNegative, Positive


@OUTERS.register("act")
@formula("(1 − α)·CE(g(x), y) + α·τ²·D(f^τ(x')‖g^τ(x)) + (1 − α)·CE(f(x'), y) + α·τ²·D(g^τ(x)‖f^τ(x'))")
def act(
    batch: Batch, alpha_natural: Fraction = 0.9, alpha_robust: Fraction = 0.9, temperature: Positive = 4.0
) -> Tensor:
    """g is the natural network, f the robust one, each with its own α. The teaching side of a D is held constant."""
    (g, f), tau = batch.networks(2), temperature
    of_g = (1 - alpha_natural) * batch.ce(g.clean)
    of_g = of_g + alpha_natural * tau**2 * kl(f.adversarial.detach() / tau, g.clean / tau)
    of_f = (1 - alpha_robust) * batch.ce(f.adversarial)
    of_f = of_f + alpha_robust * tau**2 * kl(g.clean.detach() / tau, f.adversarial / tau)
    return of_g + of_f


@OUTERS.register("cat")
@formula("α·(L₁ + L₂) + (1 − α)·[D(h₂(x'₁)‖h₁(x'₁)) + D(h₁(x'₂)‖h₂(x'₂))], L_n the loss of a defence of its own")
def cat(
    batch: Batch,
    pair: tuple[Side, Side] = ("trades", "alp"),
    alpha: Fraction = 1 / 20,
    beta: NotNegative = 6.0,
    weight: NotNegative = 1.0,
) -> Tensor:
    """The teaching side of either D is held constant."""
    own: dict[str, Callable[[Batch], Tensor]] = {
        "at": at,
        "trades": lambda step: trades(step, beta),
        "alp": lambda step: alp(step, weight),
    }
    h1, h2 = batch.networks(2)
    losses = own[pair[0]](batch.of(h1)) + own[pair[1]](batch.of(h2))
    coupling = kl(h2.on(h1).detach(), h1.adversarial) + kl(h1.on(h2).detach(), h2.adversarial)
    return alpha * losses + (1 - alpha) * coupling


@OUTERS.register("mat")
@formula("(1 − α)·Σ_n BCE(h_n(x'_n), y) + α/(N − 1)·Σ_n Σ_{m≠n} D(h_m(x)‖h_n(x'_n))")
def mat(batch: Batch, alpha: Fraction = 0.6, detach_teacher: bool = False) -> Tensor:
    """α is 0.45 on CIFAR-100. The paper differentiates the whole loss, the teaching side of D included;
    mutual learning usually holds it constant (`detach_teacher`).
    """
    first, others = batch.peers()
    nets = [first, *others]
    own = total(bce(h.adversarial, batch.y) for h in nets)
    taught = total(kl(_taught(m, detach_teacher), n.adversarial) for n in nets for m in nets if m is not n)
    return (1 - alpha) * own + alpha / (len(nets) - 1) * taught


@OUTERS.register("mat-nat-rob")
@formula("(1 − α)·[BCE(h₁(x), y) + BCE(h₂(x'₂), y)] + α·[D(h₂(x)‖h₁(x)) + D(h₁(x)‖h₂(x'₂))], h₁ natural")
def mat_nat_rob(batch: Batch, alpha: Fraction = 0.6, detach_teacher: bool = False) -> Tensor:
    h1, h2 = batch.networks(2)
    own = bce(h1.clean, batch.y) + bce(h2.adversarial, batch.y)
    taught = kl(_taught(h2, detach_teacher), h1.clean) + kl(_taught(h1, detach_teacher), h2.adversarial)
    return (1 - alpha) * own + alpha * taught


@OUTERS.register("mat-avg")
@formula("1/M·Σ_m [(1 − α)·BCE(h₀(x'_0m), y) + α·D(h_m(x)‖h₀(x'_0m))] + the specialists' losses")
def mat_avg(batch: Batch, alpha: Fraction = 0.6, detach_teacher: bool = False) -> Tensor:
    """A specialist's loss is (1 − α)·BCE(h_m(x'_m), y) + α/M·Σ_{n≠m} D(h_n(x)‖h_m(x'_m)), n running from 0 to M."""
    h0, others = batch.peers()
    pairs = zip(others, h0.in_norms(len(others), "one for each specialist"), strict=True)
    generalist = mean(_learn(z, _taught(m, detach_teacher), batch.y, alpha) for m, z in pairs)
    return generalist + specialists(batch, alpha, detach_teacher)


@OUTERS.register("mat-max")
@formula("(1 − α)·BCE(h₀(x'_0k), y) + α·D(h_k(x)‖h₀(x'_0k)) + the specialists' losses")
def mat_max(batch: Batch, alpha: Fraction = 0.6, detach_teacher: bool = False) -> Tensor:
    """A specialist's loss is (1 − α)·BCE(h_m(x'_m), y) + α/M·Σ_{n≠m} D(h_n(x)‖h_m(x'_m)), n running from 0 to M.
    k, the attack that won, is chosen per example, and so is the specialist that teaches it.
    """
    h0, others = batch.peers()
    if h0.own.winner is None:
        hint = "choose that: --set strategy=max"
        raise Mismatch("it asks which norm won, and the strategy of the inner maximisation is not max", hint=hint)
    if h0.own.among != len(others):
        hint = "give the generalist's attack the specialists' norms, e.g. --set norms=linf,l2,l1"
        raise Mismatch(f"it asks for a specialist per norm, {h0.own.among}, and there are {len(others)}", hint=hint)
    teacher = pick([_taught(m, detach_teacher) for m in others], h0.own.winner)
    return _learn(h0.adversarial, teacher, batch.y, alpha) + specialists(batch, alpha, detach_teacher)


@OUTERS.register("mat-msd")
@formula("1/M·Σ_m [(1 − α)·BCE(h₀(x'_msd), y) + α·D(h_m(x)‖h₀(x'_msd))] + the specialists' losses")
def mat_msd(batch: Batch, alpha: Fraction = 0.6, detach_teacher: bool = False) -> Tensor:
    """A specialist's loss is (1 − α)·BCE(h_m(x'_m), y) + α/M·Σ_{n≠m} D(h_n(x)‖h_m(x'_m)), n running from 0 to M."""
    h0, others = batch.peers()
    generalist = mean(_learn(h0.adversarial, _taught(m, detach_teacher), batch.y, alpha) for m in others)
    return generalist + specialists(batch, alpha, detach_teacher)


def specialists(batch: Batch, alpha: float, detach_teacher: bool) -> Tensor:
    """Σ_m [(1 − α)·BCE(h_m(x'_m), y) + α/M·Σ_{n≠m} D(h_n(x)‖h_m(x'_m))], the generalist being one of the h_n."""
    _, others = batch.peers()
    own = total(bce(m.adversarial, batch.y) for m in others)
    taught = total(kl(_taught(n, detach_teacher), m.adversarial) for m in others for n in batch.nets if n is not m)
    return (1 - alpha) * own + alpha / len(others) * taught


def _learn(student: Tensor, teacher: Tensor, y: Tensor, alpha: float) -> Tensor:
    return (1 - alpha) * bce(student, y) + alpha * kl(teacher, student)


def _taught(teacher: Net, detach: bool) -> Tensor:
    return teacher.clean.detach() if detach else teacher.clean
