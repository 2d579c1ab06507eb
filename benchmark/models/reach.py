"""Everything that a network computes with, wherever it keeps it, in one digest.

A state dict holds what was registered. A network may as well keep its members in a plain list, a filter in a closure,
a table in an array or beside its class: all of that is walked through, in an order that is the same everywhere.
"""

from __future__ import annotations

import enum
import functools
import hashlib
import types
import weakref
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.models.contents import array_digest, plain_token, script_digest, tensor_digest
from benchmark.own import fresh_import, own_code
from benchmark.own.names import plainly
from benchmark.storage import canonical_json, digest

#: Attributes of every module that are walked by their meaning, or have none for what it computes.
_BOOKKEEPING = {*vars(nn.Module()), "_compiled_call_impl", "device_ids", "output_device"}
_HOOKS = sorted(name for name in _BOOKKEEPING if name.endswith("_hooks"))

#: What says where something runs, is random by purpose, or leads back to who holds it.
_OPAQUE = (
    torch.device,
    torch.Generator,
    np.random.Generator,
    PurePath,
    weakref.ref,
    types.GeneratorType,
    types.CodeType,
)
#: Parts of the standard library whose objects hold what they were given; all others are left alone.
_HOLDERS = {"builtins", "collections", "functools", "types", "argparse"}
#: The machinery of torch: it holds much, changes while it runs, and computes nothing by itself.
_MACHINERY = ("torch._", "torch.fx.", "torch.utils.", "torch.autograd.")
#: Attributes of a class that say nothing about what its objects compute.
_NO_METHODS = {"__init__", "__new__", "__init_subclass__", "__dict__", "__weakref__"}


class Part(NamedTuple):
    """Something that another thing holds; of what is not `plain`, only the tensors and arrays in it count.

    Numbers and words that a class or a module keeps are such: they may count calls, and their file is known anyway.
    So is what an object of a library keeps, except a function of one's own in it, which it may run; one that is
    `named` stands beside another in a file.
    """

    label: str
    value: object
    plain: bool = True
    named: bool = False


class Reach:
    """A walk through all that can be reached from `root`.

    Attributes:
        modules: names of the modules that the classes and functions met belong to.
    """

    def __init__(self, root: object, above: Mapping[int, int] | None = None) -> None:
        self.modules: set[str] = {"torch"}
        self._hash = hashlib.sha256()
        self._numbers = dict(above or {})
        self._passed: set[int] = set()
        self._held: list[object] = []
        # With a stack of its own, as there are chains longer than Python's.
        waiting = [Part("", root)]
        while waiting:
            waiting += reversed(self._visit(waiting.pop()))

    def digest(self) -> str:
        """SHA-256 (hex) of all that was met: contents, order, the code of one's own, the versions of libraries."""
        own: dict[str, str | None] = {}
        for name in sorted(filter(own_code.is_own, self.modules)):
            called = plainly(name)
            own[called if called not in own else name] = fresh_import.source_of(name)
        libraries = own_code.versions(self.modules - {name for name in self.modules if _package(name) == "benchmark"})
        return digest([self._hash.hexdigest(), own, libraries])

    def _visit(self, part: Part) -> list[Part]:
        """Take in one thing; what it holds is still to be visited."""
        value = part.value
        if isinstance(value, types.FunctionType) and own_code.is_own(str(value.__module__)):
            part = part._replace(plain=part.plain or not part.named)
        token = tensor_digest(value) if isinstance(value, Tensor) else plain_token(value)
        if isinstance(value, np.ndarray) and value.dtype != object:
            token = array_digest(value)
        if token is not None:
            if part.plain or isinstance(value, Tensor | np.ndarray):
                self._say(part.label, token)
            return []
        if id(value) in self._numbers or (not part.plain and id(value) in self._passed):
            if part.plain:
                self._say(part.label, self._numbers[id(value)])
            return []
        self._held.append(value)  # else another thing might get its address
        if not part.plain:
            self._passed.add(id(value))
            return [each._replace(plain=False, named=part.named or each.named) for each in self._parts(value)]
        self._numbers[id(value)] = len(self._numbers)
        parts = list(self._parts(value))
        self._say(part.label, [_kind(value), sum(each.plain for each in parts)])
        return parts

    def _say(self, label: str, token: Any) -> None:
        self._hash.update(canonical_json([label, token]).encode(errors="surrogatepass"))

    def _meet(self, module: str | None) -> None:
        if module:
            self.modules.add("__main__" if module in own_code.MAIN else module)

    def _parts(self, value: object) -> Iterator[Part]:
        if isinstance(value, torch.jit.ScriptFunction):
            yield Part("script", script_digest(value))
        elif isinstance(value, _OPAQUE) or _is_machinery(value):
            return
        elif isinstance(value, types.ModuleType):
            self._meet(value.__name__)
        elif isinstance(value, type):
            yield from self._of_class(value)
        elif isinstance(value, types.FunctionType):
            yield from self._of_function(value)
        elif isinstance(value, nn.Module):
            yield from self._of_class(type(value))
            yield from _of_module(value)
        elif isinstance(value, set | frozenset):
            found = [Reach(member, self._numbers) for member in value]
            self.modules = self.modules.union(*(each.modules for each in found))
            yield Part("members", ",".join(sorted(each.digest() for each in found)))
        else:
            yield from self._of_class(type(value))
            knows = own_code.is_own(type(value).__module__) or _package(type(value).__module__) in _HOLDERS
            yield from (part if knows else part._replace(plain=False) for part in _of_object(value))

    def _of_class(self, kind: type) -> Iterator[Part]:
        self._meet(kind.__module__)
        if not own_code.is_own(kind.__module__) or issubclass(kind, enum.Enum):
            return
        yield from (Part("base", base) for base in kind.__bases__)
        for name, value in sorted(vars(kind).items()):
            if name not in _NO_METHODS:
                yield Part(name, value, isinstance(value, _METHODS))

    def _of_function(self, function: types.FunctionType) -> Iterator[Part]:
        self._meet(function.__module__)
        own, code = own_code.is_own(str(function.__module__)), function.__code__
        for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
            yield from (Part(name, value, own) for value in _got(cell, "cell_contents"))
        yield from (Part("default", value, own) for value in function.__defaults__ or ())
        yield from (Part(name, value, own) for name, value in sorted((function.__kwdefaults__ or {}).items()))
        yield from (Part(name, value, own) for name, value in sorted(vars(function).items()))
        if own:
            if not fresh_import.is_as_read(str(function.__module__), function.__globals__):
                yield Part("code", own_code.code_digest(code))
            yield from (Part(name, value, False, named=True) for name, value in _named(function))


#: What a class may hold that runs.
_METHODS = (
    types.FunctionType,
    staticmethod,
    classmethod,
    property,
    functools.cached_property,
    functools.partialmethod,
)


def _of_module(module: nn.Module) -> Iterator[Part]:
    """What a module holds, registered or not; submodules in their order, for they may be called in it."""
    if isinstance(module, torch.jit.ScriptModule):
        yield Part("script", script_digest(module))
        return
    held = vars(module)
    if "_orig_mod" in held.get("_modules", {}):  # compiled
        yield Part("network", held["_modules"]["_orig_mod"])
        return
    for kind in ("_parameters", "_buffers", "_modules"):
        yield from (Part(name, value) for name, value in held.get(kind, {}).items() if value is not None)
    for name in _HOOKS:
        yield from (Part(name, hook) for hook in held.get(name, {}).values())
    traced = isinstance(module, torch.fx.GraphModule)
    if traced:
        yield Part("code", digest(module.code))
    for name, value in sorted(held.items()):
        if name not in _BOOKKEEPING:
            yield Part(name, value, not traced)


def _of_object(value: Any) -> Iterator[Part]:
    """What anything else holds: its items, its attributes, and what it binds."""
    if isinstance(value, dict | types.MappingProxyType):
        for key, item in dict(value).items():
            token = plain_token(key)
            if token is None:
                yield Part("key", key)
            yield Part("item" if token is None else canonical_json(token), item)
    elif isinstance(value, list | tuple | deque):
        yield from (Part("item", item) for item in value)
    elif isinstance(value, np.ndarray):
        yield from (Part("item", item) for item in value.ravel().tolist())
    elif isinstance(value, functools.partial | functools.partialmethod):
        yield from (Part("function", value.func), Part("arguments", value.args), Part("named", value.keywords))
    elif isinstance(value, types.MethodType | staticmethod | classmethod):
        yield Part("function", value.__func__)
    elif isinstance(value, property):
        yield Part("function", value.fget)
    elif isinstance(value, torch.ScriptObject):
        yield from (Part("state", state()) for state in [getattr(value, "__getstate__", None)] if state)
    if isinstance(value, _BOUND):
        yield Part("self", value.__self__)
    for attributes in _got(value, "__dict__"):
        if isinstance(attributes, dict):
            yield from (Part(str(name), attributes[name]) for name in sorted(attributes, key=str))
    for kind in type(value).__mro__:
        slots = vars(kind).get("__slots__", ())
        for name in sorted([slots] if isinstance(slots, str) else slots):
            if isinstance(vars(kind).get(name), types.MemberDescriptorType):
                yield from (Part(name, item) for item in _got(value, name))


_BOUND = (types.MethodType, types.BuiltinMethodType, types.MethodWrapperType)


def _named(function: types.FunctionType) -> Iterator[tuple[str, object]]:
    """The things beside a function that its code names, and of modules those of their things that it names."""
    names, waiting = set[str](), [function.__code__]
    while waiting:
        code = waiting.pop()
        names.update(code.co_names)
        waiting += [each for each in code.co_consts if isinstance(each, types.CodeType)]
    for name in sorted(names & function.__globals__.keys()):
        value = function.__globals__[name]
        yield name, value
        if isinstance(value, types.ModuleType) and own_code.is_own(value.__name__):
            yield from ((f"{name}.{each}", vars(value)[each]) for each in sorted(names & vars(value).keys()))


def _got(value: object, name: str) -> list[object]:
    """What is called `name` there, if there is something by now."""
    try:
        return [getattr(value, name)]
    except Exception:  # an empty cell or slot, or a thing that answers in its own way
        return []


def _kind(value: object) -> str:
    named = value if isinstance(value, type | types.FunctionType | types.BuiltinFunctionType) else type(value)
    return f"{plainly(str(named.__module__))}.{named.__qualname__}"


def _package(module: str) -> str:
    return module.partition(".")[0]


def _is_machinery(value: object) -> bool:
    """Whether nothing is looked for in it: machinery of torch, or a thing of a standard module that is no holder."""
    if isinstance(value, nn.Module | torch.ScriptObject):
        return False
    runs = isinstance(value, type | types.FunctionType)
    module = str(value.__module__ if runs else type(value).__module__)
    leave = not runs and own_code.is_standard(module) and _package(module) not in _HOLDERS
    return leave or module.startswith(_MACHINERY)
