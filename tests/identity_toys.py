"""Networks that keep a tensor where no state dict looks: each takes one and gives a network that computes with it."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType, SimpleNamespace

import numpy as np
import torch
from torch import Tensor, nn

#: Name → what makes the network.
PLACES: dict[str, Callable[[Tensor], nn.Module]] = {}

#: What `with_a_global` and `with_a_class_attribute` compute with.
TABLE = torch.zeros(3)


def place(make: Callable[[Tensor], nn.Module]) -> Callable[[Tensor], nn.Module]:
    PLACES[make.__name__] = make
    return make


class Holds(nn.Module):
    """Computes with what it is given, of which nothing is registered."""

    def __init__(self, held: object) -> None:
        super().__init__()
        self.held = held

    def forward(self, x: Tensor) -> Tensor:
        return x


def layer(tensor: Tensor) -> nn.Module:
    made = nn.Linear(len(tensor), 1)
    made.weight.data, made.bias.data = tensor[None].clone(), torch.zeros(1)
    return made


@place
def in_a_list(tensor):
    return Holds([layer(torch.ones(3)), layer(tensor)])


@place
def in_a_dict(tensor):
    return Holds({"members": {1: layer(tensor)}})


@place
def as_a_key(tensor):
    return Holds({layer(tensor): 1})


@place
def in_a_tuple(tensor):
    return Holds((1, (tensor,)))


@place
def in_a_set(tensor):
    return Holds({layer(torch.ones(3)), layer(tensor), "a", "b", "c"})


@place
def in_a_deque(tensor):
    return Holds(deque([tensor]))


@place
def in_a_read_only_dict(tensor):
    return Holds(MappingProxyType({"a": tensor}))


@place
def in_an_array(tensor):
    return Holds(tensor.numpy().copy())


@place
def in_an_array_of_objects(tensor):
    held = np.empty(1, object)
    held[0] = tensor
    return Holds(held)


@place
def in_another_object(tensor):
    return Holds(SimpleNamespace(inner=SimpleNamespace(tensor=tensor)))


@dataclass
class Filter:
    kernel: Tensor

    def apply(self, x: Tensor) -> Tensor:
        return x * self.kernel


@place
def in_a_dataclass(tensor):
    return Holds(Filter(tensor))


@place
def in_a_bound_method(tensor):
    return Holds(Filter(tensor).apply)


@place
def in_a_tensors_own_method(tensor):
    return Holds(tensor.clone().add)


class Slotted:
    __slots__ = ("empty", "kernel")

    def __init__(self, kernel: Tensor) -> None:
        self.kernel = kernel


@place
def in_a_slot(tensor):
    return Holds(Slotted(tensor))


@place
def in_a_closure(tensor):
    return Holds(lambda x: x * tensor)


@place
def in_a_closure_of_a_closure(tensor):
    inner = lambda x: x * tensor  # noqa: E731
    return Holds(lambda x: inner(x))


@place
def in_a_partial(tensor):
    return Holds(functools.partial(torch.mul, other=tensor))


@place
def in_a_default(tensor):
    return Holds(lambda x, weight=tensor: x * weight)


@place
def in_a_keyword_default(tensor):
    def scale(x: Tensor, *, weight: Tensor = tensor) -> Tensor:
        return x * weight

    return Holds(scale)


@place
def beside_a_function(tensor):
    def scale(x: Tensor) -> Tensor:
        return x * scale.weight  # type: ignore[attr-defined]

    scale.weight = tensor  # type: ignore[attr-defined]
    return Holds(scale)


@place
def in_a_hook(tensor):
    network = nn.Flatten()
    network.register_forward_hook(lambda module, inputs, output: output * tensor)
    return network


@place
def in_a_class_that_is_made_for_it(tensor):
    class Scales(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x * tensor

    return Scales()


class FromItsClass(nn.Module):
    table = torch.zeros(3)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.table


@place
def with_a_class_attribute(tensor):
    FromItsClass.table = tensor
    return FromItsClass()


def _scaled(x: Tensor) -> Tensor:
    return x * TABLE


class FromItsModule(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return _scaled(x)


@place
def with_a_global(tensor):
    global TABLE
    TABLE = tensor
    return FromItsModule()


@place
def with_a_buffer_that_is_not_saved(tensor):
    network = nn.Flatten()
    network.register_buffer("shift", tensor, persistent=False)
    return network


@place
def in_a_sparse_tensor(tensor):
    return Holds(tensor.to_sparse())


@place
def in_a_traced_constant(tensor):
    return torch.jit.trace(lambda x: x * tensor, torch.ones(3)) and torch.jit.trace(Multiplies(tensor), torch.ones(3))


class Multiplies(nn.Module):
    def __init__(self, factor: Tensor) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor


@place
def in_a_compiled_network_inside(tensor):
    return nn.Sequential(torch.compile(Holds([tensor]), backend="eager"))


@place
def in_a_ring(tensor):
    network = Holds({})
    network.held = {"me": [network, tensor]}
    return network
