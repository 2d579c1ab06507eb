"""Networks and data by their names, what was handed over as an object first."""

from __future__ import annotations

import os

import torch

from benchmark.attacks.objectives import own_logits
from benchmark.data import Dataset, load
from benchmark.errors import FOREIGN
from benchmark.evaluation import objects
from benchmark.models import Checkpoint, ExternalModel, load_model
from benchmark.models.architectures import is_foreign
from benchmark.own.files import is_spec


def open_network(source: str, download: bool = False, trust_remote_code: bool = False) -> Checkpoint | ExternalModel:
    """The network that `source` names, see `benchmark.models.load_model`, which says what it raises.

    What was handed over as an object goes before files and other sources of its name. Of those whose weights are
    fixed by their name the latest stays in memory, for reading it takes long: an evaluation asks for it when it is
    planned, when it is checked and when it is attacked. So does a checkpoint of an architecture of ours as long as
    its file is the same. A function of one's own is called each time: one that draws its weights is found out.
    """
    state = _state(source)
    found, read_in = _KEPT.get(source, (None, None))
    found = objects.network(source) or (found if read_in == state else None)
    if found is None:
        _KEPT.clear()
        found = load_model(source, download=download, trust_remote_code=trust_remote_code)
        if _is_fixed(source, found):
            _KEPT[source] = found, state
    return found


def _is_fixed(source: str, network: Checkpoint | ExternalModel) -> bool:
    """Whether a network is what its name says, and its file where it has one, whenever it is asked for."""
    if isinstance(network, ExternalModel):
        return source.partition(":")[0] in OF_LIBRARIES
    return not is_spec(network.architecture) and not is_foreign(network.architecture)


def _state(source: str) -> tuple[int, ...] | None:
    """What tells a file from another in its place, or from itself before it was written to; None for no file."""
    try:
        found = os.stat(source)
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


#: Sources whose networks are what their names say, whenever they are asked.
OF_LIBRARIES = ("hf", "timm", "torchvision", "robustbench")
#: By its source the network that stays in memory, and the state of its file.
_KEPT: dict[str, tuple[Checkpoint | ExternalModel, tuple[int, ...] | None]] = {}


def dataset_of(
    name: str, data_dir: str | None, download: bool = False, images: int | None = None, classes: int = 0
) -> Dataset:
    """The dataset `name`, one that was handed over as an object first; the latest one stays in memory.

    Args:
        name, data_dir, download: see `benchmark.data.load`.
        images: how many test images are needed; data that can be read in part may have no more. None for all of it.
        classes: how many the network has, for data whose classes were only counted.

    Raises:
        BadInput: it can't be loaded.
    """
    key = (name, data_dir, images)
    if key not in _LATEST:
        _LATEST.clear()
        found = objects.dataset(name, images)
        _LATEST[key] = found or load(name, data_dir=data_dir, download=download, images=images)
    return _LATEST[key].widened(classes)


_LATEST: dict[tuple[str, str | None, int | None], Dataset] = {}


def classes_of(network: Checkpoint | ExternalModel, dataset: Dataset) -> int:
    """How many classes a network tells apart, as far as data needs to know whose classes were only counted."""
    if not dataset.counted or network.num_classes is not None:
        return network.num_classes or 0
    try:
        with torch.no_grad():
            return own_logits(network.model()(dataset.test.batch(slice(0, 1))[0]), 1).shape[1]
    except FOREIGN:  # what is wrong with it is said where it is tried
        return 0


def forget() -> None:
    """Free the data and the network that stay in memory."""
    _LATEST.clear()
    forget_network()


def forget_network() -> None:
    """Free the network that stays in memory."""
    _KEPT.clear()


def forget_checkpoint() -> None:
    """Free it where it is quickly read again, as from a file of weights."""
    for source in [source for source, (network, _) in _KEPT.items() if isinstance(network, Checkpoint)]:
        del _KEPT[source]
