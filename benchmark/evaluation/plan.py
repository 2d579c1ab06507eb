"""What there is to do: one network under one suite, cut into jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmark.evaluation.jobs import AttackJob, Done
from benchmark.evaluation.suite import Suite, SuiteItem
from benchmark.evaluation.target import Target
from benchmark.ledger.classes import Classes
from benchmark.ledger.evaluation import common
from benchmark.ledger.identity import evaluation_id
from benchmark.ledger.record import FORMAT, RULES, SHARD

MODES = ("complete", "worst-case")


@dataclass(frozen=True)
class Plan:
    """One evaluation to be made.

    Attributes:
        target: network and data.
        card: what reports tell about the network.
        suite: bound to the data's scale and the number of images.
        mode: "complete": every attack sees every image that is classified correctly. "worst-case": the attacks under
            a threat, a norm with its radius, run in the suite's order, each on what is still standing and on the
            `common` images.
        seed: of all noise.
        save_adversarial: whether to store the adversarial images, too.
        add_classes: whether records that are there and know no predicted classes learn them.
        notes: what the reader should know about how the evaluation was set up.
        crafted_on: the card of the network that adversarial images are crafted on, where it is another one.
        classes: of the images, and the network's answers without attack; None until it was asked.
    """

    target: Target
    card: dict[str, Any]
    suite: Suite
    mode: str
    seed: int
    save_adversarial: bool = False
    notes: tuple[str, ...] = field(default=(), compare=False)
    crafted_on: dict[str, Any] | None = None
    classes: Classes | None = field(default=None, compare=False)
    add_classes: bool = False

    @property
    def id(self) -> str:
        """What tells this evaluation from all others."""
        return evaluation_id(
            {**self.card, "digest": self.target.network, "last_layer": self.target.last_layer},
            self.target.data,
            self.suite.digest,
            self.mode,
            self.seed,
            self.target.precision,
            self.target.judging.identity(),
            self.crafted_on,
        )

    @property
    def source_name(self) -> str | None:
        """The name of the network that adversarial images are crafted on, where it is another one."""
        return None if self.crafted_on is None else str(self.crafted_on["name"])

    @property
    def shards(self) -> list[tuple[int, int]]:
        """The images in parts, each by the positions of its first and of the one after its last."""
        images = self.suite.images
        return [(start, min(start + SHARD, images)) for start in range(0, images, SHARD)]

    def jobs(self) -> list[AttackJob]:
        """The jobs, each attack over all shards before the next attack."""
        items, relay = self.suite.items, self.mode == "complete"
        if relay:
            groups = _relays(items, self.target.precision)
        else:
            groups = [tuple(item for item in items if item.threat == threat) for threat in self.suite.threats]
        shown = common(self.suite.images)
        rows = {start: tuple(shown[start:stop].nonzero()[0].tolist()) for start, stop in self.shards}
        return [
            AttackJob(
                *(self.target, group, start, stop, self.seed, self.save_adversarial, relay, rows[start]),
                add_classes=self.add_classes,
            )
            for group in groups
            for start, stop in self.shards
        ]

    def promised(self) -> dict[str, Any]:
        """The evaluation as it will be filed, with numbers of the same length in place of its records' names."""
        to_do = [(item.label, job.start) for job in self.jobs() for item in job.items]
        return self.manifest([Done(*work, f"{number:064}", None, False) for number, work in enumerate(to_do)])

    def manifest(self, done: Sequence[Done]) -> dict[str, Any]:
        """The evaluation as it is filed, once all its jobs are done."""
        records: dict[str, list[str]] = {item.label: [] for item in self.suite.items}
        for item in sorted(done, key=lambda item: item.start):
            records[item.label].append(item.record)
        return {
            "format": FORMAT,
            "id": self.id,
            "model": self.card,
            "suite": self.suite.definition(),
            "dataset": {"name": self.target.dataset, "digest": self.target.data, "images": self.suite.images}
            | ({"is_object": True} if self.target.data_is_object else {}),
            "mode": self.mode,
            "seed": self.seed,
            "precision": self.target.precision,
            "rules": RULES,
            "notes": list(self.notes),
            "records": records,
            "crafted_on": self.crafted_on,
            "classes": self.classes and self.classes.written(),
        } | ({"judging": told} if (told := self.target.judging.identity()) else {})


def _relays(items: Sequence[SuiteItem], precision: str) -> list[tuple[SuiteItem, ...]]:
    """The items in groups of which each can go on where the one before it ended; most are alone."""
    groups: list[list[SuiteItem]] = []
    for item in items:
        group = next((group for group in groups if item.head_start(group[-1], precision)), None)
        if group is None:
            groups.append([item])
        else:
            group.append(item)
    return [tuple(group) for group in groups]
