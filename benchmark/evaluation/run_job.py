"""What a job does: attack what is still standing, verify, record; what the ledger has is not done again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor

from benchmark.arithmetic import deterministic
from benchmark.attacks import Stage, check_current
from benchmark.errors import UnfitNetwork
from benchmark.evaluation.adding_classes import from_record, from_stored, lacks_classes
from benchmark.evaluation.attack_run import Trial
from benchmark.evaluation.jobs import AttackJob, Crafted, Done, Step
from benchmark.evaluation.meter import metered
from benchmark.evaluation.probe import probe
from benchmark.evaluation.reuse import Earlier, earlier
from benchmark.evaluation.suite import SuiteItem
from benchmark.evaluation.target import LoadedTarget, loaded
from benchmark.evaluation.transfer_job import run_judged_by_others
from benchmark.evaluation.trial_record import file_trial, keep_images, sample_images
from benchmark.ledger.evaluation import Flags
from benchmark.ledger.ledger import Ledger
from benchmark.ledger.record import Record
from benchmark.ledger.sample_images import SampleImages
from benchmark.storage import digest


def prepare(job: AttackJob) -> None:
    """Load the networks of `job`, which is no part of what its attacks may take.

    Raises:
        BadInput: the file of an attack of one's own has changed since the job was made.
        UnfitNetwork: its target can't be loaded. A judge that can't says so when it is its turn.
    """
    for item in job.items:
        check_current(item.attack)
    loaded(job.target, job.networks)
    for judge in job.judges:
        with suppress(UnfitNetwork):
            loaded(judge, job.networks)


def run_job(job: AttackJob, ledger: Ledger, given_up: Mapping[Step, str] | None = None) -> Iterator[Done | Crafted]:
    """Do what of `job` is not in the ledger yet; records of attacks that failed are tried again.

    Args:
        job: what to do.
        ledger: where the records go.
        given_up: steps that are only recorded as failed, each with the reason.

    Yields:
        Its steps in their order, as they are done.
    """
    given_up = given_up or {}
    steps = run_judged_by_others(job, ledger, given_up) if job.judges else _run(job, ledger, given_up)
    while True:
        with deterministic(job.target.deterministic):
            done = next(steps, None)
        if done is None:
            return
        yield done


def _run(job: AttackJob, ledger: Ledger, given_up: Mapping[Step, str]) -> Iterator[Done]:
    """A job whose target judges itself."""
    standing: Tensor | None = None
    before: Trial | None = None
    for item in job.items:
        handed = job.handed(standing)
        key = job.key(item, handed)
        network, name = job.target.network, digest(key)
        record = ledger.find(key)
        reused = record is not None and not record.error
        if job.save_adversarial and not ledger.stored_adversarials_path(network, name).exists():
            reused = False
        if record is not None and reused and job.add_classes and lacks_classes(record):
            record, reused = _with_classes(job, item, handed, ledger, record)
            before = None
        elif record is None or not reused:
            trial = Trial(_network(job), item, job.start, job.stop, handed)
            known = None if job.save_adversarial else earlier(ledger, key, item, job.positions, _flags(handed))
            record = _attack(job, trial, key, before, given_up.get(Step(item.label)), known)
            if job.save_adversarial and not record.error:
                keep_images(ledger.stored_adversarials_path(network, name), trial)
            if job.start == 0 and not record.error and (record.broken & ~record.clean_errors).any():
                _keep_samples(job, trial, ledger, record, known)
            ledger.write(record)
            before = trial if job.relay and known is None and not record.error else None
        else:
            before = None
        standing = job.left_standing(standing, record)
        yield Done(item.label, job.start, name, record.error, reused)


def _with_classes(
    job: AttackJob, item: SuiteItem, handed: Tensor | None, ledger: Ledger, record: Record
) -> tuple[Record, bool]:
    """`record`, filed anew with the classes that it lacks; and whether stored images told them without an attack."""
    path = ledger.stored_adversarials_path(job.target.network, record.digest)
    filled, attacked = from_stored(record, _network(job), item, path), False
    if lacks_classes(filled):
        trial, attacked = Trial(_network(job), item, job.start, job.stop, handed), True
        filled = from_record(filled, _attack(job, trial, record.key, None, None, None))
    ledger.write(filled)
    return filled, not attacked


def _network(job: AttackJob) -> LoadedTarget:
    """The target, loaded: of a block, with its images alone."""
    return loaded(job.target).at(job.images) if job.images else loaded(job.target)


def _flags(handed: Tensor | None) -> Flags | None:
    return None if handed is None else handed.cpu().numpy()


def _keep_samples(job: AttackJob, trial: Trial, ledger: Ledger, record: Record, known: Earlier | None) -> None:
    """A few images that the attack broke: of those it was run on, else those that a block kept; of blocks one does.

    Raises:
        BadInput: the folder can't be written or the disk is full.
    """
    if job.images and ledger.blocks(record.key):
        return
    if bool((trial.broken & trial.pictured).any()):
        ledger.write_sample_images(job.target.network, record.digest, sample_images(job.target, trial))
        return
    for each in known.records if known else ():
        kept = ledger.sample_images(job.target.network, each.digest)
        own = np.isin(kept.positions, list(job.positions)) if kept is not None else np.zeros(0, bool)
        if kept is not None and own.any():
            images = SampleImages(**{name: array[own] for name, array in vars(kept).items()})
            ledger.write_sample_images(job.target.network, record.digest, images)
            return


def _attack(
    job: AttackJob,
    trial: Trial,
    key: dict[str, Any],
    before: Trial | None,
    given_up: str | None,
    known: Earlier | None,
) -> Record:
    """Run `trial` on what is not `known`, from where the one `before` it ended if that was just run; its record."""
    if known is not None:
        trial.inherit(known)
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
    told = {"inherited_steps": stage.steps if stage else 0, "probe": found}
    record = file_trial(trial, key, meter.info() | told)
    return record if known is None or record.error else replace(record, info=known.added(record.info))
