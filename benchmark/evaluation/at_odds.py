"""Where a record contradicts itself, or the evaluation that lists it: what can be told without the network."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile

import numpy as np

from benchmark.attacks import ATTACKS
from benchmark.errors import short
from benchmark.ledger.evaluation import Evaluation, Flags, Outcome
from benchmark.ledger.predictions import UNKNOWN
from benchmark.ledger.record import Record
from benchmark.own.files import is_spec
from benchmark.threats import LARGEST_SLACK, PARAMETRIC, RELATIVE_SLACK, ROUNDING, Threat

#: How many positions of images a sentence names.
_FEW = 20


def of_another_question(evaluation: Evaluation, outcome: Outcome, record: Record) -> Iterator[str]:
    """Where a record was made otherwise than the evaluation that lists it says."""
    asked = {
        "network": evaluation.model["digest"],
        "attack": outcome.definition.get("attack"),
        "threat": {"norm": outcome.norm, "epsilon": outcome.epsilon},
        "restarts": outcome.definition.get("restarts"),
        "seed": evaluation.seed,
        "precision": evaluation.precision,
        "last_layer": evaluation.model.get("last_layer", ""),
        "judging": evaluation.judging,
        "rules": evaluation.rules,
    }
    for name, value in asked.items():
        found = record.key.get(name, {"last_layer": "", "judging": {}}.get(name, value))  # noted where there are any
        if found != value:
            yield f"the record {record.digest} was made with another {name}, {short(found)}, not {short(value)}"
    if _is_of_other_images(evaluation, record):
        yield f"the record {record.digest} is about other test images"


def of_another_attack(outcome: Outcome) -> Iterator[str]:
    """Where the suite says of an attack that this version knows what is not so: it decides how pages read it."""
    told = outcome.definition.get("attack", {})
    called = told.get("name")
    if not isinstance(called, str) or is_spec(called) or called not in ATTACKS:  # no file is imported for its name
        return
    known = ATTACKS.get(called)
    if known.version != told.get("version"):
        return
    for name in ("kind", "gradient_free", "measure"):
        if outcome.definition.get(name, getattr(known, name)) != getattr(known, name):
            said = short(outcome.definition[name])
            yield f"{outcome.label} is said to be of {name} {said}, and is of {short(getattr(known, name))}"


def _is_of_other_images(evaluation: Evaluation, record: Record) -> bool:
    of_others = record.key["data"]["digest"] != evaluation.dataset["digest"]
    return of_others or bool((record.positions >= evaluation.dataset["images"]).any())


def at_odds(evaluation: Evaluation, outcome: Outcome, record: Record, threat: Threat) -> Iterator[tuple[str, Flags]]:
    """Where a record contradicts itself or what its evaluation says of the images, in words, with the rows."""
    yield from _with_itself(record, threat)
    if not _is_of_other_images(evaluation, record):
        yield from _of_other_labels(evaluation, record)
        yield from _of_other_answers(evaluation, record)
        yield from _left_out(evaluation, outcome, record)


def _with_itself(record: Record, threat: Threat) -> Iterator[tuple[str, Flags]]:
    """What no evaluation writes, in words, with the rows where it is so."""
    wrong, broken, distance = record.clean_errors, record.broken, record.distance
    yield "counts images as robust that it counts as misclassified without attack", wrong & (~broken | (distance > 0))
    if threat.norm in PARAMETRIC:
        inside = near = np.isfinite(distance)
    else:  # distances are rounded to float32; how much of the slack an image may use, only the image tells
        least = threat.epsilon * (1 + RELATIVE_SLACK / 2) + (0.9 * ROUNDING if threat.norm == "linf" else 0.0)
        most = threat.epsilon * (1 + 2 * RELATIVE_SLACK + LARGEST_SLACK) + ROUNDING
        inside, near = distance <= least, distance <= most
    yield "counts images as robust that it says were broken within the radius", ~wrong & inside & ~broken
    yield "counts images as broken without an adversarial image within the radius", ~wrong & broken & ~near
    if record.clean_class is not None and record.adversarial_class is not None:
        known, is_same = record.adversarial_class != UNKNOWN, record.adversarial_class == record.clean_class
        changed = ~wrong & np.isfinite(distance)
        yield "says that adversarial images are of the class of their images", known & changed & is_same
        yield "says that images without an adversarial one are of another class", known & ~changed & ~is_same


def _of_other_labels(evaluation: Evaluation, record: Record) -> Iterator[tuple[str, Flags]]:
    """Where verdicts are not what the predicted classes and the images' own, which the evaluation tells, come to."""
    classes = evaluation.classes
    if classes is None or record.clean_class is None or record.adversarial_class is None:
        return
    labels = classes.labels[record.positions]
    known, is_label = record.clean_class != UNKNOWN, record.clean_class == labels
    yield "counts images as misclassified that it says are of their class", known & is_label & record.clean_errors
    yield (
        "counts images as classified correctly that it says are of another",
        known & ~is_label & ~record.clean_errors,
    )
    claims = ~record.clean_errors & np.isfinite(record.distance)
    yield "says that adversarial images are of the right class", claims & (record.adversarial_class == labels)


def _of_other_answers(evaluation: Evaluation, record: Record) -> Iterator[tuple[str, Flags]]:
    """Where the answers without attack that the evaluation tells are not what the record's verdicts come to.

    A few answers may change between two passes, as pages then say; those of a network that draws do.
    """
    classes = evaluation.classes
    if classes is None or evaluation.judging.get("verdict_passes"):
        return
    answers = classes.answers[record.positions]
    odd = (answers == classes.labels[record.positions]) == record.clean_errors
    if record.clean_class is not None:
        known = record.clean_class != UNKNOWN
        odd = np.where(known, answers != record.clean_class, odd)
    if odd.sum() > evaluation.unstable:
        yield "has other answers without attack than its evaluation", odd


def _left_out(evaluation: Evaluation, outcome: Outcome, record: Record) -> Iterator[tuple[str, Flags]]:
    """Images that this attack was not tried on, though no earlier one under its threat had broken them."""
    rows = slice(record.key["data"]["start"], record.key["data"]["stop"])
    done = record.clean_errors.copy()
    if evaluation.mode == "worst-case":
        for other in takewhile(lambda other: other.label != outcome.label, evaluation.outcomes):
            # Up to the second version of the rules, attacks were shown what others left in their norm, at any radius.
            if other.norm == outcome.norm and (other.epsilon == outcome.epsilon or evaluation.rules < 2):
                done |= other.broken[rows]
    if not record.error:
        yield "counts images as robust that were not attacked", ~done & ~record.evaluated


def places(rows: Flags, start: int) -> str:
    """The positions in the test set of some rows of a shard, the first few of many."""
    found = [start + int(row) for row in np.flatnonzero(rows)]
    more = f" and {len(found) - _FEW} more" if len(found) > _FEW else ""
    return ", ".join(map(str, found[:_FEW])) + more
