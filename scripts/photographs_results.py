"""What the runs on photographs have shown so far, as tables and figures: pure functions of evaluations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from photographs_evaluation import Found
from photographs_queue import Claim

from benchmark.analysis.aggregate import attack_accuracy, clean_accuracy, norm_accuracy, r_avg, r_worst
from benchmark.analysis.methods import Seeds, by_method
from benchmark.analysis.paired import compare, stated_margin
from benchmark.charts.alone import alone
from benchmark.charts.axes import LEFT, Axis, Mark
from benchmark.charts.bars import Bars, bar_chart
from benchmark.charts.lines import Line, line_chart
from benchmark.reporting.text import percent
from benchmark.statistics.holm import holm
from benchmark.statistics.seeds import compare_methods, mean_of_method
from benchmark.statistics.verdicts import Verdict, verdict
from benchmark.statistics.wilson import wilson
from benchmark.storage import write_atomic

NORMS = ("linf", "l2", "l1")
LEVEL = 0.05

#: Drawings of the epochs: name, what is drawn, and of which networks. Those for several norms are selected by the
#: mean of their accuracies, and stand apart.
TRAINING = (
    ("training", "robust accuracy on held-out images, linf, %", ("at", "trades", "mart", "mat-h1", "mat-h2")),
    ("training-norms", "mean over linf, l2 and l1 on held-out images, %", ("at-max", "mat-max-generalist")),
)


def write_results(out: Path, found: Found, claims: Sequence[Claim]) -> None:
    """runs.csv, histories.csv, results.md and the figures."""
    runs = pd.DataFrame([run_row(each) for each in found.attacked])
    union = {each.model["digest"]: each for each in found.union}
    runs["multi-perturbation Rworst"] = [
        _percent(r_worst(union[digest])) if digest in union else None for digest in runs.pop("digest")
    ]
    write_atomic(out / "runs.csv", runs.to_csv(index=False))
    write_atomic(out / "histories.csv", histories(found.attacked).to_csv(index=False))
    groups = by_method(found.attacked)
    lines = [
        "# Tables and claims",
        "",
        "Written by `scripts/photographs.py report`. Accuracies in percent, over seeds where there are several.",
        "",
        *_table(groups),
        "",
        *_claims(groups, claims),
        "",
        *_transfer(found.transfer),
    ]
    write_atomic(out / "results.md", "\n".join(lines).rstrip() + "\n")
    for name, drawing in figures(groups, histories(found.attacked)):
        write_atomic(out / f"{name}.svg", drawing)


def run_row(found: Any) -> dict[str, Any]:
    """One checkpoint: how it came about, and its accuracies in percent."""
    card = found.model
    row: dict[str, Any] = {
        "network": card["name"],
        "method": card["method"],
        "architecture": card["architecture"],
        "seed": card["seed"],
        "selection": card["selection"],
        "epoch": card["selected_epoch"],
        "hardware": card["extra"]["hardware"],
        "seconds to train": round(float(card["extra"]["seconds"]), 1),
        "images": len(found.clean_errors),
    }
    row |= {name: _percent(share) for name, share in accuracies(found).items()}
    return row | {"digest": card["digest"]}


def accuracies(found: Any) -> dict[str, float | None]:
    """What a checkpoint came to, as shares of the images, in the order in which tables show it."""
    attacks = {outcome.label: attack_accuracy(found, outcome.label) for outcome in found.outcomes}
    norms = {norm: norm_accuracy(found, norm) for norm in NORMS}
    return {"clean": clean_accuracy(found), **attacks, **norms, "Ravg": r_avg(found), "Rworst": r_worst(found)}


def histories(evaluations: Sequence[Any]) -> pd.DataFrame:
    """The figures of every epoch of every run; one line per epoch and network."""
    rows = {}
    for card in (found.model for found in evaluations):
        own = card["network"]
        for entry in card["history"]:
            prefix = f"{own}." if own else ""
            rows[card["name"], entry["epoch"]] = {
                "network": card["name"],
                "epoch": entry["epoch"],
                "lr": entry["lr"],
                "loss": entry["loss"],
                "clean": _percent(entry.get(f"{prefix}clean")),
                "robust": _percent(entry.get(f"{prefix}robust")),
            }
    return pd.DataFrame(rows.values())


@dataclass(frozen=True)
class Told:
    """What is known of a claim; differences in percentage points."""

    claim: Claim
    selection: str
    seeds: int
    difference: float
    low: float
    high: float
    p: float
    margin: float | None

    def verdict(self, corrected: float) -> Verdict:
        """What is known of the first, `corrected` being p corrected for all that was asked."""
        stands = self.difference > 0 if corrected <= LEVEL else None
        return verdict(self.low, self.high, stands, self.margin)


def tested(groups: Sequence[Seeds], claims: Sequence[Claim]) -> list[Told]:
    """Each claim whose both sides are measured, for the best and for the last checkpoints.

    Over seeds and images where both have seeds; else over the images of one checkpoint each, which `seeds` = 1 says.
    """
    told = []
    for selection in ("best", "last"):
        arms = {_label(group): group for group in groups if _selection(group) == selection}
        for claim in claims:
            if not {claim.first, claim.second} <= arms.keys():
                continue
            first, second = arms[claim.first], arms[claim.second]
            left, right = first.scores(claim.metric), second.scores(claim.metric)
            if left is None or right is None:
                continue
            seeds = min(len(left), len(right))
            if seeds > 1:
                pair: Any = compare_methods(left, right, confidence=1 - LEVEL)
            else:
                pair = compare(first.evaluations[0], second.evaluations[0], claim.metric)
            difference, low, high = (100 * value for value in (pair.difference, pair.low, pair.high))
            margin = stated_margin([*first.evaluations, *second.evaluations])
            margin = None if margin is None else 100 * margin
            told.append(Told(claim, selection, seeds, difference, low, high, pair.p, margin))
    return told


def _claims(groups: Sequence[Seeds], claims: Sequence[Claim]) -> Iterator[str]:
    told = tested(groups, claims)
    yield from (
        "## Claims",
        "",
        "First − second in points with the 95% interval, over seeds and images; with one seed over images alone, "
        "which says nothing about another training. The second p is corrected for all lines (Holm); where it is at "
        "most 0.05, the first is better or worse. Equivalent are those that differ by less than the suite's margin.",
        "",
        "| first | second | metric | checkpoints | seeds | difference | 95% interval | p | corrected | verdict |",
        "| :-- | :-- | :-- | :-- | --: | --: | --: | --: | --: | :-- |",
    )
    for each, corrected in zip(told, holm([each.p for each in told]) if told else [], strict=True):
        claim = each.claim
        yield (
            f"| {claim.first} | {claim.second} | {claim.metric} | {each.selection} | {each.seeds} | "
            f"{each.difference:+.1f} | {each.low:+.1f} to {each.high:+.1f} | {each.p:.2g} | {corrected:.2g} | "
            f"{each.verdict(corrected)} |"
        )


def _table(groups: Sequence[Seeds]) -> Iterator[str]:
    """A line per method and selection: mean ± standard deviation over seeds."""
    columns = ["clean", "pgd-20", "pgd-100", *NORMS, "Ravg", "Rworst"]
    yield f"| network | checkpoint | seeds | {' | '.join(columns)} |"
    yield f"| :-- | :-- | --: |{' --: |' * len(columns)}"
    for group in groups:
        rows = pd.DataFrame([accuracies(each) for each in group.evaluations], dtype=float)
        cells = []
        for column in columns:
            values = rows[column].dropna()
            spread = f" ± {percent(values.std())}" if len(values) > 1 else ""
            cells.append(f"{percent(values.mean())}{spread}" if len(values) else "–")
        yield f"| {_label(group)} | {_selection(group)} | {len(rows)} | {' | '.join(cells)} |"


def _transfer(pairs: pd.DataFrame) -> Iterator[str]:
    """A matrix per attack; in `pairs` a row per attack, source and target."""
    for attack, rows in pairs.groupby("attack", sort=False) if len(pairs) else ():
        targets = list(dict.fromkeys(rows.target))
        yield from (f"## Transfer under {attack}", "", "Crafted on the network at the left.", "")
        yield f"| | {' | '.join(targets)} |"
        yield f"| :-- |{' --: |' * len(targets)}"
        for source, own in rows.groupby("source", sort=False):
            known = dict(zip(own.target, own.accuracy, strict=True))
            cells = [percent(None if np.isnan(known[target]) else known[target] / 100) for target in targets]
            yield f"| {source} | {' | '.join(cells)} |"
        yield ""


def figures(groups: Sequence[Seeds], epochs: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """The drawings by name: held-out robust accuracy over the epochs, and the best beside the last checkpoints."""
    for name, title, shown in TRAINING:
        own = {method: epochs[epochs.network.map(_without_seed) == method] for method in shown}
        lines = [
            Line(method, list(rows.groupby("epoch").robust.mean().dropna().items()))
            for method, rows in own.items()
            if len(rows)
        ]
        if lines:
            axes = Axis("epoch", 0, float(epochs.epoch.max())), Axis(title, 0, 40)
            drawn = line_chart("Robust accuracy while training", lines, *axes, width=720, height=340)
            yield name, alone(drawn, [line.name for line in lines])
    for name, title in (("linf", "robust accuracy under linf, %"), ("rworst", "Rworst, %")):
        drawing = _bars(groups, name, title)
        if drawing:
            yield name, drawing


def _bars(groups: Sequence[Seeds], metric: str, title: str) -> str | None:
    by_selection: dict[str, dict[str, Seeds]] = {"best": {}, "last": {}}
    for group in groups:
        by_selection[_selection(group)][_label(group)] = group
    names = [name for name in by_selection["best"] if name in by_selection["last"]]
    bars = []
    for selection, known in by_selection.items():
        marks = [mark for place, name in enumerate(names) if (mark := _mark(place, known[name], metric))]
        bars.append(Bars(f"{selection} checkpoint", marks))
    if not names:
        return None
    shown = [name.removesuffix("-generalist") for name in names]
    letters = max(len(piece) for name in shown for piece in name.split("-"))
    drawn = bar_chart(title, shown, bars, Axis(title, 0, 40), width=max(420, LEFT + 8 * (letters + 1) * len(names)))
    return alone(drawn, [each.name for each in bars])


def _mark(place: int, group: Seeds, metric: str) -> Mark | None:
    """The mean over seeds with its interval, over seeds and images where there are several."""
    arm = group.scores(metric)
    if arm is None:
        return None
    if len(arm) > 1:
        found = mean_of_method(arm)
        value, low, high = found.value, found.low, found.high
    else:
        value, (low, high) = float(arm.mean()), wilson(round(float(arm.sum())), arm.size)
    return Mark(place, 100 * value, 100 * low, 100 * high, f"{_label(group)}: {100 * value:.1f}")


def _label(group: Seeds) -> str:
    return _without_seed(group.evaluations[0].name)


def _without_seed(name: str) -> str:
    head, _, tail = name.partition("-seed-")
    _, dash, member = tail.partition("-")
    return f"{head}{dash}{member}"


def _selection(group: Seeds) -> str:
    return str(group.evaluations[0].model["selection"])


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * float(share), 2)
