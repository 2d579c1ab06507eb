"""Logits of a network that ends in a softmax or a sigmoid: where it is sure, the gradient behind these vanishes.

Both keep the order of the classes, so that the network up to them has the same decision boundary. Attacks search on
its logits; whether an image is broken is asked of the whole network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from benchmark.arithmetic import full_precision
from benchmark.errors import FOREIGN, UnfitNetwork, short
from benchmark.generators import OwnGenerators
from benchmark.models.copying import copied

#: What a known last layer does to logits, and the module that does it.
LAYERS: dict[str, tuple[Callable[[Tensor], Tensor], type[nn.Module]]] = {
    "softmax": (partial(torch.softmax, dim=1), nn.Softmax),
    "sigmoid": (torch.sigmoid, nn.Sigmoid),
}

#: Functions and methods that do the same.
_CALLS: dict[object, str] = {
    **dict.fromkeys((torch.softmax, functional.softmax, "softmax"), "softmax"),
    **dict.fromkeys((torch.sigmoid, functional.sigmoid, torch.special.expit, "sigmoid"), "sigmoid"),
}

#: How far the layer on the logits may be from what the network returns: it is the same computation.
ROUNDING = 1e-5

#: At most so many layers of a network are tried, from the end.
TRIED = 8

#: In place of an infinite logit whose probability is finite.
HUGE = 1e6


def last_layer(network: nn.Module, x: Tensor) -> str:
    """Which known layer `network` ends in: "softmax", "sigmoid", or "" for none.

    Args:
        network: images N×C×H×W in [0, 1] → N×K; it is not changed.
        x: a few images on its device.
    """
    own = OwnGenerators(device=x.device)
    with suppress(Exception), torch.no_grad(), full_precision(), own:  # what is wrong with it, others say
        return _found(copied(network), x)[0]
    return ""


@torch.no_grad()
def without_last_layer(network: nn.Module, x: Tensor, layer: str) -> nn.Module:
    """`network`, which is changed, up to its `last_layer`, which is `layer`: images → N×K logits.

    Raises:
        UnfitNetwork: it does not end in that layer.
    """
    found, rest = _found(network, x)
    if found != layer:
        raise UnfitNetwork(f"the network is said to end in a layer {short(layer)}, which it does not")
    return rest


def decided(logits: Tensor, layer: str) -> Tensor:
    """Logits (N×K) whose largest is at the class that the whole network in float32 decides for.

    Where probabilities saturate, several are 1 and the first of them is the answer, whatever their logits are. The
    answer's logit is then raised above the others, by more than what searches take for rounding; gradients stay.
    """
    values = logits.detach()
    outputs = LAYERS[layer][0](values)
    infinite = torch.isinf(values) & torch.isfinite(outputs).all(1, keepdim=True)
    if bool(infinite.any()):  # they stand for a probability of 0 or 1
        logits = torch.where(infinite, values.clamp(-HUGE, HUGE), logits)
        values = logits.detach()
    answer = outputs.argmax(1, keepdim=True)
    short = values.amax(1, keepdim=True) - values.gather(1, answer)
    lift = torch.where(short > 0, short + 1e-4 * values.abs().amax(1, keepdim=True), 0)
    return logits + torch.zeros_like(values).scatter(1, answer, lift)


def _found(network: nn.Module, x: Tensor) -> tuple[str, nn.Module]:
    """The layer that can be left out so that, done to what the rest returns, it gives what the whole does."""
    asked = network(x.clone())
    if not (bool((asked >= 0).all()) and bool((asked <= 1).all())):
        return "", network
    for layer, rest in _shorter(network):
        try:
            logits = rest(x.clone())
            if float((LAYERS[layer][0](logits) - asked).abs().max()) <= ROUNDING:
                return layer, rest
        except FOREIGN:  # a layer inside a foreign network, whose absence anything may follow from
            continue
    return "", network


def _shorter(network: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """`network` without one layer of a known kind at a time, the last first; between, it is whole again."""
    kinds = {kind: layer for layer, (_, kind) in LAYERS.items()}
    found = [path for path, module in network.named_modules(remove_duplicate=False) if type(module) in kinds]
    for path in found[: -TRIED - 1 : -1]:
        parent, _, name = path.rpartition(".")
        holder, module = network.get_submodule(parent), network.get_submodule(path)
        setattr(holder, name, nn.Identity())
        yield kinds[type(module)], network
        setattr(holder, name, module)
    yield from _without_call(network)


def _without_call(network: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """`network` without the last call of a function that does the same, where its code can be traced."""
    try:
        traced = fx.symbolic_trace(network)
    except FOREIGN:  # whatever a foreign network's code makes the tracer raise
        return
    for node in reversed(traced.graph.nodes):
        if node.op in ("call_function", "call_method") and node.target in _CALLS:
            logits = node.args[0] if node.args else node.kwargs["input"]
            node.replace_all_uses_with(logits)
            traced.graph.erase_node(node)
            traced.recompile()
            yield _CALLS[node.target], traced
            return
