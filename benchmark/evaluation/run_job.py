"""What a job does: attack what is still standing, verify, record; what the ledger has is not done again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor

from benchmark.attacks import Stage
from benchmark.errors import UnfitNetwork
from benchmark.evaluation.attack_run import Trial
from benchmark.evaluation.jobs import AttackJob, Crafted, Done, Step
from benchmark.evaluation.meter import metered
from benchmark.evaluation.probe import probe
from benchmark.evaluation.target import loaded
from benchmark.evaluation.transfer_job import run_judged_by_others
from benchmark.evaluation.trial_record import file_trial, keep_images, sample_images
from benchmark.ledger.ledger import Ledger
from benchmark.ledger.record import Record
from benchmark.storage import digest


def prepare(job: AttackJob) -> None:
    """Load the networks of `job`, which is no part of what its attacks may take.

    Raises:
        UnfitNetwork: its target can't be loaded. A judge that can't says so when it is its turn.
    """
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
    return run_judged_by_others(job, ledger, given_up) if job.judges else _run(job, ledger, given_up)


def _run(job: AttackJob, ledger: Ledger, given_up: Mapping[Step, str]) -> Iterator[Done]:
    """A job whose target judges itself."""
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
            record = _attack(job, trial, key, before, given_up.get(Step(item.label)))
            if job.save_adversarial and not record.error:
                keep_images(ledger.stored_adversarials_path(network, name), trial)
            if job.start == 0 and not record.error and (record.broken & ~record.clean_errors).any():
                ledger.write_sample_images(network, name, sample_images(job.target, trial))
            ledger.write(record)
            before = trial if job.relay and not record.error else None
        else:
            before = None
        if not job.relay and (record.broken & ~record.clean_errors).any():
            broken = torch.from_numpy(record.broken)
            standing = ~broken if standing is None else standing & ~broken
        yield Done(item.label, job.start, name, record.error, reused)


def _attack(job: AttackJob, trial: Trial, key: dict[str, Any], before: Trial | None, given_up: str | None) -> Record:
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
