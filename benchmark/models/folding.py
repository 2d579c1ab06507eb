"""The same network for passes that leave it as it is: batch norms folded away, large weights in bfloat16 already.

The search of an evaluation uses it on a network that stays as it is, training on one that changes between two steps:
see `benchmark.attacks.prepared` and `benchmark.training.snapshot`. What is measured on test images never passes
through it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn

from benchmark.errors import FOREIGN
from benchmark.models.copying import copied

if TYPE_CHECKING:
    from torch import fx

#: Largest difference between the logits of a network and of its folded form in float32, relative to one more than the
#: largest logit; what rounding makes stays far below.
ROUNDING = 1e-2

#: How far the folded form's gradients may lie from the network's, relative to their length.
APART = 0.5

#: Layers whose weights are cast; autocast casts those of no other.
CAST = (nn.Conv2d, nn.Linear)


class Unfoldable(ValueError):
    """The network has no folded form that is known to be the same function."""


class Pair(NamedTuple):
    """A batch norm that is folded, by the names of the modules.

    Attributes:
        layer: of the convolution or linear layer that it becomes part of.
        norm: its own.
        eps: what it adds to the variance.
    """

    layer: str
    norm: str
    eps: float


def has_batch_norm(network: nn.Module) -> bool:
    """Whether there is anything to fold."""
    return any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in network.modules())


@torch.no_grad()
def fold(network: nn.Module, probe: Tensor | None = None) -> nn.Module:
    """A copy of `network` with every batch norm that follows a layer folded into it; itself where there is none.

    Args:
        network: in eval mode.
        probe: a few images on its device.

    Raises:
        Unfoldable: its code can't be followed. Tracing loses hooks and `torch.no_grad()`, and folds a layer that is
            used twice twice: where the `probe` tells the two apart, they are not the same either.
    """
    from torch.fx.experimental.optimization import fuse

    if not has_batch_norm(network):
        return network
    try:
        folded = fuse(network)
        alike = probe is None or (answers_alike(folded, network, probe) and leads_alike(folded, network, probe))
    except FOREIGN as error:  # whatever a foreign network's code makes the tracer raise
        raise Unfoldable(f"{type(network).__name__} can't be traced") from error
    if not alike:
        raise Unfoldable(f"{type(network).__name__} is another function once it is folded")
    return folded


@torch.no_grad()
def fold_away(network: nn.Module) -> tuple[list[Pair], nn.Module]:
    """What `fold` makes one, found by torch's own rule, and the folded network: itself where there is none.

    Args:
        network: in eval mode, of which nothing else is wanted: its layers become those of the folded one.

    Raises:
        Unfoldable: the code of `network` can't be followed, or a layer has a part in two pairs or is used twice.
    """
    from torch import fx
    from torch.fx.experimental.optimization import fuse

    if not has_batch_norm(network):
        return [], network
    try:
        traced = fx.symbolic_trace(network)
    except FOREIGN as error:  # as above
        raise Unfoldable(f"{type(network).__name__} can't be traced") from error
    found = list(_pairs(traced, type(network).__name__))
    try:
        return found, fuse(traced, inplace=True, no_trace=True)
    except FOREIGN as error:
        raise Unfoldable(f"{type(network).__name__} can't be folded") from error


def _pairs(traced: fx.GraphModule, name: str) -> Iterator[Pair]:
    from torch.fx.experimental.optimization import matches_module_pattern

    patterns = [
        (nn.Conv1d, nn.BatchNorm1d),
        (nn.Conv2d, nn.BatchNorm2d),
        (nn.Conv3d, nn.BatchNorm3d),
        (nn.Linear, nn.BatchNorm1d),
    ]
    layers = dict(traced.named_modules())
    called = [node.target for node in traced.graph.nodes if node.op == "call_module"]
    for node in traced.graph.nodes:
        if not any(matches_module_pattern(pattern, node, layers) for pattern in patterns):
            continue
        before, norm = node.args[0], layers[node.target]
        if len(before.users) > 1 or not norm.track_running_stats:
            continue
        if called.count(before.target) > 1 or called.count(node.target) > 1:
            raise Unfoldable(f"{name} uses a layer before a batch norm more than once")
        yield Pair(before.target, node.target, norm.eps)


def folded_weights(source: Mapping[str, Tensor], pair: Pair, linear: bool) -> tuple[Tensor, Tensor]:
    """Weight and bias of the layer that a pair becomes.

    Args:
        source: parameters and buffers of the network by name.
        pair: which ones.
        linear: whether its layer is linear and no convolution.
    """
    from torch.nn.utils.fusion import fuse_conv_bn_weights, fuse_linear_bn_weights

    layer, norm, eps = pair
    moments = source[f"{norm}.running_mean"], source[f"{norm}.running_var"], eps
    scaled = source.get(f"{norm}.weight"), source.get(f"{norm}.bias")
    together = fuse_linear_bn_weights if linear else fuse_conv_bn_weights
    return together(source[f"{layer}.weight"], source.get(f"{layer}.bias"), *moments, *scaled)  # type: ignore[arg-type]


@torch.no_grad()
def cast_weights(network: nn.Module, probe: Tensor | None = None) -> nn.Module:
    """A copy for passes under autocast, whose large weights are in bfloat16 already and not cast at each pass.

    Args:
        network: in float32.
        probe: a few images on its device; a network that leaves autocast somewhere fails on them, and is itself
            what is returned.
    """
    cast = copied(network)
    for layer in cast.modules():
        if type(layer) in CAST:
            layer.to(torch.bfloat16)
    if probe is not None:
        try:
            with torch.autocast(probe.device.type, torch.bfloat16):
                cast(probe.clone())
        except FOREIGN:  # a foreign network may raise anything
            return network
    return cast


@torch.no_grad()
def answers_alike(network: nn.Module, other: nn.Module, probe: Tensor) -> bool:
    """Whether `network` gives the images `probe` the logits of `other`, up to rounding; not where one is NaN."""
    asked = other(probe.clone())  # cloned, as there are networks that write into their input
    allowed = ROUNDING * (1 + float(asked.abs().max()))
    return float((network(probe.clone()) - asked).abs().max()) <= allowed


def leads_alike(network: nn.Module, other: nn.Module, probe: Tensor) -> bool:
    """Whether `network` leads attacks on the images `probe` about as `other` does, if that leads them anywhere.

    Once code is traced, nothing is left of its `torch.no_grad()`: what was to count as a constant is followed, and
    the gradient that a straight-through estimate passes on so is cancelled. Rounding may turn a gradient a little, at
    kinks and where maxima are shared, but not by half.
    """
    asked = _gradient(other, probe)
    if asked is None or not bool(torch.isfinite(asked).all()) or not bool((asked != 0).any()):
        return True
    found = _gradient(network, probe)
    return found is not None and float((found - asked).norm()) <= APART * float(asked.norm())


def _gradient(network: nn.Module, probe: Tensor) -> Tensor | None:
    """Of a sum of its logits, each with a weight of its own, by the images; None where there is none."""
    x = probe.detach().clone().requires_grad_()
    try:
        with torch.enable_grad():
            logits = network(x.clone()).float()
            weights = torch.linspace(-1, 1, logits.shape[-1], device=logits.device)
            return torch.autograd.grad((logits * weights).sum(), x)[0]
    except FOREIGN:  # it can't be followed back, or refuses to be
        return None
