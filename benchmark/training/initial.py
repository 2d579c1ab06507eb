"""What training begins with instead of random weights: a network of one's own, or one from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmark.data import Dataset
from benchmark.errors import BadInput, UnfitNetwork, notice, reason
from benchmark.models import ARCHITECTURES, Checkpoint, ExternalModel, Given, build, listed, load_model, outputs_for
from benchmark.models.foreign import candidates, fits
from benchmark.models.foreign.match import OURS
from benchmark.models.normalize import Normalize

#: On how many training images a network from elsewhere has to answer as one of ours with its weights.
TRIED = 8


@dataclass(frozen=True)
class InitialNetwork:
    """The weights that a network begins with.

    Attributes:
        name: of the network they are from; `digest`, its SHA-256.
        architecture: a name in `ARCHITECTURES`.
        mean, std: what its first layer subtracts and divides by: the weights are right for no other.
        state: for the data at hand; without the last layer where that is to be a new one.
    """

    name: str
    digest: str
    architecture: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    state: dict[str, Tensor]


def load_initial(
    sources: Sequence[Given] | Given,
    dataset: Dataset,
    architecture: str | None,
    *,
    download: bool = False,
    trust_remote_code: bool = False,
) -> tuple[Checkpoint, ...]:
    """The networks that are named or given, as checkpoints: all of one architecture, for images with these channels.

    Args:
        sources: as `benchmark.load_model` takes them.
        dataset: what is trained on; only its training images are looked at.
        architecture: what was asked for; None for that of the networks.
        download, trust_remote_code: as for `benchmark.load_model`.

    Raises:
        BadInput: one can't be loaded, or is no network that can be trained here; the message says what to do.
    """
    found = []
    for source in listed(sources):
        try:
            network = load_model(source, download=download, trust_remote_code=trust_remote_code)
        except BadInput as error:
            raise BadInput(f"init: {error}") from error
        checkpoint = network if isinstance(network, Checkpoint) else _recognised(network, dataset, architecture)
        if architecture not in (None, checkpoint.architecture):
            raise BadInput(
                f"init {checkpoint.name} is a {checkpoint.architecture}, not a {architecture}; leave out --arch, or "
                "choose another network"
            )
        architecture = checkpoint.architecture
        found.append(checkpoint)
    return tuple(found)


def fitted(network: Checkpoint, dataset: Dataset, has_new_head: bool) -> InitialNetwork:
    """The weights of `network` for a dataset, its outputs in the order of these classes or behind a new last layer.

    Raises:
        BadInput: it was made for images with other channels or of another size, or for other classes and
            `has_new_head` is false.
    """
    name = network.name
    state = dict(network.state)
    head = head_of(network)
    if network.shape[0] != dataset.shape[0]:
        raise BadInput(
            f"init {name} takes images with {network.shape[0]} channels, and {dataset.name} has {dataset.shape[0]}"
        )
    if has_new_head:
        state = {key: value for key, value in state.items() if key not in head}
    elif network.num_classes != dataset.num_classes:
        raise BadInput(
            f"init {name} has {network.num_classes} classes, and {dataset.name} has {dataset.num_classes}; begin "
            "with a new last layer: --set init_head=new"
        )
    elif outputs := _outputs(network, dataset):
        state |= {key: state[key][list(outputs)] for key in head}
    with torch.device("meta"):
        expected = _like(network, dataset.num_classes, dataset.shape)
    wrong = [key for key, value in state.items() if value.shape != expected[key].shape]
    if wrong:
        raise BadInput(
            f"init {name} was made for images {_size(network.shape)}, and {dataset.name} has {_size(dataset.shape)}: "
            f"its weights {wrong[0]!r} fit no other size; bring the pictures to its size (--resize, --crop)"
        )
    if tuple(network.shape) != tuple(dataset.shape):
        notice(
            f"init {name} was made for images {_size(network.shape)}, and goes on with {_size(dataset.shape)} of "
            f"{dataset.name}"
        )
    return InitialNetwork(name, network.digest, network.architecture, network.mean, network.std, state)


def head_of(network: Checkpoint) -> set[str]:
    """The names of the weights of its last layer: those that have a row for each class."""
    with torch.device("meta"):
        more = _like(network, network.num_classes + 1, network.shape)
    return {key for key, value in network.state.items() if value.shape != more[key].shape}


def for_members(inits: Sequence[InitialNetwork], kept: Sequence[bool], method: str) -> tuple[InitialNetwork, ...]:
    """One for each network of a cohort: all begin with the only one there is, or each with its own, in their order.

    A scaffold, which is not `kept`, begins as the first network does.

    Raises:
        BadInput: there are several, and not as many as networks.
    """
    count = sum(kept)
    if len(inits) not in (0, 1, count):
        trains = "one network" if count == 1 else f"{count} networks"
        raise BadInput(
            f"method {method} trains {trains}, and {len(inits)} were given with --init; give one for all or {count}"
        )
    if len(inits) == 1 and count > 1:
        notice(
            f"all {count} networks of {method} begin with the weights of {inits[0].name}; until they have grown "
            "apart they teach each other little: give --init once for each to begin with different ones"
        )
    own = iter(inits if len(inits) == count else inits * count)
    return tuple(next(own) if is_kept else inits[0] for is_kept in kept) if inits else ()


def _recognised(network: ExternalModel, dataset: Dataset, architecture: str | None) -> Checkpoint:
    """A network from elsewhere as a checkpoint of ours: of the architecture that answers as it does with its weights.

    Raises:
        UnfitNetwork: there is none.
    """
    x, _ = dataset.train.batch(slice(0, TRIED))
    with torch.no_grad():
        try:
            answers = network.model()(x)
        except Exception as error:
            raise UnfitNetwork(
                f"init {network.name} does not take images {_size(dataset.shape)} of {dataset.name}: {reason(error)}"
            ) from error
        for found in _candidates(network, dataset, architecture):
            own = found.model()(x)
            if own.shape == answers.shape and torch.allclose(own, answers, 1e-3, 1e-3 * float(answers.abs().max())):
                return found
    asked = f"a {architecture}" if architecture else "an architecture of bench list architectures"
    raise UnfitNetwork(
        f"init {network.name} can be evaluated, but not trained here: with its weights no network that is {asked} "
        "answers as it does; if it is one under other names, make a checkpoint of its file: bench import FILE "
        f"--dataset {dataset.name}, then --init zoo/NAME.pt"
    )


def _candidates(network: ExternalModel, dataset: Dataset, architecture: str | None) -> Iterator[Checkpoint]:
    """What its weights fit by names and shapes, under each normalisation that it may hold."""
    state = {key: value.detach() for key, value in network.network.state_dict().items()}
    first = next((part for part in network.network.modules() if isinstance(part, Normalize)), None)
    tried = [architecture] if architecture else [*candidates(), *_with_silu()]
    # A network of ours may stand alone, or within a module of another name.
    bare = {f"{OURS}{key}": value for key, value in state.items()}
    inner = {f"{OURS}{key.partition('.')[2]}": value for key, value in state.items()}
    for fit in fits(
        {"": state, "bare": bare, "inner": inner},
        tried,
        [dataset.shape[1:]],
    ):
        if not fit.is_whole or fit.channels != dataset.shape[0]:
            continue
        plain = ((0.0,) * fit.channels, (1.0,) * fit.channels)
        inside = None if first is None else (_numbers(first.mean), _numbers(first.std))
        for mean, std in dict.fromkeys(filter(None, [inside, (fit.mean, fit.std) if fit.mean else None, plain])):
            checkpoint = Checkpoint(
                name=network.name,
                state={key: value.contiguous() for key, value in fit.state.items()},
                architecture=fit.architecture,
                num_classes=fit.num_classes,
                shape=dataset.shape,
                mean=mean,
                std=std,
                dataset=network.dataset,
                scale=network.scale,
                method="external",
                network="",
                recipe={},
                seed=None,
            )
            checkpoint.check(network.name)
            yield checkpoint


def _with_silu() -> list[str]:
    """The architectures with SiLU that have no name of their own: weights don't tell it, answers do."""
    names = (name for name in candidates() if getattr(ARCHITECTURES.get(name), "activation", "") == "relu")
    return [f"{name}?activation=silu" for name in names]


def _outputs(network: Checkpoint, dataset: Dataset) -> tuple[int, ...]:
    try:
        return outputs_for(network, dataset.class_names, dataset.name)
    except UnfitNetwork as error:
        told = str(error).partition("; if they are the same")[0]
        raise BadInput(f"init {told}; begin with a new last layer: --set init_head=new") from error


def _like(network: Checkpoint, num_classes: int, shape: tuple[int, int, int]) -> dict[str, Tensor]:
    """The state of a network as this one, for so many classes and such images."""
    same = {"shape": shape, "mean": network.mean, "std": network.std}
    return dict(build(network.architecture, num_classes=num_classes, **same).state_dict())  # type: ignore[arg-type]


def _numbers(tensor: Tensor) -> tuple[float, ...]:
    return tuple(tensor.flatten().tolist())


def _size(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape))
