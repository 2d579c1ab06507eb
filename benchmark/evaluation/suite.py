"""Suites: named, versioned lists of (attack, threat, restarts), read from YAML and bound to a dataset's scale."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmark.attacks import Attack, Resumable, make_attack
from benchmark.documents import Document, is_path
from benchmark.errors import BadInput, several, short, unknown
from benchmark.evaluation.union import read_union
from benchmark.ledger.schema import suite_digest
from benchmark.own import files
from benchmark.radii import too_large
from benchmark.scales import Radii, as_radii
from benchmark.suites.files import Change, Line, Preset, SuiteFile, open_norms, read_suite_file
from benchmark.threats import NORMS, PARAMETRIC, Threat

#: Where a radius is written that the caller gave.
GIVEN = "--epsilon"

#: What readers and the analysis want to know about an attack, though it decides no number.
_TOLD = ("kind", "source", "paper", "gradient_free", "measure")


@dataclass(frozen=True)
class SuiteItem:
    """One line of a suite: an attack under a threat.

    Attributes:
        label: its name in tables, unique in the suite, by default "<attack>-<norm>".
        attack: the attack with its parameters.
        threat: norm and radius.
        restarts: runs with different noise, of which the best counts; 1 for attacks without randomness.
        place: where its radius is written, "file:line" or `GIVEN`.
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
            "attack": self.attack.told(self.threat.norm),
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
        scale: whose row of radii it has; "" for none.
        union: the threats that Ravg and Rworst count.
        radii: what the caller said about radii, see `Radii.said`; it is in the threats, and told for readers.
        sources: where the attacks and their parameters come from.
        differences: in what the suite differs from its sources.
        margin: which differences of accuracies do not matter, in percentage points; None where the file says nothing.
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
    radii: dict[str, Any] = field(default_factory=dict, hash=False)
    margin: float | None = None

    @cached_property
    def digest(self) -> str:
        """Two suites with this digest in common give comparable numbers; it covers all that determines them."""
        items = [item.definition() for item in self.items]
        return suite_digest({"items": items, "union": self._union()}, self.images)

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
            raise BadInput(several(problems))

    def first(self, images: int) -> Suite:
        """The same suite on the first `images` test images."""
        return dataclasses.replace(self, images=images)

    def definition(self) -> dict[str, Any]:
        """The suite as plain JSON values, as evaluations store it."""
        items = [item.definition() | _told(item.attack) for item in self.items]
        plain = {
            name: getattr(self, name) for name in ("name", "version", "preset", "description", "scale", "images")
        }
        about: dict[str, Any] = {"radii": self.radii} if self.radii else {}
        about |= {} if self.margin is None else {"margin": self.margin}
        about |= {name: list(texts) for name in ("sources", "differences") if (texts := getattr(self, name))}
        return plain | about | {"digest": self.digest, "items": items, "union": self._union()}

    def _union(self) -> list[dict[str, Any]]:
        return [{"norm": threat.norm, "epsilon": float(threat.epsilon)} for threat in self.union]


def load_suite(suite: str | Path, preset: str = "standard", scale: str | Radii = "") -> Suite:
    """The suite called `suite`, with the radii of `scale` and the changes of `preset`.

    Args:
        suite: a registered name, or the path of a YAML file (recognised by its ending or a slash).
        preset: "standard", or a preset that the file defines ("quick").
        scale: whose row of radii to use, e.g. "digits" or "cifar10", or all that is said about radii. Where nothing
            is, the only row of a file of one's own: who wrote it has said it.

    Raises:
        BadInput: unknown suite, preset or scale; a file that does not fit the schema; an unknown attack, parameter or
            norm; a threat that an attack does not support; several radii of a norm and no word about which of them
            Ravg and Rworst count. The file's line is named. A threat without a radius, or a radius of the caller's
            that no attack takes.
    """
    document, radii = read_suite_file(suite), as_radii(scale)
    rows = list(document.content.epsilons)
    if not radii.scale and is_path(suite) and len(rows) == 1 and open_norms(suite):
        radii = dataclasses.replace(radii, scale=rows[0], named=True)
    return _bind(document, preset, radii)


def _told(attack: Attack) -> dict[str, Any]:
    """What decides no number: of an attack of one's own also where its file lay."""
    file = {"file": attack.own[0]} if attack.own and files.is_spec(attack.own[0]) else {}
    return {name: getattr(attack, name) for name in _TOLD} | file


def suite_item(definition: Mapping[str, Any]) -> SuiteItem:
    """The line of a suite that an evaluation tells of, see `SuiteItem.definition`.

    Raises:
        BadInput: this version has no such attack, or another one of that name.
    """
    identity = dict(definition["attack"])
    name = str(definition.get("file", identity.get("name")))
    aside = ("name", "version", "noise", "library", "parameters", "own_code")
    told = {key: value for key, value in identity.items() if key not in aside}
    where = f"the attack {short(str(definition['label']))}"
    attack = make_attack(name, {**told, **dict(identity.get("parameters", {}))}, where)
    if json.loads(json.dumps(attack.told(definition["norm"]))) != identity:
        raise BadInput(f"{where} was made by another version, or with parameters that are not known any more")
    threat = Threat(definition["norm"], definition["epsilon"])
    attack.check(threat, where)
    return SuiteItem(definition["label"], attack, threat, definition["restarts"])


def _bind(document: Document[SuiteFile], preset: str, radii: Radii) -> Suite:
    file, scale = document.content, radii.scale
    if preset != "standard" and preset not in file.presets:
        raise unknown("preset", preset, ["standard", *file.presets], document.where("presets"))
    if radii.named and scale not in file.epsilons:
        raise unknown("dataset scale", scale, file.epsilons, document.where("epsilons"))
    change = file.presets.get(preset, Preset())
    problems: list[str] = []
    items: list[SuiteItem] = []
    lacking: dict[str, str] = {}
    for position, line in enumerate(file.attacks):
        try:
            items.append(_item(document, position, line, change, preset, radii))
        except _Lacking as error:
            lacking[line.norm] = error.place
        except BadInput as error:
            problems.append(str(error))
    if lacking:
        place = next(iter(lacking.values()))
        problems.append(str(radii.missing(lacking, _rows(file, lacking), f"{place}: suite {file.name}")))
    problems += _untaken(radii, items, file) if not problems else []
    labels = [line.called for line in file.attacks]
    for position, label in enumerate(labels):
        if label in labels[:position]:
            place = document.where("attacks", position)
            problems.append(f"{place}: the label {short(label)} occurs twice; add `label:`")
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
        raise BadInput(several(problems))
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
        radii=radii.said(),
        margin=file.margin,
    )


def _rows(file: SuiteFile, needed: Collection[str]) -> dict[str, set[str]]:
    """By scale, in which of the norms `needed` the file has a radius."""
    rows = {}
    for scale, row in file.epsilons.items():
        own = {line.norm for line in file.attacks if isinstance(line.epsilon, dict) and scale in line.epsilon}
        rows[scale] = (set(row) | own) & set(needed)
    return rows


def _untaken(radii: Radii, items: Collection[SuiteItem], file: SuiteFile) -> list[str]:
    """Complaints about radii of the caller's that no attack takes."""
    taken = {item.threat.norm for item in items if item.place == GIVEN}
    there = ", ".join(sorted(taken | {line.norm for line in file.attacks if not isinstance(line.epsilon, float)}))
    return [
        f"{GIVEN} {norm}: no attack of the suite {file.name} takes a radius in {norm}; "
        + (f"it takes one in {there}" if there else "it states all of its radii itself")
        for norm, _ in radii.own
        if norm not in taken
    ]


class _Lacking(Exception):
    """Nobody says which radius a line has; `place` is where its file would."""

    def __init__(self, place: str) -> None:
        super().__init__(place)
        self.place = place


def _item(
    document: Document[SuiteFile], position: int, line: Line, change: Preset, preset: str, radii: Radii
) -> SuiteItem:
    here = ("attacks", position)
    label = line.called
    own_change = change.attacks.get(label, Change())
    sources = (
        (line.parameters, (*here, "parameters")),
        (line.scales.get(radii.scale, {}), (*here, "scales", radii.scale)),
        (own_change.parameters, ("presets", preset, "attacks", label, "parameters")),
    )
    # Made once per source so that a wrong parameter is reported on the line where it stands.
    for parameters, path in sources:
        for name, value in parameters.items():
            make_attack(line.attack, {name: value}, document.where(*path, name))
    merged = {name: value for parameters, _ in sources for name, value in parameters.items()}
    attack = make_attack(line.attack, merged, document.where(*here, "attack"))
    threat, place = _threat(document, here, line, radii)
    attack.check(threat, document.where(*here, "norm"))
    restarts = own_change.restarts or change.restarts or line.restarts or document.content.restarts
    if line.restarts and not own_change.restarts:
        restarts = min(restarts, line.restarts)
    return SuiteItem(label, attack, threat, restarts if attack.random else 1, place)


def _threat(
    document: Document[SuiteFile], here: tuple[str | int, ...], line: Line, radii: Radii
) -> tuple[Threat, str]:
    """The threat of a line, and where its radius is written."""
    if line.norm not in (*NORMS, *PARAMETRIC):
        raise unknown("norm", line.norm, (*NORMS, *PARAMETRIC), document.where(*here, "norm"))
    own = line.epsilon.get(radii.scale) if isinstance(line.epsilon, dict) else line.epsilon
    if own is not None:
        epsilon, place = own, document.where(*here, "epsilon")
    elif (given := radii.given(line.norm)) is not None:
        epsilon, place = given, GIVEN
    else:
        row = document.content.epsilons.get(radii.scale, {})
        place = document.where("epsilons", radii.scale, line.norm)
        if line.norm not in row:
            raise _Lacking(place)
        epsilon = row[line.norm]
    try:
        return Threat(line.norm, epsilon), place
    except BadInput as error:
        raise BadInput(f"{place}: {error}") from None
