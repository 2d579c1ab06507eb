"""What a test may change for the whole process, and how it is put back, so that no test sees which ran before it.

What libraries set up when they are imported for the first time stays, since nothing would set it up again: their
modules, and the folders and finders that they add.
"""

from __future__ import annotations

import os
import signal
import site
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import torch

from benchmark.catalogue import rows
from benchmark.reporting import plugged_columns

#: All tables of names that one may add to.
_REGISTRIES = [*map(rows.registry_of, rows.KINDS), plugged_columns.COLUMNS]
_BACKENDS: Any = torch.backends
#: What the bits of float32 products are set by, see `benchmark.arithmetic`.
_PRODUCTS = (
    _BACKENDS.cuda.matmul,
    *(getattr(_BACKENDS.cudnn, kind) for kind in ("conv", "rnn")),
    *(getattr(_BACKENDS.mkldnn, kind) for kind in ("conv", "rnn", "matmul")),
)
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM, signal.SIGXCPU)
#: Pytest says there which phase of a test is running.
_PYTESTS = "PYTEST_CURRENT_TEST"
_TESTS = str(Path(__file__).parent)
_INSTALLED = (sys.prefix, sys.base_prefix, site.getusersitepackages())


class Kept(NamedTuple):
    """How something is read, and written again."""

    read: Callable[[], Any]
    write: Callable[[Any], object]


def _attribute(holder: Any, name: str) -> Kept:
    return Kept(lambda: getattr(holder, name), lambda value: setattr(holder, name, value))


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != _PYTESTS}


def _set_environment(before: dict[str, str]) -> None:
    for name in _environment().keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)


def _folder() -> str:
    with suppress(FileNotFoundError):
        return os.getcwd()
    return ""


def _mask() -> int:
    os.umask(before := os.umask(0o022))
    return before


def _handlers() -> list[Any]:
    return [signal.getsignal(number) for number in _SIGNALS]


def _set_handlers(before: list[Any]) -> None:
    for number, handler in zip(_SIGNALS, before, strict=True):
        if signal.getsignal(number) is not handler:
            signal.signal(number, handler)


def _precision() -> tuple[list[Any], list[str]]:
    """The older settings, None where torch refuses to read them since they contradict the newer; and the newer."""
    older: list[Any] = [None, None]
    with suppress(RuntimeError):
        older[0] = torch.get_float32_matmul_precision()
    with suppress(RuntimeError):
        older[1] = torch.backends.cudnn.allow_tf32
    return older, [product.fp32_precision for product in _PRODUCTS]


def _set_precision(before: tuple[list[Any], list[str]]) -> None:
    (matmul, cudnn), newer = before
    _BACKENDS.fp32_precision = "none"
    if matmul is not None:
        torch.set_float32_matmul_precision(matmul)
    if cudnn is not None:
        torch.backends.cudnn.allow_tf32 = cudnn
    for product, value in zip(_PRODUCTS, newer, strict=True):
        product.fp32_precision = value


def _names() -> list[tuple[dict[str, Any], ...]]:
    return [(dict(each._own), dict(each._aliases), dict.fromkeys(each._put)) for each in _REGISTRIES]


def _set_names(before: list[tuple[dict[str, Any], ...]]) -> None:
    for registry, tables in zip(_REGISTRIES, before, strict=True):
        for table, entries in zip((registry._own, registry._aliases), tables, strict=False):
            table.clear()
            table.update(entries)
        registry._put.clear()
        registry._put.update(tables[2])
    plugged_columns._plugged.cache_clear()


_SETTINGS = (
    Kept(_environment, _set_environment),
    Kept(_folder, lambda before: before and os.chdir(before)),
    Kept(_mask, os.umask),
    Kept(_handlers, _set_handlers),
    Kept(lambda: [*sys.argv], lambda before: sys.argv.__setitem__(slice(None), before)),
    Kept(torch.get_default_dtype, torch.set_default_dtype),
    Kept(torch.get_num_threads, torch.set_num_threads),
    Kept(torch.is_grad_enabled, torch.set_grad_enabled),
    Kept(torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    Kept(torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode),
    Kept(_precision, _set_precision),
    *(_attribute(torch.backends.cudnn, name) for name in ("enabled", "benchmark", "deterministic")),
    _attribute(_BACKENDS.quantized, "engine"),
    Kept(_names, _set_names),
)


@contextmanager
def put_back(made_in: str) -> Iterator[None]:
    """Afterwards the process is as it was before, but for what libraries set up.

    Args:
        made_in: the folder below which tests make their files, modules among them.
    """
    settings = [kept.read() for kept in _SETTINGS]
    folders, finders, modules = [*sys.path], [*sys.meta_path], sys.modules.copy()
    try:
        yield
    finally:
        for kept, before in zip(_SETTINGS, settings, strict=True):
            if kept.read() != before:
                kept.write(before)
        _set_list(sys.path, folders, lambda folder: not str(folder).startswith(_INSTALLED))
        _set_list(sys.meta_path, finders, lambda finder: _lies_in(sys.modules.get(type(finder).__module__), _TESTS))
        _set_modules(modules, made_in)


def _set_list(found: list[Any], before: list[Any], is_ours: Callable[[Any], bool]) -> None:
    """Of the entries that came, those of libraries stay; those that went come again."""
    if found != before:
        found[:] = [entry for entry in found if entry not in before and not is_ours(entry)] + before


def _set_modules(before: dict[str, ModuleType], made_in: str) -> None:
    """What tests made is forgotten; what they took out or made anew is what it was."""
    if sys.modules == before:
        return
    for name in [name for name, module in sys.modules.items() if name not in before and _lies_in(module, made_in)]:
        del sys.modules[name]
    sys.modules.update({name: module for name, module in before.items() if sys.modules.get(name) is not module})


def _lies_in(module: ModuleType | None, folder: str) -> bool:
    return str(getattr(module, "__file__", None) or [*getattr(module, "__path__", ())][:1]).startswith(folder)
