"""From evaluations to leaderboards: one for each setting, and on it the networks in the order of their Rworst."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from benchmark.analysis.balance import is_uneven
from benchmark.analysis.labels import labels_of, row_labels
from benchmark.analysis.masking import is_masked, masking_flags
from benchmark.analysis.paired import Family, family
from benchmark.analysis.ranks import ranks
from benchmark.held_out_names import images_of
from benchmark.labels import Key, key
from benchmark.ledger import Evaluation
from benchmark.moved import look_up
from benchmark.radii import format_radius
from benchmark.reporting.classes import classes_of, shares
from benchmark.reporting.entries import Entry, Rank, Row
from benchmark.storage import digest, safe_name

#: What evaluations must share for their numbers to stand in one column.
SETTING = ("dataset", "dataset_digest", "suite", "preset", "suite_digest", "images", "mode", "conditions")


@dataclass(frozen=True, eq=False)
class Leaderboard:
    """The networks that were evaluated in the same setting: same images, attacks, parameters, radii and mode.

    Attributes:
        dataset, dataset_digest, suite, preset, suite_digest, images, mode: the setting.
        conditions: how verdicts were made, where not by one pass of each candidate as it is.
        norms: of the suite's threats, in its order.
        radii: of the suite's threats in each norm.
        threats: of the suite, norm and radius, by their names.
        union: the names of the threats that Ravg and Rworst count.
        entries: one for each evaluation, highest Rworst first. A network with strong signs of gradient masking has no
            rank, unless such networks are ranked, too.
    """

    dataset: str
    dataset_digest: str
    suite: str
    preset: str
    suite_digest: str
    images: int
    mode: str
    conditions: str
    norms: tuple[str, ...]
    radii: dict[str, tuple[float, ...]]
    threats: dict[str, tuple[str, float]]
    union: tuple[str, ...]
    entries: tuple[Entry, ...]

    @property
    def evaluations(self) -> tuple[Evaluation, ...]:
        """What the entries are computed from, in the same order."""
        return tuple(entry.evaluation for entry in self.entries)

    @property
    def title(self) -> str:
        """The setting in words."""
        return f"{self.dataset} under {self.suite} ({self.how}), first {self.images} images"

    @property
    def what(self) -> str:
        """Which images are attacked: "test images", or those of the training images that stand in their place."""
        return images_of(self.dataset)

    @property
    def how(self) -> str:
        """Preset, mode and conditions in words, as far as they are not the usual ones."""
        mode = "" if self.mode == "complete" else f"{self.mode} mode"
        return ", ".join(word for word in (self.preset, mode, self.conditions) if word)

    @property
    def bounds(self) -> tuple[str, ...]:
        """Each norm with its radius or radii, as people write them: "linf ≤ 4/255 or 8/255"."""
        return tuple(
            f"{norm} ≤ {' or '.join(format_radius(norm, radius) for radius in radii)}"
            for norm, radii in self.radii.items()
        )

    @property
    def knows_classes(self) -> bool:
        """Whether any evaluation says which classes the images are of."""
        return classes_of(self.evaluations) is not None

    @property
    def is_uneven(self) -> bool:
        """Whether the classes are known, and of so unlike size that accuracies over classes say something else."""
        classes = classes_of(self.evaluations)
        return classes is not None and is_uneven(classes)

    @property
    def shares(self) -> str:
        """How many images there are of each class, in words; "" where that is not known."""
        classes = classes_of(self.evaluations)
        return "" if classes is None else shares(classes)

    @property
    def anchor(self) -> str:
        """A name for links to it."""
        return f"board-{self.suite_digest[:8]}-{self.dataset_digest[:8]}-{self.mode}{self._condition}"

    @property
    def file(self) -> str:
        """The stem of its files."""
        words = (self.dataset, self.suite, self.preset, str(self.images), self.mode)
        return safe_name(f"{'-'.join(words)}-{self.suite_digest[:8]}-{self.dataset_digest[:8]}{self._condition}", 120)

    @property
    def _condition(self) -> str:
        return f"-{digest(self.conditions)[:8]}" if self.conditions else ""

    @cached_property
    def families(self) -> dict[str, Family | None]:
        """The tests of all pairs of networks, by metric: "rworst", "ravg", each threat, "clean"."""
        metrics = ("rworst", "ravg", *self.threats, "clean")
        return {metric: family(self.evaluations, metric) for metric in metrics}

    def setting(self) -> Row:
        """The values of `SETTING`."""
        return {name: getattr(self, name) for name in SETTING}


def leaderboards(
    evaluations: Iterable[Evaluation], rank_masked: bool = False, named: Mapping[Key, str] | None = None
) -> list[Leaderboard]:
    """Sort evaluations into leaderboards that never mix what is not comparable, and rank the networks of each.

    Args:
        evaluations: of any networks.
        rank_masked: whether networks with strong signs of gradient masking are ranked among the others; else they
            have no rank, stand below the others, and those are ranked as if they were not there.
        named: what networks are called, where others than those of `evaluations` shall be told from them.
    """
    evaluations = [*evaluations]
    named = labels_of(evaluations) if named is None else named
    groups: dict[tuple[Any, ...], list[Evaluation]] = {}
    for evaluation in evaluations:
        groups.setdefault(tuple(setting_of(evaluation).values()), []).append(evaluation)
    return [_leaderboard(group, rank_masked, named) for _, group in sorted(groups.items())]


def setting_of(evaluation: Evaluation) -> Row:
    """The values of `SETTING`."""
    suite, dataset = evaluation.suite, evaluation.dataset
    return {
        "dataset": dataset["name"],
        "dataset_digest": dataset["digest"],
        "suite": suite["name"],
        "preset": suite["preset"],
        "suite_digest": suite["digest"],
        "images": dataset["images"],
        "mode": evaluation.mode,
        "conditions": evaluation.conditions,
    }


def _leaderboard(evaluations: list[Evaluation], rank_masked: bool, named: Mapping[Key, str]) -> Leaderboard:
    first = evaluations[0]
    radii: dict[str, dict[float, None]] = {}
    for outcome in first.outcomes:
        radii.setdefault(outcome.norm, {})[outcome.epsilon] = None
    return Leaderboard(
        **setting_of(first),
        norms=tuple(first.norms),
        radii={norm: tuple(found) for norm, found in radii.items()},
        threats=dict(first.threats),
        union=first.union,
        entries=tuple(sorted(_ranked(evaluations, rank_masked, named), key=_order)),
    )


def _ranked(evaluations: list[Evaluation], rank_masked: bool, named: Mapping[Key, str]) -> list[Entry]:
    flags = [tuple(masking_flags(evaluation)) for evaluation in evaluations]
    masked = list(map(is_masked, flags))
    overall = ranks(evaluations, "rworst")
    unmasked = ranks(evaluations, "rworst", left_out=masked) if any(masked) else overall
    standing = [
        Rank((without, of_all)[rank_masked], without, of_all, may_be)
        for without, of_all, may_be in zip(unmasked, overall, masked, strict=True)
    ]
    names, labels = row_labels(evaluations, named), [named[key(evaluation.model)] for evaluation in evaluations]
    return list(map(Entry, evaluations, names, labels, standing, flags))


def _order(entry: Entry) -> tuple[Any, ...]:
    """By Rworst, Ravg and clean accuracy; what may be masked comes after what has a rank, what can't be ranked last;
    names settle the rest.
    """
    return (
        entry.rank.ranks is None,
        entry.rank.overall is None,
        *(-share.value if share is not None else np.inf for share in (entry.r_worst, entry.r_avg, entry.clean)),
        entry.name,
    )


def __getattr__(name: str) -> object:
    return look_up(__name__, name)
