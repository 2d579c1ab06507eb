"""A trained network in one file: weights, what they fit into, and how they came about."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import ConfigDict, FailFast, Field, JsonValue, TypeAdapter, ValidationError
from torch import Tensor, nn

from benchmark.card import Card, misfit, plain
from benchmark.errors import LONGEST, BadInput
from benchmark.models.architectures import ARCHITECTURES, build, is_foreign
from benchmark.models.files import FORMAT, read_file, write_file
from benchmark.models.fit import ImageProblem, check_fits
from benchmark.models.foreign_files import way
from benchmark.models.reach import Reach
from benchmark.own import files
from benchmark.own.trust import is_trusted, trusting
from benchmark.storage import digest
from benchmark.tensors import tensor_digest

Text = Annotated[str, Field(max_length=1000)]
Side = Annotated[int, Field(ge=1, le=1024)]
Statistic = Annotated[float, Field(allow_inf_nan=False)]


@dataclass
class Checkpoint:
    """One trained network and its history; the annotations are the bounds that a file must keep.

    Attributes:
        name: the file's stem, e.g. "mat-h1".
        state: the weights and buffers, float32 (counters int64), as `nn.Module.state_dict` names them.
        architecture: a name in `ARCHITECTURES`.
        num_classes: K.
        shape: (C, H, W) of the images it takes.
        mean, std: what its first layer subtracts and divides by, per channel.
        dataset: the name of the dataset it was trained on; `scale`, that dataset's row of radii.
        method: the name of the method; `network`, which of its networks this is, e.g. "h1" or "generalist".
        recipe: the training recipe as plain values.
        seed: of the whole training run; None where it is not known.
        history: one row of figures per epoch.
        versions: library versions by name.
        selection: "best" (robust accuracy on the validation split) or "last".
        selected_epoch: the epoch, counted from 1, after which these were the weights.
        extra: anything else, as plain values.
        classes: what its outputs stand for, one name each, as the data called them; () in older files.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    name: Text
    state: dict[str, Tensor] = field(repr=False)  # millions of numbers, which nobody wants on a screen
    architecture: Text
    num_classes: Annotated[int, Field(ge=2, le=100_000)]
    shape: tuple[Annotated[int, Field(ge=1, le=16)], Side, Side]
    mean: Annotated[tuple[Statistic, ...], FailFast()]
    std: Annotated[tuple[Annotated[Statistic, Field(gt=0)], ...], FailFast()]
    dataset: Text
    scale: Text
    method: Text
    network: Text
    recipe: dict[str, JsonValue] = field(repr=False)
    seed: int | None
    history: Annotated[list[dict[str, float | int | str]], FailFast()] = field(default_factory=list, repr=False)
    versions: dict[str, str] = field(default_factory=dict, repr=False)
    selection: Literal["best", "last"] = "last"
    selected_epoch: int = 0
    extra: dict[str, JsonValue] = field(default_factory=dict, repr=False)
    classes: tuple[Text, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        # Whether code of one's own may run: whoever was told so once makes the network later on.
        self._trusted = is_trusted()

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of everything that decides the network's output, and of nothing else.

        What another package's architecture computes is in its code, which may change under its name.
        """
        parts: list[Any] = [tensor_digest(self.state), files.shown(self.architecture), self.num_classes]
        parts += [[*self.shape], [*self.mean], [*self.std]]
        with trusting(self._trusted):
            foreign = is_foreign(self.architecture)
        return digest([*parts, Reach(self.model()).digest()] if foreign else parts)

    def card(self) -> dict[str, Any]:
        """Everything but the weights, as plain JSON values."""
        told = {item.name: plain(getattr(self, item.name)) for item in fields(self) if item.name != "state"}
        return told | {"architecture": files.shown(self.architecture)}

    def model(self) -> nn.Module:
        """The network, in float32 on the CPU and in eval mode: images N×C×H×W in [0, 1] → N×K logits."""
        network = self._build()
        network.load_state_dict(self.state)
        return network.eval()

    def check_fits(self, dataset: ImageProblem) -> None:
        """Refuse a dataset of other classes or image shape.

        Raises:
            BadInput: it doesn't fit; the message states both sides.
        """
        check_fits(f"checkpoint {self.name!r}", self.num_classes, self.shape, dataset)

    def check(self, where: str) -> None:
        """Refuse weights that don't belong to the architecture or aren't finite numbers.

        Shapes are compared with a network that has no storage, so nothing is allocated for a false claim.

        Raises:
            BadInput: naming `where` and the first thing that is wrong.
        """
        ARCHITECTURES.get(self.architecture, where)
        if not len(self.mean) == len(self.std) == self.shape[0]:
            raise BadInput(f"{where}: mean and std must have one number for each of {self.shape[0]} channels")
        if self.classes and not len(self.classes) == len(set(self.classes)) == self.num_classes:
            raise BadInput(f"{where}: classes must be {self.num_classes} different names, one for each output")
        with torch.device("meta"):
            expected = self._build().state_dict()
        strangers = sorted(expected.keys() ^ self.state.keys())
        if strangers:
            side = "lacks" if strangers[0] in expected else "has a surplus"
            raise BadInput(f"{where}: the state {side} {strangers[0]!r}; it is not a {self.architecture}")
        for key, tensor in self.state.items():
            want = expected[key]
            if (tensor.shape, tensor.dtype) != (want.shape, want.dtype) or not tensor.is_contiguous():
                raise BadInput(
                    f"{where}: {key!r} is {tensor.dtype} {list(tensor.shape)}, but a {self.architecture} for "
                    f"{self.num_classes} classes and images {list(self.shape)} has {want.dtype} {list(want.shape)}"
                )
            if not bool(torch.isfinite(tensor).all()):
                raise BadInput(f"{where}: the weights {key!r} are not finite (NaN or infinity); train it again")

    def _build(self) -> nn.Module:
        with trusting(self._trusted):
            return build(
                self.architecture,
                num_classes=self.num_classes,
                shape=self.shape,
                mean=self.mean,
                std=self.std,
            )


def save_checkpoint(path: str | Path, checkpoint: Checkpoint) -> Path:
    """Write `checkpoint` to `path`, whole or not at all; as safetensors if that is the suffix, else `.pt`.

    Raises:
        BadInput: it could not be loaded again, or the file can't be written.
    """
    path = Path(path)
    header = {item.name: getattr(checkpoint, item.name) for item in fields(checkpoint) if item.name != "state"}
    try:
        header = json.loads(json.dumps(header))
    except (TypeError, ValueError) as error:
        raise BadInput(f"can't save {path}: recipe, history and extra must be plain values ({error})") from error
    state = {
        key: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for key, tensor in checkpoint.state.items()
    }
    _from_parts(header, state, f"checkpoint for {path}")
    return write_file(path, header, state)


def load_checkpoint(path: str | Path) -> Checkpoint:
    """Read a checkpoint; nothing in the file is ever run, and nothing is believed unchecked.

    Raises:
        BadInput: whatever is wrong with the file; the message says what, and what to do.
    """
    try:
        header, state = read_file(Path(path))
    except BadInput as error:
        told = way(Path(path), FORMAT, runs_code="asks to run code" in str(error))
        if not told:
            raise
        raise BadInput(f"{str(error).partition('; to evaluate another network')[0]}; {told}") from error
    if files.is_spec(header.get("architecture")):
        header = header | {"architecture": files.beside(header["architecture"], Path(path).parent)}
    return _from_parts(header, state, str(path))


@cache
def _adapter() -> TypeAdapter[Checkpoint]:
    """Made once: it takes longer to make than to read a small network with it."""
    return TypeAdapter(Checkpoint)


def _from_parts(header: dict[str, Any], state: dict[str, Tensor], where: str) -> Checkpoint:
    problem = misfit(Card, plain(header))
    if strangers := sorted(header.keys() - {item.name for item in fields(Checkpoint)}):
        problem = f"{strangers[0][:LONGEST]}: nobody knows what it is"
    if problem:
        place, _, message = problem.partition(": ")
        raise BadInput(f"{where}: the checkpoint's {place!r} is wrong: {message}")
    try:
        checkpoint = _adapter().validate_python({**header, "state": state})
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise BadInput(f"{where}: the checkpoint's {place!r} is wrong: {first['msg']}") from error
    checkpoint.check(where)
    return checkpoint
