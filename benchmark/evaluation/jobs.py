"""One job: some attacks, one after the other, on one shard of one network's test images. Pure, whoever runs it."""

from __future__ import annotations

import datetime
import logging
import platform
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

import benchmark
from benchmark.attacks import PreparedClassifier
from benchmark.attacks.objectives import is_wrong
from benchmark.evaluation.ledger import Ledger
from benchmark.evaluation.memory import halve_on_out_of_memory
from benchmark.evaluation.record import Record
from benchmark.evaluation.subject import Subject, Target, subject
from benchmark.evaluation.suite import SuiteItem
from benchmark.evaluation.verify import check_candidates, verify
from benchmark.hardware import describe
from benchmark.noise import ExampleNoise
from benchmark.storage import digest


@dataclass(frozen=True)
class Job:
    """Attacks on the images start, ..., stop − 1 of a target.

    Attributes:
        target: network and data.
        items: one, or in worst-case mode all those of a norm: each sees what the ones before it left standing.
        start, stop: the shard, in positions of the test set.
        seed: of all noise.
    """

    target: Target
    items: tuple[SuiteItem, ...]
    start: int
    stop: int
    seed: int

    def key(self, item: SuiteItem, handed: Tensor | None) -> dict[str, Any]:
        """Everything that determines the record of `item`.

        Args:
            item: one of the job's items.
            handed: N bools, which examples it is given; None for all that are classified correctly.
        """
        return {
            "network": self.target.network,
            "data": {"digest": self.target.data, "start": self.start, "stop": self.stop},
            "attack": item.attack.identity(),
            "threat": {"norm": item.threat.norm, "epsilon": float(item.threat.epsilon)},
            "restarts": item.restarts,
            "seed": self.seed,
            "precision": self.target.precision,
            "handed": None if handed is None else digest(np.packbits(handed.cpu().numpy()).tobytes()),
        }


@dataclass(frozen=True)
class Done:
    """One item of a job is in the ledger.

    Attributes:
        label: the item's label.
        start: where the shard begins.
        record: the digest of its record.
        error: why the attack failed, if it did.
        reused: whether the record had been there before.
    """

    label: str
    start: int
    record: str
    error: str | None
    reused: bool


def run_job(job: Job, ledger: Ledger) -> Iterator[Done]:
    """Do what of `job` is not in the ledger yet; records of attacks that failed are tried again."""
    standing: Tensor | None = None
    for item in job.items:
        key = job.key(item, standing)
        record = ledger.read(job.target.network, digest(key))
        reused = record is not None and not record.error
        if record is None or record.error:
            record = attack_shard(subject(job.target), job, item, key, standing)
            ledger.write(record)
        if (record.broken & ~record.clean_errors).any():
            broken = torch.from_numpy(record.broken)
            standing = ~broken if standing is None else standing & ~broken
        yield Done(item.label, job.start, record.digest, record.error, reused)


def attack_shard(network: Subject, job: Job, item: SuiteItem, key: dict[str, Any], standing: Tensor | None) -> Record:
    """Run one attack with its restarts and have every candidate verified.

    Args:
        network: the job's target, loaded.
        job, item, key: what to run, and under which key to file it.
        standing: N bools on the CPU, which examples to attack; None for all that are classified correctly.
    """
    classifier = network.classifier
    _, _, clean_errors = network.shard(job.start, job.stop)
    handed = ~clean_errors if standing is None else standing.to(clean_errors.device) & ~clean_errors
    run = _Run(network, item, job, handed)
    counted, began = _counts(classifier), time.perf_counter()
    error = None
    with _warnings() as warnings:
        try:
            run.all_restarts()
            error = run.verdict_on_the_attack()
        except Exception as problem:  # an attack may be anybody's code: its failure is a result, not ours
            error = f"{type(problem).__name__}: {problem}"
    seconds = time.perf_counter() - began
    spent = {name: value - counted[name] for name, value in _counts(classifier).items()}
    if error:
        run = _Run(network, item, job, torch.zeros_like(handed))
    return Record(
        key=key,
        broken=run.broken.cpu().numpy(),
        distance=run.distance.cpu().numpy(),
        evaluated=(run.handed | clean_errors).cpu().numpy(),
        clean_errors=clean_errors.cpu().numpy(),
        info={
            "label": item.label,
            "error": error,
            "seconds": seconds,
            **spent,
            "attacked": int(handed.sum()),
            "faults": dict(run.faults),
            "disagreements": run.disagreements,
            "warnings": warnings,
            "hardware": describe(classifier.device),
            "versions": versions(),
            "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        },
    )


class _Run:
    """The state of one attack on one shard: what is broken, how far away, what is still to be attacked."""

    def __init__(self, network: Subject, item: SuiteItem, job: Job, handed: Tensor) -> None:
        self.network, self.item, self.job, self.handed = network, item, job, handed
        self.x, self.y, clean_errors = network.shard(job.start, job.stop)
        self.broken = clean_errors.clone()
        self.distance = torch.where(clean_errors, 0.0, torch.inf)
        self.faults: Counter[str] = Counter()
        self.disagreements = 0
        self.candidates = 0

    def all_restarts(self) -> None:
        """A budget attack tries again where it has not succeeded, a minimal one everywhere for a smaller distance."""
        pending = self.handed.clone()
        for restart in range(self.item.restarts):
            rows = pending.nonzero().squeeze(1)
            if not len(rows):
                return
            x_adv = self.x.clone()
            x_adv[rows] = self._search(rows, restart)
            verdict = verify(
                self.network.model, self.x, self.y, x_adv, pending, self.item.threat, self.item.attack.kind
            )
            self.broken |= verdict.broken
            self.distance = torch.minimum(self.distance, verdict.distance)
            self.faults.update(verdict.faults)
            self.candidates += len(rows)
            self._count_disagreements(x_adv[rows], self.y[rows], verdict.wrong[rows])
            if self.item.attack.kind == "budget":
                pending &= ~verdict.broken

    def verdict_on_the_attack(self) -> str | None:
        """Why nothing that the attack returned can be believed, if so."""
        if self.candidates and sum(self.faults.values()) == self.candidates:
            return f"every candidate was rejected: {', '.join(self.faults)}"
        return None

    def _search(self, rows: Tensor, restart: int) -> Tensor:
        """Candidates for `rows`. Where the batch does not matter, it shrinks when memory runs out."""

        def attack(part: slice) -> Tensor:
            chosen = rows[part]
            noise = ExampleNoise(self.job.seed, chosen + self.job.start, restart, self.x.device)
            x = self.x[chosen]
            x_adv = self.item.attack(self.network.classifier, x, self.y[chosen], self.item.threat, noise)
            check_candidates(x_adv, x)
            return x_adv

        if self.item.attack.batch_independent:
            return halve_on_out_of_memory(attack, len(rows))
        return attack(slice(None))

    def _count_disagreements(self, x_adv: Tensor, y: Tensor, wrong: Tensor) -> None:
        """Where the search, at its lower precision, believes otherwise than the verdict."""
        if self.network.classifier.precision != "fp32":
            with torch.no_grad():
                believed = is_wrong(self.network.classifier(x_adv), y)
            self.disagreements += int((believed != wrong).sum())


def _counts(classifier: PreparedClassifier) -> dict[str, int]:
    return {
        "forwards": classifier.forwards,
        "backwards": classifier.backwards,
        "dead_gradients": classifier.dead_gradients,
    }


@contextmanager
def _warnings() -> Iterator[list[str]]:
    """What attacks log as a warning within this context, each thing once."""
    heard: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage() not in heard:
                heard.append(record.getMessage())

    listener, attacks = Listener(logging.WARNING), logging.getLogger("benchmark.attacks")
    attacks.addHandler(listener)
    try:
        yield heard
    finally:
        attacks.removeHandler(listener)


def versions() -> dict[str, str]:
    """The versions of what computes: this package, Python, torch."""
    return {"benchmark": benchmark.__version__, "python": platform.python_version(), "torch": torch.__version__}
