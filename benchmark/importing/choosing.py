"""Which normalisation, and which of the architectures that the weights fit alike: given, or measured and said."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

import numpy as np
from torch import Tensor, nn

from benchmark.errors import BadInput, short
from benchmark.importing import normalization as norms
from benchmark.importing.normalization import Normalization
from benchmark.importing.problem import Problem
from benchmark.models import ARCHITECTURES
from benchmark.models.foreign import Fit

#: What --normalization may be.
NONE, INSIDE = "none", "inside"

#: On how many images others are held against what was given: enough for a glaring mistake, and soon done.
FEW = 64

#: Numbers on the scale of pixels from 0 to 255 are larger than any on that of [0, 1].
LARGEST = 2.0

#: Images from 0 to 255 are those in [0, 1] divided by 1/255; what is much less is no standard deviation.
LEAST = 1e-5


@dataclass(frozen=True)
class Asked:
    """What was asked for, so that messages can name the command that goes on."""

    file: str
    dataset: str | None = None
    arch: str | None = None
    entry: str | None = None
    drop: tuple[str, ...] = ()
    more: tuple[str, ...] = ()

    def command(
        self,
        arch: str | None = None,
        dataset: str | None = None,
        entry: str | None = None,
        drop: Sequence[str] = (),
        options: str = "",
    ) -> str:
        """The same command with something said in addition."""
        words = ["bench", "import", f"./{self.file}" if self.file.startswith("-") else self.file]
        for option, value in (("--arch", self.arch or arch), ("--dataset", self.dataset or dataset)):
            words += [option, value] if value else []
        place = self.entry if self.entry is not None else entry
        words += ["--entry", place] if place is not None else []
        dropped = [*self.drop, *drop]
        words += ["--drop", *dropped] if dropped else []
        words += self.more
        return " ".join(filter(None, [shlex.join(words), options]))


@dataclass(frozen=True)
class Decision:
    """What was decided.

    Attributes:
        fit: the weights in their places.
        normalization: what goes before them.
        how: "given", "inside" (the file) or "measured".
        said: why, a sentence each.
    """

    fit: Fit
    normalization: Normalization
    how: str
    said: tuple[str, ...]


def given_normalization(
    mean: Sequence[float] | float | str | None,
    std: Sequence[float] | float | str | None,
    normalization: str | None,
    fit: Fit,
    asked: Asked,
) -> tuple[Normalization, str] | None:
    """What was said, or stands in the file, and which of the two; None if neither.

    Raises:
        BadInput: it is no such thing, or both and they differ.
    """
    inside = None
    if fit.mean is not None and fit.std is not None:
        inside = Normalization("what the file holds", fit.mean, fit.std)
    if normalization not in (None, NONE, INSIDE):
        raise BadInput(f"--normalization {short(normalization)}: say none or inside, or give --mean and --std")
    if (mean is None) != (std is None):
        raise BadInput("give --mean and --std together: what was subtracted from images in [0, 1], and divided by")
    if mean is not None and normalization is not None:
        raise BadInput(f"--normalization {normalization} and --mean contradict each other; say one of them")
    if normalization == INSIDE and inside is None:
        raise BadInput(
            f"{asked.file} holds no mean and standard deviation beside its weights; give --mean and --std, or "
            "--normalization none if images in [0, 1] went into the network as they are"
        )
    said = None
    if mean is not None and std is not None:
        numbers = _numbers("--mean", mean, fit.channels), _numbers("--std", std, fit.channels, positive=True)
        said = Normalization("what was given", *numbers)
    elif normalization == NONE:
        said = norms.none(fit.channels)
    if said is not None and inside is not None and (said.mean, said.std) != (inside.mean, inside.std):
        raise BadInput(
            f"{asked.file} holds a mean and standard deviation of its own ({inside.options}), which differ from what "
            "is given; leave the option out, or leave the file's out by --drop and their names"
        )
    if said is not None:
        return said, "given"
    return None if inside is None else (inside, "inside")


def choose(
    alike: Sequence[Fit],
    given: tuple[Normalization, str] | None,
    problem: Problem,
    asked: Asked,
    batch: tuple[Tensor, Tensor] | None,
) -> Decision:
    """Decide between architectures that all weights fit and normalisations.

    Args:
        alike: fits of the same weights into one or more architectures.
        given: a normalisation and where it is from.
        problem: what the network is made for.
        batch: test images in [0, 1] and their labels; None if they are not here.

    Raises:
        BadInput: it was not said and can't be told.
    """
    if batch is None:
        if len(alike) > 1:
            raise BadInput(_which_architecture(alike, asked))
        if given is None:
            raise BadInput(
                f"nothing says which normalisation {asked.file} expects: give --mean and --std, or --normalization "
                f"none if images in [0, 1] went into the network as they are; it can't be measured: {problem.absent}"
            )
        return Decision(alike[0], *given, (_told(*given), f"tried on no image: {problem.absent}"))
    x, y = batch
    usual = norms.candidates(problem.shape[0], problem.dataset)
    tries = usual if given is None else [given[0]]
    measured = [(fit, each) for fit in alike for each in norms.tried(_bare(fit, problem).to(x.device), tries, x, y)]
    measured.sort(key=lambda pair: -pair[1].accuracy)
    if given is None:
        return _decided(measured, problem, asked, y)
    fit, found = _one_architecture(measured, asked)
    said = [*_architecture_told(fit, alike), _told(found, given[1]), _accuracy(found, len(y))]
    if not norms.beats_chance(found, y, problem.num_classes):
        said.append(
            "which is no better than chance: is it another architecture, or are its classes in another order?"
        )
    others = [each for each in usual if not each.is_like(found)]
    found_on_few = replace(found, right=None if found.right is None else found.right[:FEW])
    measured_on_few = norms.tried(_bare(fit, problem).to(x.device), others, x[:FEW], y[:FEW])
    better = [each for each in measured_on_few if norms.significantly_better(each, found_on_few)]
    if better:
        said.append(
            f"with another normalisation it would be {better[0].accuracy:.1%} of the first {len(y[:FEW])}: "
            f"{better[0].options}"
        )
    return Decision(fit, found, given[1], tuple(said))


def _decided(measured: Sequence[tuple[Fit, Normalization]], problem: Problem, asked: Asked, y: Tensor) -> Decision:
    """The one that is better than all others, and not by luck."""
    best_fit, best = measured[0]
    ways = "\n".join(
        f"  {each.accuracy:6.1%}  {asked.command(arch=fit.architecture, options=each.options)}  ({each.name})"
        for fit, each in measured
    )
    ask = (
        f"nothing says which normalisation {asked.file} expects, what was subtracted from images in [0, 1] and "
        f"divided by where it was trained. Of the first {len(y)} test images of {problem.name} it is right on\n"
        f"{ways}\n"
    )
    if not norms.beats_chance(best, y, problem.num_classes):
        raise BadInput(
            f"{ask}which is no better than chance with any: is it another architecture or data set, or are its "
            "classes in another order? If you know the normalisation, say it by --mean and --std"
        )
    rivals = [each for _, each in measured[1:] if not norms.significantly_better(best, each)]
    if rivals:
        raise BadInput(f"{ask}so it can't be told for sure; run the one that its authors used")
    said = (
        *_architecture_told(best_fit, [fit for fit, _ in measured]),
        f"normalisation measured: {best.options} ({best.name}) is right on more of the first {len(y)} test images "
        f"than any other that was tried, the next best on {measured[1][1].accuracy:.1%}",
        _accuracy(best, len(y)),
    )
    return Decision(best_fit, best, "measured", said)


def _one_architecture(measured: Sequence[tuple[Fit, Normalization]], asked: Asked) -> tuple[Fit, Normalization]:
    best_fit, best = measured[0]
    if any(not norms.significantly_better(best, each) for _, each in measured[1:]):
        raise BadInput(_which_architecture([fit for fit, _ in measured], asked))
    return best_fit, best


def _architecture_told(fit: Fit, alike: Sequence[Fit]) -> list[str]:
    """A sentence if the images had to decide between architectures."""
    others = sorted({other.architecture for other in alike} - {fit.architecture})
    if not others:
        return []
    return [
        f"architecture measured: the weights fit {' and '.join(others)} as well, but as a {fit.architecture} it "
        "is right on more of the test images, and not by luck"
    ]


def _which_architecture(alike: Sequence[Fit], asked: Asked) -> str:
    names = [fit.architecture for fit in alike]
    ways = "\n".join(f"  {asked.command(arch=name)}" for name in names)
    return (
        f"the weights in {asked.file} fit {' and '.join(names)}, which compute different things with them; say which "
        f"it is:\n{ways}"
    )


def _bare(fit: Fit, problem: Problem) -> nn.Module:
    """The network without normalisation, in eval mode."""
    network = ARCHITECTURES.get(fit.architecture)(num_classes=problem.num_classes, shape=problem.shape)
    network.load_state_dict({key.removeprefix("network."): tensor for key, tensor in fit.state.items()})
    return network.float().eval()


def _told(found: Normalization, how: str) -> str:
    where = {"given": "as given", "inside": "inside the file"}[how]
    return f"normalisation {where}: {found.options}"


def _accuracy(found: Normalization, count: int) -> str:
    return (
        f"{found.accuracy:.1%} of the first {count} test images are classified correctly without attack; compare "
        "this with what its authors report"
    )


def _numbers(
    option: str, given: Sequence[float] | float | str, channels: int, positive: bool = False
) -> tuple[float, ...]:
    """One number for each channel, of what was typed or given; a single one counts for all.

    Raises:
        BadInput: it is something else.
    """
    try:
        words: list[Any] = given.replace(" ", "").split(",") if isinstance(given, str) else np.ravel(given).tolist()
        numbers = tuple(float(word) for word in words)
    except (TypeError, ValueError) as error:
        raise BadInput(
            f"{option} {short(given)}: give numbers separated by commas, as 0.4914,0.4822,0.4465"
        ) from error
    if len(numbers) == 1:
        numbers *= channels
    if len(numbers) != channels:
        raise BadInput(f"{option} has {len(numbers)} numbers, the images have {channels} channels; give one for each")
    if positive and any(0 < number < LEAST for number in numbers):
        raise BadInput(f"{option} {short(given)}: no images are so much alike; a standard deviation is some tenths")
    if not all(isfinite(number) and (number > 0 or not positive) for number in numbers):
        raise BadInput(f"{option} {short(given)}: {'positive ' if positive else ''}finite numbers are needed")
    if any(abs(number) > LARGEST for number in numbers):
        scaled = ",".join(f"{number / 255:.4f}" for number in numbers)
        raise BadInput(
            f"{option} {short(given)} is on the scale of pixels from 0 to 255; here [0, 1] counts: {scaled}"
        )
    return numbers
