"""What is evaluated: a network and the images it is tried on, named by digest and loaded where they are needed."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from benchmark.attacks import PreparedClassifier, freeze
from benchmark.attacks.objectives import is_wrong
from benchmark.data import Dataset, load
from benchmark.errors import BadInput, reason
from benchmark.evaluation.verify import exact_logits
from benchmark.models import Checkpoint, ExternalModel, check_model, load_model


@dataclass(frozen=True)
class Target:
    """A network and a test set by name and digest: all that a worker needs to load the same ones.

    Attributes:
        source: where the network comes from, e.g. a checkpoint's path.
        network: the network's digest.
        dataset, root: what `benchmark.data.load` is asked for.
        data: the digest of the test split.
        device, precision: of the search, resolved.
        trust: whether foreign code that the network is made by may be run.
        compile: whether the search's passes are compiled.
    """

    source: str
    network: str
    dataset: str
    root: str | None
    data: str
    device: str
    precision: str
    trust: bool = False
    compile: bool = False


class Subject:
    """A loaded target.

    Attributes:
        model: the original network, float32 and in eval mode: the one that verification asks.
        classifier: the network as prepared for the search.
    """

    def __init__(self, model: nn.Module, dataset: Dataset, target: Target) -> None:
        self.model = freeze(model.to(target.device).float().eval())
        self._test, self._device = dataset.test, torch.device(target.device)
        self.classifier = PreparedClassifier(
            model, dataset.num_classes, target.device, target.precision, self.images(0, 2)[0], target.compile
        )
        self._shards: dict[tuple[int, int], tuple[Tensor, Tensor, Tensor]] = {}

    def images(self, start: int, stop: int) -> tuple[Tensor, Tensor]:
        """Images start, ..., stop − 1 on the device, and their labels."""
        x, y = (tensor.to(self._device) for tensor in self._test.batch(slice(start, stop)))
        return x, y

    def shard(self, start: int, stop: int) -> tuple[Tensor, Tensor, Tensor]:
        """`images`, and which of them are misclassified without attack.

        Raises:
            BadInput: the network fails on them, or has no answer for one.
        """
        if (start, stop) not in self._shards:
            x, y = self.images(start, stop)
            place = f"the test images {start} to {stop - 1}"
            try:
                logits = exact_logits(self.model, x)
            except Exception as error:  # a foreign network may raise anything
                raise BadInput(f"the network fails on {place}: {reason(error)}") from error
            if not bool(torch.isfinite(logits).all()):
                raise BadInput(f"the network returns NaN or infinite logits for some of {place}")
            self._shards = {(start, stop): (x, y, is_wrong(logits, y))}
        return self._shards[start, stop]


@lru_cache(maxsize=1)
def subject(target: Target) -> Subject:
    """`load_subject`; the latest one stays in memory."""
    return load_subject(target)


def load_subject(target: Target) -> Subject:
    """Load `target`.

    Raises:
        BadInput: the network or the data is no longer what it was when the evaluation was planned.
    """
    network = open_network(target.source, trust=target.trust)
    dataset = dataset_of(target.dataset, target.root)
    if dataset.digest != target.data:
        raise BadInput(f"dataset {target.dataset} is not what it was when the evaluation began; start it again")
    if network.digest != target.network:
        raise BadInput(f"{target.source}: {_changed(network, dataset)}")
    return Subject(network.model(), dataset, target)


def _changed(network: Checkpoint | ExternalModel, dataset: Dataset) -> str:
    """Why a network may not be what it was, unless something worse is wrong with it: then that."""
    try:
        check_model(network.model(), dataset.test.batch(slice(0, 8))[0], dataset.num_classes)
    except BadInput as error:
        return str(error)
    if isinstance(network, Checkpoint):
        return "the file is not what it was when the evaluation began; start it again"
    return (
        "its weights or its code are not what they were when the evaluation began; if the factory draws weights "
        "at random, call torch.manual_seed(0) in it first, or save them once and load them there; else start again"
    )


def open_network(source: str, download: bool = False, trust: bool = False) -> Checkpoint | ExternalModel:
    """The network that `source` names, see `benchmark.models.load_model`.

    Raises:
        BadInput: it can't be loaded.
    """
    return load_model(source, download=download, trust=trust)


@lru_cache(maxsize=1)
def dataset_of(name: str, root: str | None, download: bool = False) -> Dataset:
    """The dataset `name`; the latest one stays in memory.

    Raises:
        BadInput: it can't be loaded.
    """
    return load(name, root=root, download=download)


def forget() -> None:
    """Free what `subject` and `dataset_of` keep in memory."""
    subject.cache_clear()
    dataset_of.cache_clear()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def card(network: Checkpoint | ExternalModel) -> dict[str, Any]:
    """What reports tell about a network: everything about it except its weights, as plain JSON values."""
    if isinstance(network, Checkpoint):
        told = {field.name: getattr(network, field.name) for field in dataclasses.fields(network)}
        numbers = sum(tensor.numel() for tensor in told.pop("state").values() if tensor.is_floating_point())
    else:
        told = {"name": network.name, "method": "external", "network": "", "dataset": network.dataset}
        told |= {"architecture": type(network.network).__name__, "history": [], "recipe": {}}
        numbers = sum(parameter.numel() for parameter in network.network.parameters())
    return _plain(told) | {"digest": network.digest, "numbers": numbers}


def _plain(value: Any) -> Any:
    """`value` with tuples as lists, and with what JSON can't say, NaN and infinity, as words."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not abs(value) < float("inf"):
        return str(value)
    return value
