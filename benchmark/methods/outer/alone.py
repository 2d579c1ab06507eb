"""Losses of networks that learn from labels alone."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

import torch
from torch import Tensor

from benchmark.methods.batch import Batch, Mismatch, pick
from benchmark.methods.formulas import formula
from benchmark.methods.losses import bce, divergence, kl, label_probability
from benchmark.methods.outer.base import OUTERS, mean
from benchmark.own.functions import OwnFunction
from benchmark.parameters import Fraction, NotNegative, Positive, one_of

_LOSSES = ("ce", "bce")
#: Or one's own, FILE.py:NAME, of logits N×K and labels N: one number, or one for each image.
Classification = Annotated[str, one_of(_LOSSES, own="loss")]


def _classification(batch: Batch, loss: str, logits: Tensor) -> Tensor:
    if not isinstance(loss, OwnFunction):
        return batch.ce(logits) if loss == "ce" else bce(logits, batch.y)
    found = loss.function(logits, batch.y)
    if not isinstance(found, Tensor) or found.dim() > 1:
        raise Mismatch(f"the loss {loss.partition('@')[0]} has to return one number, or one for each image")
    return found.mean()


@OUTERS.register("natural")
@formula("CE(h(x), y)")
def natural(batch: Batch, loss: Classification = "ce", temperature: Positive = 1.0) -> Tensor:
    """`loss=bce` trains the natural teacher of MAT's offline scenario, `temperature=100` the teacher of DD."""
    return _classification(batch, loss, batch.net.clean / temperature)


@OUTERS.register("at")
@formula("CE(h(x'), y), averaged over the norms if there is an x' for each")
def at(batch: Batch, loss: Classification = "ce") -> Tensor:
    """`loss=bce` trains the robust teacher of MAT's offline scenario."""
    return mean(_classification(batch, loss, z) for z in batch.net.adversarials)


@OUTERS.register("trades")
@formula("CE(h(x), y) + β·D(h(x)‖h(x')), both sides of D learn")
def trades(batch: Batch, beta: NotNegative = 6.0) -> Tensor:
    h = batch.net
    return batch.ce(h.clean) + beta * kl(h.clean, h.adversarial)


@OUTERS.register("mart")
@formula("BCE(h(x'), y) + λ·mean (1 − p_y(x))·D(h(x)‖h(x'))")
def mart(batch: Batch, lam: NotNegative = 5.0, as_coded: bool = False) -> Tensor:
    """λ is 6 for WRN-34-10. The authors' code adds small constants in BCE's logarithm and the weight (`as_coded`)."""
    h, y = batch.net, batch.y
    weight = 1 + (1e-7 if as_coded else 0.0) - label_probability(h.clean, y)
    return (
        bce(h.adversarial, y, slack=1e-4 if as_coded else 0.0)
        + lam * (weight * divergence(h.clean, h.adversarial)).mean()
    )


@OUTERS.register("alp")
@formula("½[CE(h(x), y) + CE(h(x'), y)] + w·mean (h(x) − h(x'))², over examples and classes")
def alp(batch: Batch, weight: NotNegative = 1.0, smoothing: Fraction = 0.0) -> Tensor:
    """This is the form that CAT trains on small images. The original ImageNet code weighs the pairing by 0.5
    (`weight`), smooths the labels by 0.1 (`smoothing`) and attacks towards the least likely class
    (`--inner least-likely`).
    """
    h = batch.net
    labels = mean(batch.ce(logits, smoothing) for logits in (h.clean, h.adversarial))
    return labels + weight * (h.clean - h.adversarial).square().mean()


@OUTERS.register("ramp")
@formula("mean max_m CE(f(x'_m), y) + λ·mean D(f(x'_source)‖f(x'_target)) over the sources classified correctly")
def ramp(
    batch: Batch, lam: NotNegative = 5.0, robust: Literal["at", "trades"] = "at", beta: NotNegative = 6.0
) -> Tensor:
    """λ is 1.5 for fine-tuning. The throw-away copy minimises CE(g(x), y). The code passes the examples of larger CE
    through the network once more; here the maximum is taken over the two passes that are there already. Its script
    for wide networks puts CE(f(x), y) + β·D(f(x)‖f(x'_max)) in the place of the maximum (`robust=trades`).
    """
    (f, scaffold), y = batch.networks(2), batch.y
    source, target = f.in_norms(2, "of a source and a target norm")
    each = partial(batch.ce, reduction="none")
    if robust == "at":
        worst = torch.maximum(each(source), each(target)).mean()
    else:
        larger = pick([source, target], (each(target) > each(source)).long())
        worst = batch.ce(f.clean) + beta * kl(f.clean, larger)
    right = (source.argmax(1) == y).to(source.dtype)
    pairing = (right * divergence(source, target)).sum() / right.sum().clamp_min(1)
    return worst + lam * pairing + batch.ce(scaffold.clean)
