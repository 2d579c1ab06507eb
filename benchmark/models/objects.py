"""Networks that a caller hands over as they are, in a script or a notebook."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from benchmark.errors import BadInput, UnfitNetwork, reason
from benchmark.models.checkpoint import Checkpoint
from benchmark.models.class_order import Arranged
from benchmark.models.copying import copied
from benchmark.models.external import ExternalModel
from benchmark.run_names import checked_name

#: A network itself, or what names one: the path of a checkpoint, or a source such as "torchvision:resnet50".
Given = nn.Module | Checkpoint | ExternalModel | str | Path


def is_network(thing: object) -> bool:
    """Whether it is a network, and no name of one."""
    return isinstance(thing, nn.Module | Checkpoint | ExternalModel | Arranged)


def listed(networks: Any) -> list[Given]:
    """One or several networks, or names of them, as a list.

    Raises:
        BadInput: something that is neither.
    """
    one = isinstance(networks, str | Path) or is_network(networks) or not isinstance(networks, Sequence | Iterator)
    found: list[Any] = [networks] if one else list(networks)
    for each in found:
        if not isinstance(each, str | Path) and not is_network(each):
            network_of(each)  # which says what it is
    return found


def network_of(thing: Any, name: str | None = None) -> Checkpoint | ExternalModel:
    """The network `thing`, under `name` if there is one, else under its own or that of its class.

    Of a module a copy is taken, in float32 on the CPU and in eval mode: the caller's own stays as it is, and what
    becomes of it meanwhile changes no number. What it is called is no part of its digest.

    Raises:
        BadInput: it is no network, or its name is no name.
        UnfitNetwork: it can't be copied, or not told from others.
    """
    if isinstance(thing, Arranged):
        raise BadInput("give the network as it was loaded, and the order of its outputs as classes=[...]")
    if not is_network(thing):
        raise BadInput(
            f"a {type(thing).__name__} is no network; give a torch.nn.Module, what benchmark.load_model returns, the "
            "path of a checkpoint, or a name such as torchvision:resnet50"
        )
    if isinstance(thing, Checkpoint | ExternalModel):
        if name is not None and checked_name(name) != thing.name:
            raise BadInput(f"name={name!r}: this network is called {thing.name!r} already; leave its name out")
        if isinstance(thing, Checkpoint):
            return thing
        own = copy.copy(thing)
        own.network = _copied(thing.network, thing.name)
        return own
    module = _unwrapped(thing)
    if name is not None and not isinstance(name, str):
        raise BadInput(f"name: a {type(name).__name__} is no name; give a word")
    called = checked_name(class_name(module) if name is None else name)
    return ExternalModel(called, _copied(module, called), is_object=True)


def class_name(module: nn.Module) -> str:
    """What the class of a module is called, a scripted one's by the module it was made of."""
    return str(getattr(module, "original_name", type(module).__name__))


def _unwrapped(module: nn.Module) -> nn.Module:
    """The network itself, without wrappers for several GPUs or compilation."""
    if isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
        module = module.module
    inner: nn.Module = getattr(module, "_orig_mod", module)
    return inner


def _copied(module: nn.Module, called: str) -> nn.Module:
    try:
        return copied(module)
    except Exception as error:  # whatever a module holds
        raise UnfitNetwork(
            f"{called} can't be copied: {reason(error)}; leave out of it what it does not compute with, or write a "
            "function that makes it and name that, python:MODULE:FUNCTION"
        ) from error
