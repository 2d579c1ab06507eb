"""What the full-scale comparison has measured so far, as tables: pure functions of checkpoints and ledger."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

import benchmark
from benchmark.analysis.aggregate import attack_accuracy, clean_accuracy
from benchmark.analysis.paired import bootstrap, mcnemar
from benchmark.papers.published import load_published
from benchmark.reporting.text import duration, percent
from benchmark.storage import write_atomic

#: The attack that the comparison is decided by, as the suite and as the paper call it.
DECISIVE, PRINTED = "pgd-100", "PGD-100"

#: Network, network it is compared with, and both as the paper's Table 2 calls them, where it has them.
PAIRS = (
    ("mat-h1", "at", ("MAT-h1", "AT")),
    ("mat-h2", "at", ("MAT-h2", "AT")),
    ("mat-h1", "trades", ("MAT-h1", "TRADES")),
    ("mat-h1", "mart", ("MAT-h1", "MART")),
    ("mat-max-generalist", "at-max", None),
)


def write_results(out: Path, ledger: Path, evaluations: Sequence[Any], is_trial: bool) -> None:
    """runs.csv, histories.csv, results.md, and the ledger's attacks.csv and leaderboard.csv; a trial says so."""
    cards = {found.model["digest"]: found.model for found in evaluations}
    runs = pd.DataFrame([run_row(card, evaluations) for card in cards.values()])
    histories = pd.DataFrame([{"run": card["method"], **row} for card in cards.values() for row in card["history"]])
    write_atomic(out / "runs.csv", runs.to_csv(index=False))
    write_atomic(out / "histories.csv", histories.drop_duplicates(["run", "epoch"]).to_csv(index=False))
    lines = [*_about(evaluations, is_trial), *_table(runs), *_differences(evaluations), ""]
    write_atomic(out / "results.md", "\n".join(lines))
    benchmark.report(results=ledger, out=out, format="csv")


def run_row(card: dict[str, Any], evaluations: Sequence[Any]) -> dict[str, Any]:
    """One network: how it was trained, how fast, and its accuracies in percent."""
    history, extra = card["history"], card["extra"]
    row: dict[str, Any] = {
        "network": card["name"],
        "method": card["method"],
        "architecture": card["architecture"],
        "recipe": card["recipe"]["name"],
        "epochs": len(history),
        "selected epoch": card["selected_epoch"],
        "hardware": extra["hardware"],
        "precision": extra["precision"],
        "images per second": round(median(entry["images_per_second"] for entry in history)),
        "seconds to train": round(extra["seconds"], 1),
    }
    for found in (each for each in evaluations if each.model["digest"] == card["digest"]):
        shares = {} if "clean" in row else {"clean": clean_accuracy(found)}
        shares |= {outcome.label: attack_accuracy(found, outcome.label) for outcome in found.outcomes}
        row |= {label: None if share is None else round(100 * share, 2) for label, share in shares.items()}
    return row


def difference(first: Any, second: Any) -> tuple[float, float, float, float] | None:
    """First − second under the decisive attack on the same images: points, their 95% interval, and McNemar's p."""
    outcomes = [each.outcome(DECISIVE) for each in (first, second)]
    if not all(outcome.complete for outcome in outcomes):
        return None
    robust = np.stack([~outcome.broken for outcome in outcomes]).astype(float)
    means = bootstrap(robust)
    low, high = np.quantile(means[0] - means[1], [0.025, 0.975])
    p = float(mcnemar((robust[0] > robust[1]).sum(), (robust[0] < robust[1]).sum()))
    return 100 * float(robust[0].mean() - robust[1].mean()), 100 * float(low), 100 * float(high), p


def _printed(method: str) -> float:
    place = ("2", "CIFAR-10", "ResNet-18", method, PRINTED, "accuracy")
    found = load_published("mat").find(place)
    assert found is not None, place
    return found.percent


def _about(evaluations: Sequence[Any], is_trial: bool) -> list[str]:
    card, images = evaluations[0].model, len(evaluations[0].clean_errors)
    fewer = {outcome.label: len(found.clean_errors) for found in evaluations for outcome in found.outcomes}
    fewer = {label: count for label, count in fewer.items() if count != images}
    apart = "".join(f", of {label} on the first {count}" for label, count in fewer.items())
    told = (
        f"{card['architecture']} trained with the recipe {card['recipe']['name']} on {card['extra']['hardware']} in "
        f"{card['extra']['precision']}; accuracies in percent on {images} test images{apart}. Written by "
        "scripts/full_scale.py."
    )
    warning = ["**A trial on a part of the pictures: these numbers mean nothing.**", ""] if is_trial else []
    return ["# The central comparison at full scale", "", *warning, told, ""]


def _table(runs: pd.DataFrame) -> list[str]:
    shown = [name for name in ("clean", "pgd-20", "pgd-100", "autoattack-linf") if name in runs]
    heading = ["network", "epochs", *shown, "images/s", "time to train"]
    lines = [heading, [":--", *["--:"] * (len(heading) - 1)]]
    for _, row in runs.iterrows():
        figures = [percent(None if pd.isna(row[name]) else row[name] / 100) for name in shown]
        lines.append(
            [
                *(row["network"], str(row["epochs"]), *figures),
                *(f"{row['images per second']:,}", duration(float(row["seconds to train"]))),
            ]
        )
    return [f"| {' | '.join(line)} |" for line in lines]


def _differences(evaluations: Sequence[Any]) -> list[str]:
    by_name = {found.name: found for found in evaluations if any(o.label == DECISIVE for o in found.outcomes)}
    lines = ["", f"Differences under {PRINTED}, in points, on the same images:", ""]
    lines += ["| | here | 95% interval | p | the paper |", "| :-- | --: | --: | --: | --: |"]
    for first, second, printed in PAIRS:
        found = difference(by_name[first], by_name[second]) if {first, second} <= by_name.keys() else None
        told = f"{_printed(printed[0]) - _printed(printed[1]):+.2f}" if printed else "–"
        if found:
            points, low, high, p = found
            lines.append(f"| {first} − {second} | {points:+.1f} | {low:+.1f} to {high:+.1f} | {p:.2g} | {told} |")
        else:
            lines.append(f"| {first} − {second} | – | – | – | {told} |")
    return lines
