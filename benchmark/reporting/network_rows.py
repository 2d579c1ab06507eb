"""The numbers behind a network's page, for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from benchmark.analysis.confusion import CLEAN, WORST_CASE, confusion
from benchmark.reporting.as_csv import csv_line
from benchmark.reporting.classes import DRAWN
from benchmark.reporting.curves import kind
from benchmark.reporting.entries import Accuracy, Row
from benchmark.reporting.networks import NetworkPage, Result


def attack_rows(page: NetworkPage) -> Iterator[Row]:
    """A row per leaderboard and attack: what it cost, what it broke, and what no other attack did."""
    for result in page.results:
        for attack, share in zip(result.entry.attacks, result.shares, strict=True):
            broken = {"broken": share.broken, "first": share.first, "alone": share.alone, "shapley": share.shapley}
            yield {**_setting(result), **attack, "records": " ".join(attack["records"]), **broken}


def class_rows(page: NetworkPage) -> Iterator[Row]:
    """A row per leaderboard and class: images, answers without attack, and accuracies on them with 95% intervals.

    Accuracies are fractions: clean, under each threat, and Rworst.
    """
    for result in page.results:
        for line in result.classes:
            counts = {"class": line.name, "images_of_class": line.images, "answered": line.answered}
            shares = {"clean": line.clean, "r_worst": line.r_worst, **line.threats}
            yield {**_setting(result), **counts, **_with_intervals(shares)}


def _with_intervals(shares: Mapping[str, Accuracy | None]) -> Row:
    """Three columns for each: the fraction, and where its interval begins and ends."""
    found: Row = {}
    for name, share in shares.items():
        value, low, high = share or (None, None, None)
        found |= {name: value, f"{name}_low": low, f"{name}_high": high}
    return found


def confusion_rows(page: NetworkPage) -> Iterator[Row]:
    """A row per leaderboard, attack, true and predicted class that occur together, with how many images those are.

    Besides every attack there are "clean" and "worst case", see `confusion.taken_for`; of more than a few classes
    only these two.
    """
    for result in page.results:
        evaluation = result.evaluation
        few = evaluation.classes is not None and len(evaluation.classes.names) <= DRAWN
        attacks = [outcome.label for outcome in evaluation.outcomes] if few else []
        for attack in (CLEAN, *attacks, WORST_CASE):
            found = confusion(evaluation, attack)
            for true, predicted, images in found.pairs() if found else ():
                about = {"evaluation": evaluation.id[:16], "attack": attack}
                yield {**about, "true_class": true, "predicted_class": predicted, "images": images}


def curve_csv(page: NetworkPage) -> str:
    """A row per step of each security curve, from 0: from this ε on, the robust accuracy is this fraction.

    `kind` says "measured" or "upper bound", `distances_of` which other evaluations' distances went into it. Written
    as CSV with eight digits here, since of ten thousands of rows only two columns vary.
    """
    lines: list[str] = []
    for result in page.results:
        for curve in result.curves:
            about = csv_line([result.evaluation.id[:16], curve.norm])
            how = csv_line([kind(curve), " ".join(other.id[:16] for other in curve.borrowed)])
            radii = np.union1d(0.0, curve.steps()[0])
            steps = zip(radii.tolist(), curve.accuracy(radii).tolist(), strict=True)
            lines += [f"{about},{epsilon:.8g},{accuracy:.8g},{how}\n" for epsilon, accuracy in steps]
    return "".join(["evaluation,norm,epsilon,accuracy,kind,distances_of\n", *lines]) if lines else ""


def history_rows(page: NetworkPage) -> Iterator[Row]:
    """A row per epoch of training."""
    yield from page.card.get("history", [])


def _setting(result: Result) -> Row:
    names = ("dataset", "suite", "preset", "suite_digest", "images", "mode", "conditions")
    return {name: getattr(result.board, name) for name in names} | {"seed": result.evaluation.seed}
