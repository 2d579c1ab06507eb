"""Pickles of other programs, followed without importing or calling anything: what is no tensor stays opaque.

Beside its weights a training's file holds an optimiser, options in an `argparse.Namespace`, scores as NumPy scalars,
or the network's whole object. None of these is made: an `Opaque` stands for each, with its name and the plain values
that it would have been given. The rules of `benchmark.models.unpickle` hold: memory in proportion to the pickle, and
no step that takes longer than another.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from benchmark.errors import first_line
from benchmark.models.unpickle import MOST, ORDERED, Machine, Refused, Storage, Stored, described, storage_of

#: Instructions of the protocols after 2, and old ones of Python 2, by the format of the length that follows.
_WORDS = {b"X": "<I", b"\x8c": "<B", b"\x8d": "<Q", b"U": "<B", b"T": "<i"}
_BYTES = {b"C": "<B", b"B": "<I", b"\x8e": "<Q", b"\x96": "<Q"}
#: The highest protocol that is understood.
_PROTOCOL = 5

#: What is called where torch has no class of storage for a kind of number: the storage is bytes, the kind is named.
_TYPED = object()
_KINDS = ("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "uint16", "uint32", "uint64")
_NAMES: dict[bytes, Any] = {
    b"torch._utils\n_rebuild_tensor_v3": _TYPED,
    b"torch.storage\nUntypedStorage": torch.uint8,
    **{f"torch\n{kind}".encode(): getattr(torch, kind) for kind in _KINDS if hasattr(torch, kind)},
}

#: What an `Opaque` is called that stands for a tensor.
TENSOR = "torch.Tensor"


@dataclass(eq=False, slots=True)
class Opaque:
    """Something that would have to be imported to be made.

    Attributes:
        name: "module.name" of what it would have been made with.
        parts: dictionaries of attributes or items that it would have been given; not copied, as it may be many times.
    """

    name: str
    parts: list[dict[Any, Any]] | None = None


def follow(pickled: bytes, tensor: Callable[[Stored], Tensor]) -> Any:
    """What one whole pickle stands for, with an `Opaque` wherever something would have to be imported.

    Raises:
        Refused: it is damaged, or has an instruction that no known program writes.
    """
    return understood(LenientMachine(pickled, tensor).run)


def understood(step: Callable[[], Any]) -> Any:
    """What `step` returns, with one error for all that may be wrong with a pickle.

    Raises:
        Refused: something is.
    """
    try:
        return step()
    except Refused:
        raise
    except (ValueError, LookupError, struct.error) as problem:
        raise Refused(f"is damaged and can't be read ({first_line(problem)}); copy or download it again") from problem


class LenientMachine(Machine):
    """Follows a pickle of another program; see `Machine` for the arguments.

    `at` is where it begins, and after `step_through` where it ended; `storages` are all that it mentions, by key.
    """

    def __init__(self, pickled: bytes, tensor: Callable[[Stored], Tensor], at: int = 0) -> None:
        super().__init__(pickled, tensor)
        self._at = self._begin = at
        self._copied = 0
        self.storages: dict[str, Storage] = {}

    @property
    def at(self) -> int:
        return self._at

    def _follow(self, code: bytes) -> None:
        stack = self._stack
        if code == b"\x80":
            if self._at != self._begin + 1 or not 2 <= self._read(1)[0] <= _PROTOCOL:
                raise ValueError("the pickle is of another protocol")
        elif code == b"\x95":
            self._read(8)  # the length of a frame
        elif code == b"\x94":
            self._memo[len(self._memo)] = stack[-1]
        elif code in _WORDS:
            size = self._number(_WORDS[code])
            stack.append(self._read(max(size, 0)).decode("utf-8", errors="replace"))
        elif code in _BYTES:
            stack.append(self._read(self._number(_BYTES[code])))
        elif code == b"\x8b":
            stack.append(int.from_bytes(self._read(max(self._number("<i"), 0)), "little", signed=True))
        elif code == b"\x93":
            module, name = (self._exactly(word, str) for word in self._last(2))
            stack.append(self._meaning(f"{module}\n{name}".encode(errors="replace")))
        elif code in b"\x81R":
            arguments = stack.pop()
            stack.append(self._call(stack.pop(), arguments if type(arguments) is tuple else ()))
        elif code == b"\x92":
            _, _ = self._last(2)
            stack.append(self._call(stack.pop(), ()))
        elif code == b"\x8f":
            stack.append([])
        elif code == b"\x90":
            self._exactly(self._below[-1][-1], list).extend(self._since_mark())
        elif code == b"\x91":
            items = self._since_mark()
            self._stack.append(items)
        elif code in b"ae":
            items = [*self._last(1)] if code == b"a" else self._since_mark()
            if type(self._stack[-1]) is list:
                self._stack[-1].extend(items)
        elif code == b"b":
            self._give(stack.pop())
        elif code == b"0":
            stack.pop()
        elif code == b"1":
            self._since_mark()
        elif code == b"2":
            stack.append(stack[-1])
        else:
            super()._follow(code)

    def _give(self, state: Any) -> None:
        """Attributes for what is on top of the stack; torch's notes on an OrderedDict are not needed."""
        target = self._stack[-1]
        if isinstance(target, Opaque):
            parts = [part for part in (state[:2] if type(state) is tuple else (state,)) if type(part) is dict]
            target.parts = [*(target.parts or [])[:2], *parts]  # slots come as a second dictionary

    def _set(self, items: list[Any]) -> None:
        """As for pickles of ours, but keys that could take long to hash are left out, with their values."""
        target = self._stack[-1]
        if isinstance(target, Opaque):
            target.parts = target.parts or [{}]
            target = target.parts[0]
        if type(target) is not dict or len(items) % 2:
            raise ValueError("the pickle puts items into what holds none")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if type(key) is str or (type(key) is int and 0 <= key < 2**31):
                target[key] = value

    def _meaning(self, name: bytes) -> Any:
        name = name.replace(b"torch.cuda\n", b"torch\n")
        if name in _NAMES:
            return _NAMES[name]
        known = self._known(b"torch._utils\n_rebuild_tensor_v2" if name == b"torch._utils\n_rebuild_tensor" else name)
        return Opaque(name.replace(b"\n", b".").decode(errors="replace")[:200]) if known is None else known

    def _call(self, function: Any, arguments: tuple[Any, ...]) -> Any:
        if isinstance(function, Opaque):
            if function.name.endswith("._rebuild_parameter_with_state") and arguments:
                return arguments[0]
            if function.name.endswith("._rebuild_from_type_v2") and len(arguments) >= 3:
                inner, _, given = arguments[:3]
                return self._call(inner, given if type(given) is tuple else ())
            is_tensor = function.name.startswith("torch._utils._rebuild_") and "tensor" in function.name
            return Opaque(TENSOR if is_tensor else _made_by(function.name, arguments))
        if function is ORDERED and arguments:
            return self._from_pairs(arguments[0])
        try:
            if function is _TYPED:
                return self._tensor(_typed(*arguments[:7]))
            return super()._call(function, arguments)
        except Refused:
            raise
        except (ValueError, TypeError):  # a tensor of a kind that no network here has, or an expanded one
            return Opaque(TENSOR)

    def _from_pairs(self, pairs: Any) -> dict[str, Any]:
        """The dictionary of a list of pairs, as Python 2 wrote it; no list may be copied over and over."""
        self._copied += len(self._exactly(pairs, list))
        if self._copied > MOST:
            raise ValueError("the pickle makes more than it is")
        return {pair[0]: pair[1] for pair in pairs if type(pair) in (list, tuple) and type(pair[0]) is str}

    def _stored(self, identity: Any) -> Any:
        """A storage; files before torch 1.6 add a view that is no longer made, and name the source of classes."""
        if type(identity) is tuple and len(identity) == 6 and identity[0] == "storage" and identity[5] is None:
            identity = identity[:5]
        if type(identity) is tuple and identity[:1] == ("module",) and len(identity) > 1:
            return identity[1]
        if type(identity) is tuple and len(identity) == 5 and isinstance(identity[1], Opaque):
            return Opaque(identity[1].name)
        found = storage_of(identity)
        return self.storages.setdefault(found.key, found)


def _typed(storage: Any, offset: Any, shape: Any, stride: Any, needs_gradient: Any, hooks: Any, kind: Any) -> Stored:
    """The tensor of numbers of a `kind` that is a view of bytes."""
    if type(storage) is not Storage or storage.dtype != torch.uint8 or not isinstance(kind, torch.dtype):
        raise ValueError("the pickle describes a tensor that is none")
    if storage.numel % kind.itemsize:
        raise ValueError("the pickle describes a tensor of broken numbers")
    return described(Storage(storage.key, kind, storage.numel // kind.itemsize), offset, shape, stride)


def _made_by(name: str, arguments: tuple[Any, ...]) -> str:
    """The class of an object: copyreg makes objects of classes that it is given."""
    if name.endswith("._reconstructor") and arguments and isinstance(arguments[0], Opaque):
        return arguments[0].name
    return name
