"""Networks and images that a caller hands over, by names that this process and its workers know them by."""

from __future__ import annotations

import dataclasses
import io
import pickle
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from torch import nn
from torch.utils import data as torch_data

from benchmark.attacks import ATTACKS
from benchmark.data import Dataset
from benchmark.data.arrays import Array
from benchmark.data.torch_data import is_torch_data
from benchmark.engines.choice import Means
from benchmark.errors import BadInput, UnfitNetwork, first_line, notice
from benchmark.given import Given as GivenSuite
from benchmark.given import as_file
from benchmark.models import Checkpoint, ExternalModel, is_network, network_of
from benchmark.models.objects import Given
from benchmark.own.own_code import MAIN, is_own
from benchmark.own.trust import trusting
from benchmark.suites.files import read_suite_file

#: Images with their labels, or a name of them.
Data = str | Dataset | torch_data.Dataset[Any] | tuple[Array, Array]

#: What was handed over for the call that is under way: by name, the network or why it is none, and the data.
_NETWORKS: dict[str, Checkpoint | ExternalModel | UnfitNetwork] = {}
_DATASETS: dict[str, Any] = {}


#: What was read of datasets of torch's: by name, how many images were asked for, and they.
_READ: dict[str, tuple[int | None, Dataset]] = {}


def network(source: str) -> Checkpoint | ExternalModel | None:
    """A copy of the network that was handed over and goes by that name now, if there is one.

    Raises:
        UnfitNetwork: it can't be used.
    """
    found = _NETWORKS.get(source)
    if isinstance(found, UnfitNetwork):
        raise found
    return None if found is None else network_of(found)


def dataset(name: str, images: int | None = None) -> Dataset | None:
    """The data that was handed over and goes by that name now, if there is any.

    Args:
        name: of the data.
        images: how many images are needed: of a dataset of torch's no more are read. None for all.

    Raises:
        BadInput: a dataset of torch's can't be read.
    """
    found = _DATASETS.get(name)
    if found is None or isinstance(found, Dataset):
        return found
    read, part = _READ.get(name, (None, None))
    if part is None or read != images:
        part = Dataset.from_torch(found, name=name, images=images)
        _READ[name] = images, part
    return part


def dataset_is_held(name: str) -> bool:
    """Whether the data of that name was handed over."""
    return name in _DATASETS


@contextmanager
def held(
    networks: Sequence[Given], names: str | Sequence[str] | None = None, data: Data | None = None
) -> Iterator[tuple[list[str], str | None]]:
    """Within this context the networks and the data can be opened by the names that it gives.

    Args:
        networks: objects, paths and names.
        names: what to call the modules among them, each once, in their order; None for the names of their classes.
        data: a dataset, one of torch's, the name of one, or None.

    Raises:
        BadInput: the names are not one for each module, or no names.
    """
    tables: tuple[dict[str, Any], ...] = (_NETWORKS, _DATASETS, _READ)
    before = [dict(table) for table in tables]
    try:
        yield _held_networks(networks, names), _held_data(data)
    finally:
        for table, old in zip(tables, before, strict=True):
            table.clear()
            table.update(old)


def _held_data(data: Data | None) -> str | None:
    """What the data is called; what is no name is held.

    Raises:
        BadInput: it is no data.
    """
    if data is None or isinstance(data, str):
        return data
    if isinstance(data, tuple | list) and len(data) == 2:
        data = Dataset.from_arrays(*data)
    if not isinstance(data, Dataset) and not is_torch_data(data):
        hint = "; of a data loader give its .dataset" if isinstance(data, torch_data.DataLoader) else ""
        raise BadInput(
            f"dataset: a {type(data).__name__} is no data; give a name (bench list datasets), "
            f"benchmark.Dataset.from_arrays(images, labels), or a torch.utils.data.Dataset{hint}"
        )
    name = data.name if isinstance(data, Dataset) else type(data).__name__
    _DATASETS[name] = data
    _READ.pop(name, None)
    return name


def _held_networks(networks: Sequence[Given], names: str | Sequence[str] | None) -> list[str]:
    modules = list({id(each): each for each in networks if isinstance(each, nn.Module)}.values())
    if names is not None and not isinstance(names, str | list | tuple):
        raise BadInput(f"name: a {type(names).__name__} is no name; give one for each module")
    given = [names] if isinstance(names, str) else [None] * len(modules) if names is None else [*names]
    if len(given) != len(modules):
        raise BadInput(f"name: {len(given)} names for {len(modules)} modules; name each of them, or none")
    called = dict(zip(map(id, modules), given, strict=True))
    taken = {str(each) for each in networks if not is_network(each)}
    known: dict[int, str] = {}
    sources = []
    for each in networks:
        if not is_network(each):
            sources.append(str(each))
            continue
        if id(each) not in known:
            given_name = called.get(id(each))
            found = _opened(each, given_name)
            own = found.name if not isinstance(found, UnfitNetwork) else given_name or type(each).__name__
            name = known[id(each)] = _free(own, taken)
            _NETWORKS[name] = found
            taken.add(name)
        sources.append(known[id(each)])
    return sources


def _opened(thing: Given, name: str | None) -> Checkpoint | ExternalModel | UnfitNetwork:
    try:
        return network_of(thing, name)
    except UnfitNetwork as error:  # which is no reason to leave the others alone
        return error


def _free(name: str, taken: set[str]) -> str:
    """`name`, or with a number where something else is called so."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name} ({number})"
    return free


def means_for(means: Means, time_limit: float | None, suite: GivenSuite = "") -> Means:
    """What jobs may run on: this process alone, which is said, where something can't be sent to another one.

    So it is with what was handed over, and with attacks of the suite that were registered in a script or notebook.

    Raises:
        BadInput: it can't, and there is a time limit, which takes a process that can be stopped, or a cluster.
    """
    if means.engine == "local" and means.workers == 1 and time_limit is None:
        return means
    reasons = [f"{name} {reason}" for name, thing in _NETWORKS.items() if (reason := obstacle(thing))]
    for name in {name for name in _attacks_of(suite) if ATTACKS.is_put(name)}:
        if not _is_importable(home := ATTACKS.get(name).__module__):
            place = "the script or notebook itself" if home in MAIN else f"{home}, which can't be imported elsewhere"
            reasons.append(f"the attack {name} can't be sent to a worker process: it is defined in {place}")
    if not reasons:
        return means
    way = (
        "define it in a module that workers can import, or name it as python:MODULE:FUNCTION (an attack FILE.py:NAME)"
    )
    why = f"{'; '.join(reasons)}; {way}"
    if time_limit is not None:
        raise BadInput(f"a time limit takes worker processes, but {why}; or leave the time limit out")
    if means.engine != "local":
        raise BadInput(f"a cluster works in other processes, but {why}")
    if means.workers is not None:
        notice(f"everything runs in this process: {why}")
    return Means(1)


def _attacks_of(suite: GivenSuite) -> list[str]:
    """The attacks that a suite names; none of one that is wrong, which is said elsewhere."""
    if not suite:
        return []
    try:
        with as_file(suite, "suite") as file:
            return [line.attack for line in read_suite_file(file).content.attacks]
    except BadInput:
        return []


def parcel() -> bytes:
    """What was handed over, for a worker to `unpack`."""
    read = {name: part for name, (_, part) in _READ.items()}
    images = {name: read.get(name, data) for name, data in _DATASETS.items()}
    return pickle.dumps((_NETWORKS, images)) if _NETWORKS or images else b""


def unpack(packed: bytes) -> None:
    """Hold in this process what another one has put into the parcel."""
    if packed:
        with trusting(True):  # what it sends, it trusts
            hold(*pickle.loads(packed))


def hold(networks: Mapping[str, Checkpoint | ExternalModel | UnfitNetwork], datasets: Mapping[str, Dataset]) -> None:
    """Hold these in this process, and nothing else; digests are computed anew."""
    for table in (_NETWORKS, _DATASETS, _READ):
        table.clear()
    for name, each in networks.items():
        _NETWORKS[name] = each if isinstance(each, UnfitNetwork) else dataclasses.replace(each)
    _DATASETS.update({name: dataclasses.replace(each) for name, each in datasets.items()})


def obstacle(thing: Checkpoint | ExternalModel | UnfitNetwork) -> str:
    """Why a network can't be sent to another process, as the end of a sentence; "" if it can."""
    if not isinstance(thing, ExternalModel):
        return ""
    buffer = io.BytesIO()
    pickler = _Pickler(buffer)
    reason = ""
    try:
        pickler.dump(thing)
        buffer.seek(0)
        if not pickler.strangers and dataclasses.replace(pickle.load(buffer)).digest != thing.digest:
            reason = "it would arrive as another network"
    except Exception as error:  # whatever a module holds
        reason = first_line(error)
    for what, where in pickler.strangers.items():
        place = "the script or notebook itself" if where in MAIN else f"{where}, which can't be imported elsewhere"
        reason = f"{what} is defined in {place}"
    return f"can't be sent to a worker process: {reason}" if reason else ""


class _Pickler(pickle.Pickler):
    """Notes which of the things that a pickle names can't be found by another process.

    Attributes:
        strangers: by their names, the modules that they are said to be in.
    """

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.strangers: dict[str, str] = {}

    def reducer_override(self, thing: Any) -> Any:
        named = thing if isinstance(thing, type) or hasattr(thing, "__qualname__") else type(thing)
        module = getattr(named, "__module__", None)
        if isinstance(module, str) and not _is_importable(module):
            self.strangers[named.__qualname__] = module
        return NotImplemented


def _is_importable(name: str) -> bool:
    """Whether another process with the same path would find the module `name`."""
    if name in MAIN:
        return False
    if not is_own(name):
        return True
    parent, _, _ = name.rpartition(".")
    path = getattr(sys.modules.get(parent), "__path__", None) if parent else None
    finders = [finder.find_spec for finder in sys.meta_path if hasattr(finder, "find_spec")]
    found = next((spec for find in finders if (spec := find(name, path)) is not None), None)
    return found is not None and found.origin == getattr(sys.modules.get(name), "__file__", found.origin)
