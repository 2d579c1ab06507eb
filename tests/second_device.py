"""A second device for machines that have none: importing this makes `torch.device("second")` out of CPU memory.

It is as strict as a GPU: its tensors don't meet the CPU's (but for single numbers, and for indices), become no NumPy
arrays, and draw from generators of their own. What would make the host wait for a GPU is counted by where it happens,
and products can be rounded as a GPU's tensor cores round them, where torch's settings allow that.

The registration can't be undone: it belongs into a process of its own (see `test_device.py`).
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

_CLASSES = {"is_available": True, "is_initialized": True, "_is_in_bad_fork": False}
_COUNTS = {"device_count": 1, "current_device": 0, "get_amp_supported_dtype": [torch.bfloat16]}
_NOTHING = ("set_device", "synchronize", "manual_seed", "manual_seed_all", "empty_cache")
_setup_privateuseone_for_python_backend(
    "second",
    backend_module=SimpleNamespace(
        **{name: lambda *_, answer=answer, **__: answer for name, answer in (_CLASSES | _COUNTS).items()},
        **{name: lambda *_, **__: None for name in _NOTHING},
        get_rng_state=lambda device=0: torch.get_rng_state(),
        set_rng_state=lambda state, device=0: None,
    ),
)
DEVICE = torch.device("second", 0)

#: (why, "file.py:line") → how often the host would have waited.
waits: Counter[tuple[str, str]] = Counter()
#: Whether products of float32 are rounded to TF32 where torch's settings allow it.
tensor_cores = False


class OtherDevice(RuntimeError):
    """Tensors of two devices met."""


@contextmanager
def counted() -> Iterator[Counter[tuple[str, str]]]:
    """Within this context `waits` is counted from zero."""
    waits.clear()
    yield waits


@contextmanager
def on_tensor_cores() -> Iterator[None]:
    """Within this context products are rounded as on a GPU that has TF32."""
    global tensor_cores
    tensor_cores = True
    try:
        yield
    finally:
        tensor_cores = False


class SecondTensor(Tensor):
    """`inside`, a tensor of the CPU, seen as one of the second device."""

    inside: Tensor
    __module__ = "torch"  # by which Foolbox knows a tensor
    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @staticmethod
    def __new__(cls, inside: Tensor, requires_grad: bool = False) -> SecondTensor:
        tensor = torch.Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls,
            inside.shape,
            strides=inside.stride(),
            dtype=inside.dtype,
            layout=inside.layout,
            device=DEVICE,
            requires_grad=requires_grad,
        )
        tensor.inside = inside
        return tensor

    @classmethod
    def __torch_dispatch__(cls, op: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _compute(op, args, kwargs or {})

    def numpy(self, *, force: bool = False) -> Any:
        raise TypeError(f"a tensor of {DEVICE} becomes no NumPy array; .cpu() comes first ({_place()})")

    def __array__(self, dtype: Any = None) -> Any:
        return self.numpy()

    def tolist(self) -> Any:
        return self.cpu().tolist()

    def __format__(self, form: str) -> str:
        return format(self.item(), form) if self.dim() == 0 else repr(self)

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        return f"second({self.inside!r})"

    def __deepcopy__(self, memo: Any) -> SecondTensor:
        twin = SecondTensor(self.inside.clone())
        if getattr(self, "_is_param", False):
            twin._is_param = True
        twin.requires_grad_(self.requires_grad)
        memo[id(self)] = twin
        return twin

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.inside.__reduce_ex__(protocol)


#: What indexes a tensor may lie on the CPU, and these arguments of these operations are indices.
_INDEXING = {"index": 1, "index_put": 1, "index_put_": 1, "_index_put_impl_": 1, "_unsafe_index": 1}
#: Where even a single number of the CPU is refused.
_STRICT = {"cat", "stack", "gather", "scatter", "scatter_", "index_select", "mm", "bmm", "addmm", "convolution"}
_PRODUCTS = {"mm": "matmul", "bmm": "matmul", "addmm": "matmul", "baddbmm": "matmul"} | dict.fromkeys(
    ("convolution", "convolution_backward"), "conv"
)
_SIZES_UNKNOWN = {"nonzero", "masked_select", "_unique2", "unique_dim", "unique_consecutive"}


def _place() -> str:
    """Which line of the package, or of a library it calls, is being run."""
    frame = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        for folder in ("/benchmark/", "/site-packages/pyautoattack/", "/site-packages/foolbox/"):
            if folder in file and "/tests/" not in file:
                return f"{file.rpartition('/benchmark/' if folder == '/benchmark/' else '/')[2]}:{frame.f_lineno}"
        frame = frame.f_back  # type: ignore[assignment]
    return "elsewhere"


def _note(why: str) -> None:
    waits[why, _place()] += 1


def _compute(op: Any, args: Any, kwargs: Any) -> Any:
    name = op._schema.name.partition("::")[2]
    if name == "_to_copy":
        return _to(args[0], **kwargs)
    if name == "copy_":
        return _overwrite(args[0], args[1])
    leaves = _leaves((args, kwargs))
    ours = [leaf for leaf in leaves if isinstance(leaf, SecondTensor)]
    indices = _leaves(args[_INDEXING[name]]) if name in _INDEXING else []
    _refuse_others(name, op, args, kwargs, leaves, indices)
    _note_waits(name, args, ours, indices)
    device = kwargs.get("device")
    here = bool(ours) if device is None else torch.device(device).type == "second"
    kwargs = {key: value for key, value in kwargs.items() if key not in ("device", "pin_memory")}
    kwargs |= {} if device is None else {"device": torch.device("cpu")}
    known = {id(tensor.inside): tensor for tensor in ours}
    args, kwargs = _mapped(lambda leaf: leaf.inside if isinstance(leaf, SecondTensor) else leaf, (args, kwargs))
    if here and tensor_cores and name in _PRODUCTS and _in_tf32(_PRODUCTS[name]):
        args = _mapped(lambda leaf: _rounded(leaf) if isinstance(leaf, Tensor) else leaf, args)
    found = op(*args, **kwargs)
    for tensor in ours:
        _reshape(tensor)
    if not here:
        return found

    def outside(leaf: Any) -> Any:
        if not _is_bare(leaf):
            return leaf
        return known[id(leaf)] if id(leaf) in known else SecondTensor(leaf)

    return _mapped(outside, found)


def _mapped(function: Any, thing: Any) -> Any:
    """What torch's `tree_map` gives for the arguments and results of operations, in a fraction of its time."""
    if isinstance(thing, (list, tuple)):
        return type(thing)([_mapped(function, part) for part in thing])
    if isinstance(thing, dict):
        return {key: _mapped(function, part) for key, part in thing.items()}
    return function(thing)


def _leaves(thing: Any) -> list[Any]:
    if isinstance(thing, dict):
        thing = list(thing.values())
    return [leaf for part in thing for leaf in _leaves(part)] if isinstance(thing, (list, tuple)) else [thing]


def _is_bare(thing: object) -> bool:
    return isinstance(thing, Tensor) and not isinstance(thing, SecondTensor)


def _refuse_others(name: str, op: Any, args: Any, kwargs: Any, leaves: list[Any], indices: list[Any]) -> None:
    ours = any(isinstance(leaf, SecondTensor) for leaf in leaves)
    written = kwargs.get("out", args[0] if name.endswith("_") and args else None)
    for leaf in leaves:
        if isinstance(leaf, torch._C.Generator) and ours and leaf._cdata not in _OWN:
            raise OtherDevice(f"{op} draws for {DEVICE} from a generator of the CPU ({_place()})")
        if not _is_bare(leaf) or not ours:
            continue
        if any(leaf is index for index in indices):
            if leaf.dim():
                _note("indices sent")
        elif leaf.dim() or name in _STRICT or leaf is written:
            met = [(str(each.device), tuple(each.shape)) for each in leaves if isinstance(each, Tensor)]
            raise OtherDevice(f"{op} of tensors of two devices: {met} ({_place()})")


def _note_waits(name: str, args: Any, ours: list[SecondTensor], indices: list[Any]) -> None:
    if not ours:
        return
    if name == "_local_scalar_dense":
        _note("number read")
    elif name in _SIZES_UNKNOWN or name == "repeat_interleave":
        _note("size unknown")
    elif any(isinstance(index, Tensor) and index.dtype == torch.bool for index in indices):
        filled = args[2] if name != "index" and len(args) > 2 else None
        if filled is None or filled.numel() != 1 or isinstance(filled, SecondTensor):
            _note("rows chosen by a mask")


def _reshape(tensor: SecondTensor) -> None:
    """After operations such as `squeeze_`: the outside follows the inside."""
    if tensor.shape != tensor.inside.shape or tensor.stride() != tensor.inside.stride():
        python = torch._C.DispatchKeySet(torch._C.DispatchKey.Python)
        with torch._C._ExcludeDispatchKeyGuard(
            python | torch._C.DispatchKeySet(torch._C.DispatchKey.PythonTLSSnapshot)
        ):
            torch.ops.aten.as_strided_.default(tensor, tensor.inside.size(), tensor.inside.stride())


def _in_tf32(kind: str) -> bool:
    setting = torch.backends.cudnn.conv if kind == "conv" else torch.backends.cuda.matmul
    return bool(setting.fp32_precision == "tf32")


def _rounded(values: Tensor) -> Tensor:
    """Ten of 23 bits of the mantissa, to the nearest, ties to even."""
    if values.dtype != torch.float32:
        return values
    bits = values.clone().view(torch.int32)
    bits += 0xFFF + ((bits >> 13) & 1)
    return (bits & ~0x1FFF).view(torch.float32)


def _to(source: Tensor, device: Any = None, **kwargs: Any) -> Tensor:
    ours = isinstance(source, SecondTensor)
    here = ours if device is None else torch.device(device).type == "second"
    if ours != here:
        _note("copied to the host" if ours else "copied from the host")
    kwargs = {key: value for key, value in kwargs.items() if key not in ("pin_memory", "non_blocking")}
    copy = torch.ops.aten._to_copy.default(source.inside if isinstance(source, SecondTensor) else source, **kwargs)
    return SecondTensor(copy) if here else copy


def _overwrite(target: Tensor, source: Tensor) -> Tensor:
    ours, theirs = isinstance(target, SecondTensor), isinstance(source, SecondTensor)
    if ours != theirs:
        _note("copied from the host" if ours else "copied to the host")
    inside = target.inside if isinstance(target, SecondTensor) else target
    inside.copy_(source.inside if isinstance(source, SecondTensor) else source)
    return target


_OWN: dict[int, torch._C.Generator] = {}


class _IsGenerator(type(torch._C.Generator)):  # type: ignore[misc]
    def __instancecheck__(cls, thing: object) -> bool:
        return isinstance(thing, torch._C.Generator)


class Generator(torch._C.Generator, metaclass=_IsGenerator):
    """`torch.Generator`, which draws on the second device what one of the CPU would."""

    device = property(lambda self: DEVICE)  # type: ignore[assignment]

    def __new__(cls, device: Any = "cpu") -> Any:
        if torch.device(device).type != "second":
            return torch._C.Generator(device)
        made = super().__new__(cls, "cpu")
        _OWN[made._cdata] = made  # an operation gets another object, of the same address
        return made


torch.Generator = Generator  # type: ignore[misc, assignment]

_factories = torch.library.Library("aten", "IMPL")


def _arange(*args: Any, dtype: Any = None, **_: Any) -> Tensor:
    return SecondTensor(torch.arange(*args, dtype=dtype, device="cpu"))


def _empty(size: Any, dtype: Any = None, *_: Any, memory_format: Any = None, **__: Any) -> Tensor:
    form = memory_format or torch.contiguous_format
    return SecondTensor(torch.empty(size, dtype=dtype, memory_format=form, device="cpu"))


def _empty_strided(size: Any, stride: Any, dtype: Any = None, *_: Any, **__: Any) -> Tensor:
    return SecondTensor(torch.empty_strided(size, stride, dtype=dtype, device="cpu"))


for _name in ("arange", "arange.start", "arange.start_step"):
    _factories.impl(_name, _arange, "PrivateUse1")
_factories.impl("empty.memory_format", _empty, "PrivateUse1")
_factories.impl("empty_strided", _empty_strided, "PrivateUse1")
_factories.impl("_copy_from", lambda source, target, *_: _overwrite(target, source), "PrivateUse1")

#: Under autocast these take bfloat16; everything else goes on in what it is given.
_LOW = ("conv2d", "linear", "matmul", "mm", "bmm", "addmm")
_autocast = torch.library.Library("_", "IMPL")
_autocast.fallback(torch.library.fallthrough_kernel, "AutocastPrivateUse1")


def _lowered(op: Any) -> Any:
    keys = torch._C.DispatchKeySet(torch._C.DispatchKey.AutocastPrivateUse1)

    def cast(leaf: Any) -> Any:
        low = isinstance(leaf, SecondTensor) and leaf.is_floating_point()
        return leaf.to(torch.bfloat16) if low else leaf

    def called(*args: Any, **kwargs: Any) -> Any:
        with torch._C._ExcludeDispatchKeyGuard(keys):
            args, kwargs = _mapped(cast, (args, kwargs))
            return op(*args, **kwargs)

    return called


with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    for _name in _LOW:
        _factories.impl(_name, _lowered(getattr(torch.ops.aten, _name).default), "AutocastPrivateUse1")


class Accelerator(SimpleNamespace):
    """What `Trainer` asks of a Fabric that knows no such device."""

    def __init__(self) -> None:
        super().__init__(device=DEVICE, global_rank=0, world_size=1)

    def autocast(self) -> torch.autocast:
        return torch.autocast("second", torch.bfloat16, enabled=False)
