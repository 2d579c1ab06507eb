"""From evaluations to tables: one board per question, one row per network, one row per network and attack."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.analysis import aggregate
from benchmark.analysis.balance import balanced, is_uneven
from benchmark.analysis.corruptions import CORRUPTION, corruption_mean
from benchmark.analysis.distances import median_distance
from benchmark.analysis.intervals import wilson
from benchmark.analysis.labels import labels_of, row_labels
from benchmark.analysis.masking import MASKED, is_masked, masking_flags, unchecked
from benchmark.analysis.ranks import ranks
from benchmark.labels import Key, key
from benchmark.ledger import Evaluation, Outcome
from benchmark.radii import format_radius
from benchmark.reporting.classes import all_shares, classes_of, shares
from benchmark.reporting.text import MISSING
from benchmark.storage import canonical_json, safe_name

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]

#: What evaluations must share for their numbers to stand in one column.
BOARD = ("dataset", "dataset_digest", "suite", "preset", "suite_digest", "images", "mode")

#: What attacking cost, in examples passed through the network and in seconds.
COSTS = ("forwards", "backwards", "seconds")

#: What rows hold besides that is no value of a table, or stands in one in another form.
_NOT_IN_FRAMES = ("label", "attacks", "notes", "flags", "anchor", "ranks")


@dataclass(frozen=True)
class Board:
    """The networks that answered the same question: same images, attacks, parameters, radii and mode.

    Attributes:
        dataset, dataset_digest, suite, preset, suite_digest, images, mode: the question.
        norms: of the suite's threats, in its order.
        radii: of the suite's threats in each norm.
        columns: the suite's threats, norm and radius, by their names: a column for each.
        union: the names of the threats that Ravg and Rworst count.
        networks: one row per evaluation, best first; `attacks` in each has one row per attack. `model` is what the
            row is called, which no other row is, and `label` what its network is called everywhere. `is_masked` says
            whether there are strong signs of gradient masking; then `rank` is None, unless such networks are ranked,
            too. `ranks` holds both: without such networks, and among all, which lacks only where Rworst does.
        evaluations: what the rows were made from, in the same order.
    """

    dataset: str
    dataset_digest: str
    suite: str
    preset: str
    suite_digest: str
    images: int
    mode: str
    norms: tuple[str, ...]
    radii: dict[str, tuple[float, ...]]
    columns: dict[str, tuple[str, float]]
    union: tuple[str, ...]
    networks: tuple[Row, ...]
    evaluations: tuple[Evaluation, ...]

    @property
    def title(self) -> str:
        """The question in words."""
        how = self.preset if self.mode == "complete" else f"{self.preset}, {self.mode} mode"
        return f"{self.dataset} under {self.suite} ({how}), first {self.images} images"

    @property
    def threats(self) -> tuple[str, ...]:
        """Each norm with its radius or radii, as people write them."""
        return tuple(
            f"{norm} ≤ {' or '.join(format_radius(norm, radius) for radius in found)}"
            for norm, found in self.radii.items()
        )

    @property
    def norm_columns(self) -> dict[str, str]:
        """Headings of the accuracies under the threats, and what rows call them; corruptions have their mean as well.

        The threats of a norm stand side by side.
        """
        found: dict[str, str] = {}
        for norm in self.norms:
            found |= {name: name for name, (own, _) in self.columns.items() if own == norm}
            if norm == CORRUPTION:
                found["corruption mean"] = "corruption_mean"
        return found

    @property
    def balanced_columns(self) -> dict[str, str]:
        """Headings of the accuracies over classes, and what rows call them; none where classes are not known."""
        if classes_of(self.evaluations) is None:
            return {}
        return {"Clean, balanced": "clean_balanced", "Rworst, balanced": "r_worst_balanced"}

    @property
    def shown_balanced(self) -> dict[str, str]:
        """Those of `balanced_columns` that tables show unasked: they say the same where classes are of like size."""
        classes = classes_of(self.evaluations)
        return self.balanced_columns if classes is not None and is_uneven(classes) else {}

    @property
    def shares(self) -> str:
        """How many images there are of each class, in words; "" where that is not known."""
        classes = classes_of(self.evaluations)
        return "" if classes is None else shares(classes)

    @property
    def anchor(self) -> str:
        """A name for links to this board."""
        return f"board-{self.suite_digest[:8]}-{self.dataset_digest[:8]}-{self.mode}"

    @property
    def file(self) -> str:
        """The stem of this board's files."""
        words = (self.dataset, self.suite, self.preset, str(self.images), self.mode)
        return safe_name(f"{'-'.join(words)}-{self.suite_digest[:8]}-{self.dataset_digest[:8]}", 120)

    def question(self) -> Row:
        """The values of `BOARD`."""
        return {name: getattr(self, name) for name in BOARD}


def boards(
    evaluations: Iterable[Evaluation], rank_masked: bool = False, named: Mapping[Key, str] | None = None
) -> list[Board]:
    """Sort evaluations into boards that never mix what is not comparable, and rank the networks of each.

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
        groups.setdefault(tuple(_question(evaluation).values()), []).append(evaluation)
    return [_board(group, rank_masked, named) for _, group in sorted(groups.items())]


def rank_text(row: Row) -> str:
    """A network's rank in words: "masked?" for one that has none for that reason alone."""
    if row["rank"] is not None:
        return str(row["rank"])
    return MASKED if row["ranks"][1] is not None else MISSING


def leaderboard_frame(boards: Iterable[Board]) -> pd.DataFrame:
    """All boards below each other: a row per network, accuracies as fractions with their 95% intervals.

    A network without a rank because of signs of masking has none; `is_masked` says so.
    """
    rows = [
        board.question()
        | {name: value for name, value in row.items() if name not in _NOT_IN_FRAMES}
        | {"masking": " | ".join(f"{flag.strength}: {flag.name}: {flag.evidence}" for flag in row["flags"])}
        | {"notes": " | ".join(row["notes"])}
        for board in boards
        for row in board.networks
    ]
    return _frame(rows)


def leaderboard_csv(boards: Iterable[Board]) -> str:
    """`leaderboard_frame` as CSV, with "masked?" in the place of a rank that signs of masking cost."""
    boards = list(boards)
    frame = leaderboard_frame(boards)
    if len(frame):
        words = [rank_text(row) for board in boards for row in board.networks]
        frame["rank"] = [None if word == MISSING else word for word in words]
    return frame.to_csv(index=False)


def attacks_frame(boards: Iterable[Board]) -> pd.DataFrame:
    """A row per network and attack, with the digests of the ledger records behind it."""
    rows = [
        board.question()
        | {name: row[name] for name in ("model", "checkpoint_digest", "evaluation")}
        | attack
        | {"records": " ".join(attack["records"])}
        for board in boards
        for row in board.networks
        for attack in row["attacks"]
    ]
    return _frame(rows)


def _frame(rows: list[Row]) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame(rows)
    return frame.astype({"rank": "Int64"}) if "rank" in frame else frame


def _question(evaluation: Evaluation) -> Row:
    suite, dataset = evaluation.suite, evaluation.dataset
    return {
        "dataset": dataset["name"],
        "dataset_digest": dataset["digest"],
        "suite": suite["name"],
        "preset": suite["preset"],
        "suite_digest": suite["digest"],
        "images": dataset["images"],
        "mode": evaluation.mode,
    }


def _board(evaluations: list[Evaluation], rank_masked: bool, named: Mapping[Key, str]) -> Board:
    first = evaluations[0]
    called = row_labels(evaluations, named)
    rows = [
        _network(evaluation) | {"model": label, "label": named[key(evaluation.model)]}
        for evaluation, label in zip(evaluations, called, strict=True)
    ]
    without = ranks(evaluations, "rworst", left_out=[row["is_masked"] for row in rows])
    for row, *both in zip(rows, without, ranks(evaluations, "rworst"), strict=True):
        row |= {"rank": both[rank_masked], "ranks": tuple(both)}
    order = sorted(range(len(rows)), key=lambda position: _order(rows[position]))
    radii: dict[str, dict[float, None]] = {}
    for outcome in first.outcomes:
        radii.setdefault(outcome.norm, {})[outcome.epsilon] = None
    return Board(
        **_question(first),
        norms=tuple(first.norms),
        radii={norm: tuple(found) for norm, found in radii.items()},
        columns=dict(first.threats),
        union=first.union,
        networks=tuple(rows[position] for position in order),
        evaluations=tuple(evaluations[position] for position in order),
    )


def _network(evaluation: Evaluation) -> Row:
    model, images = evaluation.model, len(evaluation.clean_errors)
    accuracies = {
        "clean": aggregate.clean_accuracy(evaluation),
        **{threat: aggregate.norm_accuracy(evaluation, threat) for threat in evaluation.threats},
        **({"corruption_mean": corruption_mean(evaluation)} if CORRUPTION in evaluation.norms else {}),
        "r_avg": aggregate.r_avg(evaluation),
        "r_worst": aggregate.r_worst(evaluation),
    }
    over_classes = {
        "clean_balanced": balanced(evaluation, ~evaluation.clean_errors),
        "r_worst_balanced": balanced(evaluation, aggregate.robust(evaluation)),
    }
    attacks = [_attack(evaluation, outcome) for outcome in evaluation.outcomes]
    flags, uncertain = masking_flags(evaluation), unchecked(evaluation)
    return {
        "rank": None,
        "is_masked": is_masked(flags),
        "model": evaluation.name,
        "method": model["method"],
        "network": model["network"],
        "architecture": model["architecture"],
        "trained_on": model["dataset"],
        "training_seed": model.get("seed"),
        **{column: value for name, share in accuracies.items() for column, value in _interval(name, share, images)},
        **over_classes,
        "images_per_class": all_shares(evaluation.classes) if evaluation.classes else None,
        **{cost: sum(attack[cost] for attack in attacks) for cost in COSTS},
        "date": evaluation.date,
        "seed": evaluation.seed,
        "precision": evaluation.precision,
        "hardware": ", ".join(evaluation.hardware),
        "checkpoint_digest": model["digest"],
        "evaluation": evaluation.id,
        "flags": tuple(flags),
        "notes": (*evaluation.failures, *evaluation.warnings, *([uncertain] if uncertain else [])),
        "anchor": f"network-{evaluation.id[:16]}",
        "attacks": attacks,
    }


def _attack(evaluation: Evaluation, outcome: Outcome) -> Row:
    """In worst-case mode the accuracy is of the images that earlier attacks under the threat had left standing."""
    conditional = aggregate.is_conditional(evaluation, outcome.label)
    tried = aggregate.left_standing(evaluation, outcome.label) if conditional else np.ones_like(outcome.evaluated)
    images = int(tried.sum())
    parameters = {name: value for name, value in outcome.definition["attack"].items() if name != "name"}
    return {
        "attack": outcome.label,
        "norm": outcome.norm,
        "epsilon": outcome.epsilon,
        "kind": outcome.kind,
        "restarts": outcome.definition["restarts"],
        "images_tried": images,
        **dict(_interval("accuracy", aggregate.attack_accuracy(evaluation, outcome.label), images)),
        "median_distance": median_distance(evaluation, outcome),
        **{cost: outcome.costs[cost] for cost in COSTS},
        "faults": sum(outcome.costs["faults"].values()),
        "disagreements": outcome.costs["disagreements"],
        "no_answer": outcome.costs.get("no_answer", 0),
        "source": outcome.definition["source"],
        "parameters": ", ".join(f"{name}={canonical_json(value)}" for name, value in parameters.items()),
        "records": outcome.records,
    }


def _interval(name: str, share: float | None, images: int) -> list[tuple[str, float | None]]:
    """The columns `name`, `name`_low and `name`_high."""
    low, high = (None, None) if share is None else wilson(share * images, images)
    return [(name, share), (f"{name}_low", low), (f"{name}_high", high)]


def _order(row: Row) -> tuple[Any, ...]:
    """By rank, then by Rworst, Ravg and clean accuracy; what may be masked comes after what has a rank, what can't be
    ranked last; names settle the rest.
    """
    return (
        np.inf if row["rank"] is None else row["rank"],
        row["ranks"][1] is None,
        *(-row[name] if row[name] is not None else np.inf for name in ("r_worst", "r_avg", "clean")),
        row["model"],
    )
