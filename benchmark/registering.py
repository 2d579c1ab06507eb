"""Things of one's own under names, in a script or a notebook: decorators that may be run again.

    >>> @benchmark.register_attack
    ... @dataclass(frozen=True)
    ... class Shift(Attack): ...

They hold in this process. What they are made of belongs to the identity of what they make, so that results of an
edited cell are never taken for those of the old one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

from benchmark.attacks import ATTACKS
from benchmark.data import DATASETS
from benchmark.errors import BadInput
from benchmark.methods.objectives import OBJECTIVES
from benchmark.methods.outer import OUTERS
from benchmark.methods.table import METHODS
from benchmark.models import ARCHITECTURES
from benchmark.registry import Registry

Thing = TypeVar("Thing")


class Register:
    """`register_attack` and its like: a decorator, with a name or without, or a function of a name and a thing."""

    def __init__(self, registry: Registry[Any]) -> None:
        self._registry = registry
        self.__doc__ = (
            f"Register {registry.kind}s of one's own: `@register`, `@register('name')`, `register('name', thing)`."
            "\n\nRegistering a name again replaces what one had put there; the names of the package are not free."
        )

    @overload
    def __call__(self, name: str) -> Callable[[Thing], Thing]: ...
    @overload
    def __call__(self, name: str, thing: Thing) -> Thing: ...
    @overload
    def __call__(self, name: Thing) -> Thing: ...
    def __call__(self, name: Any, thing: Any = None) -> Any:
        """Register `thing` under `name`.

        Raises:
            BadInput: it is no such thing, or the name is not free.
        """
        if not isinstance(name, str):
            if thing is not None:
                raise BadInput(f"register: a {type(name).__name__} is no name; give the name first, then the thing")
            return self._put(self._own_name(name), name)
        return self._put(name, thing) if thing is not None else lambda decorated: self._put(name, decorated)

    def _put(self, name: str, thing: Any) -> Any:
        self._registry.put(name, thing)
        return thing

    def _own_name(self, thing: Any) -> str:
        """What the thing calls itself: an attack by its `name`, a function by its own with "-" for "_"."""
        said = getattr(thing, "name", None)
        if isinstance(said, str):
            return said
        named = getattr(thing, "__name__", "")
        if not named:
            kind = self._registry.kind
            raise BadInput(f"register: this {kind} has no name of its own; say one first: register('name', thing)")
        return str(named).replace("_", "-")


register_attack = Register(ATTACKS)
register_method = Register(METHODS)
register_loss = Register(OUTERS)
register_objective = Register(OBJECTIVES)
register_architecture = Register(ARCHITECTURES)
register_dataset = Register(DATASETS)
