"""`bench import`: the weights in another program's file as a checkpoint of this benchmark."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from benchmark.arguments import checked_arguments
from benchmark.card import plain
from benchmark.errors import BadInput
from benchmark.hardware import resolve_device
from benchmark.importing.choosing import Asked, choose, given_normalization
from benchmark.importing.problem import Problem, open_problem
from benchmark.models import ARCHITECTURES, Checkpoint, load_checkpoint, read_classes, save_checkpoint
from benchmark.models.foreign import COUNTER, KEYS, SIDES, UNREAD, Fit, candidates, fits, misfit_report, read_states
from benchmark.models.foreign.states import State
from benchmark.own.files import own_files
from benchmark.own.trust import trusts
from benchmark.problems import likely
from benchmark.run_names import checked_name, file_stem

#: What files of weights end with, of which the name of a network is made without.
ENDINGS = (".pth.tar", ".pt.tar", ".pth", ".pt", ".tar", ".safetensors", ".bin", ".ckpt", ".t7")


#: How many test images are tried.
TRIED = 200


@dataclass(frozen=True)
class Imported:
    """What became of a file.

    Attributes:
        path: the checkpoint that was written.
        checkpoint: what is in it.
        said: what was found and decided, a sentence each.
    """

    path: Path
    checkpoint: Checkpoint
    said: tuple[str, ...]


@trusts
@checked_arguments
def import_checkpoint(
    file: str | Path,
    *,
    dataset: str | None = None,
    arch: str | None = None,
    mean: Sequence[float] | float | str | None = None,
    std: Sequence[float] | float | str | None = None,
    normalization: str | None = None,
    name: str | None = None,
    entry: str | None = None,
    drop: Sequence[str] = (),
    classes: str | Path | Sequence[str] | None = None,
    zoo: str | Path = "zoo",
    data_dir: str | Path | None = None,
    download: bool = False,
    n: int = TRIED,
    device: str = "auto",
    trust_remote_code: bool = False,
) -> Imported:
    """Make a checkpoint of this benchmark of the weights in another program's file, without running anything in it.

    Args:
        file: of torch.save (weights alone, a training's file, a whole network) or safetensors.
        dataset: the images that the network was made for.
        arch: which architecture it is, or FILE.py:NAME; by default the one whose names and shapes all fit.
        mean, std: what was subtracted from images in [0, 1], and then divided by, outside of the network: one number
            for each channel, or one for all.
        normalization: "none" if images went in as they are, "inside" if the file holds what the network itself does.
            By default what stands in the file, or else what is measured on `n` test images, if it can be told.
        name: what the network is called; by default as the file is.
        entry: where in the file the weights are, if there are several.
        drop: beginnings of names of tensors that the network's answer does not depend on.
        classes: a file, or the names of the outputs in their order; by default the data's own order.
        zoo: the folder that the checkpoint is written to.
        data_dir: the folder of the data.
        download: whether it may be fetched.
        n: how many test images are tried.
        device: where they are.
        trust_remote_code: whether code of one's own that is named may run; nothing in `file` ever does.

    Returns:
        The path of the checkpoint, the checkpoint, and what was said.

    Raises:
        BadInput: whatever does not fit or is not said; the message says what to do.
    """
    path, drop = Path(file), [drop] if isinstance(drop, str) else [*drop]
    if not all(isinstance(each, str) and each for each in drop):
        raise BadInput("--drop '' would leave out every tensor that has no place; say how their names begin")
    title = checked_name(name) if name is not None else _name_of(path)
    places = {
        "--name": name,
        "--classes": classes if isinstance(classes, str | Path) else None,
        "--data-dir": data_dir,
        "--zoo": None if str(zoo) == "zoo" else zoo,
        "--n": None if n == TRIED else n,
        "--device": None if device == "auto" else device,
    }
    flags = ["--download"] * download + ["--trust-remote-code"] * trust_remote_code
    more = [word for option, value in places.items() if value is not None for word in (option, str(value))]
    asked = Asked(str(file), dataset, arch, entry, tuple(drop), (*more, *flags))
    states = read_states(path)
    problem = open_problem(dataset, data_dir, download) if dataset is not None else None
    found = _fitting(states, asked, problem)
    if problem is None:
        raise BadInput(_which_dataset(asked, found[0]))
    _check_problem(asked, found[0], problem)
    chosen = given_normalization(mean, std, normalization, found[0], asked)
    decision = choose(found, chosen, problem, asked, _batch(problem, n, device))
    fit, said = decision.fit, [_what_it_is(decision.fit), *decision.fit.notes]
    own = own_files(fit.architecture, problem.name)
    state, converted = _converted(fit.state)
    checkpoint = Checkpoint(
        name=title,
        state=state,
        architecture=fit.architecture,
        num_classes=problem.num_classes,
        shape=problem.shape,
        mean=decision.normalization.mean,
        std=decision.normalization.std,
        dataset=problem.name,
        scale=problem.scale,
        method="imported",
        network="",
        recipe={},
        seed=None,
        classes=read_classes(classes) if classes is not None else (),
        extra={
            "imported": {
                "file": path.name[:200],
                "sha256": _sha256(path),
                "keys": fit.keys,
                "entry": fit.place[:200],
                "normalization": decision.how,
            },
            **({"own_code": plain(own)} if own else {}),
        },
    )
    target = _save(Path(zoo), checkpoint)
    return Imported(target, checkpoint, (*said, *converted, *decision.said))


def _fitting(states: Mapping[str, State], asked: Asked, problem: Problem | None) -> list[Fit]:
    """The fits that agree with what was asked for: one place in the file, and architectures that can't be told apart.

    Raises:
        BadInput: there is none, or they are in several places.
    """
    sides = [problem.shape[1:]] if problem else SIDES
    architectures = [asked.arch] if asked.arch else candidates()
    if asked.arch:
        with torch.device("meta"):  # which it says if it takes no such images
            ARCHITECTURES.get(asked.arch)(num_classes=10, shape=problem.shape if problem else (3, 32, 32))
    found = fits(states, architectures, sides, asked.drop, problem.shape[0] if problem else 3)
    if asked.entry is not None:
        found = [fit for fit in found if asked.entry in (fit.place, fit.path)]
    whole = [fit for fit in found if fit.is_whole]
    if not whole:
        raise BadInput(f"{asked.file}: {_why_not(states, found, asked)}")
    places: dict[str, Fit] = {}
    for fit in sorted(whole, key=lambda fit: len(fit.prefix)):
        if not any(_same_numbers(fit, other) for other in places.values() if other.architecture == fit.architecture):
            places.setdefault(fit.place, fit)
    if (
        len(places) > 1
        and len({fit.place for fit in places.values() if fit.architecture == whole[0].architecture}) > 1
    ):
        ways = "\n".join(f"  {asked.command(arch=fit.architecture, entry=place)}" for place, fit in places.items())
        raise BadInput(
            f"{asked.file} holds the weights of {len(places)} networks, {', '.join(map(repr, places))}; "
            f"say which:\n{ways}"
        )
    best = next(iter(places.values()))
    alike: dict[str, Fit] = {}
    for fit in whole:
        if fit.place == best.place:
            alike.setdefault(fit.architecture, fit)
    return list(alike.values())


def _same_numbers(one: Fit, other: Fit) -> bool:
    return one.state.keys() == other.state.keys() and all(
        torch.equal(tensor, other.state[key]) for key, tensor in one.state.items()
    )


def _why_not(states: Mapping[str, State], found: list[Fit], asked: Asked) -> str:
    """Why nothing fits, and what to do, as the end of a sentence about the file."""
    if not found:
        unread = [key for state in states.values() for key in state.unread]
        if unread:
            more = f" and {len(unread) - 1:,} more" if unread[1:] else ""
            return f"it holds {unread[0][:100]!r}{more} as {UNREAD}"
        names = [key for state in states.values() for key in state]
        where = f" at {asked.entry!r}" if asked.entry is not None else ""
        what = f"a {asked.arch}" if asked.arch else "an architecture that is known here"
        shown = ", ".join(key[:100] for key in names[:4])
        return (
            f"its tensors{where} ({len(names):,}: {shown}, ...) have not the names of {what}; see bench list "
            "architectures, or make the network by code of your own: python:MODULE:CALLABLE"
        )
    best = found[0]
    told = f"its weights are no whole {best.architecture} with names as in {best.keys}: it {misfit_report(best)}"
    if best.unread and not (best.missing or best.wrong or best.left):
        return told
    if best.left and not (best.missing or best.wrong):
        beginnings = sorted({key.removeprefix(best.prefix).partition(".")[0] for key in best.left})
        drop = [best.prefix + beginning for beginning in beginnings][:5]
        told += f"; if its answer does not depend on them: {asked.command(arch=best.architecture, drop=drop)}"
    elif not asked.arch:
        told += "; if it is another architecture, say so by --arch, or bring code of your own: python:MODULE:CALLABLE"
    return told


def _which_dataset(asked: Asked, fit: Fit) -> str:
    names = likely(fit.num_classes, fit.channels)
    like = f", like {' or '.join(names)}" if names else ""
    command = asked.command(arch=fit.architecture, dataset=names[0] if names else "DATASET")
    return (
        f"{asked.file} is a {fit.architecture} with {fit.num_classes} outputs for images of {fit.channels} "
        f"channel{'s' * (fit.channels != 1)}{like}; say by --dataset which images it was made for: {command}"
    )


def _check_problem(asked: Asked, fit: Fit, problem: Problem) -> None:
    mine = (fit.num_classes, fit.channels)
    theirs = (problem.num_classes, problem.shape[0])
    if mine != theirs:
        told = [f"{classes} classes and images of {channels} channels" for classes, channels in (mine, theirs)]
        names = likely(*mine)
        hint = f"; {' and '.join(names)} have such" if names else "; choose the data it was made for"
        raise BadInput(f"{asked.file} was made for {told[0]}, but {problem.name} has {told[1]}{hint}")


def _batch(problem: Problem, n: int, device: str) -> tuple[Tensor, Tensor] | None:
    """The first `n` test images and their labels, if they are here."""
    if problem.dataset is None:
        return None
    if not isinstance(n, int) or isinstance(n, bool) or n < 1:
        raise BadInput(f"n is {n!r}; try at least one test image, better some hundred")
    place = resolve_device(device)
    x, y = problem.dataset.test.batch(slice(0, n))
    return x.to(place), y.to(place)


def _what_it_is(fit: Fit) -> str:
    place = f" at {fit.place!r}" if fit.place else ""
    count = sum(tensor.numel() for key, tensor in fit.state.items() if tensor.is_floating_point())
    return f"{fit.architecture}, {count:,} numbers{place}, named as in {KEYS[fit.keys]}"


def _converted(state: dict[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    """The weights in float32, and a sentence if they were in another precision.

    Raises:
        BadInput: they are no floating-point numbers.
    """
    for key, tensor in state.items():
        if not tensor.is_floating_point() and not key.endswith(COUNTER):
            raise BadInput(
                f"the weights {key!r} are {tensor.dtype}, and networks of ours compute with floating point"
            )
    found = {
        key: (tensor.to(torch.int64) if key.endswith(COUNTER) else tensor.float()).contiguous()
        for key, tensor in state.items()
    }
    kinds = {str(tensor.dtype).removeprefix("torch.") for key, tensor in state.items() if not key.endswith(COUNTER)}
    others = sorted(kinds - {"float32"})
    return found, [f"weights in {' and '.join(others)} were made float32"] if others else []


def _name_of(path: Path) -> str:
    name = path.name
    for ending in ENDINGS:
        if name.lower().endswith(ending) and len(name) > len(ending):
            return name[: -len(ending)]
    return name


def _save(zoo: Path, checkpoint: Checkpoint) -> Path:
    path = zoo / f"{file_stem(checkpoint.name)}.pt"
    if path.exists():
        if load_checkpoint(path).digest != checkpoint.digest:
            raise BadInput(f"{path} is there already and is another network; choose another --name")
        return path
    return save_checkpoint(path, checkpoint)


def _sha256(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(2**20):
            found.update(part)
    return found.hexdigest()
