"""Losses of networks that learn from labels alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from benchmark.methods.batch import Batch, Mismatch
from benchmark.methods.formulas import formula
from benchmark.methods.losses import bce, ce, divergence, kl, label_probability
from benchmark.methods.outer.base import OUTERS, mean
from benchmark.own.functions import OwnFunction
from benchmark.parameters import Fraction, NotNegative, Positive, one_of

_CLASSIFICATION: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"ce": ce, "bce": bce}
#: Or one's own, FILE.py:NAME, of logits N×K and labels N: one number, or one for each image.
Classification = Annotated[str, one_of(_CLASSIFICATION, own="loss")]


def _classification(loss: str, logits: Tensor, y: Tensor) -> Tensor:
    if not isinstance(loss, OwnFunction):
        return _CLASSIFICATION[loss](logits, y)
    found = loss.function(logits, y)
    if not isinstance(found, Tensor) or found.dim() > 1:
        raise Mismatch(f"the loss {loss.partition('@')[0]} has to return one number, or one for each image")
    return found.mean()


@OUTERS.register("natural")
@formula("CE(h(x), y)")
def natural(batch: Batch, loss: Classification = "ce", temperature: Positive = 1.0) -> Tensor:
    """`loss=bce` trains the natural teacher of MAT's offline scenario, `temperature=100` the teacher of DD."""
    return _classification(loss, batch.net.clean / temperature, batch.y)


@OUTERS.register("at")
@formula("CE(h(x'), y), averaged over the norms if there is an x' for each")
def at(batch: Batch, loss: Classification = "ce") -> Tensor:
    """`loss=bce` trains the robust teacher of MAT's offline scenario."""
    return mean(_classification(loss, z, batch.y) for z in batch.net.adversarials)


@OUTERS.register("trades")
@formula("CE(h(x), y) + β·D(h(x)‖h(x')), both sides of D learn")
def trades(batch: Batch, beta: NotNegative = 6.0) -> Tensor:
    h = batch.net
    return ce(h.clean, batch.y) + beta * kl(h.clean, h.adversarial)


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
    h, y = batch.net, batch.y
    labels = mean(cross_entropy(logits, y, label_smoothing=smoothing) for logits in (h.clean, h.adversarial))
    return labels + weight * (h.clean - h.adversarial).square().mean()


@OUTERS.register("ramp")
@formula("mean max_m CE(f(x'_m), y) + λ·mean D(f(x'_source)‖f(x'_target)) over the sources classified correctly")
def ramp(batch: Batch, lam: NotNegative = 5.0) -> Tensor:
    """λ is 1.5 for fine-tuning. The throw-away copy minimises CE(g(x), y). The code passes the examples of larger CE
    through the network once more; here the maximum is taken over the two passes that are there already.
    """
    (f, scaffold), y = batch.networks(2), batch.y
    source, target = f.in_norms(2, "of a source and a target norm")
    each = partial(cross_entropy, reduction="none")
    worst = torch.maximum(each(source, y), each(target, y)).mean()
    right = (source.argmax(1) == y).to(source.dtype)
    pairing = (right * divergence(source, target)).sum() / right.sum().clamp_min(1)
    return worst + lam * pairing + ce(scaffold.clean, y)
