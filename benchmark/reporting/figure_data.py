"""What the interactive figures are drawn from: a file for each leaderboard, and one for each network on it.

The first is what a page needs of all networks at once; the second, with curves, classes and training, is loaded for
those that a reader picks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from benchmark.analysis.attribution import attribution
from benchmark.analysis.confusion import CLEAN, WORST_CASE, confusion
from benchmark.analysis.curves import Curve
from benchmark.ledger import Evaluation
from benchmark.radii import format_radius
from benchmark.reporting.classes import DRAWN
from benchmark.reporting.curves import drawn_radii, kind
from benchmark.reporting.entries import Accuracy, Entry
from benchmark.reporting.leaderboards import Leaderboard
from benchmark.reporting.networks import NetworkPage, Result
from benchmark.reporting.page_data import data_script, rounded

Data = dict[str, Any]


def board_file(board: Leaderboard) -> str:
    """The place of a leaderboard's data within the site."""
    return f"data/{board.anchor}.js"


def network_file(evaluation: Evaluation) -> str:
    """The place of the data of one network on one leaderboard within the site."""
    return f"data/{evaluation.id[:16]}.js"


def board_script(board: Leaderboard, pages: Mapping[str, str]) -> str:
    """All networks of a leaderboard, in its order.

    Args:
        board: the leaderboard.
        pages: the networks' pages by the evaluations' ids.
    """
    return data_script(board.anchor, setting(board) | {"networks": [_network(each, pages) for each in board.entries]})


def setting(board: Leaderboard) -> Data:
    """What all networks of a leaderboard share: its threats, whether they count, and its attacks in their order."""
    places = {threat: place for place, threat in enumerate(board.threats.values())}
    return {
        "title": board.title,
        "dataset": board.dataset,
        "mode": board.mode,
        "images": board.images,
        "threats": [
            {"name": name, "norm": norm, "radius": format_radius(norm, epsilon), "counts": name in board.union}
            for name, (norm, epsilon) in board.threats.items()
        ],
        "attacks": [
            {"name": outcome.label, "norm": outcome.norm, "threat": places[outcome.norm, outcome.epsilon]}
            for outcome in board.evaluations[0].outcomes
        ],
    }


def _network(entry: Entry, pages: Mapping[str, str]) -> Data:
    extra, shares = entry.card.get("extra", {}), attribution(entry.evaluation)
    return {
        "key": entry.id[:16],
        "name": entry.name,
        "page": pages[entry.id],
        "method": entry.method,
        "architecture": entry.architecture,
        "network": str(entry.card.get("network") or ""),
        "run": _run(entry),
        "rank": str(entry.rank),
        "masked": entry.is_masked,
        "clean": _accuracy(entry.clean),
        "worst": _accuracy(entry.r_worst),
        "average": _accuracy(entry.r_avg),
        "under": [_accuracy(entry.under[name]) for name in entry.evaluation.threats],
        "attacks": [rounded(attack["accuracy"]) for attack in entry.attacks],
        "first": [share.first for share in shares],
        "alone": [share.alone for share in shares],
        "passes": entry.cost("forwards") + entry.cost("backwards"),
        "attacking": rounded(entry.cost("seconds"), 3),
        "training": rounded(_number(extra.get("seconds")), 3),
        "parameters": _number(entry.card.get("numbers")),
        "epochs": len(entry.card.get("history", ())),
    }


def _run(entry: Entry) -> str:
    """What the networks that one training made together share; "" where that is not known."""
    extra = entry.card.get("extra", {})
    return str(extra.get("run") or "")[:16]


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _accuracy(accuracy: Accuracy | None) -> list[float | None] | None:
    """The value and its interval."""
    return None if accuracy is None else [rounded(part) for part in accuracy]


def network_script(result: Result, page: NetworkPage) -> str:
    """One network: curves, classes, confusion and training."""
    evaluation = result.evaluation
    return data_script(
        evaluation.id[:16],
        {
            "name": result.entry.name,
            "images": len(evaluation.clean_errors),
            "curves": [_curve(curve) for curve in result.curves],
            "classes": [
                {
                    "name": row.name,
                    "images": row.images,
                    "clean": _accuracy(row.clean),
                    "worst": _accuracy(row.r_worst),
                }
                for row in result.classes
                if row.images and len(result.classes) <= DRAWN + 1
            ],
            "confusion": list(_confusions(evaluation)),
            "training": {
                "shares": [[line.name, line.points] for line in page.training.shares],
                "losses": [[line.name, line.points] for line in page.training.losses],
                "selected": _number(page.card.get("selected_epoch")),
            },
        },
    )


def _curve(curve: Curve) -> Data:
    """How many images are robust at radii from 0 to the limit, evenly apart, as in the network's drawing."""
    radii = drawn_radii(curve)
    return {
        "norm": curve.norm,
        "kind": kind(curve),
        "measured": curve.is_measured,
        "limit": rounded(float(radii[-1]), 9),
        "robust": np.rint(curve.accuracy(radii) * len(curve.distances)).astype(int).tolist(),
        "area": rounded(curve.area()),
        "at": [
            [rounded(radius, 9), format_radius(curve.norm, radius), rounded(accuracy)]
            for radius, accuracy in zip(curve.radii, curve.accuracies, strict=True)
        ],
    }


def _confusions(evaluation: Evaluation) -> Iterator[Data]:
    """Without attack, in the worst case and under each attack, as far as it is known and a figure can show it."""
    few = evaluation.classes is not None and len(evaluation.classes.names) <= DRAWN
    for attack in (CLEAN, WORST_CASE, *(outcome.label for outcome in evaluation.outcomes)) if few else ():
        found = confusion(evaluation, attack)
        if found is not None:
            numbers = found.matrix
            is_answered = not numbers[:, -1].any()
            yield {
                "attack": attack,
                "names": list(found.names) if is_answered else [*found.names, "no answer"],
                "images": (numbers[:, :-1] if is_answered else numbers).tolist(),
                "unknown": found.unknown,
            }
