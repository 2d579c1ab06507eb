"""Tensors, arrays, scripts and plain values by what they hold: the same wherever they lie, and whoever made them."""

from __future__ import annotations

import enum
import io
import re
import zipfile
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmark import tensors
from benchmark.storage import digest

#: A word that says where something lies or runs, not what it computes.
_PLACE = re.compile(r"[/\\]|^(cpu|cuda|mps|xpu|meta)(:\d+)?$")

#: What TorchScript puts into the name of the second class of one name that a process compiles.
_MANGLE = re.compile(r"___torch_mangle_\d+\.")
#: Where it keeps tensors when it is saved.
_STORAGE = re.compile(r"(data|constants)/\d+")


def plain_token(value: object) -> list[str] | None:
    """What stands for a number, a word or an absence, as JSON can say it; None for anything that holds more."""
    if isinstance(value, enum.Enum):
        return [type(value).__qualname__, value.name or str(value.value)]
    if isinstance(value, str):
        return ["place"] if _PLACE.search(value) else ["word", value]
    if isinstance(value, bytes | bytearray | memoryview):
        return ["bytes", digest(bytes(value))]
    if isinstance(value, np.generic | torch.dtype | torch.memory_format | range | slice):
        return [type(value).__name__, str(value)]
    if isinstance(value, int):  # in hexadecimal digits, of which there may be any number
        return [type(value).__name__, hex(value)]
    if value is None or value is ... or isinstance(value, float | complex):
        return [type(value).__name__, str(value)]
    return None


def array_digest(array: np.ndarray[Any, Any]) -> list[str]:
    """Type, shape and content of an array of anything but objects."""
    return ["array", str(array.dtype), str(array.shape), digest(np.ascontiguousarray(array).tobytes())]


def tensor_digest(tensor: Tensor) -> list[str]:
    """Type, shape and content of a tensor of any layout; without the content where there is none to be had."""
    found = ["tensor", str(tensor.dtype), str(tuple(tensor.shape))]
    try:
        return [*found, *(tensors.tensor_digest({"": each}) for each in _dense(tensor.detach()))]
    except Exception:  # on no device, without storage, or of a library's own kind
        return found


def _dense(tensor: Tensor) -> list[Tensor]:
    """Tensors in one piece that together hold what `tensor` does."""
    if type(tensor).__torch_dispatch__ is not Tensor.__torch_dispatch__ and hasattr(tensor, "__tensor_flatten__"):
        names, _ = tensor.__tensor_flatten__()
        return [part for name in names for part in _dense(getattr(tensor, name))]
    if tensor.is_quantized:
        return [tensor.dequantize()]
    if tensor.layout is not torch.strided:
        found = tensor.to_sparse_coo().coalesce() if not tensor.is_mkldnn else tensor.to_dense().to_sparse()
        return [found.indices(), found.values()]
    return [tensor.resolve_conj().resolve_neg()]


def script_digest(script: Any) -> str:
    """What TorchScript compiled: its operations, without the places they come from, its weights and constants."""
    operations = _MANGLE.sub("", script.inlined_graph.str(False))
    content = io.BytesIO()
    try:
        torch.jit.save(script, content)
    except Exception:  # it calls Python
        state = script.state_dict() if isinstance(script, torch.nn.Module) else {}
        return digest([operations, {name: tensor_digest(value) for name, value in state.items()}])
    with zipfile.ZipFile(content) as archive:
        stored = {name.partition("/")[2]: name for name in archive.namelist()}
        tensors = {name: digest(archive.read(stored[name])) for name in stored if _STORAGE.fullmatch(name)}
    return digest([operations, tensors])
