"""Whether somebody has changed a network: its weights, its buffers, its mode."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

import torch
from torch import Tensor, nn


def fingerprint(networks: Iterable[object]) -> tuple[object, ...]:
    """What changes when a parameter, a buffer or the mode of one of these modules does.

    Sums over the bits of each tensor, on its device: enough to notice accidents, in milliseconds, with one transfer
    each time. What is no module, such as a compiled function, is passed over.
    """
    modules = [network for network in networks if isinstance(network, nn.Module)]
    modes = tuple(module.training for network in modules for module in network.modules())
    tensors = [tensor for network in modules for tensor in chain(network.parameters(), network.buffers())]
    sums = [_sum_of_bits(tensor.detach()) for tensor in tensors]
    shapes = tuple((tuple(tensor.shape), tensor.dtype, str(tensor.device)) for tensor in tensors)
    return modes, shapes, tuple(torch.stack([one.cpu() for one in sums]).tolist()) if sums else ()


def _sum_of_bits(tensor: Tensor) -> Tensor:
    if tensor.is_quantized:
        tensor = tensor.int_repr()
    flat = torch.view_as_real(tensor).flatten() if tensor.is_complex() else tensor.flatten()
    width = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}[flat.element_size()]
    return flat.view(width).sum(dtype=torch.int64)
