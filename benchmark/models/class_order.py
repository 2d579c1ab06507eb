"""Which class each output of a network stands for: by names, where the network or the user gives them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from unicodedata import normalize

import torch
from torch import Tensor, nn

from benchmark.errors import BadInput, UnfitNetwork, nearest, short
from benchmark.models.checkpoint import Checkpoint
from benchmark.models.external import ExternalModel
from benchmark.models.fit import ImageProblem
from benchmark.storage import digest, read_text

#: The most bytes of a file with names: a hundred for each of ten thousand classes.
LARGEST = 2**20

#: How many names a message lists.
LISTED = 12


class Reordered(nn.Module):
    """A network whose outputs are put into another order.

    Args:
        network: images N×C×H×W → N×K logits.
        outputs: for each class of the data, which output of `network` stands for it.
    """

    outputs: Tensor

    def __init__(self, network: nn.Module, outputs: Sequence[int]) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("outputs", torch.tensor(outputs, dtype=torch.int64), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.network(x)
        return logits.index_select(1, self.outputs)


@dataclass(frozen=True)
class Arranged:
    """A network from anywhere whose outputs stand in the order of a dataset's classes.

    Attributes:
        network: the network as it was loaded.
        outputs: for each class of the data, which of the network's outputs stands for it.

    Raises:
        BadInput: `outputs` are not the numbers from 0 on, each once.
    """

    network: Checkpoint | ExternalModel
    outputs: tuple[int, ...]

    def __post_init__(self) -> None:
        if sorted(self.outputs) != list(range(len(self.outputs))):
            raise BadInput(f"{self.name}: an order of {len(self.outputs)} outputs must name each of them once")

    @property
    def name(self) -> str:
        return self.network.name

    @property
    def dataset(self) -> str:
        return self.network.dataset

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of what the network is made of, and of the order: in another one it is another network."""
        return digest(["outputs in another order", self.network.digest, list(self.outputs)])

    def model(self) -> nn.Module:
        """The network, in float32 on the CPU and in eval mode, its outputs in the data's order."""
        return Reordered(self.network.model(), self.outputs).eval()

    def check_fits(self, dataset: ImageProblem) -> None:
        """As the network itself does."""
        self.network.check_fits(dataset)


def arranged(network: Checkpoint | ExternalModel, outputs: Sequence[int]) -> Checkpoint | ExternalModel | Arranged:
    """`network` with its outputs in that order; itself where that is its own, or none is given."""
    return network if list(outputs) == list(range(len(outputs))) else Arranged(network, tuple(outputs))


def outputs_for(
    network: Checkpoint | ExternalModel, class_names: Sequence[str], data: str, given: Sequence[str] = ()
) -> tuple[int, ...]:
    """For each class of the data, which output of `network` stands for it; () where nobody says.

    Args:
        network: a checkpoint names its classes itself, or was trained on this data; then these names count, if they
            are the data's.
        class_names: of the data, in the order of its labels.
        data: what it is called, for messages.
        given: the class of each output of the networks that don't say, by the names of the data; () if not known.

    Raises:
        UnfitNetwork: the network was trained on other classes, and what they are in this data is not given.
        BadInput: `given` are not the data's classes.
    """
    class_names = storable(class_names)
    own = as_spelt(network.classes, class_names) if isinstance(network, Checkpoint) else ()
    given = as_spelt(given, class_names)
    if isinstance(network, Checkpoint) and network.dataset == data:
        own = own or class_names  # older files don't say; who was trained on these images has their order
    if own and set(own) == set(class_names):
        return tuple(own.index(name) for name in class_names)
    if given:
        _check(given, class_names, data)
        return tuple(given.index(name) for name in class_names)
    if own:
        raise UnfitNetwork(
            f"{network.name} was trained on the classes {listed(own)}, but {data} has {listed(class_names)}; if they "
            "are the same, say by --classes FILE which class of these images each of its outputs stands for, in "
            "Python by classes=[...]"
        )
    return ()


def read_classes(classes: str | Path | Sequence[str]) -> tuple[str, ...]:
    """The names of a network's classes, one per output in the network's order.

    Args:
        classes: a file with a JSON list of names, or with a name on each line; or, in Python, the names.

    Raises:
        BadInput: there is no such file, or it holds something else, a name twice or only one.
    """
    if isinstance(classes, Mapping | Set | bytes) or not isinstance(classes, Iterable | Path):
        kind = type(classes).__name__
        raise BadInput(f"classes: a {kind} is no list; give a list of names, one per output, in the network's order")
    if isinstance(classes, str | Path):
        names, where = _read(Path(classes)), f"{classes}"
    else:
        names, where = list(classes), "classes"
    if not all(isinstance(name, str) and name for name in names):
        wrong = next(name for name in names if not isinstance(name, str) or not name)
        raise BadInput(f"{where}: {short(wrong)} is no name of a class; give a list of names, one per output")
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise BadInput(f"{where}: {short(twice[0])} is there twice; give each output a class of its own")
    if len(names) < 2:
        raise BadInput(f"{where}: it names {len(names)} classes; give a name for each output, in the network's order")
    return storable(names)


def storable(names: Iterable[str]) -> tuple[str, ...]:
    """The names with stray bytes, as folders' names may hold, spelt out: they have to be kept as UTF-8."""
    return tuple(name.encode(errors="backslashreplace").decode() for name in names)


def listed(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(map(_told, names[:LISTED])) + more


def _told(name: str) -> str:
    """A name among others: in quotes where it would be unclear where it ends."""
    quoted = short(name)
    bare = quoted.strip("'\"")
    return bare if bare == bare.strip() and "," not in bare else quoted


def as_spelt(names: Sequence[str], class_names: Sequence[str]) -> tuple[str, ...]:
    """The names as the data spells them.

    An accent may be part of its letter or stand behind it: file systems differ in what they make of it, and nobody
    sees it. Nor does anybody see blanks at the end of a line.
    """

    def seen(name: str) -> str:
        return normalize("NFC", name).strip()

    spelt = {seen(name): name for name in class_names}
    if len(spelt) < len(class_names):  # the data itself tells them apart by just that
        return tuple(names)
    return tuple(spelt.get(seen(name), name) for name in names)


def _read(path: Path) -> list[str]:
    try:
        text = read_text(path, LARGEST).removeprefix("\ufeff")  # a mark that some editors begin files with
    except FileNotFoundError as error:
        raise BadInput(
            f"there is no file {path}; --classes names a file with the network's classes, one per output"
        ) from error
    if not text.lstrip().startswith(("[", "{")):
        return [line.strip() for line in text.splitlines() if line.strip()]
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path} can't be read as JSON ({error}); give a list of names, one per output") from error
    if not isinstance(found, list):
        raise BadInput(f"{path} holds a JSON {type(found).__name__}; give a list of names, one per output")
    # Folders called 0, 1, 2 are numbers to whoever writes them down.
    return [str(name) if type(name) is int else name for name in found]


def _check(given: Sequence[str], class_names: Sequence[str], data: str) -> None:
    """Refuse names that are not those of the data's classes."""
    strangers = [name for name in given if name not in set(class_names)]
    if strangers:
        close = nearest(strangers[0], class_names)
        hint = f"did you mean {' or '.join(close)}?" if close else f"it has {listed(class_names)}"
        raise BadInput(f"--classes: {data} has no class {short(strangers[0])}; {hint}")
    lacking = [name for name in class_names if name not in set(given)]
    if lacking:
        raise BadInput(
            f"--classes: {len(given)} names for the {len(class_names)} classes of {data}; add {listed(lacking)}"
        )
