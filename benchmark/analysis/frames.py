"""Evaluations as pandas frames, for whoever wants to go on from there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmark.analysis import aggregate
from benchmark.analysis.distances import median_distance
from benchmark.analysis.labels import labels_of
from benchmark.labels import Key, card_labels, key
from benchmark.ledger.classes import class_name
from benchmark.ledger.predictions import UNKNOWN, Classes
from benchmark.statistics.wilson import wilson

if TYPE_CHECKING:
    import pandas as pd

    from benchmark.ledger.evaluation import Evaluation, Outcome

#: What both frames say of each row's evaluation.
_ABOUT = (
    "model",
    "checkpoint_digest",
    "method",
    "architecture",
    "dataset",
    "suite",
    "preset",
    "suite_digest",
    "mode",
    "conditions",
    "seed",
    "evaluation",
)


def tidy(evaluations: Iterable[Evaluation]) -> pd.DataFrame:
    """One row per model and attack.

    Columns, besides those that say which evaluation a row belongs to: attack, norm, epsilon, kind, images, attacked,
    accuracy with its 95% interval (low, high; None where the attack failed), conditional (worst-case mode: the
    accuracy is that among what earlier attacks left), median_distance (see `distances.median_distance`), seconds,
    forwards, backwards, disagreements (successes claimed in low precision that float32 refused), no_answer (images
    broken because the network returned NaN or infinity), error.

    No more than one evaluation is held in memory, where they come one by one.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    networks: list[Key] = []
    cards: list[Mapping[str, Any] | None] = []
    for found in evaluations:
        cards += [found.model, found.crafted_on]
        for outcome in found.outcomes:
            networks.append(key(found.model))
            rows.append({**_about(found, ""), **_row(found, outcome)})
    named = card_labels(cards)  # what a network is called depends on all others
    for row, network in zip(rows, networks, strict=True):
        row["model"] = named[network]
    return pd.DataFrame(rows, columns=[*_ABOUT, *_COLUMNS])


def per_example(
    evaluations: Sequence[Evaluation],
    named: Mapping[Key, str] | None = None,
    outcomes: Sequence[Outcome] | None = None,
) -> pd.DataFrame:
    """One row per model, attack and test image.

    Columns, besides those that say which evaluation a row belongs to: attack, norm, epsilon, index (of the image in
    the test set), clean_error, evaluated, broken, distance (inf where no adversarial was found), wrong_share (in
    which share of the passes that judged it the network was wrong about it; 0 or 1 where it draws no random numbers),
    clean_class and adversarial_class (names of the classes that the network takes the image for without attack, and
    the closest adversarial image, which for a minimum-norm attack may lie beyond epsilon; where no adversarial was
    found, the latter is that of the image itself; "none" where the network has no finite answer; the index where the
    classes have no names; missing where the attack was not tried, and in records of older versions).

    Args:
        evaluations: what the rows are about.
        named: what their networks are called, where there are others beside them.
        outcomes: only these of their attacks.
    """
    import pandas as pd

    named = labels_of(evaluations) if named is None else named
    frames = [
        pd.DataFrame(
            {
                **_about(found, named[key(found.model)]),
                "attack": outcome.label,
                "norm": outcome.norm,
                "epsilon": outcome.epsilon,
                "index": np.arange(len(found.clean_errors)),
                "clean_error": found.clean_errors,
                "evaluated": outcome.evaluated,
                "broken": outcome.broken,
                "distance": outcome.distance,
                "wrong_share": outcome.broken.astype(np.float32)
                if outcome.wrong_share is None
                else outcome.wrong_share,
                "clean_class": _class_names(found, found.clean_class),
                "adversarial_class": _class_names(found, outcome.adversarial_class),
            }
        )
        for found in evaluations
        for outcome in (found.outcomes if outcomes is None else outcomes)
    ]
    columns = [
        *(*_ABOUT, "attack", "norm", "epsilon", "index", "clean_error", "evaluated", "broken", "distance"),
        *("wrong_share", "clean_class", "adversarial_class"),
    ]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)


_COLUMNS = (
    "attack", "norm", "epsilon", "kind", "images", "attacked", "accuracy", "low", "high", "conditional",
    "median_distance", "seconds", "forwards", "backwards", "disagreements", "no_answer", "error",
)  # fmt: skip


def _class_names(found: Evaluation, classes: Classes | None) -> NDArray[np.object_]:
    """N names, None, which pandas takes for missing, where the class is not known."""
    if classes is None:
        return np.full(len(found.clean_errors), None)
    names = found.classes.names if found.classes else ()
    known = {place: class_name(names, place) for place in np.unique(classes).tolist() if place != UNKNOWN}
    return np.array([known.get(place) for place in classes.tolist()], object)


def _about(found: Evaluation, name: str) -> dict[str, Any]:
    return {
        "model": name,
        "checkpoint_digest": found.model.get("digest", ""),
        "method": found.model.get("method"),
        "architecture": found.model.get("architecture"),
        "dataset": found.dataset["name"],
        "suite": found.suite.get("name"),
        "preset": found.suite.get("preset"),
        "suite_digest": found.suite["digest"],
        "mode": found.mode,
        "conditions": found.conditions,
        "seed": found.seed,
        "evaluation": found.id,
    }


def _row(found: Evaluation, outcome: Outcome) -> dict[str, Any]:
    accuracy = aggregate.attack_accuracy(found, outcome.label)
    judged = outcome.evaluated if found.mode == "complete" else aggregate.left_standing(found, outcome.label)
    total = int(judged.sum())
    low, high = (None, None) if accuracy is None else wilson(total - int(outcome.broken[judged].sum()), total)
    return {
        "attack": outcome.label,
        "norm": outcome.norm,
        "epsilon": outcome.epsilon,
        "kind": outcome.kind,
        "images": len(found.clean_errors),
        "attacked": outcome.costs.get("attacked"),
        "accuracy": accuracy,
        "low": low,
        "high": high,
        "conditional": aggregate.is_conditional(found, outcome.label),
        "median_distance": median_distance(found, outcome),
        "seconds": outcome.costs.get("seconds"),
        "forwards": outcome.costs.get("forwards"),
        "backwards": outcome.costs.get("backwards"),
        "disagreements": outcome.costs.get("disagreements"),
        "no_answer": outcome.costs.get("no_answer", 0),
        "error": "; ".join(outcome.errors) or None,
    }
