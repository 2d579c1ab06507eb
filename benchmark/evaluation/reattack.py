"""Attacking once more what a record says an attack failed on: the one test that needs no stored images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from benchmark.errors import BadInput, reason
from benchmark.evaluation.attack_run import Trial
from benchmark.evaluation.plan import SHARD
from benchmark.evaluation.suite import suite_item
from benchmark.evaluation.target import LoadedTarget
from benchmark.ledger.evaluation import Evaluation, Outcome
from benchmark.storage import digest


@dataclass(frozen=True)
class Again:
    """One attack, run once more on a random sample of the images that it is recorded to have failed on.

    Attributes:
        robust: how many such images there are.
        tried: how many of them were drawn and attacked.
        fell: positions in the test set of those that it breaks now.
        seed: what the sample and the attack's noise follow from.
        problem: why it could not be run; "" if it could.
    """

    robust: int
    tried: int
    fell: tuple[int, ...]
    seed: int
    problem: str = ""


def attack_again(network: LoadedTarget, evaluation: Evaluation, outcome: Outcome, count: int, seed: int) -> Again:
    """Run the attack of `outcome` on at most `count` images that it is recorded to have failed on.

    The sample and the noise follow from `seed`, the evaluation and the attack, so that whoever made the records can't
    have known them if `seed` was drawn afterwards.
    """
    robust = np.flatnonzero(outcome.evaluated & ~outcome.broken)
    drawn = int(digest([seed, evaluation.id, outcome.label])[:15], 16)
    chosen = np.sort(np.random.default_rng(drawn).choice(robust, min(count, len(robust)), replace=False))
    fell: list[int] = []
    try:
        item = suite_item(outcome.definition)
        for start in range(0, len(outcome.broken), SHARD):
            stop = min(start + SHARD, len(outcome.broken))
            rows = chosen[(chosen >= start) & (chosen < stop)] - start
            if len(rows):
                handed = torch.zeros(stop - start, dtype=torch.bool)
                handed[torch.from_numpy(rows)] = True
                trial = Trial(network, item, start, stop, handed)
                trial.run(drawn)
                now = (trial.broken & trial.handed).nonzero().squeeze(1)
                fell += [start + int(row) for row in now]
    except BadInput as error:
        return Again(len(robust), 0, (), seed, str(error))
    except Exception as error:  # an attack may be anybody's code
        return Again(len(robust), 0, (), seed, reason(error))
    return Again(len(robust), len(chosen), tuple(fell), seed)
