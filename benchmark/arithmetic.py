"""In how many bits float32 numbers are multiplied, and whether repeats give the same bits: torch's own settings.

They hold for the whole process, and for what autograd computes in threads of its own; so a pass backwards is made as
its pass forwards was only if both lie within the same context.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

import torch

_BACKENDS: Any = torch.backends  # whose parts torch's types do not know
#: What each kind of product is set by. oneDNN's are the processor's.
_PRODUCTS: tuple[Any, ...] = (
    _BACKENDS.cudnn.conv,
    _BACKENDS.cudnn.rnn,
    _BACKENDS.cuda.matmul,
    _BACKENDS.mkldnn.conv,
    _BACKENDS.mkldnn.rnn,
    _BACKENDS.mkldnn.matmul,
)
#: Those that have TF32.
_TENSOR_CORES = _PRODUCTS[:3]
#: How torch spells float32 itself: said, or nothing said by anybody.
_FULL = ("ieee", "none")

#: Two workspaces of 4 MiB. Else cuBLAS takes what is free at the time, and adds in another order.
_WORKSPACE = "CUBLAS_WORKSPACE_CONFIG", ":4096:8"


@contextmanager
def full_precision() -> Iterator[None]:
    """Within this context float32 products are float32 products: no TF32, no bfloat16, forwards and backwards.

    Torch multiplies float32 in convolutions on a GPU in TF32, of 10 bits, unless told otherwise. What was set before,
    by the older functions or by the newer ones, is set again afterwards.
    """
    with _set({product: "ieee" for product in _PRODUCTS if product.fp32_precision not in _FULL}):
        yield


@contextmanager
def tf32() -> Iterator[None]:
    """Within this context a GPU that has TF32 multiplies float32 in it, forwards and backwards."""
    with _set({product: "tf32" for product in _TENSOR_CORES if product.fp32_precision != "tf32"}):
        yield


def arithmetic(precision: str) -> AbstractContextManager[None]:
    """The context in which passes of a precision, fp32, tf32 or bf16, are made; the last take autocast, too."""
    return tf32() if precision == "tf32" else full_precision()


@contextmanager
def repeatable_convolutions() -> Iterator[None]:
    """Within this context cuDNN computes a convolution in the same way each time, one that repeats its bits."""
    cudnn = torch.backends.cudnn
    before = cudnn.enabled, cudnn.benchmark, cudnn.deterministic
    cudnn.enabled, cudnn.benchmark, cudnn.deterministic = True, False, True
    try:
        yield
    finally:
        cudnn.enabled, cudnn.benchmark, cudnn.deterministic = before


def tunes(device: torch.device) -> bool:
    """Whether cuDNN may choose on this device, by timing, how it computes a convolution: not where repeats are asked
    for, since the next process may choose another way, whose sums are rounded otherwise."""
    forbidden = torch.are_deterministic_algorithms_enabled() or torch.backends.cudnn.deterministic
    return device.type == "cuda" and not forbidden


@contextmanager
def tuned_convolutions(device: torch.device, repeating_shapes: bool = True) -> Iterator[None]:
    """Within this context cuDNN times its ways to compute a convolution and takes the fastest, where it `tunes`.

    It does so once for each shape, which takes longer than a few passes: only where shapes repeat.
    """
    cudnn = torch.backends.cudnn
    before = cudnn.benchmark
    if repeating_shapes and tunes(device):
        cudnn.benchmark = True
    try:
        yield
    finally:
        cudnn.benchmark = before


@contextmanager
def deterministic(asked: bool = True) -> Iterator[None]:
    """Within this context, if it is `asked` for, a repeat on the same device gives the same bits, or torch refuses.

    cuBLAS looks at its workspace when it is used first: a process that has used it before keeps what it had, which
    torch then says.
    """
    if not asked:
        yield
        return
    os.environ.setdefault(*_WORKSPACE)
    before = torch.get_deterministic_debug_mode()
    torch.use_deterministic_algorithms(True)
    try:
        with repeatable_convolutions():
            yield
    finally:
        torch.set_deterministic_debug_mode(before)


@contextmanager
def _set(wanted: dict[Any, str]) -> Iterator[None]:
    """Within this context these products are set so, and the older settings agree as far as they did."""
    if not wanted:
        yield
        return
    before = [(product, product.fp32_precision) for product in _PRODUCTS]
    older = _older()
    try:
        if "matmul" in older:
            on = wanted.get(torch.backends.cuda.matmul, torch.backends.cuda.matmul.fp32_precision) == "tf32"
            torch.set_float32_matmul_precision("high" if on else "highest")
        if "cudnn" in older:
            on = wanted.get(_BACKENDS.cudnn.conv, _BACKENDS.cudnn.conv.fp32_precision) == "tf32"
            torch.backends.cudnn.allow_tf32 = on
        for product, value in wanted.items():
            product.fp32_precision = value
        yield
    finally:
        if "matmul" in older:
            torch.set_float32_matmul_precision(older["matmul"])
        if "cudnn" in older:
            torch.backends.cudnn.allow_tf32 = older["cudnn"]
        for product, value in before:
            product.fp32_precision = "none"  # what follows a more general setting goes on following it
            if product.fp32_precision != value:
                product.fp32_precision = value


def _older() -> dict[str, Any]:
    """The older settings, as far as they agree with the newer ones; where they don't, torch refuses to read them.

    Code that asks for them within a context, as compilers do, is to find them readable.
    """
    found: dict[str, Any] = {}
    with suppress(RuntimeError):
        found["matmul"] = torch.get_float32_matmul_precision()
    with suppress(RuntimeError):
        found["cudnn"] = torch.backends.cudnn.allow_tf32
    return found
