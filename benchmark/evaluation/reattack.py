"""Attacking once more what a record says an attack failed on: the one test that needs no stored images.

That other random starts break further images is no fault of a record, which is of its own starts. So what they break
is attacked with the record's own noise, too: what that breaks, the record denies.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import bdtrc

from benchmark.errors import FOREIGN, BadInput, reason
from benchmark.evaluation.attack_run import Trial
from benchmark.evaluation.plan import SHARD
from benchmark.evaluation.suite import SuiteItem, suite_item
from benchmark.evaluation.target import LoadedTarget
from benchmark.hardware import describe
from benchmark.ledger.evaluation import Evaluation, Outcome
from benchmark.storage import digest

#: In the test set.
Positions = NDArray[np.int64]

#: Of the images attacked again, the share that an honest record may lose to its own noise on other hardware, with
#: another torch, in another precision, or where kernels don't repeat their last bits: steps that differ by little end
#: at other points. More is a contradiction, where chance would make it so seldom.
ROUNDING, SELDOM = 0.05, 0.001


@dataclass(frozen=True)
class Again:
    """One attack, run once more on a random sample of the images that it is recorded to have failed on.

    Attributes:
        robust: how many such images there are.
        tried: how many of them were drawn and attacked.
        fell: positions in the test set of those that it breaks now, with other noise.
        denied: those of them that it breaks with the record's own noise, too.
        is_exact: whether that repeats what was recorded bit for bit: on the same hardware, with the same torch and in
            the same precision.
        seed: what the sample and the attack's noise follow from.
        problem: why it could not be run; "" if it could.
    """

    robust: int
    tried: int
    fell: tuple[int, ...]
    seed: int
    problem: str = ""
    denied: tuple[int, ...] = ()
    is_exact: bool = False

    @property
    def refutes(self) -> bool:
        """Whether the record can't be what the attack found: it denies what its own noise breaks."""
        if self.is_exact or not self.denied:
            return bool(self.denied)
        return bool(bdtrc(len(self.denied) - 1, self.tried, ROUNDING) < SELDOM)  # so many or more


def attack_again(network: LoadedTarget, evaluation: Evaluation, outcome: Outcome, count: int, seed: int) -> Again:
    """Run the attack of `outcome` on at most `count` images that it is recorded to have failed on.

    The sample and the noise follow from `seed`, the evaluation and the attack, so that whoever made the records can't
    have known them if `seed` was drawn afterwards.
    """
    robust = np.flatnonzero(outcome.evaluated & ~outcome.broken)
    drawn = int(digest([seed, evaluation.id, outcome.label])[:15], 16)
    chosen = np.sort(np.random.default_rng(drawn).choice(robust, min(count, len(robust)), replace=False))
    try:
        item = suite_item(outcome.definition)
        fell = _broken(network, item, chosen, len(outcome.broken), drawn)
        denied = _denied(network, item, outcome, fell, evaluation.seed)
    except BadInput as error:
        return Again(len(robust), 0, (), seed, str(error))
    except FOREIGN as error:  # an attack may be anybody's code
        return Again(len(robust), 0, (), seed, reason(error))
    return Again(len(robust), len(chosen), fell, seed, denied=denied, is_exact=_is_exact(network, evaluation))


def _denied(
    network: LoadedTarget, item: SuiteItem, outcome: Outcome, fell: tuple[int, ...], seed: int
) -> tuple[int, ...]:
    """Those of the images `fell` that the attack breaks with the record's own noise.

    Where what an image gets of that noise depends on the images beside it, it is attacked beside those of the record.
    """
    shown = np.array(fell, int)
    if not item.attack.batch_independent:
        tried = np.flatnonzero(outcome.evaluated)
        shown = tried[np.isin(tried // SHARD, shown // SHARD)]
    return tuple(place for place in _broken(network, item, shown, len(outcome.broken), seed) if place in fell)


def _broken(network: LoadedTarget, item: SuiteItem, chosen: Positions, images: int, seed: int) -> tuple[int, ...]:
    """Those of the `chosen` images that the attack breaks with the noise of `seed`."""
    found: list[int] = []
    for start in range(0, images, SHARD):
        stop = min(start + SHARD, images)
        rows = chosen[(chosen >= start) & (chosen < stop)] - start
        if len(rows):
            handed = torch.zeros(stop - start, dtype=torch.bool)
            handed[torch.from_numpy(rows)] = True
            trial = Trial(network, item, start, stop, handed)
            trial.run(seed)
            now = (trial.broken & trial.handed).nonzero().squeeze(1)
            found += [start + int(row) for row in now]
    return tuple(found)


def _is_exact(network: LoadedTarget, evaluation: Evaluation) -> bool:
    device = network.classifier.device
    repeats = device.type == "cpu" or (evaluation.deterministic and torch.are_deterministic_algorithms_enabled())
    same_torch = [each for each in evaluation.versions if each.startswith("torch ")] == [f"torch {torch.__version__}"]
    return repeats and same_torch and evaluation.precision == "fp32" and evaluation.hardware == (describe(device),)
