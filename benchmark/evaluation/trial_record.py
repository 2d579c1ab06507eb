"""From what an attack achieved on a shard to what is kept of it: the record, and the images where they are wanted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmark.evaluation.attack_run import Trial
from benchmark.evaluation.target import Target, images_of
from benchmark.ledger.predictions import UNKNOWN, fitting
from benchmark.ledger.record import Record
from benchmark.ledger.sample_images import FEW, ROOM, SampleImages
from benchmark.ledger.stored_adversarials import StoredAdversarials, write_stored_adversarials


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
    evaluated = (none if failed else trial.handed) | trial.clean_errors
    return Record(
        key=key,
        broken=(broken | trial.clean_errors).cpu().numpy(),
        distance=torch.where(trial.clean_errors, 0.0, torch.inf if failed else trial.distance).cpu().numpy(),
        evaluated=evaluated.cpu().numpy(),
        clean_errors=trial.clean_errors.cpu().numpy(),
        no_answer=(no_answer | (trial.no_answer & trial.clean_errors)).cpu().numpy(),
        wrong_share=trial.wrong_share.cpu().numpy() if trial.network.judging.is_random else None,
        clean_class=fitting(trial.clean_class.cpu().numpy(), trial.classes),
        adversarial_class=fitting(
            torch.where(evaluated, trial.adversarial_class, UNKNOWN).cpu().numpy(), trial.classes
        ),
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


def sample_images(target: Target, trial: Trial) -> SampleImages:
    """The first few images that the trial broke, small enough to be shown."""
    most = max(1, min(FEW, ROOM // (3 * trial.x[0].numel())))
    rows = (trial.broken & trial.pictured).nonzero().squeeze(1)[:most]
    x, x_adv = trial.x[rows], trial.closest[rows]
    names = np.asarray([*images_of(target).class_names, "no answer"])
    return SampleImages(
        positions=trial.network.positions(rows + trial.start).cpu().numpy(),
        labels=names[trial.y[rows].cpu().numpy()],
        predictions=names[trial.adversarial_class[rows].cpu().numpy()],  # NONE is the last one
        clean=(255 * x).round().to(torch.uint8).cpu().numpy(),
        change=(x_adv - x).half().cpu().numpy(),
    )
