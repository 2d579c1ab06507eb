"""A job with several judges: what is crafted on one network is tried on others, each of which has a record of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor

from benchmark.errors import FOREIGN, UnfitNetwork, reason
from benchmark.evaluation.adding_classes import from_record, from_stored, lacks_classes
from benchmark.evaluation.attack_run import Trial, craft
from benchmark.evaluation.jobs import AttackJob, Crafted, Done, Step
from benchmark.evaluation.meter import Meter, metered
from benchmark.evaluation.suite import SuiteItem
from benchmark.evaluation.target import Target, loaded
from benchmark.evaluation.trial_record import file_trial, keep_images
from benchmark.ledger.ledger import Ledger
from benchmark.ledger.record import Record
from benchmark.storage import digest


def run_judged_by_others(job: AttackJob, ledger: Ledger, given_up: Mapping[Step, str]) -> Iterator[Done | Crafted]:
    """Craft on the job's target what any judge has no record of, and let those judge it, each in its turn.

    Every image is attacked, and every candidate is shown to every judge. Arguments and what it yields are those of
    `run_job`.
    """
    for item in job.items:
        label = item.label
        keys = [job.judged_key(item, judge) for judge in job.judges]
        missing = [
            number for number, key in enumerate(keys) if not _is_kept(job, ledger, key["network"], digest(key))
        ]
        again = {
            number: record
            for number, (judge, key) in enumerate(zip(job.judges, keys, strict=True))
            if number not in missing and (record := _lacking(job, item, judge, ledger, key))
        }
        missing += again
        meter, candidates = Meter(), list[Tensor]()
        if missing:
            failed = given_up.get(Step(label))
            is_asked = failed is None and any(Step(label, number) not in given_up for number in missing)
            meter, candidates = _crafted(job, item, item.restarts if is_asked else 0)
            meter = dataclasses.replace(meter, error=failed or meter.error)
        yield Crafted(label)
        for number, (judge, key) in enumerate(zip(job.judges, keys, strict=True)):
            name, error = digest(key), None
            if number in missing:
                try:
                    trial = Trial(loaded(judge, job.networks), item, job.start, job.stop, None)
                except UnfitNetwork as problem:
                    yield Done(label, job.start, name, None, False, number, str(problem))
                    continue
                spent = _judged(trial, candidates, meter, given_up.get(Step(label, number)))
                record = file_trial(trial, key, spent.info())
                if number in again:  # whose verdicts and costs stay as they are
                    record = again[number] if record.error else from_record(again[number], record)
                if job.save_adversarial and not record.error and number not in again:
                    keep_images(ledger.stored_adversarials_path(key["network"], name), trial)
                ledger.write(record)
                error = record.error
            yield Done(label, job.start, name, error, number not in missing, number)


def _is_kept(job: AttackJob, ledger: Ledger, network: str, name: str) -> bool:
    """Whether there is a record that tells what the judge says, with its images where they are wanted."""
    record = ledger.read(network, name)
    if record is None or record.error:
        return False
    return not job.save_adversarial or ledger.stored_adversarials_path(network, name).exists()


def _lacking(job: AttackJob, item: SuiteItem, judge: Target, ledger: Ledger, key: dict[str, Any]) -> Record | None:
    """The record, if classes are asked for that it lacks; what its stored images tell of them it is told first."""
    record = ledger.read(key["network"], digest(key)) if job.add_classes else None
    if record is None or not lacks_classes(record):
        return None
    with suppress(UnfitNetwork):  # which is said when it is this judge's turn
        path = ledger.stored_adversarials_path(key["network"], record.digest)
        record = from_stored(record, loaded(judge, job.networks), item, path)
        if not lacks_classes(record):
            ledger.write(record)
            return None
    return record


def _crafted(job: AttackJob, item: SuiteItem, restarts: int) -> tuple[Meter, list[Tensor]]:
    """Candidates for all images of the shard, one tensor per restart, and what they cost."""
    source = loaded(job.target, job.networks)
    x, y, *_ = source.shard(job.start, job.stop)
    rows = torch.arange(len(x), device=x.device)
    candidates: list[Tensor] = []
    with metered(source.classifier) as meter:
        for restart in range(restarts):
            candidates.append(craft(source, item, rows, job.start, x, y, job.seed, restart))
    return meter, candidates


def _judged(trial: Trial, candidates: Sequence[Tensor], meter: Meter, given_up: str | None) -> Meter:
    """Let the network judge the candidates; the meter of crafting them, with the error if all were rejected, or if
    the network, which may be anybody's code, fails on some."""
    if meter.error:
        return meter
    if given_up is not None:
        return dataclasses.replace(meter, error=given_up)
    try:
        for x_adv in candidates:
            trial.judge(x_adv)
        trial.check()
    except FOREIGN as fault:
        return dataclasses.replace(meter, error=reason(fault))
    return meter
