"""Suites: named, versioned lists of (attack, threat, restarts), read from YAML and bound to a dataset's scale."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import Field

from benchmark.attacks import Attack, Resumable, make_attack
from benchmark.documents import Document, Schema, read_document
from benchmark.errors import BadInput, unknown
from benchmark.evaluation.union import Union, read_union
from benchmark.radii import Length, too_large
from benchmark.registry import Registry
from benchmark.storage import digest
from benchmark.threats import NORMS, PARAMETRIC, Threat

SUITES: Registry[Path] = Registry("suite")
for _path in sorted((Path(__file__).parents[1] / "suites").glob("*.yaml")):
    SUITES.add(_path.stem, _path)

#: What readers and the analysis want to know about an attack, though it decides no number.
_TOLD = ("kind", "source", "paper", "gradient_free")


@dataclass(frozen=True)
class SuiteItem:
    """One line of a suite: an attack under a threat.

    Attributes:
        label: its name in tables, unique in the suite, by default "<attack>-<norm>".
        attack: the attack with its parameters.
        threat: norm and radius.
        restarts: runs with different noise, of which the best counts; 1 for attacks without randomness.
        place: where its radius is written, "file:line".
    """

    label: str
    attack: Attack
    threat: Threat
    restarts: int
    place: str = field(default="", compare=False)

    def definition(self) -> dict[str, Any]:
        """Everything that determines this item's numbers, as plain JSON values."""
        return {
            "label": self.label,
            "attack": self.attack.identity(),
            "norm": self.threat.norm,
            "epsilon": float(self.threat.epsilon),
            "restarts": self.restarts,
        }

    def head_start(self, shorter: SuiteItem, precision: str) -> int:
        """How many of its attack's steps `shorter` makes, see `attacks.Resumable`; 0 with restarts."""
        if self.threat != shorter.threat or self.restarts > 1 or not isinstance(self.attack, Resumable):
            return 0
        return self.attack.head_start(shorter.attack, precision) if shorter.restarts == 1 else 0


@dataclass(frozen=True)
class Suite:
    """A suite bound to a dataset's scale and a number of test images: what an evaluation runs.

    Attributes:
        union: the threats that Ravg and Rworst count.
        sources: where the attacks and their parameters come from.
        differences: in what the suite differs from its sources.
    """

    name: str
    version: int
    preset: str
    description: str
    scale: str
    images: int
    items: tuple[SuiteItem, ...]
    union: tuple[Threat, ...]
    sources: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()

    @cached_property
    def digest(self) -> str:
        """Two suites with this digest in common give comparable numbers; it covers all that determines them."""
        content: dict[str, Any] = {"items": [item.definition() for item in self.items], "images": self.images}
        if set(self.union) != set(self.threats):
            content["union"] = self._union()
        return digest(content)

    @property
    def norms(self) -> list[str]:
        """The norms of the threats, in order of appearance."""
        return list(dict.fromkeys(item.threat.norm for item in self.items))

    @property
    def threats(self) -> list[Threat]:
        """The threats, in order of appearance: several radii of one norm are several threats."""
        return list(dict.fromkeys(item.threat for item in self.items))

    def check_fits(self, shape: tuple[int, ...]) -> None:
        """Raises BadInput if a radius holds every image of this shape."""
        found = ((item.place, too_large(item.threat.norm, item.threat.epsilon, shape)) for item in self.items)
        if problems := dict.fromkeys(f"{place}: {problem}" for place, problem in found if problem):
            raise BadInput("\n".join(problems))

    def first(self, images: int) -> Suite:
        """The same suite on the first `images` test images."""
        return dataclasses.replace(self, images=images)

    def definition(self) -> dict[str, Any]:
        """The suite as plain JSON values, as evaluations store it."""
        items = [item.definition() | {name: getattr(item.attack, name) for name in _TOLD} for item in self.items]
        plain = {
            name: getattr(self, name) for name in ("name", "version", "preset", "description", "scale", "images")
        }
        about = {name: list(texts) for name in ("sources", "differences") if (texts := getattr(self, name))}
        return plain | about | {"digest": self.digest, "items": items, "union": self._union()}

    def _union(self) -> list[dict[str, Any]]:
        return [{"norm": threat.norm, "epsilon": float(threat.epsilon)} for threat in self.union]


class _Line(Schema):
    attack: str
    norm: str
    label: str | None = None
    epsilon: Length | dict[str, Length] | None = None
    restarts: int | None = Field(default=None, ge=1)
    parameters: dict[str, Any] = Field(default_factory=dict)
    scales: dict[str, dict[str, Any]] = Field(default_factory=dict)


class _Change(Schema):
    restarts: int | None = Field(default=None, ge=1)
    parameters: dict[str, Any] = Field(default_factory=dict)


class _Preset(Schema):
    images: int | None = Field(default=None, ge=1)
    restarts: int | None = Field(default=None, ge=1)
    attacks: dict[str, _Change] = Field(default_factory=dict)


class _File(Schema):
    name: str
    version: int = Field(ge=1)
    description: str = ""
    sources: list[str] = Field(default_factory=list)
    differences: list[str] = Field(default_factory=list)
    images: int = Field(ge=1)
    restarts: int = Field(default=1, ge=1)
    epsilons: dict[str, dict[str, Length]]
    attacks: list[_Line] = Field(min_length=1)
    union: Union | None = None
    presets: dict[str, _Preset] = Field(default_factory=dict)


def load_suite(suite: str | Path, preset: str = "full", scale: str = "cifar10") -> Suite:
    """The suite called `suite`, with the radii of `scale` and the changes of `preset`.

    Args:
        suite: a registered name, or the path of a YAML file (recognised by its ending or a slash).
        preset: "full", or a preset that the file defines ("quick").
        scale: whose row of radii to use, e.g. "digits" or "cifar10".

    Raises:
        BadInput: unknown suite, preset or scale; a file that does not fit the schema; an unknown attack, parameter or
            norm; a threat that an attack does not support; several radii of a norm and no word about which of them
            Ravg and Rworst count. The file's line is named.
    """
    is_path = isinstance(suite, Path) or suite.endswith((".yaml", ".yml")) or "/" in suite
    return _bind(read_document(suite if is_path else SUITES.get(str(suite)), _File), preset, scale)


def suite_scales(suite: str | Path) -> list[str]:
    """The dataset scales for which `suite` states radii."""
    path = SUITES.get(suite) if isinstance(suite, str) and suite in SUITES else Path(suite)
    return list(read_document(path, _File).content.epsilons)


def suite_presets(suite: str) -> list[str]:
    """The presets of a registered suite, "full" first."""
    return ["full", *read_document(SUITES.get(suite), _File).content.presets]


def _bind(document: Document[_File], preset: str, scale: str) -> Suite:
    file = document.content
    if preset != "full" and preset not in file.presets:
        raise unknown("preset", preset, ["full", *file.presets], document.where("presets"))
    if scale not in file.epsilons:
        raise unknown("dataset scale", scale, file.epsilons, document.where("epsilons"))
    change = file.presets.get(preset, _Preset())
    problems, items = [], []
    for position, line in enumerate(file.attacks):
        try:
            items.append(_item(document, position, line, change, preset, scale))
        except BadInput as error:
            problems.append(str(error))
    labels = [line.label or f"{line.attack}-{line.norm}" for line in file.attacks]
    for position, label in enumerate(labels):
        if label in labels[:position]:
            problems.append(f"{document.where('attacks', position)}: the label {label!r} occurs twice; add `label:`")
    for label in change.attacks:
        if label not in labels:
            problems.append(str(unknown("label", label, labels, document.where("presets", preset, "attacks", label))))
    threats = list(dict.fromkeys(item.threat for item in items))
    union: tuple[Threat, ...] = ()
    if not problems:
        try:
            union = read_union(file.union, threats, scale, document.where)
        except BadInput as error:
            problems.append(str(error))
    if problems:
        raise BadInput("\n".join(problems))
    return Suite(
        name=file.name,
        version=file.version,
        preset=preset,
        description=file.description,
        scale=scale,
        images=change.images or file.images,
        items=tuple(items),
        union=union,
        sources=tuple(file.sources),
        differences=tuple(file.differences),
    )


def _item(
    document: Document[_File], position: int, line: _Line, change: _Preset, preset: str, scale: str
) -> SuiteItem:
    here = ("attacks", position)
    label = line.label or f"{line.attack}-{line.norm}"
    own_change = change.attacks.get(label, _Change())
    sources = (
        (line.parameters, (*here, "parameters")),
        (line.scales.get(scale, {}), (*here, "scales", scale)),
        (own_change.parameters, ("presets", preset, "attacks", label, "parameters")),
    )
    # Made once per source so that a wrong parameter is reported on the line where it stands.
    for parameters, path in sources:
        for name, value in parameters.items():
            make_attack(line.attack, {name: value}, document.where(*path, name))
    merged = {name: value for parameters, _ in sources for name, value in parameters.items()}
    attack = make_attack(line.attack, merged, document.where(*here, "attack"))
    threat, place = _threat(document, here, line, scale)
    attack.check(threat, document.where(*here, "norm"))
    restarts = own_change.restarts or change.restarts or line.restarts or document.content.restarts
    if line.restarts and not own_change.restarts:
        restarts = min(restarts, line.restarts)
    return SuiteItem(label, attack, threat, restarts if attack.random else 1, place)


def _threat(document: Document[_File], here: tuple[str | int, ...], line: _Line, scale: str) -> tuple[Threat, str]:
    """The threat of a line, and where its radius is written."""
    if line.norm not in (*NORMS, *PARAMETRIC):
        raise unknown("norm", line.norm, (*NORMS, *PARAMETRIC), document.where(*here, "norm"))
    own = line.epsilon.get(scale) if isinstance(line.epsilon, dict) else line.epsilon
    shared = document.content.epsilons[scale].get(line.norm)
    place = document.where(*here, "epsilon") if own is not None else document.where("epsilons", scale, line.norm)
    epsilon = own if own is not None else shared
    if epsilon is None:
        raise BadInput(f"{place}: no epsilon for {line.norm} at the scale {scale!r}; add it here")
    try:
        return Threat(line.norm, epsilon), place
    except BadInput as error:
        raise BadInput(f"{place}: {error}") from None
