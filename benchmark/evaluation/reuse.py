"""What is known already of the images of a job from blocks, records of chosen images that asked the same question.

`bench decide` and `bench estimate` attack a few images here and there; a later evaluation takes their results over
instead of attacking those images again. That can't change a number where an attack is `batch_independent`: what it
does to an image follows from the image and its noise alone. Where it is not, as in libraries that are seeded for a
whole batch, nothing is taken over, so that no number depends on what was run before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.evaluation.suite import SuiteItem
from benchmark.ledger.evaluation import Distances, Flags
from benchmark.ledger.ledger import Ledger
from benchmark.ledger.predictions import UNKNOWN
from benchmark.ledger.record import Record

#: What records count that adds up over images.
_COSTS = ("forwards", "backwards", "dead_gradients", "disagreements")


@dataclass(frozen=True)
class Earlier:
    """Results of an attack on some of N images.

    Attributes:
        known: N flags, for which images.
        broken, no_answer, distance, adversarial_class: N each, as in `Record`, but where nothing is known.
        info: what these images cost then: of each record the share of its images that was taken over.
        records: the records that it was taken from.
    """

    known: Flags
    broken: Flags
    no_answer: Flags
    distance: Distances
    adversarial_class: NDArray[np.int64]
    info: dict[str, Any] = field(default_factory=dict)
    records: tuple[Record, ...] = ()

    def added(self, info: Mapping[str, Any]) -> dict[str, Any]:
        """The `info` of a record on top of which this was taken over: costs added, warnings joined."""
        costs = {name: info[name] + self.info[name] for name in (*_COSTS, "seconds")}
        changed = max([info["changed_answers"], *(record.info.get("changed_answers", 0) for record in self.records)])
        faults = Counter(info["faults"]) + Counter(self.info["faults"])
        texts = (text for record in self.records for text in record.info.get("warnings", ()))
        warnings = list(dict.fromkeys([*info["warnings"], *texts]))
        told = {**info, **costs, "faults": dict(faults), "warnings": warnings, "changed_answers": changed}
        if not all(record.deterministic for record in self.records):
            told.pop("deterministic", None)
        return told


def earlier(
    ledger: Ledger, key: Mapping[str, Any], item: SuiteItem, positions: Sequence[int], handed: Flags | None
) -> Earlier | None:
    """What blocks in `ledger` know of the images of a job; None for nothing, or nothing that may be taken over.

    Args:
        ledger: where to look.
        key: of the record that is to be made.
        item: its attack.
        positions: of the N images in the test set.
        handed: N flags, see `jobs.AttackJob.key`.
    """
    if not item.attack.batch_independent:
        return None
    rows = {position: row for row, position in enumerate(positions)}
    images = len(positions)
    known, broken, no_answer = (np.zeros(images, bool) for _ in range(3))
    distance, classes = np.full(images, np.inf, np.float32), np.full(images, UNKNOWN)
    used: list[tuple[Record, int]] = []
    for record in ledger.blocks(key):
        pairs = [
            (place, rows[position])
            for place, position in enumerate(record.positions.tolist())
            if position in rows and not known[rows[position]]
        ]
        usable = _usable(record, item, handed is None)
        pairs = [(place, row) for place, row in pairs if usable[place] and (handed is None or handed[row])]
        if not pairs:
            continue
        theirs, mine = (np.array(numbers) for numbers in zip(*pairs, strict=True))
        known[mine] = True
        broken[mine], no_answer[mine] = record.broken[theirs], record.no_answer[theirs]
        distance[mine] = record.distance[theirs]
        if record.adversarial_class is not None:
            classes[mine] = record.adversarial_class[theirs]
        used.append((record, len(mine)))
    if not used:
        return None
    return Earlier(known, broken, no_answer, distance, classes, _shares(used), tuple(record for record, _ in used))


def _usable(record: Record, item: SuiteItem, whole: bool) -> Flags:
    """For which of its images a record says all that is asked.

    Where an attack only has to break what others left, a minimum-norm attack ends with the first restart that does;
    where all is asked (`whole`), each restart looks for a smaller distance: those it broke have to be tried again.
    """
    attacked = record.evaluated & ~record.clean_errors
    if record.error:
        return np.zeros_like(attacked)
    stopped_early = item.attack.kind == "minimum-norm" and item.restarts > 1 and record.key["handed"] is not None
    return attacked & ~record.broken if whole and stopped_early else attacked


def _shares(used: Iterable[tuple[Record, int]]) -> dict[str, Any]:
    costs: dict[str, float] = dict.fromkeys((*_COSTS, "seconds"), 0)
    faults: Counter[str] = Counter()
    for record, images in used:
        share = images / max(record.info["attacked"], 1)
        for name in costs:
            costs[name] += record.info[name] * share
        faults.update({reason: round(number * share) for reason, number in record.info["faults"].items()})
    return {name: value if name == "seconds" else round(value) for name, value in costs.items()} | {"faults": faults}
