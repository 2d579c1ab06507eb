"""A library's architecture with weights from a file of one's own: `timm:resnet18?weights=FILE&normalization=none`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmark.errors import BadInput, UnfitNetwork, short
from benchmark.models.external import ExternalModel
from benchmark.models.foreign import COUNTER, read_states
from benchmark.models.normalize import Normalize
from benchmark.models.queries import check_arguments

#: What may be said about such a file.
ARGUMENTS = ("weights", "normalization", "mean", "std", "entry", "size")
#: A number of classes that no layer within a network has as its width.
_FEW = 11
#: What stands before names that wrappers put there.
PREFIXES = ("", "module.", "_orig_mod.", "model.", "module.model.", "module._orig_mod.", "net.", "network.")


def with_own_weights(
    source: str,
    given: dict[str, Any],
    make: Callable[[int], nn.Module],
    usual: tuple[tuple[float, ...], tuple[float, ...]],
    shape: tuple[int, int, int],
) -> ExternalModel:
    """The network with the weights in `given["weights"]`; nothing in the file is run.

    Args:
        source: as it was asked for.
        given: the arguments behind the name.
        make: makes the library's network for so many classes, with random weights.
        usual: the mean and standard deviation that the library's own weights were trained with.
        shape: (C, H, W) of the images that the library's own weights were trained with.

    Raises:
        BadInput: something is not said that decides numbers, or is said wrongly.
        UnfitNetwork: the file does not fit.
    """
    check_arguments(source, given, ARGUMENTS)
    mean, std = _normalization(source, given, usual, shape[0])
    size = given.get("size", shape[1])
    if type(size) is not int or not 8 <= size <= 1024:
        raise BadInput(f"{source}: size={short(size)} is no side of images; give a number of pixels, 8 to 1024")
    states = read_states(Path(str(given["weights"])))
    with torch.device("meta"):
        expected = make(_FEW).state_dict()
    state = _picked(source, states, given.get("entry"), {name for name in expected if not name.endswith(COUNTER)})
    # The last layer, as it is the last to have a row for each class.
    head = next(name for name, tensor in [*expected.items()][::-1] if tensor.dim() > 1 and len(tensor) == _FEW)
    if head not in state or state[head].dim() != expected[head].dim():
        raise UnfitNetwork(f"{source}: the file has no {head}, the last layer; is it of this architecture?")
    classes = len(state[head])
    network = make(classes)
    try:
        network.load_state_dict(state, strict=True)
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines()]
        raise UnfitNetwork(f"{source}: the file does not fit: {' '.join(lines)[:400]}") from error
    return ExternalModel(source, nn.Sequential(Normalize(mean, std), network), classes, (shape[0], size, size))


def _normalization(
    source: str, given: dict[str, Any], usual: tuple[tuple[float, ...], tuple[float, ...]], channels: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    how = given.get("normalization")
    if ("mean" in given) != ("std" in given) or ("mean" in given and how is not None):
        raise BadInput(f"{source}: give mean and std together, and then no normalization")
    if "mean" in given:
        return _numbers(source, given["mean"], channels), _numbers(source, given["std"], channels, positive=True)
    if how == "none":
        return (0.0,) * channels, (1.0,) * channels
    if how == "usual":
        return usual
    raise BadInput(
        f"{source}: say what was done to images in [0, 1] before the network where these weights were trained: "
        f"normalization=none, normalization=usual (mean {list(usual[0])}, std {list(usual[1])}, as the library's "
        "own) or mean=[...]&std=[...]"
    )


def _numbers(source: str, given: Any, channels: int, positive: bool = False) -> tuple[float, ...]:
    numbers = given if isinstance(given, list) else [given]
    if len(numbers) == 1:
        numbers = numbers * channels
    fine = all(type(each) in (int, float) and (each > 0 or not positive) and abs(each) <= 2 for each in numbers)
    if len(numbers) != channels or not fine:
        raise BadInput(
            f"{source}: {short(given)}: give {channels} numbers in units of pixels in [0, 1], as [0.5,0.5,0.5]"
        )
    return tuple(map(float, numbers))


def _picked(
    source: str, states: Mapping[str, Mapping[str, Tensor]], entry: Any, names: set[str]
) -> dict[str, Tensor]:
    """The group of tensors that has the network's `names`, without what stands before them."""
    found: dict[str, dict[str, Tensor]] = {}
    for path, state in states.items():
        if entry is not None and entry != path:
            continue
        for prefix in PREFIXES:
            own = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
            if len(names & own.keys()) * 2 > len(names):
                found.setdefault(path, own)
                break
    if not found:
        raise UnfitNetwork(
            f"{source}: the file holds no weights with this network's names; is it another architecture?"
        )
    if len(found) > 1:
        raise BadInput(f"{source}: the file holds several: {', '.join(map(repr, found))}; say which by entry=")
    return next(iter(found.values()))
