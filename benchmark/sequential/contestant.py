"""One network of a decision: its values on the images that it was tried on so far, and what they cost."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from benchmark.analysis.paired import scores
from benchmark.errors import UnfitNetwork
from benchmark.evaluation.cost import CLASSES, VALUES, search_passes_of
from benchmark.evaluation.filing import finished
from benchmark.evaluation.jobs import AttackJob, Done
from benchmark.evaluation.plan import MODES, Plan
from benchmark.ledger.assemble import summarise
from benchmark.ledger.evaluation import Evaluation
from benchmark.ledger.ledger import Ledger
from benchmark.ledger.positions import Sample
from benchmark.sequential.attacks import Group, block_jobs
from benchmark.storage import digest


@dataclass
class Contestant:
    """A network under a suite, attacked block by block.

    Attributes:
        plan: of its evaluation on all images.
        metric, groups: what is measured, and by which attacks.
        label: what it is called.
        ledger: where results go.
        whole: its evaluation on all images, if it has been made before; then nothing has to be attacked.
        values: what each image that was tried so far adds to the metric, in [0, 1], in the order of attack.
        positions: of these images.
        passes, seconds: what they cost.
        repeats: whether all of it was computed deterministically.
    """

    plan: Plan
    metric: str
    groups: Sequence[Group]
    label: str
    ledger: Ledger
    whole: Evaluation | None = None
    values: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    positions: tuple[int, ...] = ()
    passes: int = 0
    seconds: float = 0.0
    repeats: bool = True
    _records: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for mode in MODES:
            found = finished(dataclasses.replace(self.plan, mode=mode), self.ledger)
            if self.whole is None and found is not None and scores(found, self.metric) is not None:
                self.whole, self.repeats = found, found.deterministic

    @property
    def passes_of_all(self) -> float:
        """Roughly how many passes the suite takes: each attack on each image that is classified correctly.

        Counted as `passes` are, forward and backward.
        """
        classes = self.plan.classes
        right = self.plan.suite.images if classes is None else int((classes.labels == classes.answers).sum())
        shape, target = self.plan.card.get("shape"), self.plan.target
        values = math.prod(shape) if shape else VALUES
        return right * search_passes_of(self.plan.suite, (), target.classes or CLASSES, values).counted

    def jobs(self, images: Sequence[int]) -> list[AttackJob]:
        """What has to be run to know its values on these images."""
        return [] if self.whole is not None else block_jobs(self.plan, self.groups, images)

    def take(self, images: Sequence[int], done: Sequence[Done]) -> NDArray[np.float64]:
        """Its values on these images, once its jobs are done.

        Raises:
            UnfitNetwork: an attack failed, so that they are not known.
        """
        if self.whole is not None:
            found = scores(self.whole, self.metric)
            assert found is not None
            values = found[list(images)]
        else:
            values = self._judged(images, done)
            self._file()
        self.values = np.concatenate([self.values, values])
        return values

    def _judged(self, images: Sequence[int], done: Sequence[Done]) -> NDArray[np.float64]:
        records: dict[str, list[str]] = {}
        for item in done:
            records.setdefault(item.label, []).append(item.record)
        block = summarise(
            self._manifest(images, records), lambda name: self.ledger.read(self.plan.target.network, name)
        )
        values = scores(block, self.metric)
        if values is None:
            raise UnfitNetwork(f"{self.label}: {'; '.join(block.failures) or 'an attack did not run to its end'}")
        for label, names in records.items():
            self._records.setdefault(label, []).extend(names)
        self.positions = (*self.positions, *images)
        self.repeats &= block.deterministic
        self.passes += sum(outcome.costs["forwards"] + outcome.costs["backwards"] for outcome in block.outcomes)
        self.seconds += sum(outcome.costs["seconds"] for outcome in block.outcomes)
        return values

    def _manifest(self, images: Sequence[int], records: dict[str, list[str]]) -> dict[str, object]:
        """As an evaluation of a sample is filed; of several decisions about one metric the longest remains."""
        manifest = json.loads(json.dumps(self.plan.manifest([])))  # as a reader will see it
        identity = digest([self.plan.id, self.metric])
        sample = Sample(self.metric, tuple(images)).written()
        return manifest | {"id": identity, "records": records, "sample": sample, "classes": None}

    def _file(self) -> None:
        self.ledger.write_evaluation(self._manifest(self.positions, self._records))
