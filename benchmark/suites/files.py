"""The YAML files of suites: what may stand in them, and what can be asked of them without loading an attack."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from benchmark.documents import Document, Schema, files_by_name, is_path, path_of, read_document
from benchmark.own import files
from benchmark.radii import Length
from benchmark.scales import Radii

#: As it stands in a file: "all", or a row per dataset scale, like the file's `epsilons`.
Union = Literal["all"] | dict[str, dict[str, Length | list[Length]]]

#: Every suite by name: the path of its file.
SUITES = files_by_name("suite", Path(__file__).parent)


class Line(Schema):
    """An attack in a norm; a radius, restarts or parameters of its own."""

    attack: str
    norm: str
    label: str | None = None
    epsilon: Length | dict[str, Length] | None = None
    restarts: int | None = Field(default=None, ge=1)
    parameters: dict[str, Any] = Field(default_factory=dict)
    scales: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @property
    def called(self) -> str:
        """Its label, by default "<attack>-<norm>", wherever the file of an attack of one's own lies."""
        return self.label or f"{files.shown(self.attack)}-{self.norm}"


class Change(Schema):
    """What a preset changes of an attack."""

    restarts: int | None = Field(default=None, ge=1)
    parameters: dict[str, Any] = Field(default_factory=dict)


class Preset(Schema):
    """What a preset changes of a suite."""

    images: int | None = Field(default=None, ge=1)
    restarts: int | None = Field(default=None, ge=1)
    attacks: dict[str, Change] = Field(default_factory=dict)


class SuiteFile(Schema):
    """A suite as it is written down.

    `margin`, in percentage points, says which differences of accuracies do not matter; without it no two networks are
    called equivalent.
    """

    name: str
    version: int = Field(ge=1)
    description: str = ""
    sources: list[str] = Field(default_factory=list)
    differences: list[str] = Field(default_factory=list)
    images: int = Field(ge=1)
    margin: float | None = Field(default=None, gt=0, lt=100, allow_inf_nan=False)
    restarts: int = Field(default=1, ge=1)
    epsilons: dict[str, dict[str, Length]]
    attacks: list[Line] = Field(min_length=1)
    union: Union | None = None
    presets: dict[str, Preset] = Field(default_factory=dict)


def open_norms(suite: str | Path) -> set[str]:
    """The norms whose radius `suite` leaves to a row or to the caller: those of attacks without one of their own."""
    return {line.norm for line in read_suite_file(suite).content.attacks if not isinstance(line.epsilon, float | int)}


def fitting(radii: Radii, suite: str | Path) -> Radii:
    """`radii` without those in norms that `suite` takes none in; a training may need more norms than a suite."""
    return radii.only(open_norms(suite))


def lacks_radii(radii: Radii, suite: str | Path) -> bool:
    """Whether `suite` needs a radius in a norm for which neither the caller nor the row has one."""
    rows = read_suite_file(suite).content.epsilons
    return bool(open_norms(suite) - set(dict(radii.own)) - set(rows.get(radii.scale, {})))


def norms_without_radius(suite: str | Path, scale: str) -> list[str]:
    """The norms in which `suite` states no radius at `scale`, so that the caller has to."""
    file = read_suite_file(suite).content
    needed = (line.norm for line in file.attacks if _own_radius(line, scale) is None)
    return [norm for norm in dict.fromkeys(needed) if norm not in file.epsilons.get(scale, {})]


def _own_radius(line: Line, scale: str) -> Length | None:
    return line.epsilon.get(scale) if isinstance(line.epsilon, dict) else line.epsilon


def read_suite_file(suite: str | Path) -> Document[SuiteFile]:
    """The file of the suite called `suite`, or at that path.

    Raises:
        BadInput: there is none, or it does not fit the schema.
    """
    return read_document(path_of(suite, SUITES), SuiteFile)


def suite_name(suite: str | Path) -> str:
    """What results under `suite` call it: its name, or that which its file gives itself."""
    return read_suite_file(suite).content.name if is_path(suite) else str(suite)


def suite_scales(suite: str | Path) -> list[str]:
    """The dataset scales for which `suite` states radii."""
    return list(read_suite_file(suite).content.epsilons)


def suite_presets(suite: str | Path) -> list[str]:
    """The presets of `suite`, "standard" first."""
    return ["standard", *read_suite_file(suite).content.presets]
