"""A network under attack as it is at this step: folded and cast once, passed through at every step of the ascent."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, fx, nn
from torch.fx.experimental.optimization import fuse
from torch.nn.utils.fusion import fuse_conv_bn_weights

from benchmark.attacks import freeze
from benchmark.training.parallel import own_batch_norm

#: Largest difference between the logits of a network and of its snapshot in float32, absolutely and relatively.
ROUNDING = 1e-2


class FoldedNetwork:
    """The network that `module` is in eval mode with constant parameters, as fast as it can be.

    While examples are crafted nothing about the network changes, so each batch norm is folded into the convolution
    before it and large weights are cast to bfloat16 once, instead of at each of some ten passes and their gradients.

    Args:
        module: the network that is trained; it is copied.
        low: whether passes run under bfloat16 autocast.

    Raises:
        ValueError: the module's code can't be followed.
    """

    def __init__(self, module: nn.Module, low: bool) -> None:
        self._module = module
        alone = freeze(own_batch_norm(copy.deepcopy(module)).eval())
        try:
            self._folded = list(_folded(alone))
            self.network: nn.Module = fuse(alone)
        except Exception as error:  # whatever the tracer meets in a foreign architecture
            raise ValueError(f"{type(module).__name__} can't be traced") from error
        self.network.to(memory_format=torch.channels_last)
        for layer in self.network.modules():
            if low and type(layer) in (nn.Conv2d, nn.Linear):
                layer.to(torch.bfloat16)

    @torch.no_grad()
    def refresh(self) -> None:
        """Take over what the module's weights and running statistics are by now."""
        source = {**dict(self._module.named_parameters()), **dict(self._module.named_buffers())}
        for conv, norm, eps in self._folded:
            w, b = fuse_conv_bn_weights(
                source[f"{conv}.weight"],
                source.get(f"{conv}.bias"),
                source[f"{norm}.running_mean"],
                source[f"{norm}.running_var"],
                eps,
                source.get(f"{norm}.weight"),
                source.get(f"{norm}.bias"),
            )
            source[f"{conv}.weight"], source[f"{conv}.bias"] = w, b
        for name, value in (*self.network.named_parameters(), *self.network.named_buffers()):
            value.copy_(source[name])


def snapshots(modules: Sequence[nn.Module], probe: Tensor, low: bool) -> list[FoldedNetwork] | None:
    """A snapshot of each module, or None if one of them has none that answers as it does.

    Args:
        modules: the networks that are trained.
        probe: a few images on their device.
        low: whether passes run under bfloat16 autocast.
    """
    try:
        made = [FoldedNetwork(module, low=False) for module in modules]
    except ValueError:
        return None
    for snapshot, module in zip(made, modules, strict=True):
        snapshot.refresh()
        training = module.training
        with torch.no_grad():
            asked = module.eval()(probe)
            same = torch.allclose(snapshot.network(probe), asked, rtol=ROUNDING, atol=ROUNDING)
        module.train(training)
        if not same:
            return None
    return [FoldedNetwork(module, low) for module in modules] if low else made


def _folded(network: nn.Module) -> Iterator[tuple[str, str, float]]:
    """Names of convolution and batch norm, and the latter's ε, of those that torch's `fuse` makes one."""
    traced = fx.symbolic_trace(network)
    layers = dict(traced.named_modules())
    for node in traced.graph.nodes:
        if node.op != "call_module" or type(layers[node.target]) is not nn.BatchNorm2d:
            continue
        before = node.args[0]
        follows = before.op == "call_module" and type(layers[before.target]) is nn.Conv2d
        if follows and len(before.users) == 1 and layers[node.target].track_running_stats:
            yield before.target, node.target, layers[node.target].eps
