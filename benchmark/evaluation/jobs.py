"""One job: some attacks, one after the other, on one shard of one network's test images. Pure, whoever runs it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmark.attacks import Stage
from benchmark.attacks.objectives import has_answer
from benchmark.evaluation.attack_run import Trial
from benchmark.evaluation.meter import metered
from benchmark.evaluation.probe import probe
from benchmark.evaluation.suite import SuiteItem
from benchmark.evaluation.target import Target, dataset_of, loaded
from benchmark.ledger.ledger import Ledger
from benchmark.ledger.record import RULES, Record
from benchmark.ledger.sample_images import FEW, ROOM, SampleImages
from benchmark.ledger.stored_adversarials import StoredAdversarials, write_stored_adversarials
from benchmark.storage import digest


@dataclass(frozen=True)
class Job:
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
    """

    target: Target
    items: tuple[SuiteItem, ...]
    start: int
    stop: int
    seed: int
    save_adversarial: bool = False
    relay: bool = False
    common: tuple[int, ...] = ()

    def split(self) -> list[Job]:
        """One job per item, each on its own."""
        return [replace(self, items=(item,), relay=False) for item in self.items]

    def key(self, item: SuiteItem, handed: Tensor | None) -> dict[str, Any]:
        """Everything that determines the record of `item`.

        Args:
            item: one of the job's items.
            handed: N bools, which examples it is given; None for all that are classified correctly.
        """
        key = {
            "network": self.target.network,
            "data": {"digest": self.target.data, "start": self.start, "stop": self.stop},
            "attack": item.attack.identity(),
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

    def handed(self, standing: Tensor | None) -> Tensor | None:
        """N bools, what an item is given of the shard when it is left `standing` (None: everything)."""
        if standing is None:
            return None
        return standing.index_fill(0, torch.tensor(self.common, dtype=torch.long, device=standing.device), True)


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


def run_job(job: Job, ledger: Ledger, given_up: Mapping[str, str] | None = None) -> Iterator[Done]:
    """Do what of `job` is not in the ledger yet; records of attacks that failed are tried again.

    Args:
        job: what to do.
        ledger: where the records go.
        given_up: labels of items that are only recorded as failed, each with the reason.
    """
    standing: Tensor | None = None
    before: Trial | None = None
    for item in job.items:
        handed = job.handed(standing)
        key = job.key(item, handed)
        network, name = job.target.network, digest(key)
        record = ledger.read(network, name)
        reused = record is not None and not record.error
        if job.save_adversarial and not ledger.stored_adversarials_path(network, name).exists():
            reused = False
        if record is None or not reused:
            trial = Trial(loaded(job.target), item, job.start, job.stop, handed)
            record = _attack(job, trial, key, before, (given_up or {}).get(item.label))
            if job.save_adversarial and not record.error:
                keep_images(ledger.stored_adversarials_path(network, name), trial)
            if job.start == 0 and not record.error and (record.broken & ~record.clean_errors).any():
                ledger.write_sample_images(network, name, _sample_images(job.target, trial))
            ledger.write(record)
            before = trial if job.relay and not record.error else None
        else:
            before = None
        if not job.relay and (record.broken & ~record.clean_errors).any():
            broken = torch.from_numpy(record.broken)
            standing = ~broken if standing is None else standing & ~broken
        yield Done(item.label, job.start, name, record.error, reused)


def _attack(job: Job, trial: Trial, key: dict[str, Any], before: Trial | None, given_up: str | None) -> Record:
    """Run `trial`, from where the one `before` it ended if that was just run, and give its record."""
    stage = None
    if before is not None:
        steps = trial.item.head_start(before.item, job.target.precision)
        stage = Stage(steps, before.candidates)
    item, found = trial.item, None
    if given_up is None and not item.attack.gradient_free:
        found = probe(job.target, job.start, job.stop, job.common, item.threat, job.seed)
    with metered(trial.network.classifier) as meter:
        if given_up is None:
            trial.run(job.seed, stage)
        else:
            meter.error = given_up
    return file_trial(trial, key, meter.info() | {"inherited_steps": stage.steps if stage else 0, "probe": found})


def file_trial(trial: Trial, key: dict[str, Any], info: dict[str, Any]) -> Record:
    """The record of a trial; one that ended with an error has broken nothing and evaluated nothing.

    Args:
        trial: what the attack achieved.
        key: what to file it under.
        info: what it cost, from its meter.
    """
    none = torch.zeros_like(trial.clean_errors)
    failed = info["error"] is not None
    broken, no_answer = (none, none) if failed else (trial.broken, trial.no_answer)
    return Record(
        key=key,
        broken=(broken | trial.clean_errors).cpu().numpy(),
        distance=torch.where(trial.clean_errors, 0.0, torch.inf if failed else trial.distance).cpu().numpy(),
        evaluated=((none if failed else trial.handed) | trial.clean_errors).cpu().numpy(),
        clean_errors=trial.clean_errors.cpu().numpy(),
        no_answer=(no_answer | (trial.no_answer & trial.clean_errors)).cpu().numpy(),
        wrong_share=trial.wrong_share.cpu().numpy() if trial.network.judging.is_random else None,
        info={
            **info,
            "changed_answers": 0 if failed else trial.changed_answers(),
            "label": trial.item.label,
            "attacked": int(trial.handed.sum()),
            "faults": {} if failed else dict(trial.faults),
        },
    )


def keep_images(path: Path, trial: Trial) -> None:
    """Store the closest adversarial image of each example that has one.

    Raises:
        BadInput: the folder can't be written or the disk is full.
    """
    rows = (torch.isfinite(trial.distance) & ~trial.clean_errors).nonzero().squeeze(1)
    images = trial.closest[rows].cpu().numpy()
    write_stored_adversarials(path, StoredAdversarials(rows=rows.cpu().numpy(), images=images))


def _sample_images(target: Target, trial: Trial) -> SampleImages:
    most = max(1, min(FEW, ROOM // (3 * trial.x[0].numel())))
    rows = (trial.broken & ~trial.clean_errors).nonzero().squeeze(1)[:most]
    x, x_adv = trial.x[rows], trial.closest[rows]
    names = np.asarray([*dataset_of(target.dataset, target.data_dir).class_names, "no answer"])
    logits = trial.logits[rows]
    taken_for = torch.where(has_answer(logits), logits.argmax(1), -1)
    return SampleImages(
        positions=(rows + trial.start).cpu().numpy(),
        labels=names[trial.y[rows].cpu().numpy()],
        predictions=names[taken_for.cpu().numpy()],
        clean=(255 * x).round().to(torch.uint8).cpu().numpy(),
        change=(x_adv - x).half().cpu().numpy(),
    )
