"""Running cheap attacks on all images and expensive ones on samples of what is left, until the interval is narrow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmark.engines import Means
from benchmark.errors import BadInput
from benchmark.evaluation.engine import run_jobs
from benchmark.evaluation.jobs import Done
from benchmark.evaluation.plan import Plan
from benchmark.evaluation.progress import Display
from benchmark.evaluation.suite import SuiteItem
from benchmark.evaluation.target import forget
from benchmark.ledger.ledger import Ledger
from benchmark.ledger.record import SHARD
from benchmark.sequential.attacks import block_jobs, members_apart, passes_of_item, threats_of
from benchmark.sequential.order import image_order
from benchmark.sequential.result import Estimate, Look
from benchmark.statistics import two_phase

#: Attacks are cheap, from the cheapest on, as long as together they take at most this share of the suite's passes.
CHEAP = 0.1


def split(items: Sequence[SuiteItem]) -> tuple[tuple[SuiteItem, ...], tuple[SuiteItem, ...]]:
    """The cheap and the expensive attacks, each from the cheapest on; the first one is always cheap."""
    ordered = sorted(items, key=passes_of_item)
    costs = np.cumsum([passes_of_item(item) for item in ordered])
    cheap = max(1, int((costs <= CHEAP * costs[-1]).sum()))
    return tuple(ordered[:cheap]), tuple(ordered[cheap:])


def described(plan: Plan) -> dict[str, Any]:
    """What an estimate says of the network and the question."""
    suite = plan.suite
    named = {"suite": suite.name, "preset": suite.preset, "dataset": plan.target.dataset, "images": suite.images}
    return {"network": plan.card["name"], **named}


class TwoPhase:
    """The attacks of an estimate.

    Args:
        plan: the network and the suite.
        ledger: where results go.
        means, time_limit: as `engine.run_jobs` takes them.

    Attributes:
        repeats: whether all results in use were computed deterministically.
    """

    def __init__(self, plan: Plan, ledger: Ledger, means: Means | int | None, time_limit: float | None) -> None:
        self.plan, self.ledger, self.means, self.time_limit = plan, ledger, means, time_limit
        counted = threats_of(plan.suite, "rworst")
        self.repeats = True
        self.cheap, self.expensive = split([item for item in members_apart(plan.suite) if item.threat in counted])

    def run(self, width: float, alpha: float, progress: bool) -> Estimate:
        """Attack until Rworst is known to ± `width`, a fraction.

        Raises:
            BadInput: an attack failed, so that nothing can be said.
        """
        images = self.plan.suite.images
        total = -(-images // SHARD) * (len(self.cheap) + len(self.expensive))
        with Display(total, progress) as self.display:
            self.display.announce([self.plan])
            order = image_order(images, self.plan.seed)
            standing, on_all = self._attack(self.cheap, sorted(order))
            left = [position for position in order if position in standing]
            self.display.say(f"{len(left)} of {images} images withstand {_listed(self.cheap)}")
            total_of, sizes, on_sample, looks = self._sample(left, width * images, alpha)
        forget()
        sampled = sum(sizes)
        return Estimate(
            **described(self.plan),
            value=total_of.value / images,
            low=total_of.low / images,
            high=total_of.high / images,
            width=width,
            alpha=alpha,
            cheap=tuple(item.label for item in self.cheap),
            expensive=tuple(item.label for item in self.expensive),
            standing=len(left),
            sampled=sampled,
            passes=on_all + on_sample,
            passes_of_all=on_all + (on_sample * len(left) / sampled if sampled else 0),
            looks=tuple(Look(count, *(share / images for share in found)) for count, found in looks),
        )

    def _sample(
        self, left: Sequence[int], width: float, alpha: float
    ) -> tuple[two_phase.Total, tuple[int, ...], int, list[tuple[int, tuple[float, int, int]]]]:
        """Attack samples of the images `left`: the number robust, the samples' sizes, the passes, and the looks."""
        known = len(left)
        if not self.expensive or not left:
            return two_phase.Total(known, known, known), (0,), 0, [(0, (known, known, known))]
        first = two_phase.first_size(known, width, alpha)
        robust, passes = self._attack(self.expensive, left[:first])
        samples = [(first, len(robust))]
        looks = [(0, (known / 2, 0, known)), (first, _numbers(two_phase.estimate(known, (0, 0), samples[0], alpha)))]
        second = two_phase.second_size(known, samples[0], width, alpha)
        self.display.say(f"{len(robust)} of the first {first} withstand all attacks; {second} more are needed")
        more, spent = self._attack(self.expensive, left[first : first + second])
        passes += spent
        found = two_phase.estimate(known, samples[0], (second, len(more)), alpha)
        looks.append((first + second, _numbers(found)))
        rest = known - first - second
        if found.half_width > width + 1e-9:
            self.display.say(f"more were broken than was to be expected: the other {rest} are attacked, too")
            others, spent = self._attack(self.expensive, left[first + second :])
            total = len(robust) + len(more) + len(others)
            looks.append((known, (total, total, total)))
            return two_phase.Total(total, total, total), (known,), passes + spent, looks
        return found, (first, second), passes, looks

    def _attack(self, items: Sequence[SuiteItem], images: Sequence[int]) -> tuple[set[int], int]:
        """Run attacks on images, each on what is left: the images that withstand all of them, and the passes."""
        blocks = [images[start : start + SHARD] for start in range(0, len(images), SHARD)]
        jobs = [job for block in blocks for job in block_jobs(self.plan, [tuple(items)], block)]
        names: list[str] = []
        self.display.expect(sum(len(job.items) for job in jobs))  # what is counted are attacks on shards

        def report(position: int, done: Done) -> None:
            self.display.advance(self.plan.card, done.label, done.error, done.reused)
            if done.error:
                raise BadInput(f"{done.label} failed, so that nothing can be estimated: {done.error}")
            names.append(done.record)

        folder = self.ledger.folder
        self.ledger.problems += run_jobs(jobs, folder, self.means, report, self.time_limit, more_to_come=True)
        standing, passes = {*images}, 0
        for name in names:
            record = self.ledger.read(self.plan.target.network, name)
            if record is None:
                raise BadInput(f"a record vanished from {self.ledger.folder}; run it again")
            standing -= {int(position) for position in record.positions[record.broken]}
            self.repeats &= record.deterministic
            passes += record.info["forwards"] + record.info["backwards"]
        return standing, passes


def _listed(items: Sequence[SuiteItem]) -> str:
    return ", ".join(item.label for item in items)


def _numbers(total: two_phase.Total) -> tuple[float, int, int]:
    return total.value, total.low, total.high
