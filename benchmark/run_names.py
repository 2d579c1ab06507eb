"""What a run is called: its method, and whatever is not as usual; that is for people, its digest is what it is."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from benchmark.cache import at_home
from benchmark.documents import is_path, parse_yaml
from benchmark.errors import BadInput, short
from benchmark.limits import DOCUMENT
from benchmark.radii import format_radius, read_number
from benchmark.scales import UNSAID, Radii
from benchmark.storage import digest, read_text, safe_name, spelt

#: What goes unsaid.
USUAL_DATASET, USUAL_RECIPE = "digits", "quick"
#: Of a file's name without its ending: the usual name of a run, and that of a network behind it.
RUN, LONGEST = 80, 80 + 20
#: Of what the data and the method are called, where not all has room.
SAID = 30
_SMALL_AND_GREY = ("digits", "mnist", "fashion-mnist")

#: Data sets, architectures and recipes that stand in a name without a word before them, as in "cifar10-at-wrn-34-10";
#: any other has one, "at-arch-mine". Names of runs that there are depend on it: nothing is added.
_DATASETS = (*_SMALL_AND_GREY, "cifar10", "cifar100", "svhn")
_ARCHITECTURES = (
    *("small-cnn", "small-cnn-x2", "small-cnn-x3", "small-cnn-x4", "resnet18", "preact-resnet18"),
    *("wrn-28-10", "wrn-34-10", "wrn-34-20", "wrn-70-16", "mobilenet-v2"),
)
_RECIPES = ("paper", "gpu-30", "robust-union")
#: Settings whose values are words.
_IN_WORDS = ("ascent", "augmentation", "loss", "optimizer", "schedule", "start")


class Part(NamedTuple):
    """A part of a name: which one, and how it reads there; "" for what goes unsaid."""

    kind: str
    text: str


@dataclass(frozen=True)
class Asked:
    """What a run is asked for, in the words of `benchmark.train`.

    Attributes:
        method, dataset, architecture, recipe, settings, inner, outer, seed: as `benchmark.train` takes them.
        radii: what is said about them.
        teachers, inits: their names.
        extra_data: what it is called, "npz:FILE".
    """

    method: str
    dataset: str
    architecture: str
    recipe: str
    settings: Mapping[str, Any]
    radii: Radii = UNSAID
    inner: str | None = None
    outer: str | None = None
    seed: int = 0
    teachers: Sequence[str] = ()
    inits: Sequence[str] = ()
    extra_data: str | None = None

    @property
    def name(self) -> str:
        """See `run_name`."""
        kind, colon, path = self.dataset.partition(":")
        has_own = bool(colon) and kind not in _DATASETS
        place = _own_name(kind, path) if has_own else _marked("data", kind, _DATASETS)
        arch = _marked("arch", self.architecture, _ARCHITECTURES)
        parts = self._parts(place, arch, _marked("recipe", _plain(self.recipe), _RECIPES))
        is_named = not (colon or is_path(self.recipe) or self.inits or self.extra_data)
        if is_named and _is_exact(self.settings, self.radii) and _reads_back(parts, self.teachers):
            return safe_name(_joined(parts), RUN)
        return _cut(parts, self._digest()[:8])

    @property
    def former_name(self) -> str:
        """What version 0.1.0 called the run."""
        kind, colon, _ = self.dataset.partition(":")
        place = f"{kind}-{digest(self.dataset)[:8]}" if colon else kind
        return safe_name(_joined(self._parts(place, self.architecture, _plain(self.recipe))), RUN)

    def _parts(self, place: str, architecture: str, recipe: str) -> list[Part]:
        """All that is said, in the order in which it is; by these words for the data, the network and the recipe."""
        usual = self.architecture == _usual_architecture(self.dataset.partition(":")[0])
        return [
            Part("dataset", "" if self.dataset == USUAL_DATASET else place),
            Part("method", self.method),
            Part("architecture", "" if usual else architecture),
            Part("inner", f"inner-{self.inner}" if self.inner else ""),
            Part("outer", f"outer-{self.outer}" if self.outer else ""),
            Part("recipe", "" if self.recipe == USUAL_RECIPE else recipe),
            Part("scale", f"scale-{self.radii.scale}" if self.radii.named else ""),
            *(Part("radii", f"epsilon-{n}-{format_radius(n, r)}".replace("/", "-")) for n, r in self.radii.own),
            Part("init", f"init-{'-and-'.join(self.inits)}" if self.inits else ""),
            Part("extra", f"extra-{Path(self.extra_data).stem}" if self.extra_data else ""),
            *(Part("settings", f"{key}-{spelt(value)}") for key, value in sorted(self.settings.items())),
            Part("seed", f"seed-{self.seed}" if self.seed else ""),
            Part("teachers", f"from-{'-and-'.join(self.teachers)}" if self.teachers else ""),
        ]

    def _digest(self) -> str:
        """Of all that is asked for; a folder counts by where it is, a recipe's file by what is in it."""
        kind, colon, path = self.dataset.partition(":")
        is_place = bool(colon) and (kind.startswith("folder") or kind in (*_DATASETS, "npz", "mini-imagenet"))
        dataset = f"{kind}:{Path(path).resolve()}" if is_place else self.dataset
        recipe = _content(self.recipe) if is_path(self.recipe) else self.recipe
        radii = [self.radii.scale if self.radii.named else None, *self.radii.own]
        first = [self.method, dataset, self.architecture, recipe, {**self.settings}, radii]
        rare = [["init", *self.inits]] if self.inits else []
        rare += [["extra", self.extra_data]] if self.extra_data else []
        return digest([*first, self.inner, self.outer, self.seed, [*self.teachers], *rare])


def run_name(method: str, **asked: Any) -> str:
    """The name of a run: "cifar10-trades-gpu-30-beta-3-seed-1", "ard-from-trades", "pictures-at-epochs-9-5f3a9c1e".

    No two runs that are asked for in different words have the same name: one from which the run can't be read back,
    such as that of a folder, of which its own name is all that is said, ends with eight digits of the digest of all
    that is asked for. What no word says is not told apart: teachers of one name with other weights, folders whose
    pictures have changed, the precision that the hardware chooses; that is noticed where the run is written.

    Args:
        method, asked: see `Asked`.
    """
    return Asked(method, **asked).name


def _own_name(kind: str, path: str) -> str:
    """What a folder or a file is called itself, and what its pictures are put on: "pictures", "pictures-on-white"."""
    name = Path(path).resolve().name if kind.startswith("folder") else PurePath(path).name
    return (name[:SAID] or kind) + (kind.removeprefix("folder") if kind.startswith("folder") else "")


def _content(recipe: str) -> list[Any]:
    """What the file of a recipe holds or, where it can't be read, where it should be."""
    path = at_home(recipe)
    try:
        return [digest(parse_yaml(read_text(path, DOCUMENT), path.name)[0])]
    except (OSError, BadInput, TypeError, ValueError):  # the last two: what is no plain value
        return [str(path.resolve()), None]


def _marked(word: str, name: str, known: Sequence[str]) -> str:
    return name if name in known else f"{word}-{name}"


def _plain(recipe: str) -> str:
    return PurePath(recipe).stem if is_path(recipe) else recipe


def _joined(parts: Sequence[Part]) -> str:
    return "-".join(part.text for part in parts if part.text)


def _cut(parts: Sequence[Part], behind: str) -> str:
    """As many whole parts as there is room for, each as file systems take it, and `behind`."""
    said, room = [], RUN - 1 - len(behind)
    for part in parts:
        text = re.sub(r"[^A-Za-z0-9._-]+", "-", part.text).strip(".-")
        if part.kind in ("dataset", "method"):
            text = text[:SAID].rstrip(".-")
        if text and len(text) + 1 <= room:
            said.append(text)
            room -= len(text) + 1
    name = "-".join([*said, behind])
    return name if safe_name(name) == name else f"_{name}"


_WORD = r"[A-Za-z0-9._]+(?:-[A-Za-z0-9._]+)*?"
_NUMBER = r"-?[0-9]+(?:\.[0-9]+)?(?:e-?[0-9]+)?"
_RADIUS = rf"epsilon-(?:linf|l2|l1)-{_NUMBER}(?:-255)?"
_KEY = r"(?!(?:inner|outer|arch|recipe|scale|epsilon|seed|from)-)[A-Za-z_][A-Za-z0-9_.]*"
_SETTING = rf"(?:{_KEY}-(?:{_NUMBER}|true|false|null|\[[^]]*\])|(?:{'|'.join(_IN_WORDS)})-[A-Za-z][A-Za-z0-9_]*)"
#: How a name is read. Every word is taken as short as can be, so that no part of another kind is taken for its end.
_READ = re.compile(
    rf"(?:(?P<dataset>{'|'.join(_DATASETS)}|data-{_WORD})-)?(?P<method>{_WORD})"
    rf"(?:-(?P<architecture>{'|'.join(_ARCHITECTURES)}|arch-{_WORD}))?"
    rf"(?:-(?P<inner>inner-{_WORD}))?(?:-(?P<outer>outer-{_WORD}))?"
    rf"(?:-(?P<recipe>{'|'.join(_RECIPES)}|recipe-{_WORD}))?(?:-(?P<scale>scale-{_WORD}))?"
    rf"(?:-(?P<radii>{_RADIUS}(?:-{_RADIUS})*))?(?:-(?P<settings>{_SETTING}(?:-{_SETTING})*))?"
    r"(?:-(?P<seed>seed-[0-9]+))?(?:-(?P<teachers>from-.+))?",
    re.ASCII | re.DOTALL,
)


def _reads_back(parts: Sequence[Part], teachers: Sequence[str]) -> bool:
    """Whether the name of these parts can be read in no way but as them."""
    whole = _joined(parts)
    read = _READ.fullmatch(whole) if len(whole) <= 4 * RUN else None
    if safe_name(whole, RUN) == whole and re.search("-[0-9a-f]{8}$", whole):
        return False  # it would be taken for a name that ends with digits of a digest
    if read is None or any("-and-" in f"-{teacher}-" for teacher in teachers):
        return False
    meant = {kind: _joined([part for part in parts if part.kind == kind]) for kind in read.groupdict()}
    return {kind: text or "" for kind, text in read.groupdict().items()} == meant


def _is_exact(settings: Mapping[str, Any], radii: Radii) -> bool:
    """Whether all numbers are in the name as they are, and nothing in it only looks like a number."""
    words = [value for value in settings.values() if isinstance(value, str)]
    radii_are = all(float(read_number(format_radius(norm, radius))) == radius for norm, radius in radii.own)
    return radii_are and not any(word in ("true", "false", "null") or not word[:1].isalpha() for word in words)


def checked_name(name: str) -> str:
    """A name that a person chose, in whatever letters; of several ways to write the same letters always one (NFC).

    Raises:
        BadInput: it is empty, or has something that can't be seen, as a line end or a space at its end.
    """
    if not name.isprintable() or not name or name != name.strip():
        raise BadInput(
            f"--name {short(name)} is empty or has something that can't be seen; choose letters, digits and signs"
        )
    return unicodedata.normalize("NFC", name)


def file_stem(name: str) -> str:
    """What the file of a network called `name` is called: the same, as far as every file system takes it."""
    return safe_name(name, LONGEST)


def name_beside(name: str, run: str) -> str:
    """Another name for the run with that digest, where something else is called `name` already."""
    return f"{safe_name(name, 80 - 9)}-{run[:8]}"


def _usual_architecture(kind: str) -> str:
    return "small-cnn" if kind in _SMALL_AND_GREY else "resnet18"
