"""Predicted classes for records of older versions, which know none; their verdicts and costs stay as they are."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from benchmark.damage import Damaged
from benchmark.errors import FOREIGN, UnfitNetwork, notice, reason
from benchmark.evaluation.judge import verify
from benchmark.evaluation.suite import SuiteItem
from benchmark.evaluation.target import LoadedTarget
from benchmark.ledger.evaluation import Evaluation, Flags
from benchmark.ledger.predictions import UNKNOWN, fitting
from benchmark.ledger.record import Record
from benchmark.ledger.stored_adversarials import StoredAdversarials, read_stored_adversarials


def lacks_classes(record: Record) -> bool:
    """Whether there are images that the attack was tried on, and whose class the record does not tell."""
    known = record.adversarial_class
    return known is None or bool((known[record.evaluated] == UNKNOWN).any())


def from_stored(record: Record, network: LoadedTarget, item: SuiteItem, path: Path) -> Record:
    """`record` with all classes that take no attack.

    Those of clean images, and of images without an adversarial one, are what the network predicts without attack.
    Those of adversarial images take one pass, if they are stored and still adversarial.

    Args:
        record: of `item` on the images that are the first of those of `network`, or a shard of them.
        path: where its adversarial images would be stored.
    """
    start, stop = record.key["data"]["start"], record.key["data"]["stop"]
    shard = network.shard(start, stop)
    clean = shard.classes.cpu().numpy()
    changed = np.isfinite(record.distance) & ~record.clean_errors
    adversarial = np.where(changed | ~record.evaluated, UNKNOWN, clean)
    if record.adversarial_class is not None:
        adversarial = np.where(record.adversarial_class == UNKNOWN, adversarial, record.adversarial_class)
    with suppress(FileNotFoundError, Damaged):
        kept = read_stored_adversarials(path)
        found, confirmed = _judged(kept, network, item, start, stop)
        adversarial = np.where(changed & confirmed & (adversarial == UNKNOWN), found, adversarial)
    count = shard.logits.shape[1]
    return replace(record, clean_class=fitting(clean, count), adversarial_class=fitting(adversarial, count))


def _judged(
    kept: StoredAdversarials, network: LoadedTarget, item: SuiteItem, start: int, stop: int
) -> tuple[np.ndarray, Flags]:
    """Class of each image of the shard, and whether it is the one of a stored image that is adversarial."""
    shard = network.shard(start, stop)
    x_adv, handed = shard.x.clone(), torch.zeros(stop - start, dtype=torch.bool, device=shard.x.device)
    fitting = kept.images.shape[1:] == shard.x.shape[1:] and bool(
        ((kept.rows >= 0) & (kept.rows < len(handed))).all()
    )
    if fitting:
        rows = torch.from_numpy(kept.rows).to(shard.x.device)
        x_adv[rows], handed[rows] = torch.from_numpy(kept.images).to(shard.x.device), True
    judging = replace(network.judging, eight_bit=False)  # what is stored was rounded before it was judged
    seed = start if judging.is_random else None
    judged = shard.x, shard.y, x_adv, handed, item.threat, item.attack.kind, judging, seed
    try:
        verdict = verify(network.model, *judged)
    except FOREIGN as error:  # a foreign network may raise anything
        raise UnfitNetwork(f"the network fails on adversarial images that are stored: {reason(error)}") from error
    return verdict.classes.cpu().numpy(), verdict.wrong.cpu().numpy()


def from_record(record: Record, again: Record) -> Record:
    """`record` with the classes of `again`, the same attack made once more, where both found the same image."""
    known, found = record.adversarial_class, again.adversarial_class
    if known is None or found is None:
        return record
    same = (record.broken == again.broken) & np.isclose(record.distance, again.distance, rtol=1e-5, atol=1e-7)
    return replace(record, adversarial_class=np.where((known == UNKNOWN) & same, found, known))


def tell_of_unknown(asked: bool, evaluations: Iterable[Evaluation], results: str | Path) -> None:
    """Say which classes stay unknown for good, since the attacks, made again, do not find what was recorded.

    Args:
        asked: whether classes were to be added.
        evaluations: as they are now.
        results: their folder.
    """
    for evaluation in evaluations if asked else ():
        labels = [each.label for each in evaluation.outcomes if each.complete and not each.knows_classes]
        if labels:
            notice(
                f"{evaluation.name}: some classes predicted under {', '.join(labels)} stay unknown: made again here, "
                "the attack does not find the images that were recorded, as on another device or by another version. "
                f"Asking again changes nothing; another folder than --results {results} has all of them made anew"
            )
