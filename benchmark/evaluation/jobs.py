"""One job: some attacks, one after the other, on one shard of one network's test images. Pure, whoever runs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from benchmark.evaluation.suite import SuiteItem
from benchmark.evaluation.target import Target
from benchmark.ledger.positions import write_positions
from benchmark.ledger.record import RULES, Record
from benchmark.moved import look_up
from benchmark.storage import digest


class Step(NamedTuple):
    """A part of a job that is told as soon as it is done, and given up where it kills or outlasts its process.

    Attributes:
        label: of the attack.
        judge: the position of the network that judges what was crafted on another one; None for the attack itself.
    """

    label: str
    judge: int | None = None


@dataclass(frozen=True)
class AttackJob:
    """Attacks on the images start, ..., stop − 1 of a target.

    Attributes:
        target: network and data.
        items: one or several. In worst-case mode all those under a threat: each sees what the ones before it left
            standing. In a relay attacks of ever more steps: each goes on where the one before it ended.
        start, stop: the shard, in positions of the test set.
        seed: of all noise.
        save_adversarial: whether to store the adversarial images, too.
        relay: whether it is a relay.
        common: rows of the shard that each item is given whatever the ones before it did, see `outcomes.common`; at
            them the gradients are looked at.
        judges: networks that judge what is crafted on the target in its place, each for itself; none for the target.
        images: for a block, images that don't stand in a row, their positions in the test set; start and stop then
            count these.
        add_classes: whether records that are there and know no predicted classes learn them.
    """

    target: Target
    items: tuple[SuiteItem, ...]
    start: int
    stop: int
    seed: int
    save_adversarial: bool = False
    relay: bool = False
    common: tuple[int, ...] = ()
    judges: tuple[Target, ...] = ()
    images: tuple[int, ...] = ()
    add_classes: bool = False

    @property
    def positions(self) -> Sequence[int]:
        """Where its images stand in the test set."""
        return self.images or range(self.start, self.stop)

    @property
    def steps(self) -> list[Step]:
        """Its steps in their order: each attack, followed by all that judge it."""
        judges = (None, *range(len(self.judges)))
        return [Step(item.label, judge) for item in self.items for judge in judges]

    @property
    def networks(self) -> int:
        """How many networks it needs at once."""
        return len({self.target, *self.judges})

    def on(self, device: str) -> AttackJob:
        """The same, computed on another device; what it finds is filed alike."""
        target, *judges = (replace(each, device=device) for each in (self.target, *self.judges))
        return replace(self, target=target, judges=tuple(judges))

    def split(self) -> list[AttackJob]:
        """One job per item, each on its own."""
        return [replace(self, items=(item,), relay=False) for item in self.items]

    def key(self, item: SuiteItem, handed: Tensor | None) -> dict[str, Any]:
        """Everything that determines the record of `item`.

        Args:
            item: one of the job's items.
            handed: N bools, which examples it is given; None for all that are classified correctly.
        """
        chosen = {"images": write_positions(self.images)} if self.images else {}
        key = {
            "network": self.target.network,
            "data": {"digest": self.target.data, "start": self.start, "stop": self.stop} | chosen,
            "attack": item.attack.told(item.threat.norm),
            "threat": {"norm": item.threat.norm, "epsilon": float(item.threat.epsilon)},
            "restarts": item.restarts,
            "seed": self.seed,
            "precision": self.target.precision,
            "rules": RULES,
            "handed": None if handed is None else digest(np.packbits(handed.cpu().numpy()).tobytes()),
        }
        # Left out where there is none, as it is of records that were made before it could be.
        key |= {"last_layer": self.target.last_layer} if self.target.last_layer else {}
        return key | ({"judging": told} if (told := self.target.judging.identity()) else {})

    def judged_key(self, item: SuiteItem, judge: Target) -> dict[str, Any]:
        """Everything that determines what `judge` says to `item` on all images, crafted on the target.

        The last layer that the search leaves out is the target's: that is the network that is searched.
        """
        alone = replace(self, target=replace(judge, last_layer=self.target.last_layer))
        return alone.key(item, None) | {"crafted_on": self.target.network}

    def handed(self, standing: Tensor | None) -> Tensor | None:
        """N bools, what an item is given of the shard when it is left `standing` (None: everything)."""
        if standing is None:
            return None
        return standing.index_fill(0, torch.tensor(self.common, dtype=torch.long, device=standing.device), True)

    def left_standing(self, standing: Tensor | None, record: Record) -> Tensor | None:
        """N bools, what is left of the shard after the item that `record` is of; None for everything."""
        if self.relay or not (record.broken & ~record.clean_errors).any():
            return standing
        broken = torch.from_numpy(record.broken)
        return ~broken if standing is None else standing & ~broken


@dataclass(frozen=True)
class Done:
    """One item of a job is in the ledger, of one judge where there are several.

    Attributes:
        label: the item's label.
        start: where the shard begins.
        record: the digest of its record.
        error: why the attack failed, if it did.
        reused: whether the record had been there before.
        judge: position of who judged among the job's judges; None where that is the job's target.
        unfit: why there is no record: the judge fails, or is not what it was.
    """

    label: str
    start: int
    record: str
    error: str | None
    reused: bool
    judge: int | None = None
    unfit: str | None = None

    @property
    def step(self) -> Step:
        """What of the job is done."""
        return Step(self.label, self.judge)


@dataclass(frozen=True)
class Crafted:
    """What several networks judge has been crafted, as far as any of them asks for it; nothing is filed yet."""

    label: str

    @property
    def step(self) -> Step:
        """What of the job is done."""
        return Step(self.label)


def __getattr__(name: str) -> object:
    return look_up(__name__, name)
