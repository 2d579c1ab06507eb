"""Entries as RobustBench's model_info files have them (Croce et al. 2021), for those who collect such entries.

An entry's accuracies are those of AutoAttack's standard version, in float32, on all test images, at the radius of one
of RobustBench's leaderboards. What is anything else is refused, with what it lacks, and not passed off as an entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from benchmark.analysis import aggregate
from benchmark.analysis.labels import labels_of
from benchmark.analysis.masking import masking_flags
from benchmark.errors import BadInput
from benchmark.labels import key
from benchmark.ledger import Evaluation, Outcome
from benchmark.radii import format_radius

#: This project's norms as RobustBench spells them; it has no others.
THREATS = {"linf": "Linf", "l2": "L2"}

#: Its leaderboards: the data set, how many test images it has, and the radius in each norm (its README). ImageNet's
#: is on 5,000 images of a list of its own; that the images of a folder are these can't be told.
LEADERBOARDS = {"cifar10": (10_000, {"linf": 8 / 255, "l2": 0.5}), "cifar100": (10_000, {"linf": 8 / 255})}

#: How exactly a radius has to be a leaderboard's: 8/255 may be written with eight decimals.
_SAME = 5e-9


def entries(evaluations: Iterable[Evaluation]) -> tuple[list[tuple[Evaluation, str, dict[str, Any]]], list[str]]:
    """Entries, and in words what is none.

    Returns:
        Evaluations with the threat as RobustBench spells it and the entry, in which accuracies are percentages as
        text; and a line for each evaluation that is no entry, with what it lacks.

    Raises:
        BadInput: no evaluation is an entry.
    """
    evaluations, found, left_out = [*evaluations], [], []
    named = labels_of(evaluations)
    for evaluation in evaluations:
        problems = list(lacks(evaluation))
        if problems:
            suite = evaluation.suite
            question = f"{suite['name']} ({suite['preset']})"
            left_out.append(f"{named[key(evaluation.model)]} under {question}: {'; '.join(problems)}")
        else:
            for outcome in _own(evaluation):
                found.append((evaluation, THREATS[outcome.norm], _entry(evaluation, outcome)))
    if not found:
        reasons = left_out or ["there are no results"]
        raise BadInput("\n".join(["nothing here was measured as RobustBench's entries are", *reasons]))
    return found, left_out


def lacks(evaluation: Evaluation) -> Iterator[str]:
    """What keeps an evaluation from being an entry; nothing if it is one."""
    name, images = str(evaluation.dataset["name"]).partition(":")[0], len(evaluation.clean_errors)
    if name not in LEADERBOARDS:
        yield f"its images are those of {evaluation.dataset['name']}, not of {' or '.join(LEADERBOARDS)}"
        return
    every, radii = LEADERBOARDS[name]
    if images != every:
        yield f"it is of the first {images} test images, not of all {every:,}"
    if evaluation.precision != "fp32":
        yield f"its attacks ran in {evaluation.precision}; evaluate with --precision fp32"
    if evaluation.judging:
        yield f"its verdicts are not of one pass of each candidate ({evaluation.conditions})"
    threats = " or ".join(f"{norm} {format_radius(norm, radius)}" for norm, radius in radii.items())
    attacks = [outcome for outcome in evaluation.outcomes if outcome.definition["attack"]["name"] == "autoattack"]
    if not attacks:
        yield f"AutoAttack was not run; evaluate under a suite that has it at {threats}"
    elif not list(_own(evaluation)):
        yield f"the current standard version of AutoAttack did not complete on every image at {threats}"


def _own(evaluation: Evaluation) -> Iterator[Outcome]:
    """The outcomes that are RobustBench's: AutoAttack as published, on all images, at one of its radii."""
    radii = LEADERBOARDS[str(evaluation.dataset["name"]).partition(":")[0]][1]
    from benchmark.attacks.adapters.autoattack import AutoAttack  # which loads torch

    standard = AutoAttack().identity()
    for outcome in evaluation.outcomes:
        is_standard = outcome.definition["attack"] == standard and outcome.definition["restarts"] == 1
        is_whole = outcome.complete and not aggregate.is_conditional(evaluation, outcome.label)
        if is_standard and is_whole and abs(outcome.epsilon - radii.get(outcome.norm, 0.0)) <= _SAME:
            yield outcome


def _entry(evaluation: Evaluation, outcome: Outcome) -> dict[str, Any]:
    """`external` is given where other attacks under the same threat broke more than AutoAttack."""
    threat = next(name for name, own in evaluation.threats.items() if own == (outcome.norm, outcome.epsilon))
    autoattack = aggregate.attack_accuracy(evaluation, outcome.label)
    together = aggregate.norm_accuracy(evaluation, threat)
    return {
        "link": None,
        "name": evaluation.name,
        "authors": None,
        "additional_data": True if (evaluation.model.get("extra") or {}).get("extra_data") else None,
        "number_forward_passes": 1,
        "dataset": str(evaluation.dataset["name"]).partition(":")[0],
        "venue": None,
        "architecture": evaluation.model["architecture"],
        "eps": format_radius(outcome.norm, outcome.epsilon),
        "clean_acc": _percent(aggregate.clean_accuracy(evaluation)),
        "reported": None,
        "autoattack_acc": _percent(autoattack),
        **({"external": _percent(together)} if together is not None and together < (autoattack or 0.0) else {}),
        "footnote": (
            f"suite {evaluation.suite['name']} ({evaluation.suite['preset']}), evaluation {evaluation.id}, "
            f"AutoAttack by {outcome.definition['source']}{_doubt(evaluation)}"
        ),
    }


def _doubt(evaluation: Evaluation) -> str:
    signs = [flag.name for flag in masking_flags(evaluation) if flag.is_strong]
    return f"; possible gradient masking: {', '.join(signs)}" if signs else ""


def _percent(fraction: float | None) -> str | None:
    return None if fraction is None else f"{100 * fraction:.2f}"
