"""What tensors contain, as a digest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor

from benchmark.storage import canonical_json


def tensor_digest(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 (hex) of named tensors: names, dtypes, shapes and bytes, whatever their order or device."""
    total = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        total.update(canonical_json([name, str(tensor.dtype), list(tensor.shape)]).encode())
        total.update(tensor.reshape(-1).view(torch.uint8).numpy().data if tensor.numel() else b"")
    return total.hexdigest()
