"""A network under attack as it is at this step: folded and cast once, passed through at every step of the ascent."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from benchmark.attacks import freeze
from benchmark.errors import FOREIGN
from benchmark.models.copying import copied
from benchmark.models.folding import (
    Unfoldable,
    answers_alike,
    cast_weights,
    fold_away,
    folded_weights,
    leads_alike,
)
from benchmark.training.parallel import own_batch_norm


class FoldedNetwork:
    """The network that `module` is in eval mode with constant parameters, as fast as it can be.

    While examples are crafted nothing about the network changes, so each batch norm is folded into the layer before
    it and large weights are cast to bfloat16 once, instead of at each of some ten passes and their gradients.

    Args:
        module: the network that is trained; it is copied.
        low: whether passes run under bfloat16 autocast.
        probe: a few images on its device, see `benchmark.models.folding.cast_weights`.

    Raises:
        Unfoldable: the module's code can't be followed.
    """

    def __init__(self, module: nn.Module, low: bool, probe: Tensor | None = None) -> None:
        self._module = module
        alone = freeze(own_batch_norm(copied(module)).eval())
        linear = {name for name, layer in alone.named_modules() if type(layer) is nn.Linear}
        found, folded = fold_away(alone)
        self._pairs = [(pair, pair.layer in linear) for pair in found]
        network = folded.to(memory_format=torch.channels_last)
        self.network = cast_weights(network, probe) if low else network

    def of(self, module: nn.Module, low: bool, probe: Tensor) -> FoldedNetwork:
        """This one from now on of `module`, on the processor, of a copy of which it was made."""
        self._module = module
        self.refresh()
        if low:
            self.network = cast_weights(self.network, probe)
        return self

    @torch.no_grad()
    def refresh(self) -> None:
        """Take over what the module's weights and running statistics are by now."""
        source = {**dict(self._module.named_parameters()), **dict(self._module.named_buffers())}
        for pair, linear in self._pairs:
            weights = folded_weights(source, pair, linear)
            source[f"{pair.layer}.weight"], source[f"{pair.layer}.bias"] = weights
        for name, value in (*self.network.named_parameters(), *self.network.named_buffers()):
            value.copy_(source[name])


def snapshots(modules: Sequence[nn.Module], probe: Tensor, low: bool) -> list[FoldedNetwork] | None:
    """A snapshot of each module, or None if one of them has none that answers as it does.

    Args:
        modules: the networks that are trained.
        probe: a few images on their device.
        low: whether passes run under bfloat16 autocast.
    """
    tried = []
    try:
        for module in modules:
            snapshot = _following(copied(module).cpu().eval(), probe.cpu())
            if snapshot is None:
                return None
            tried.append(snapshot)
        if probe.device.type == "cpu":
            return [each.of(module, low, probe) for each, module in zip(tried, modules, strict=True)]
        # What is followed on a processor may have that written into its code.
        return [FoldedNetwork(module, low, probe) for module in modules]
    except Unfoldable:
        return None


def _following(module: nn.Module, probe: Tensor) -> FoldedNetwork | None:
    """A snapshot of `module`, if it is the same function still once training has changed its batch norms.

    Fresh ones do nothing, so that it would hardly be seen if one of them were forgotten. Asked on a processor, whose
    float32 is one: what a GPU rounds on the way through many layers is nearly as much as what is looked for.

    Args:
        module: a copy, in eval mode.
        probe: a few images.

    Raises:
        Unfoldable: its code can't be followed.
    """
    snapshot = FoldedNetwork(module, low=False)
    generator = torch.Generator().manual_seed(0)
    for layer in module.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            for name in ("running_mean", "running_var", "weight", "bias"):
                value = getattr(layer, name)
                if value is not None:
                    value.data.copy_(0.5 + torch.rand(value.shape, generator=generator))
    try:
        snapshot.refresh()
        alike = answers_alike(snapshot.network, module, probe) and leads_alike(snapshot.network, module, probe)
        return snapshot if alike else None
    except FOREIGN:  # a network of another package that can't be asked here; it is attacked itself
        return None
