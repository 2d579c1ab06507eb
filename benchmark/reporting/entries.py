"""One network on one leaderboard: what an evaluation comes to, computed when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmark.analysis import aggregate
from benchmark.analysis.balance import balanced
from benchmark.analysis.corruptions import corruption_mean, corruption_scores
from benchmark.analysis.distances import median_distance
from benchmark.analysis.masking import MASKED, Flag, is_masked, unchecked
from benchmark.analysis.paired import scores
from benchmark.analysis.ranks import RankSet
from benchmark.ledger import Evaluation, Outcome
from benchmark.reporting.text import MISSING
from benchmark.statistics.ravg_interval import mean_interval
from benchmark.statistics.wilson import wilson
from benchmark.storage import canonical_json

Row = dict[str, Any]

#: What attacking cost, in examples passed through the network and in seconds.
COSTS = ("forwards", "backwards", "seconds")


class Accuracy(NamedTuple):
    """A fraction of the images with its 95% interval."""

    value: float
    low: float
    high: float


class Rank(NamedTuple):
    """Where a network stands.

    Attributes:
        ranks: those that it may have, None for one that has none.
        unmasked, overall: its ranks without the networks that may be masked, and those among all; one of the two is
            `ranks`. Without `overall` what ranks go by is not known.
        is_masked: whether there is strong evidence of gradient masking.
    """

    ranks: RankSet | None = None
    unmasked: RankSet | None = None
    overall: RankSet | None = None
    is_masked: bool = False

    def __str__(self) -> str:
        """In words: "masked?" for a network without one that may be masked, even where an attack failed as well."""
        if self.ranks is not None:
            return str(self.ranks)
        return MASKED if self.is_masked else MISSING


@dataclass(frozen=True, eq=False)
class Entry:
    """One network on one leaderboard.

    Attributes:
        evaluation: what it is computed from.
        name: what its row is called, which no other row of the leaderboard is.
        label: what the network is called everywhere.
        rank: where it stands.
        flags: the signs of gradient masking.
    """

    evaluation: Evaluation
    name: str
    label: str
    rank: Rank
    flags: tuple[Flag, ...]

    @property
    def id(self) -> str:
        """The evaluation's digest."""
        return self.evaluation.id

    @property
    def anchor(self) -> str:
        """A name for links to it."""
        return f"network-{self.id[:16]}"

    @property
    def card(self) -> Mapping[str, Any]:
        """What the network says about itself."""
        return self.evaluation.model

    @property
    def method(self) -> str:
        """What trained it, as its card says."""
        return str(self.card["method"])

    @property
    def architecture(self) -> str:
        """As its card says."""
        return str(self.card["architecture"])

    @cached_property
    def clean(self) -> Accuracy | None:
        """Without any attack."""
        return self.accuracy(aggregate.clean_accuracy(self.evaluation))

    @cached_property
    def r_avg(self) -> Accuracy | None:
        """The mean over the threats that the suite counts."""
        return _mean(aggregate.r_avg(self.evaluation), scores(self.evaluation, "ravg"))

    @cached_property
    def r_worst(self) -> Accuracy | None:
        """Against all attacks under the threats that the suite counts together."""
        return self.accuracy(aggregate.r_worst(self.evaluation))

    @cached_property
    def under(self) -> dict[str, Accuracy | None]:
        """Against all attacks under one threat together, by the threats' names."""
        names = self.evaluation.threats
        return {name: self.accuracy(aggregate.norm_accuracy(self.evaluation, name)) for name in names}

    @cached_property
    def corruption_mean(self) -> Accuracy | None:
        """The mean over corruptions and severities; None where there are none."""
        return _mean(corruption_mean(self.evaluation), corruption_scores(self.evaluation))

    @cached_property
    def clean_balanced(self) -> float | None:
        """The mean over the classes of the accuracy without attack."""
        return balanced(self.evaluation, ~self.evaluation.clean_errors)

    @cached_property
    def r_worst_balanced(self) -> float | None:
        """The mean over the classes of the accuracy against all attacks together."""
        return balanced(self.evaluation, aggregate.robust(self.evaluation))

    def accuracy(self, share: float | None) -> Accuracy | None:
        """`share` of the images with its interval."""
        return _accuracy(share, len(self.evaluation.clean_errors))

    def cost(self, name: str) -> float:
        """One of `COSTS`, of all attacks together."""
        return sum(outcome.costs[name] for outcome in self.evaluation.outcomes)

    @property
    def is_masked(self) -> bool:
        """Whether there are strong signs of gradient masking."""
        return is_masked(self.flags)

    @property
    def has_failed(self) -> bool:
        """Whether an attack failed, so that what counts it is not known."""
        return bool(self.evaluation.failures)

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know: what failed, what was warned of, what could not be looked into."""
        uncertain = unchecked(self.evaluation)
        return (*self.evaluation.failures, *self.evaluation.warnings, *([uncertain] if uncertain else []))

    @cached_property
    def attacks(self) -> tuple[Row, ...]:
        """A row for each attack, in the suite's order."""
        return tuple(_attack(self.evaluation, outcome) for outcome in self.evaluation.outcomes)


def _attack(evaluation: Evaluation, outcome: Outcome) -> Row:
    """In worst-case mode the accuracy is of the images that earlier attacks under the threat had left standing."""
    conditional = aggregate.is_conditional(evaluation, outcome.label)
    tried = aggregate.left_standing(evaluation, outcome.label) if conditional else np.ones_like(outcome.evaluated)
    images = int(tried.sum())
    accuracy = _accuracy(aggregate.attack_accuracy(evaluation, outcome.label), images)
    parameters = {name: value for name, value in outcome.definition["attack"].items() if name != "name"}
    return {
        "attack": outcome.label,
        "norm": outcome.norm,
        "epsilon": outcome.epsilon,
        "kind": outcome.kind,
        "restarts": outcome.definition["restarts"],
        "images_tried": images,
        **accuracy_values("accuracy", accuracy),
        "median_distance": median_distance(evaluation, outcome),
        **{cost: outcome.costs[cost] for cost in COSTS},
        "faults": sum(outcome.costs["faults"].values()),
        "disagreements": outcome.costs["disagreements"],
        "no_answer": outcome.costs.get("no_answer", 0),
        "source": outcome.definition["source"],
        "parameters": ", ".join(f"{name}={canonical_json(value)}" for name, value in parameters.items()),
        "records": outcome.records,
    }


def accuracy_values(name: str, accuracy: Accuracy | None) -> Row:
    """`name`, `name`_low and `name`_high, as data files have them."""
    value, low, high = accuracy or (None, None, None)
    return {name: value, f"{name}_low": low, f"{name}_high": high}


def _accuracy(share: float | None, images: int) -> Accuracy | None:
    return None if share is None or not images else Accuracy(share, *wilson(share * images, images))


def _mean(value: float | None, values: NDArray[np.float64] | None) -> Accuracy | None:
    """A mean of shares of the images, whose interval is as narrow as their own variance allows."""
    return None if value is None or values is None else Accuracy(value, *mean_interval(values))
