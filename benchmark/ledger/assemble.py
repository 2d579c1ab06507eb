"""From records to an evaluation: shards put together, costs added up, oddities said aloud."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.damage import Damaged
from benchmark.ledger.classes import Classes, class_warnings, read_classes
from benchmark.ledger.evaluation import Evaluation, Outcome, Probe
from benchmark.ledger.positions import Sample, read_sample
from benchmark.ledger.predictions import UNKNOWN
from benchmark.ledger.record import RULES, Record, is_block

#: Share of gradients that may be exactly zero or not finite before the evaluation warns.
DEAD_GRADIENTS = 0.5

#: What each record counts, and an outcome adds up.
COSTS = ("seconds", "forwards", "backwards", "dead_gradients", "disagreements", "attacked")


def summarise(
    manifest: dict[str, Any],
    read: Callable[[str], Record | None],
    together: Callable[[Sequence[str]], Sequence[Record | None]] | None = None,
) -> Evaluation:
    """The evaluation that `manifest` lists the records of.

    Args:
        manifest: as `plan.Plan.manifest` writes it.
        read: gives the record of that digest, or None where it is absent or damaged.
        together: gives what the records of all these digests say, in as few records as may stand for them, see
            `Pack.joined`, and a None for each that is absent or damaged. By default each is read alone.

    Raises:
        Damaged: of some images not one record is left, so that not even clean errors are known.
    """
    sample = read_sample(manifest.get("sample"))
    images = manifest["dataset"]["images"] if sample is None else len(sample.positions)
    rows_of = _Rows(sample)
    attacks = {item["label"]: item["attack"] for item in manifest["suite"]["items"]}

    def of(label: str, record: Record | None) -> Record | None:
        """The record, if it is there and about this network, this attack and these images."""
        asked = (manifest["model"]["digest"], manifest["dataset"]["digest"], attacks[label])
        if record is None or (record.key["network"], record.key["data"]["digest"], record.key["attack"]) != asked:
            return None
        return record if is_block(record.key) == (sample is not None) else None

    if together is None:
        together = lambda names: [read(name) for name in names]  # noqa: E731
    records = {
        label: [of(label, record) for record in together(names)] for label, names in manifest["records"].items()
    }
    present = [record for shards in records.values() for record in shards if record is not None]
    clean_errors, disputed = _clean_errors(images, present, rows_of)
    unstable = max(disputed, _changed_answers(present))
    no_answer = np.zeros(images, bool)
    for record in present:
        no_answer[rows_of(record)] |= record.no_answer
    rules = manifest.get("rules", 1)
    classes = read_classes(manifest.get("classes"))
    clean_class = _clean_class(images, present, rows_of, classes)
    items = manifest["suite"]["items"]
    outcomes = tuple(
        _outcome(item, clean_errors, records[item["label"]], manifest["records"][item["label"]], rows_of)
        for item in items
        if item["label"] in records
    )
    return Evaluation(
        id=manifest["id"],
        model=manifest["model"],
        suite=manifest["suite"],
        dataset=manifest["dataset"],
        mode=manifest["mode"],
        seed=manifest["seed"],
        precision=manifest["precision"],
        clean_errors=clean_errors,
        outcomes=outcomes,
        warnings=(
            *manifest["notes"],
            *class_warnings(classes),
            *_warnings(outcomes, unstable, no_answer, clean_errors, rules),
        ),
        failures=tuple(_failures(outcomes)),
        hardware=tuple(sorted({record.info["hardware"] for record in present})),
        versions=_versions(present),
        deterministic=all(record.deterministic for record in present),
        date=max(record.info["date"] for record in present),
        unstable=unstable,
        no_answer=no_answer,
        rules=rules,
        crafted_on=manifest.get("crafted_on"),
        classes=classes,
        clean_class=clean_class,
        judging=manifest.get("judging") or {},
        sample=sample,
    )


#: Places in a row, or any.
Places = slice | NDArray[np.int64]


class _Rows:
    """Which rows of an evaluation a record is about: its place in the test set, or in the evaluation's sample."""

    def __init__(self, sample: Sample | None) -> None:
        self._places = None if sample is None else {place: row for row, place in enumerate(sample.positions)}

    def __call__(self, record: Record) -> Places:
        if self._places is None:  # then none is a block: a slice copies nothing
            return slice(record.key["data"]["start"], record.key["data"]["stop"])
        if not self._places.keys() >= {*record.positions.tolist()}:
            raise Damaged("a record is about images that the sample does not have")
        return np.array([self._places[place] for place in record.positions.tolist()], np.int64)


def _versions(records: Sequence[Record]) -> tuple[str, ...]:
    found = {item for record in records for item in record.info.get("versions", {}).items()}
    return tuple(" ".join(item) for item in sorted(found))


def _clean_errors(images: int, records: Sequence[Record], rows_of: _Rows) -> tuple[np.ndarray, int]:
    """Which images are misclassified without attack in any record, and on how many the records disagree."""
    if images > sum(len(record.clean_errors) for record in records):
        raise Damaged(f"there are not enough records for {images} images; evaluate again")
    seen, right, wrong = (np.zeros(images, bool) for _ in range(3))
    for record in records:
        rows = rows_of(record)
        if isinstance(rows, slice) and rows.stop > images:
            raise Damaged(f"a record goes beyond the {images} images")
        seen[rows] = True
        wrong[rows] |= record.clean_errors
        right[rows] |= ~record.clean_errors
    if not images or not seen.all():
        raise Damaged(f"the records of {int((~seen).sum())} of {images} images are gone; evaluate again")
    return wrong, int((right & wrong).sum())


def _clean_class(
    images: int, records: Sequence[Record], rows_of: _Rows, classes: Classes | None
) -> NDArray[np.int64] | None:
    """What the network takes each image for without attack: as records say, or the manifest; None if neither does."""
    found = np.full(images, UNKNOWN)
    if classes is not None and len(classes.answers) == images:
        found[:] = classes.answers
    for record in records:
        if record.clean_class is not None and record.adversarial_class is not None:
            found[rows_of(record)] = record.clean_class
            highest = max(int(record.clean_class.max()), int(record.adversarial_class.max()))
            if classes is not None and highest >= len(classes.names):
                raise Damaged(f"a record names class {highest} of {len(classes.names)}, which are counted from 0")
    return None if (found == UNKNOWN).all() else found


def _changed_answers(records: Sequence[Record]) -> int:
    """For how many images answers changed in the course of an attack: of each shard the most of all attacks."""
    most: dict[int, int] = {}
    for record in records:
        start = record.first
        most[start] = max(most.get(start, 0), record.info.get("changed_answers", 0))
    return sum(most.values())


def _outcome(
    item: dict[str, Any],
    clean_errors: np.ndarray,
    shards: Sequence[Record | None],
    names: Sequence[str],
    rows_of: _Rows,
) -> Outcome:
    broken, evaluated = clean_errors.copy(), clean_errors.copy()
    distance = np.where(clean_errors, 0, np.inf).astype(np.float32)
    covered = np.zeros_like(clean_errors)
    shares = None
    if any(record is not None and record.wrong_share is not None for record in shards):
        shares = np.where(clean_errors, 1, 0).astype(np.float32)
    told = [record.adversarial_class for record in shards if record is not None]
    kinds = {each.dtype for each in told if each is not None}  # as narrow as records have them, for there are many
    classes = np.full(len(clean_errors), UNKNOWN, np.result_type(*kinds) if kinds else np.int64)
    costs: dict[str, Any] = dict.fromkeys((*COSTS, "no_answer"), 0)
    faults: Counter[str] = Counter()
    for record in shards:
        if record is None:
            continue
        rows = rows_of(record)
        covered[rows] = True
        broken[rows] |= record.broken
        evaluated[rows] |= record.evaluated
        distance[rows] = np.minimum(distance[rows], record.distance)
        if shares is not None:
            shares[rows] = record.broken if record.wrong_share is None else record.wrong_share
        if record.adversarial_class is not None:
            classes[rows] = record.adversarial_class
        for name in COSTS:
            costs[name] += record.info[name]
        costs["no_answer"] += int((record.no_answer & ~record.clean_errors).sum())
        faults.update(record.info["faults"])
    errors = dict.fromkeys(record.error for record in shards if record is not None and record.error)
    return Outcome(
        label=item["label"],
        norm=item["norm"],
        epsilon=item["epsilon"],
        kind=item["kind"],
        broken=broken,
        distance=distance,
        evaluated=evaluated,
        errors=tuple(errors),
        missing=max(sum(record is None for record in shards), int(not covered.all())),
        costs=costs | {"faults": dict(faults)},
        definition=item,
        records=tuple(names),
        warnings=tuple(
            dict.fromkeys(text for record in shards if record for text in record.info.get("warnings", ()))
        ),
        wrong_share=shares,
        adversarial_class=None if (classes == UNKNOWN).all() else classes,
        probe=_probe([record for record in shards if record is not None]),
    )


def _probe(records: Sequence[Record]) -> Probe | None:
    """What was seen of the gradients in all shards; None if none was looked at."""
    found = [record.info["probe"] for record in records if record.info.get("probe")]
    if not found:
        return None
    return Probe(**{name: sum(part[name] for part in found) for name in ("images", "dead", "uphill")})


def _failures(outcomes: Sequence[Outcome]) -> list[str]:
    failures = [f"{outcome.label} failed: {error}" for outcome in outcomes for error in outcome.errors]
    for outcome in outcomes:
        if outcome.missing:
            some = "1 of its records is" if outcome.missing == 1 else f"{outcome.missing} of its records are"
            failures.append(f"{outcome.label}: {some} absent or damaged; evaluate again")
        for reason, count in outcome.costs["faults"].items():
            failures.append(f"{outcome.label}: candidates that were {reason} were rejected ({count})")
    return failures


def _warnings(
    outcomes: Sequence[Outcome], unstable: int, no_answer: np.ndarray, clean_errors: np.ndarray, rules: int
) -> list[str]:
    warnings = []
    if rules < RULES:
        warnings.append(
            "evaluated by an earlier version, in which images with NaN or infinite logits counted as "
            "robust; evaluate again"
        )
    if unstable:
        warnings.append(
            f"the network did not always make the same prediction for {unstable} of {len(clean_errors)} images, or "
            "for their adversarial examples: it is random, keeps state between calls, depends on other images of the "
            "batch, or predicts differently when gradients are computed"
        )
    if no_answer.any():
        warnings.append(
            f"the network returned NaN or infinite logits for {int(no_answer.sum())} of {len(no_answer)} "
            f"images, {int((no_answer & clean_errors).sum())} of them without any attack; they count as broken"
        )
    for outcome in outcomes:
        backwards, dead = outcome.costs["backwards"], outcome.costs["dead_gradients"]
        if backwards and dead / backwards > DEAD_GRADIENTS and not outcome.is_flat_by_design:
            warnings.append(
                f"{outcome.label}: {dead / backwards:.0%} of the gradients were zero or not finite, "
                "so this attack could hardly search; robustness against it proves little"
            )
    return warnings
