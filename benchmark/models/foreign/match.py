"""Which architecture a group of named tensors fits: by every name and every shape, or what keeps it from fitting."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from benchmark.errors import BadInput, short
from benchmark.models.architectures import ARCHITECTURES
from benchmark.models.foreign.names import keys_of, names_in, unused
from benchmark.models.foreign.states import State
from benchmark.models.foreign.statistics import statistics

#: What our own networks call the part behind their normalisation.
OURS = "network."
#: Counts batches; only training reads it, and files before torch 0.4.1 do not have it.
COUNTER = "num_batches_tracked"
#: What wrappers count beside, such as torch's averaged models.
COUNTERS = (COUNTER, "n_averaged")
#: What is there and not read, as the end of a sentence.
UNREAD = (
    "what is not read here, such as a sparse or quantised tensor or one that shows a number in several places; save "
    "plain ones: {name: tensor.clone() for ...}, after to_dense() or dequantize()"
)
#: Height and width of images for which shapes are compared where nobody has said any.
SIDES = ((32, 32), (224, 224), (28, 28), (64, 64), (8, 8))


@dataclass
class Fit:
    """How a group of tensors lies in an architecture.

    Attributes:
        architecture: a name in `ARCHITECTURES`.
        keys: what its names are called after; see `benchmark.models.foreign.names`.
        path: where in the file the tensors are; "" for the file itself.
        prefix: what stands before each name, such as "module.".
        state: the tensors by our names, as they are in the file.
        num_classes, channels: of the outputs and the images.
        mean, std: the normalisation that the file holds beside the weights, per channel; None if none.
        missing: names there of weights that the architecture has and the group has not.
        left: names of tensors that the architecture has no place for.
        unread: names of tensors beside the others that are of a kind that is not read.
        wrong: what differs in shape, a phrase each.
        notes: what else was found, a phrase each.
    """

    architecture: str
    keys: str
    path: str
    prefix: str
    state: dict[str, Tensor]
    num_classes: int
    channels: int
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    missing: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether every weight has its place and every place its weight."""
        return not (self.missing or self.left or self.wrong or self.unread)

    @property
    def place(self) -> str:
        """Where in the file the weights are, as `--entry` takes it."""
        return f"{self.path}/{self.prefix}" if self.prefix else self.path


def candidates() -> list[str]:
    """The architectures of this package; those of others are tried when they are named, as their code runs then."""
    return [name for name in ARCHITECTURES.names() if not ARCHITECTURES.is_plug_in(name)]


def fits(
    states: Mapping[str, Mapping[str, Tensor]],
    architectures: Iterable[str],
    sides: Iterable[tuple[int, int]] = SIDES,
    drop: Iterable[str] = (),
    channels: int = 3,
) -> list[Fit]:
    """How the groups of tensors lie in the architectures, best first: whole fits, then by the weights that are there.

    Args:
        states: groups of named tensors, by where they are in the file.
        architectures: names in `ARCHITECTURES`; those that take no such images are left out.
        sides: height and width of the images, or several that are tried in turn: some architectures have weights for
            each place.
        drop: beginnings of names of tensors to leave out.
        channels: of the images, where no convolution tells.
    """
    drop, sides = tuple(drop), tuple(sides)
    found = [
        fit
        for path, state in states.items()
        for architecture in architectures
        for keys in keys_of(architecture)
        for fit in _tried(path, state, architecture, keys, sides, drop, channels)
    ]
    return sorted(
        found, key=lambda fit: (not fit.is_whole, len(fit.missing) + len(fit.wrong), len(fit.left) + len(fit.unread))
    )


def _tried(
    path: str,
    state: Mapping[str, Tensor],
    architecture: str,
    keys: str,
    sides: tuple[tuple[int, int], ...],
    drop: tuple[str, ...],
    channels_else: int,
) -> Iterator[Fit]:
    names = names_in(architecture, keys)
    weights = [name for name in names.values() if not name.endswith(COUNTER)]
    last = next(name for name in reversed(weights) if name.endswith(".weight"))
    there = {*state, *_unread(state)}
    for prefix in sorted(
        {key.removesuffix(last) for key in state if key == last or key.endswith(f".{last}")}, key=len
    ):
        if sum(prefix + name in there for name in weights) * 2 < len(weights):
            continue
        head = state[prefix + last]
        # The first layer that sees the image is the first convolution.
        stem = next((t for name in weights if (t := state.get(prefix + name)) is not None and t.dim() == 4), None)
        channels = channels_else if stem is None else stem.shape[1]
        if head.dim() < 1 or not (2 <= len(head) <= 100_000 and 1 <= channels <= 16):
            continue
        for side in sides:
            fit = Fit(architecture, keys, path, prefix, {}, len(head), channels)
            try:
                _fill(fit, state, names, side)
            except BadInput:  # it takes no such images
                continue
            # Weights for each place are one or two tensors; where more differ, no other side is of any use.
            if not 1 <= len(fit.wrong) <= 2 or side == sides[-1]:
                _look_at_the_rest(fit, state, set(names.values()), drop)
                yield fit
                break


def _fill(fit: Fit, state: Mapping[str, Tensor], names: Mapping[str, str], side: tuple[int, int]) -> None:
    """The weights into their places; what is missing or of another shape is noted."""
    with torch.device("meta"):
        network = ARCHITECTURES.get(fit.architecture)(num_classes=fit.num_classes, shape=(fit.channels, *side))
    unread = {*_unread(state)}
    for here, expected in network.state_dict().items():
        there = names[here]
        found = state.get(fit.prefix + there)
        if found is None:
            if here.endswith(COUNTER):
                fit.state[OURS + here] = torch.zeros((), dtype=torch.int64)
            elif fit.prefix + there in unread:
                fit.unread.append(fit.prefix + there)
            else:
                fit.missing.append(fit.prefix + there)
        elif found.shape != expected.shape:
            fit.wrong.append(f"{fit.prefix}{there} is {list(found.shape)}, not {list(expected.shape)}")
        else:
            fit.state[OURS + here] = found


def _look_at_the_rest(fit: Fit, state: Mapping[str, Tensor], names: set[str], drop: tuple[str, ...]) -> None:
    """What has no place: copies of weights, normalisation, what is known to be unused; all else is left over."""
    placed = {fit.prefix + name for name in names}
    own = [key for key in _unread(state) if key.startswith(fit.prefix) and not (drop and key.startswith(drop))]
    needed = {*fit.unread}
    fit.unread = [key for key in own if key in needed or key not in placed]
    rest = {key: value for key, value in state.items() if key not in placed and not key.endswith(COUNTERS)}
    dropped = [key for key in rest if drop and key.startswith(drop)]
    idle = [
        key for key in rest if key.startswith(tuple(fit.prefix + each for each in unused(fit.architecture, fit.keys)))
    ]
    for key in {*dropped, *idle}:
        del rest[key]
    found = statistics(rest, fit.channels)
    if found:
        fit.mean, fit.std = found.mean, found.std
    copies = _copies(fit, state, rest, names)
    fit.left = [key for key in rest if key not in copies and not (found and key in found.keys)]
    if dropped:
        fit.notes.append(f"{len(dropped)} tensors are left out, as --drop says")
    if idle:
        fit.notes.append(f"{len(idle)} tensors are left out that its code makes and never uses, as {idle[0]}")
    if copies:
        fit.notes.append("the same weights are there twice")


def _copies(fit: Fit, state: Mapping[str, Tensor], rest: Mapping[str, Tensor], names: set[str]) -> set[str]:
    """Tensors that are those of the network once more, all of them, under other names."""
    weights = {name for name in names if not name.endswith(COUNTER)}
    found: set[str] = set()
    last = max(weights, key=len)
    for prefix in {key.removesuffix(last) for key in rest if key.endswith(f".{last}")}:
        if all(_equal(rest.get(prefix + name), state.get(fit.prefix + name)) for name in weights):
            found |= {prefix + name for name in weights}
    return found


def _equal(one: Tensor | None, other: Tensor | None) -> bool:
    return (
        one is not None
        and other is not None
        and one.shape == other.shape
        and one.dtype == other.dtype
        and bool(torch.equal(one, other))
    )


def misfit_report(fit: Fit) -> str:
    """What is missing, left over or of another shape, as the end of a sentence about the file."""
    parts = []
    if fit.missing:
        parts.append(f"lacks {_some(fit.missing)}")
    if fit.wrong:
        parts.append(f"differs in shape: {_some(fit.wrong, quoted=False)}")
    if fit.left:
        parts.append(f"has no place for {_some(fit.left)}")
    if fit.unread:
        parts.append(f"holds {_some(fit.unread)} as {UNREAD}")
    return "; ".join(parts)


def _unread(state: Mapping[str, Tensor]) -> list[str]:
    """Names of tensors of the group that are of a kind that is not read."""
    return state.unread if isinstance(state, State) else []


def _some(names: list[str], quoted: bool = True) -> str:
    shown = [short(name) if quoted else name[:200] for name in names[:3]]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(shown) + more
