"""Every column of a leaderboard, in one list: adding a column is adding an entry to `_own_columns`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from benchmark.analysis.corruptions import CORRUPTION
from benchmark.reporting import provenance, told, training_facts
from benchmark.reporting.classes import all_shares
from benchmark.reporting.column import Column, Output
from benchmark.reporting.entries import Entry
from benchmark.reporting.kinds import (
    ACCURACY,
    COUNT,
    DATE,
    DURATION,
    INTERVAL,
    NAME,
    NUMBER,
    PAPER,
    RANK,
    SHARE,
    YEAR,
    Kind,
)
from benchmark.reporting.kinds import TEXT as WORDS
from benchmark.reporting.leaderboards import Leaderboard
from benchmark.reporting.plugged_columns import with_plug_ins
from benchmark.reporting.references import Reference, best_known, clean
from benchmark.reporting.text import threat as threat_text

Value = Callable[[Entry], Any]

PAGE, NETWORK, TERMINAL, TEXT, DATA = Output.PAGE, Output.NETWORK, Output.TERMINAL, Output.TEXT, Output.DATA

_accuracy = partial(Column, kind=ACCURACY, group="Accuracy")


def columns(board: Leaderboard, output: Output) -> list[Column]:
    """The columns of `board` that `output` shows, in the one order that pages, tables and data files have."""
    shown = [column for column in with_plug_ins(_own_columns(board)) if column.outputs & output]
    return sorted(shown, key=lambda column: -column.prominence)


def _own_columns(board: Leaderboard) -> list[Column]:
    better = "The ranks by Rworst that the network may have: with 95% certainty those of all networks are right"
    counted = ", ".join(board.union)
    return [
        Column(
            "rank", "Rank", better,
            lambda entry: entry.rank, RANK, "Accuracy", prominence=5, is_overall=True, term="rank",
        ),
        replace(
            _data("is_masked", "Whether there is strong evidence of gradient masking", lambda entry: entry.is_masked),
            prominence=5,
        ),
        Column(
            "model", "Network", "The network, with a link to all that is known of it",
            lambda entry: entry.name, NAME, "", ~NETWORK, prominence=4,
        ),
        _accuracy(
            "r_worst", "Rworst", f"Accuracy against all attacks under {counted} together: the number to compare by",
            lambda entry: entry.r_worst, prominence=3, is_overall=True, is_main=True, term="rworst", metric="rworst",
        ),
        Column(
            "r_worst_interval", "95% interval", "Confidence interval of Rworst",
            lambda entry: entry.r_worst, INTERVAL, outputs=TERMINAL | TEXT, prominence=3, term="interval",
        ),
        _accuracy(
            "r_avg", "Ravg", f"Mean of the accuracies under {counted}",
            lambda entry: entry.r_avg, prominence=2, is_overall=True, term="ravg", metric="ravg",
        ),
        *_under_threats(board),
        _accuracy(
            "clean", "Clean", "Accuracy without any attack",
            lambda entry: entry.clean, published=clean, term="clean", metric="clean",
        ),
        *_over_classes(board),
        *_of_networks(),
        *_costs(),
        *_data_only(),
    ]  # fmt: skip


def _of_networks() -> list[Column]:
    """What the networks are, and how they came about."""
    return [
        Column(
            "method", "Method", "What trained it",
            lambda entry: entry.method, outputs=PAGE | TEXT | DATA, filtered=True,
        ),
        Column(
            "architecture", "Architecture", "What the network is built like",
            lambda entry: entry.architecture, outputs=PAGE | DATA, published=lambda reference: reference.architecture,
            filtered=True,
        ),
        _made("parameters", "Parameters", "Number of its weights", training_facts.parameters, COUNT),
        _made("epochs", "Epochs", "How often training went through its data", training_facts.epochs, NUMBER),
        _made("training_seconds", "Training time", "Duration of training", training_facts.seconds, DURATION),
        _made(
            "extra_data", "Extra data", "What was trained on beside the data set", provenance.extra_data,
            published=lambda reference: "additional data" if reference.additional_data else "",
        ),
        _made("teacher", "Teacher", "The networks that training distilled from", training_facts.teachers),
        _made("paper", "Paper", "Where the method was published", told.paper, PAPER),
        _made("year", "Year", "When the method was published", training_facts.year, YEAR),
        _made("init", "Initialised from", "The network whose weights training began with", provenance.begun_from),
        _made("weights", "Weights", "Whether they were averaged over the steps of training", provenance.weights),
    ]  # fmt: skip


def _costs() -> list[Column]:
    return [
        _cost("passes", "Passes", "Forward and backward passes", _passes, outputs=TERMINAL),
        _cost("forwards", "Forward", "Forward passes", lambda entry: entry.cost("forwards")),
        _cost("backwards", "Backward", "Backward passes", lambda entry: entry.cost("backwards")),
        Column(
            "seconds", "Time", "Duration of all attacks",
            lambda entry: entry.cost("seconds"), DURATION, "Cost", ~TEXT, is_overall=True, term="cost",
        ),
        Column(
            "date", "Date", "When the last attack ended",
            lambda entry: entry.evaluation.date, DATE, "Cost", PAGE | DATA, is_shown=False,
        ),
    ]  # fmt: skip


def _data_only() -> list[Column]:
    return [
        _data("masking", "The evidence of gradient masking", _masking),
        _data("network", "Which of the networks that were trained together", lambda entry: entry.card["network"]),
        _data("trained_on", "The data set of training", lambda entry: entry.card["dataset"]),
        _data("training_seed", "The seed of training", lambda entry: entry.card.get("seed")),
        _data("images_per_class", "How many images each class has", _images_per_class),
        _data("seed", "The seed of the attacks", lambda entry: entry.evaluation.seed),
        _data("precision", "The precision of the attacks", lambda entry: entry.evaluation.precision),
        _data("hardware", "What the attacks ran on", lambda entry: ", ".join(entry.evaluation.hardware)),
        _data("checkpoint_digest", "The network's digest", lambda entry: entry.card["digest"]),
        _data("evaluation", "The evaluation's digest", lambda entry: entry.id),
        _data("notes", "What failed, and what was warned of", lambda entry: " | ".join(entry.notes)),
    ]


def _under_threats(board: Leaderboard) -> list[Column]:
    """Those of a norm side by side; corruptions have their mean as well."""
    found = []
    for norm in board.norms:
        names = [name for name, threat in board.threats.items() if threat[0] == norm]
        found += [_under_threat(name, norm, board) for name in names]
        found += [_corruption_mean(norm)] if norm == CORRUPTION else []
    return found


def _under_threat(name: str, norm: str, board: Leaderboard) -> Column:
    about = f"Accuracy against all attacks under {threat_text(*board.threats[name])} together"
    return _accuracy(
        name, name, about, lambda entry: entry.under[name], prominence=1, norm=norm,
        published=lambda reference: best_known(reference, name, board.threats), term="norm", metric=name,
    )  # fmt: skip


def _corruption_mean(norm: str) -> Column:
    about = "Mean of the accuracies under each corruption at each severity"
    return _accuracy(
        "corruption_mean", "corruption mean", about, lambda entry: entry.corruption_mean, prominence=1, norm=norm,
        term="corruption",
    )  # fmt: skip


def _over_classes(board: Leaderboard) -> list[Column]:
    """In sight where classes are of unequal size; elsewhere they say the same as the accuracies over images."""
    outputs = Output.ALL if board.is_uneven else PAGE | DATA if board.knows_classes else DATA
    share = partial(Column, kind=SHARE, group="Accuracy", outputs=outputs, is_shown=board.is_uneven, term="balanced")
    clean, worst = "Mean over the classes of the clean accuracy", "Mean over the classes of Rworst"
    return [
        share("clean_balanced", "Clean, balanced", clean, lambda entry: entry.clean_balanced),
        share("r_worst_balanced", "Rworst, balanced", worst, lambda entry: entry.r_worst_balanced, is_overall=True),
    ]


def _cost(name: str, label: str, about: str, value: Value, outputs: Output = PAGE | NETWORK | DATA) -> Column:
    """Passes through the network."""
    about = f"{about} of all attacks, counted in images"
    return Column(name, label, about, value, COUNT, "Cost", outputs, is_shown=False, is_overall=True, term="cost")


def _made(
    name: str, label: str, about: str, value: Callable[[Mapping[str, Any]], Any], kind: Kind = WORDS,
    published: Callable[[Reference], Any] = lambda reference: None,
) -> Column:  # fmt: skip
    """What a card says of how its network was made; on pages it is shown when it is asked for."""
    return Column(
        name, label, about, lambda entry: value(entry.card), kind, outputs=PAGE | DATA, is_shown=False,
        published=published, term="made", filtered=True,
    )  # fmt: skip


def _data(name: str, about: str, value: Value) -> Column:
    """What only data files have."""
    return Column(name, name, about, value, outputs=DATA)


def _images_per_class(entry: Entry) -> str | None:
    return all_shares(entry.evaluation.classes) if entry.evaluation.classes else None


def _passes(entry: Entry) -> float:
    return entry.cost("forwards") + entry.cost("backwards")


def _masking(entry: Entry) -> str:
    return " | ".join(f"{flag.strength}: {flag.name}: {flag.evidence}" for flag in entry.flags)
