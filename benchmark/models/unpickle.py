"""The pickles that torch.save writes, followed instruction by instruction: plain values come out, and tensors.

Nothing is imported and nothing is called: the few names that such a pickle mentions are known here by what they stand
for. What is made takes memory in proportion to the pickle, and no step takes longer than another.
"""

from __future__ import annotations

import pickletools
import struct
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from typing import Any, NamedTuple

import torch
from torch import Tensor

from benchmark.errors import first_line
from benchmark.limits import HEADER

#: Instructions that a pickle may have: a short one can make an object of some seventy bytes.
MOST = HEADER // 4

_TENSOR, _PARAMETER, ORDERED = object(), object(), object()
_NAMES: dict[bytes, Any] = {
    b"torch._utils\n_rebuild_tensor_v2": _TENSOR,
    b"torch._utils\n_rebuild_parameter": _PARAMETER,
    b"collections\nOrderedDict": ORDERED,
    **{
        f"torch\n{name}Storage".encode(): kind
        for name, kind in {
            "Double": torch.float64,
            "Float": torch.float32,
            "Half": torch.float16,
            "BFloat16": torch.bfloat16,
            "Long": torch.int64,
            "Int": torch.int32,
            "Short": torch.int16,
            "Char": torch.int8,
            "Byte": torch.uint8,
            "Bool": torch.bool,
            "ComplexFloat": torch.complex64,
            "ComplexDouble": torch.complex128,
        }.items()
    },
}

#: Instructions that are followed by a number of fixed length, which is all that they do: by its format.
_NUMBERS = {b"K": "<B", b"M": "<H", b"J": "<i", b"G": ">d"}
#: Instructions that put a value in its place, and those that make a tuple of the last few values.
_VALUES: dict[bytes, Any] = {b"N": None, b"\x88": True, b"\x89": False, b")": ()}
_TUPLES = {b"\x85": 1, b"\x86": 2, b"\x87": 3}
#: Instructions that import or call, by the names that pickletools gives them; torch writes none but GLOBAL.
_CALLING = {"GLOBAL", "STACK_GLOBAL", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4", "PERSID"}


class Refused(ValueError):
    """A file is not what torch.save writes; the message goes on from its name: "is damaged (it breaks off)"."""


class ForeignCode(ValueError):
    """A pickle asks for something that would have to be imported; the message goes on from the file's name.

    Attributes:
        name: of what it asks for, "module.name".
    """

    def __init__(self, name: str) -> None:
        super().__init__(f"asks to run code ({name[:100]})")
        self.name = name


class Storage(NamedTuple):
    """Numbers that are stored under `key`, as a pickle mentions them."""

    key: str
    dtype: torch.dtype
    numel: int


class Stored(NamedTuple):
    """A tensor as a pickle describes it: a view of a storage that stays within it."""

    key: str
    dtype: torch.dtype
    numel: int
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


def interpret(pickled: bytes, tensor: Callable[[Stored], Tensor]) -> Any:
    """What `pickled` stands for.

    Args:
        pickled: of protocol 2, as torch.save writes it.
        tensor: makes a tensor that is described; it may refuse to.

    Raises:
        ForeignCode: it mentions something else than tensors and plain values.
        Refused: it is no such pickle.
    """
    try:
        return Machine(pickled, tensor).run()
    except (Refused, ForeignCode):
        raise
    except (ValueError, LookupError, struct.error) as problem:
        wanted = ""
        with suppress(ValueError):
            wanted = foreign(pickled)
        if wanted:
            raise ForeignCode(wanted) from problem
        raise Refused(f"is damaged and can't be read ({first_line(problem)}); copy or train it again") from problem


def foreign(pickled: bytes) -> str:
    """The first thing that a pickle of any protocol would import; "" if there is none.

    Its instructions are read up to its end, or as many as are followed, and not followed.

    Raises:
        ValueError: it is no pickle.
    """
    wanted = ""
    strings: list[str] = []
    for opcode, argument, _ in islice(pickletools.genops(pickled), MOST):
        if isinstance(argument, str):
            strings = [*strings[-1:], argument]
        if opcode.name in _CALLING and str(argument).replace(" ", "\n").encode(errors="replace") not in _NAMES:
            name = str(argument) if opcode.name in ("GLOBAL", "INST") else " ".join(strings)
            wanted = wanted or name or opcode.name
    return wanted.replace(" ", ".")


class Machine:
    """Follows one pickle; its stack holds values, and the stacks below a mark."""

    def __init__(self, pickled: bytes, tensor: Callable[[Stored], Tensor]) -> None:
        self._pickled, self._at, self._tensor = pickled, 0, tensor
        self._stack: list[Any] = []
        self._below: list[list[Any]] = []
        self._memo: dict[int, Any] = {}

    def run(self) -> Any:
        """What the pickle stands for, up to its end, which must be that of all that was given."""
        found = self.step_through()
        if self._at != len(self._pickled):
            raise ValueError("the pickle does not end where it says")
        return found

    def step_through(self) -> Any:
        """What the pickle stands for that begins here; more may stand behind it."""
        for _ in range(MOST):
            code = self._read(1)
            if code == b".":
                if self._below or len(self._stack) != 1:
                    raise ValueError("the pickle does not end where it says")
                return self._stack[0]
            self._follow(code)
        raise ValueError(f"the pickle has more than {MOST:,} instructions")

    def _follow(self, code: bytes) -> None:
        stack = self._stack
        if code in _NUMBERS:
            stack.append(self._number(_NUMBERS[code]))
        elif code in _VALUES:
            stack.append(_VALUES[code])
        elif code in b"qr":
            self._memo[self._number("<B" if code == b"q" else "<I")] = stack[-1]
        elif code in b"hj":
            stack.append(self._memo[self._number("<B" if code == b"h" else "<I")])
        elif code == b"X":
            stack.append(self._read(self._number("<I")).decode("utf-8"))
        elif code == b"\x8a":
            stack.append(int.from_bytes(self._read(self._number("<B")), "little", signed=True))
        elif code == b"(":
            self._below.append(stack)
            self._stack = []
        elif code in _TUPLES:
            stack.append(self._last(_TUPLES[code]))
        elif code == b"t":
            items = self._since_mark()
            self._stack.append(tuple(items))
        elif code == b"}":
            stack.append({})
        elif code == b"]":
            stack.append([])
        elif code in b"su":
            self._set([*self._last(2)] if code == b"s" else self._since_mark())
        elif code in b"ae":
            more = [*self._last(1)] if code == b"a" else self._since_mark()
            self._exactly(self._stack[-1], list).extend(more)
        elif code == b"c":
            stack.append(self._name())
        elif code == b"Q":
            stack.append(self._stored(stack.pop()))
        elif code == b"R":
            arguments = self._exactly(stack.pop(), tuple)
            stack.append(self._call(stack.pop(), arguments))
        elif code == b"b":  # attributes of an OrderedDict, torch's notes on the versions of modules: not needed
            self._exactly(stack.pop(), dict)
            self._exactly(stack[-1], dict)
        elif code == b"\x80":
            if self._read(1) != b"\x02" or self._at != 2:
                raise ValueError("the pickle is of another protocol")
        else:
            raise ValueError(f"the pickle has the instruction {code!r}")

    def _read(self, size: int) -> bytes:
        content = self._pickled[self._at : self._at + size]
        if len(content) != size:
            raise ValueError("the pickle breaks off")
        self._at += size
        return content

    def _number(self, kind: str) -> Any:
        return struct.unpack(kind, self._read(struct.calcsize(kind)))[0]

    def _name(self) -> Any:
        """What a name stands for: two lines of the pickle."""
        middle = self._pickled.index(b"\n", self._at)
        end = self._pickled.index(b"\n", middle + 1)
        name = self._pickled[self._at : end]
        self._at = end + 1
        return self._meaning(name)

    def _meaning(self, name: bytes) -> Any:
        known = self._known(name)
        if known is None:
            raise ForeignCode(name.replace(b"\n", b".").decode(errors="replace"))
        return known

    def _known(self, name: bytes) -> Any:
        return _NAMES.get(name)

    def _stored(self, identity: Any) -> Any:
        return storage_of(identity)

    def _last(self, count: int) -> tuple[Any, ...]:
        if len(self._stack) < count:
            raise ValueError("the pickle takes more than it has")
        items = tuple(self._stack[-count:])
        del self._stack[-count:]
        return items

    def _since_mark(self) -> list[Any]:
        items, self._stack = self._stack, self._below.pop()
        return items

    def _set(self, items: list[Any]) -> None:
        """Keys and values into a dictionary.

        A nested key could take longer to hash than the world lasts, and large numbers can be chosen to have one hash.
        """
        target = self._exactly(self._stack[-1], dict)
        if len(items) % 2:
            raise ValueError("the pickle has a key without a value")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if type(key) is not str and not (type(key) is int and 0 <= key < 2**31):
                raise ValueError(
                    f"the pickle has a key that is neither a word nor a small number: {type(key).__name__}"
                )
            target[key] = value

    def _call(self, function: Any, arguments: tuple[Any, ...]) -> Any:
        if function is ORDERED and not arguments:
            return {}
        if function is _PARAMETER and isinstance(arguments[0], Tensor):
            return arguments[0]
        if function is _TENSOR and len(arguments) >= 4:
            return self._tensor(described(*arguments[:4]))
        raise ValueError("the pickle calls what can't be called")

    def _exactly(self, value: Any, kind: type) -> Any:
        if type(value) is not kind:
            raise ValueError(f"the pickle takes a {type(value).__name__} for a {kind.__name__}")
        return value


def storage_of(identity: Any) -> Storage:
    """The storage that torch calls ("storage", kind of number, key, device, how many)."""
    if type(identity) is not tuple or len(identity) != 5 or identity[0] != "storage":
        raise ValueError("the pickle mentions something stored elsewhere")
    _, dtype, key, _, numel = identity
    if not isinstance(dtype, torch.dtype) or type(key) is not str or type(numel) is not int or numel < 0:
        raise ValueError("the pickle mentions a storage that is none")
    return Storage(key, dtype, numel)


def described(storage: Any, offset: Any, shape: Any, stride: Any) -> Stored:
    """The tensor that is a view of `storage`, unless it reaches beyond, or shows a number more than once."""
    if type(storage) is not Storage or type(shape) is not tuple or type(stride) is not tuple:
        raise ValueError("the pickle describes a tensor that is none")
    if any(type(number) is not int or number < 0 for number in (offset, *shape, *stride)):
        raise ValueError("the pickle describes a tensor of impossible shape")
    if len(shape) != len(stride) or len(shape) > 64:
        raise ValueError(f"the pickle describes a tensor of {len(shape)} dimensions and {len(stride)} strides")
    elements, reach = 1, offset
    # From the fastest dimension on, each must step over all that the ones before it cover.
    for step, length in sorted(zip(stride, shape, strict=True)):
        if length > 1 and step < 1 + reach - offset:
            raise ValueError("the pickle describes a tensor that shows its numbers more than once")
        elements *= length
        reach += step * max(length - 1, 0)
    if elements and reach >= storage.numel:
        raise ValueError(f"the pickle describes a tensor up to number {reach + 1:,}, {storage.numel:,} are stored")
    return Stored(storage.key, storage.dtype, storage.numel, offset, shape, stride)
