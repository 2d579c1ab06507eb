"""For a training loop of one's own: the network that it begins with, and the checkpoint that it ends with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmark.arguments import checked_arguments
from benchmark.card import plain
from benchmark.data import Dataset, load
from benchmark.errors import BadInput
from benchmark.methods.table import METHODS
from benchmark.models import ARCHITECTURES, Checkpoint, build, save_checkpoint, storable
from benchmark.models.copying import copied
from benchmark.models.normalize import Normalize
from benchmark.own import files
from benchmark.own.trust import trusts
from benchmark.run_names import checked_name
from benchmark.storage import check_writable

#: How many images a saved network is asked about, to see that the file computes what the model does.
ASKED = 8


@trusts
@checked_arguments
def new_model(
    arch: str,
    *,
    dataset: str | Dataset = "digits",
    seed: int = 0,
    download: bool = False,
    data_dir: str | Path | None = None,
    trust_remote_code: bool = False,
) -> nn.Module:
    """A network with random weights that takes images in [0, 1], as `benchmark.train` begins with one.

    Args:
        arch: a name of `bench list architectures`, or FILE.py:NAME.
        dataset: the data it is for, which says its classes, its image size and what it normalises by.
        seed: of its weights; torch's global generator stays as it is.
        download, data_dir, trust_remote_code: as for `benchmark.train`.

    Returns:
        A module, float32 on the CPU and in train mode, that maps N×C×H×W in [0, 1] to N×K logits; its first layer
        normalises.

    Raises:
        BadInput: there is no such architecture or data.
    """
    data = load(dataset, data_dir=data_dir, download=download)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build(arch, num_classes=data.num_classes, shape=data.shape, mean=data.mean, std=data.std)


@trusts
@checked_arguments
def save(
    model: nn.Module,
    path: str | Path,
    *,
    dataset: str | Dataset,
    arch: str,
    method: str,
    title: str | None = None,
    paper: str = "",
    mean: Sequence[float] | float | None = None,
    std: Sequence[float] | float | None = None,
    seed: int | None = None,
    settings: Mapping[str, Any] | None = None,
    history: Sequence[Mapping[str, float | int | str]] = (),
    overwrite: bool = False,
    download: bool = False,
    data_dir: str | Path | None = None,
    trust_remote_code: bool = False,
) -> Path:
    """File a network that one's own loop trained: `benchmark.save(model, "zoo/mine.pt", dataset="digits", ...)`.

    `benchmark.evaluate` then takes the file, and the pages show it under its own method's name.

    Args:
        model: of an architecture of the benchmark, or of one's own: as `new_model` gives it, or without a
            normalisation of its own, of which `mean` and `std` then tell. It stays as it is; weights of another
            precision are filed in float32, as checkpoints have them.
        path: of the file, .pt or .safetensors; the network is called like it.
        dataset: what it was trained on.
        arch: a name of `bench list architectures`, or FILE.py:NAME.
        method: what to call the way it was trained; no method of the benchmark is called so.
        title, paper: of the method, for the pages.
        mean, std: what was subtracted from images in [0, 1] before they went in, and what they were divided by then;
            mean=0 and std=1 if nothing was.
        seed: of the training, if it is known.
        settings: hyper-parameters of the training, plain values, for the pages.
        history: a row of figures for each epoch.
        overwrite: whether to replace a file.
        download, data_dir, trust_remote_code: as for `benchmark.train`.

    Returns:
        The path of the file.

    Raises:
        BadInput: the model is not of this architecture, or answers otherwise than it; something about the other
            arguments. Nothing is written then.
    """
    path = Path(path)
    if path.suffix not in (".pt", ".safetensors"):
        raise BadInput(f"save: {path}: let the file's name end with .pt or .safetensors")
    if path.exists() and not overwrite:
        raise BadInput(f"save: {path} is there already; choose another name, or pass overwrite=True to replace it")
    if checked_name(method) in METHODS.names() or any(method in METHODS.aliases(name) for name in METHODS.names()):
        raise BadInput(
            f"save: method={method!r} is a method of this benchmark, which did not train it; name it otherwise"
        )
    if not isinstance(model, nn.Module):
        raise BadInput(f"save: a {type(model).__name__} is no network; give a torch.nn.Module")
    data = load(dataset, data_dir=data_dir, download=download)
    found = _state(model, arch, data, mean, std)
    own = files.own_files(arch, data.name)
    checkpoint = Checkpoint(
        name=checked_name(path.stem),
        state=found.state,
        architecture=arch,
        num_classes=data.num_classes,
        shape=data.shape,
        mean=found.mean,
        std=found.std,
        dataset=data.name,
        scale=data.scale,
        method=checked_name(method),
        network="",
        recipe={},
        seed=seed,
        history=[dict(row) for row in history],
        classes=storable(data.class_names),
        extra={
            "title": title or checked_name(method),
            "paper": paper,
            "settings": plain(dict(settings or {})),
            "changes": {},
            "own_loop": True,
            **({"own_code": plain(own)} if own else {}),
        },
    )
    _check_answers(found.model, checkpoint, data)
    check_writable(path.parent)
    return save_checkpoint(path, checkpoint)


@dataclass(frozen=True)
class _Found:
    """A model's weights as a checkpoint names them, what it normalises by, and how it is asked."""

    state: dict[str, Tensor]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    model: nn.Module


def _state(
    model: nn.Module,
    arch: str,
    data: Dataset,
    mean: Sequence[float] | float | None,
    std: Sequence[float] | float | None,
) -> _Found:
    inner = model.module if isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel) else model
    inner = getattr(inner, "_orig_mod", inner)
    if any(value.is_floating_point() and value.dtype != torch.float32 for value in inner.state_dict().values()):
        inner = copied(inner).float()  # as `benchmark.evaluate` takes a module
    network = ARCHITECTURES.get(arch)(num_classes=data.num_classes, shape=data.shape)
    expected, own = network.state_dict().keys(), inner.state_dict()
    normalize = getattr(inner, "normalize", None)
    if isinstance(normalize, Normalize) and own.keys() == {f"network.{key}" for key in expected}:
        if mean is not None or std is not None:
            raise BadInput("save: the model normalises by itself; leave mean and std out")
        return _Found(own, _numbers(normalize.mean), _numbers(normalize.std), inner)
    strangers = sorted(own.keys() ^ expected)
    if strangers:
        side = "lacks" if strangers[0] in expected else "has"
        raise BadInput(f"save: the model is not a {arch} for {data.name}: it {side} {strangers[0]!r}")
    if mean is None or std is None:
        raise BadInput(
            "save: say what images in [0, 1] were normalised by before they went in: mean=..., std=..., or mean=0, "
            "std=1 if they were not"
        )
    channels = data.shape[0]
    means, stds = (
        tuple(map(float, [value] * channels if isinstance(value, int | float) else value)) for value in (mean, std)
    )
    if len(means) != channels or len(stds) != channels or not all(value > 0 for value in stds):
        raise BadInput(f"save: mean and std must be {channels} numbers each, one for each channel, std positive")
    return _Found(
        {f"network.{key}": value for key, value in own.items()}, means, stds, _normalized(inner, means, stds)
    )


def _normalized(model: nn.Module, mean: Sequence[float], std: Sequence[float]) -> nn.Module:
    device = next((tensor.device for tensor in (*model.parameters(), *model.buffers())), None)
    return nn.Sequential(Normalize(mean, std).to(device), model)


def _numbers(values: Tensor) -> tuple[float, ...]:
    return tuple(map(float, values.flatten().tolist()))


def _check_answers(model: nn.Module, checkpoint: Checkpoint, data: Dataset) -> None:
    """Refuse a file that would compute something else than the model.

    Raises:
        BadInput: their answers to a few images differ.
    """
    x, _ = data.test.batch(slice(0, ASKED))
    first = next((tensor for tensor in (*model.parameters(), *model.buffers())), x)
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            theirs = model(x.to(first.device)).float().cpu()
            ours = checkpoint.model()(x)
    finally:
        for module, mode in modes:
            module.training = mode
    scale = float(ours.abs().amax()) + 1
    if theirs.shape != ours.shape or not bool(((theirs - ours).abs() < 1e-2 * scale).all()):
        raise BadInput(
            f"save: a {files.shown(checkpoint.architecture)} with these weights answers otherwise than the model; "
            "its code computes something else, so save that code as an architecture of its own, FILE.py:NAME"
        )
