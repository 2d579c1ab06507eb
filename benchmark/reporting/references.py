"""What RobustBench publishes about networks, to stand beside a leaderboard but never in its ranks."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import isclose
from pathlib import Path

from benchmark.radii import read_number
from benchmark.reporting.text import percent
from benchmark.statistics.wilson import wilson

FILE = Path(__file__).with_name("references.csv")


@dataclass(frozen=True)
class Reference:
    """One published entry, for one norm.

    Attributes:
        dataset, norm: what was attacked, and how; on all test images (of ImageNet, 5000).
        name, architecture, venue: as RobustBench calls them; venue is "" where there was none.
        epsilon: the radius in words, e.g. "8/255".
        clean: accuracy without attack, a fraction.
        autoattack: accuracy under AutoAttack.
        best_known: accuracy under the strongest attack that anybody reported.
        additional_data: trained with more than the data set's own images.
        unreliable: RobustBench warns that AutoAttack overstates the robustness.
    """

    dataset: str
    norm: str
    name: str
    architecture: str
    venue: str
    epsilon: str
    clean: float
    autoattack: float
    best_known: float
    additional_data: bool
    unreliable: bool

    @property
    def images(self) -> int:
        """How many test images the accuracies are of."""
        return 5000 if self.dataset == "imagenet" else 10_000

    @property
    def radius(self) -> float:
        """`epsilon` as a number."""
        return float(read_number(self.epsilon))

    def fits(self, radii: Iterable[float]) -> bool:
        """Whether one of the `radii` is this one, to the three digits that papers round to."""
        return any(isclose(self.radius, radius, rel_tol=0.005) for radius in radii)


@dataclass(frozen=True)
class Published:
    """What others publish in one column of a leaderboard.

    Attributes:
        share: a fraction.
        low, high: its 95% interval by Wilson's formula, from the number of images: nobody publishes any.
        notes: what a reader has to know of it.
    """

    share: float
    low: float
    high: float
    notes: tuple[str, ...] = ()


def _published(share: float, entry: Reference, *notes: str) -> Published:
    return Published(share, *wilson(share * entry.images, entry.images), notes)


def clean(entry: Reference) -> Published:
    """Without any attack."""
    return _published(entry.clean, entry)


def best_known(entry: Reference, threat: str, threats: Mapping[str, tuple[str, float]]) -> Published | None:
    """The accuracy under the strongest known attack, if `threat` is where it belongs; see `threat_of`."""
    if threat_of(entry, threats) != threat:
        return None
    fits = entry.fits(radius for norm, radius in threats.values() if norm == entry.norm)
    notes = [f"ε {entry.epsilon}{'' if fits else ', differs from this table'}"]
    if entry.best_known < entry.autoattack:
        notes.append(f"AutoAttack {percent(entry.autoattack)}{', unreliable' if entry.unreliable else ''}")
    return _published(entry.best_known, entry, *notes)


def threat_of(entry: Reference, threats: Mapping[str, tuple[str, float]]) -> str | None:
    """Under which threat `entry` stands: that of its norm; where there are several, the one with its own radius.

    Args:
        entry: what is published.
        threats: the leaderboard's, norm and radius, by their names.
    """
    own = {name: radius for name, (norm, radius) in threats.items() if norm == entry.norm}
    return next((name for name, radius in own.items() if entry.fits([radius])), next(iter(own), None))


def references(dataset: str) -> list[Reference]:
    """The entries for the data set of that name, best known accuracy first in each norm; for most sets none."""
    return [entry for entry in _all() if entry.dataset == dataset]


@lru_cache(maxsize=1)
def _all() -> tuple[Reference, ...]:
    lines = FILE.read_text(encoding="utf-8").splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return tuple(
        Reference(
            **{name: row[name] for name in ("dataset", "norm", "name", "architecture", "venue", "epsilon")},
            clean=float(row["clean"]) / 100,
            autoattack=float(row["autoattack"]) / 100,
            best_known=float(row["best_known"] or row["autoattack"]) / 100,
            additional_data=row["additional_data"] == "yes",
            unreliable=row["unreliable"] == "yes",
        )
        for row in rows
    )
