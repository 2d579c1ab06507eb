"""Entries as RobustBench's model_info files have them (Croce et al. 2021), for those who collect such entries."""

from __future__ import annotations

from typing import Any

from benchmark.analysis import aggregate
from benchmark.evaluation import Evaluation

#: This project's norms as RobustBench spells them; it has no others.
THREATS = {"linf": "Linf", "l2": "L2"}


def entries(evaluation: Evaluation) -> dict[str, dict[str, Any]]:
    """One entry for each norm that RobustBench knows; accuracies are percentages as text, as there.

    `autoattack_acc` is given only where AutoAttack itself ran; `external` is against all attacks of the norm.
    """
    found = {}
    for norm in evaluation.norms:
        external = aggregate.norm_accuracy(evaluation, norm)
        if norm not in THREATS or external is None:
            continue
        outcomes = [outcome for outcome in evaluation.outcomes if outcome.norm == norm]
        entry: dict[str, Any] = {
            "link": None,
            "name": evaluation.name,
            "authors": None,
            "additional_data": None,
            "number_forward_passes": 1,
            "dataset": evaluation.dataset["name"],
            "venue": None,
            "architecture": evaluation.model["architecture"],
            "eps": f"{max(outcome.epsilon for outcome in outcomes):g}",
            "clean_acc": _percent(aggregate.clean_accuracy(evaluation)),
            "reported": None,
            "external": _percent(external),
            "footnote": (
                f"first {len(evaluation.clean_errors)} test images, suite {evaluation.suite['name']} "
                f"({evaluation.suite['preset']}), evaluation {evaluation.id}"
            ),
        }
        for outcome in outcomes:
            if outcome.definition["attack"]["name"] == "autoattack":
                accuracy = aggregate.attack_accuracy(evaluation, outcome.label)
                entry["autoattack_acc"] = None if accuracy is None else _percent(accuracy)
        found[THREATS[norm]] = entry
    return found


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.2f}"
