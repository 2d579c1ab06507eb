"""What a bundle claims: the row of a network on a leaderboard, with the conditions it was measured under."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from benchmark.ledger import Evaluation
from benchmark.reporting.entries import Accuracy
from benchmark.reporting.leaderboards import leaderboards, setting_of
from benchmark.reporting.reproduce import evaluation_command, training_command

#: Where a share is the sum of equal parts, other libraries may add them up in another order.
CLOSE = 1e-9

#: What of a row is in words, which another version of this program may choose otherwise.
WORDS = ("notes", "commands")


def claimed_row(evaluation: Evaluation) -> dict[str, Any]:
    """The row of an evaluation: shares of the images with the ends of their 95% intervals, conditions, commands.

    It has no rank: that depends on the networks beside it.
    """
    (board,) = leaderboards([evaluation])
    (entry,) = board.entries
    return {
        "evaluation": evaluation.id,
        **setting_of(evaluation),
        "clean": _share(entry.clean),
        "rworst": _share(entry.r_worst),
        "ravg": _share(entry.r_avg),
        "under": {name: _share(share) for name, share in entry.under.items()},
        "attacks": {attack["attack"]: attack["accuracy"] for attack in entry.attacks},
        "seed": evaluation.seed,
        "precision": evaluation.precision,
        "deterministic": evaluation.deterministic,
        "hardware": list(evaluation.hardware),
        "versions": list(evaluation.versions),
        "date": evaluation.date,
        "notes": list(entry.notes),
        "commands": [word for word in (training_command(evaluation.model), evaluation_command(evaluation)) if word],
    }


def contradictions(claimed: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Where a claimed row is not what its records come to, a sentence each; `WORDS` apart."""
    differing = []
    for name, value in found.items():
        if name in WORDS:
            continue
        told = claimed.get(name)
        for place, one, other in _pairs(name, told, value):
            differing.append(f"{place} is claimed to be {_said(one)}; the records come to {_said(other)}")
    return differing


def _pairs(name: str, told: Any, found: Any) -> list[tuple[str, Any, Any]]:
    if isinstance(found, Mapping) and isinstance(told, Mapping):
        keys = dict.fromkeys([*found, *told])
        return [pair for key in keys for pair in _pairs(f"{name} {key}", told.get(key), found.get(key))]
    return [] if _is_same(told, found) else [(name, told, found)]


def _is_same(told: Any, found: Any) -> bool:
    numbers = isinstance(told, int | float) and isinstance(found, int | float)
    if numbers and not isinstance(told, bool) and not isinstance(found, bool):
        return math.isclose(told, found, rel_tol=0, abs_tol=CLOSE)
    return type(told) is type(found) and bool(told == found)


def _said(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 100 else f"{text[:97]}..."


def _share(share: Accuracy | None) -> dict[str, float] | None:
    return None if share is None else {"value": share.value, "low": share.low, "high": share.high}
