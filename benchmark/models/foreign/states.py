"""Where in a training's file the weights are: every group of named tensors, by the way that leads to it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from torch import Tensor

from benchmark.errors import LONGEST
from benchmark.models.foreign.pickles import TENSOR, Opaque


class State(dict[str, Tensor]):
    """Tensors by name, and the names of those that are there but of a kind that is not read.

    Attributes:
        unread: names; such tensors are sparse or quantised, say, or show one number in many places.
    """

    def __init__(self) -> None:
        super().__init__()
        self.unread: list[str] = []

    def put(self, name: str, value: Any) -> None:
        """Note what is called `name`, if it is a tensor."""
        if isinstance(value, Tensor):
            self[name] = value
        elif isinstance(value, Opaque) and value.name == TENSOR:
            self.unread.append(name)


#: How deep the weights may lie, and how many groups and things are looked at.
DEEPEST, GROUPS, THINGS = 6, 1000, 100_000


def find_states(payload: Any) -> dict[str, State]:
    """All groups of named tensors in what a file holds, by their path: "state_dict", "model.net"; "" for the whole.

    A network that was saved as a whole is a group, too: its layers' tensors by the names of its attributes.
    """
    found: dict[str, State] = {}
    seen: set[int] = set()
    waiting: deque[tuple[str, Any, int]] = deque([("", payload, 0)])
    looked_at = 0
    while waiting and len(found) < GROUPS and looked_at < THINGS:
        path, thing, depth = waiting.popleft()
        looked_at += 1
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        state = _network_state(thing) if _is_network(thing) else _named_tensors(thing)
        if state or state.unread:
            found[path] = state
        if depth < DEEPEST and not _is_network(thing):
            for key, inner in _inside(thing):
                if isinstance(inner, dict | list | tuple | Opaque) and len(str(key)) <= LONGEST:
                    waiting.append((f"{path}.{key}" if path else str(key), inner, depth + 1))
    return found


def _inside(thing: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(thing, dict):
        yield from thing.items()
    elif isinstance(thing, Opaque):
        for part in thing.parts or ():
            yield from part.items()
    elif isinstance(thing, list | tuple):
        yield from enumerate(thing)


def _named_tensors(thing: Any) -> State:
    found = State()
    for key, value in _inside(thing) if isinstance(thing, dict | Opaque) else ():
        if isinstance(key, str):
            found.put(key, value)
    return found


def _is_network(thing: Any) -> bool:
    """Whether this would have been a `torch.nn.Module`."""
    return isinstance(thing, Opaque) and any(
        "_modules" in part and "_parameters" in part for part in thing.parts or ()
    )


def _network_state(network: Opaque) -> State:
    """What the network's `state_dict()` would have been; layers that are shared are met once."""
    found = State()
    seen: set[int] = set()
    waiting: deque[tuple[str, Any, int]] = deque([("", network, 0)])
    while waiting and len(seen) < THINGS:
        prefix, module, depth = waiting.popleft()
        if id(module) in seen or not _is_network(module) or depth > 50:
            continue
        seen.add(id(module))
        for part in module.parts or ():
            for kind in ("_parameters", "_buffers"):
                tensors = part.get(kind)
                for name, value in tensors.items() if isinstance(tensors, dict) else ():
                    found.put(f"{prefix}{name}", value)
            inner = part.get("_modules")
            for name, value in inner.items() if isinstance(inner, dict) else ():
                if len(str(name)) <= LONGEST:
                    waiting.append((f"{prefix}{name}.", value, depth + 1))
    return found
