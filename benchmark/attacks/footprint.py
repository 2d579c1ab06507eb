"""How many images a pass of a network takes at once, so that what it computes stays close to the processor."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from benchmark.errors import FOREIGN
from benchmark.memory import total_memory

#: Bytes of activations that a pass on the processor may make. More does not fit its caches, and costs page faults.
PROCESSOR_BYTES = 1 << 28

#: Part of a device's memory that the activations of a forward pass may take; the gradients take as much again.
DEVICE_SHARE = 0.25


def images_per_pass(network: nn.Module, probe: Tensor) -> int:
    """A power of two, found by counting what `network` computes for an image; the same on every call.

    Counted and not timed, since the size of a batch decides how its numbers are rounded.

    Args:
        network: maps N×C×H×W images to N×K logits.
        probe: at least one image, on the network's device.
    """
    on_processor = probe.device.type == "cpu"
    allowed = PROCESSOR_BYTES if on_processor else DEVICE_SHARE * total_memory(probe.device)
    each = activation_bytes(network, probe[:1])
    return 1 << max(0, int(allowed / max(each, 1)).bit_length() - 1)


def activation_bytes(network: nn.Module, image: Tensor) -> int:
    """Bytes of the float32 tensors that the layers of `network` return for one `image` (1×C×H×W)."""
    total = 0

    def count(_: nn.Module, __: object, result: object) -> None:
        nonlocal total
        if isinstance(result, Tensor):
            total += 4 * result.numel()

    layers = [module for module in network.modules() if next(module.children(), None) is None]
    handles = [_hook(layer, count) for layer in layers]
    try:
        with torch.no_grad():
            network(image.clone())  # cloned, as there are networks that write into their input
    except FOREIGN:  # a network that fails is asked again where that can be reported
        return total
    finally:
        for handle in handles:
            if handle is not None:
                handle.remove()
    return total


def _hook(layer: nn.Module, count: Callable[..., None]) -> torch.utils.hooks.RemovableHandle | None:
    try:
        return layer.register_forward_hook(count)
    except RuntimeError:  # layers of scripted networks take none
        return None
