"""What the stored images of a record, and the test images themselves, say to what the record claims."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from benchmark.damage import Damaged
from benchmark.errors import FOREIGN, BadInput, reason
from benchmark.evaluation.at_odds import at_odds, of_another_question, places
from benchmark.evaluation.judge import Verdict
from benchmark.evaluation.judge import verify as judge
from benchmark.evaluation.judging import Judging
from benchmark.evaluation.plausible import plausible
from benchmark.evaluation.shown import shown_as_broken
from benchmark.evaluation.target import LoadedTarget
from benchmark.ledger.evaluation import Evaluation, Flags, Outcome
from benchmark.ledger.ledger import Ledger
from benchmark.ledger.predictions import UNKNOWN
from benchmark.ledger.record import Record
from benchmark.ledger.stored_adversarials import StoredAdversarials, read_stored_adversarials
from benchmark.threats import Threat

#: By how many standard deviations of the votes on a random network two counts may differ.
_SPREAD = 4.0


@dataclass(frozen=True)
class Evidence:
    """One record, weighed.

    Attributes:
        claimed: how many images it says were broken by a change, at some distance.
        stored: for how many of them the adversarial image is there; None if none are stored for this record.
        refuted: positions in the test set where it says otherwise than the network does now, or than itself.
        confirmed: how many of the stored images are what it says of them.
        problems: what is wrong, a sentence each.
    """

    claimed: int
    stored: int | None
    refuted: tuple[int, ...]
    confirmed: int
    problems: tuple[str, ...]


def weigh(
    ledger: Ledger, network: LoadedTarget, evaluation: Evaluation, outcome: Outcome, record: Record
) -> Evidence:
    """Compare what `record` claims with what the network does now, on the test images and on the stored ones."""
    claims = np.isfinite(record.distance) & ~record.clean_errors
    start, stop = record.key["data"]["start"], record.key["data"]["stop"]
    if len(network.images(start, stop)[0]) != stop - start:
        sentence = f"the record {record.digest} is about images that the test set does not have"
        return Evidence(int(claims.sum()), None, (), 0, (sentence,))
    try:
        threat = Threat(outcome.norm, outcome.epsilon)
    except BadInput as error:
        sentence = f"the record {record.digest} is about a threat that this version does not know: {error}"
        return Evidence(int(claims.sum()), None, (), 0, (sentence,))
    sentences = list(of_another_question(evaluation, outcome, record))
    wrong = np.zeros(len(claims), bool)
    for told, rows in (*at_odds(evaluation, outcome, record, threat), *_clean(network, record)):
        if rows.any():
            wrong |= rows
            sentences.append(f"the record {record.digest} {told}: {places(rows, start)}")
    path = ledger.sample_images_path(record.key["network"], record.digest)
    try:
        shown = shown_as_broken(path, record)
    except Damaged as problem:
        sentences.append(str(problem))
    else:
        if shown.any():
            wrong |= shown
            sentences.append(f"{path}: images that were broken though the record denies it: {places(shown, start)}")
    path = ledger.stored_adversarials_path(record.key["network"], record.digest)
    stored: int | None = None
    confirmed = 0
    try:
        kept = read_stored_adversarials(path)
        verdict = _judge(network, outcome, threat, record, kept, str(path))
    except FileNotFoundError:
        pass
    except Damaged as problem:
        sentences.append(str(problem))
        stored = 0
    else:
        there = np.zeros(len(claims), bool)
        there[kept.rows] = True
        for told, rows in _contradictions(record, verdict, claims, there):
            if rows.any():
                wrong |= rows
                sentences.append(f"{path}: {told}: {places(rows, start)}")
        stored, confirmed = int((claims & there).sum()), int((claims & there & ~wrong).sum())
        if lacking := int((claims & ~there).sum()):
            sentences.append(f"{path}: of {claims.sum()} images that its record claims, {lacking} are not in it")
    refuted = tuple(start + int(row) for row in np.flatnonzero(wrong))
    return Evidence(int(claims.sum()), stored, refuted, confirmed, tuple(sentences))


def _clean(network: LoadedTarget, record: Record) -> Iterator[tuple[str, Flags]]:
    """Where the network answers otherwise without attack than the record says."""
    shard = network.shard(record.key["data"]["start"], record.key["data"]["stop"])
    errors = shard.clean_errors.cpu().numpy()
    if network.judging.is_random:
        drawn = _may_be_drawn(shard.wrong_share.cpu().numpy(), network.judging)
        errors = np.where(drawn, record.clean_errors, errors)
    yield "counts images as classified correctly that are not, without attack", errors & ~record.clean_errors
    yield "counts images as misclassified without attack that are not", ~errors & record.clean_errors
    if record.clean_class is not None and not network.judging.is_random:  # whose draws may be others
        yield "names a class that is not predicted without attack", ~plausible(shard.logits, record.clean_class)


def _judge(
    network: LoadedTarget, outcome: Outcome, threat: Threat, record: Record, kept: StoredAdversarials, path: str
) -> dict[str, NDArray]:
    """The verdict on the stored images, a row per image of the shard.

    Raises:
        Damaged: they are no images of this shard, or the network fails on them.
    """
    x, y, *_ = network.shard(record.key["data"]["start"], record.key["data"]["stop"])
    rows = torch.from_numpy(kept.rows).to(x.device)
    if kept.images.shape[1:] != x.shape[1:] or bool(((rows < 0) | (rows >= len(x))).any()):
        raise Damaged(f"{path}: its images don't belong to this shard of the test set")
    x_adv, handed = x.clone(), torch.zeros(len(x), dtype=torch.bool, device=x.device)
    x_adv[rows], handed[rows] = torch.from_numpy(kept.images).to(x.device), True
    judging = network.judging
    stored = dataclasses.replace(judging, eight_bit=False)  # what is stored was rounded before it was judged
    try:
        found: Verdict = judge(network.model, x, y, x_adv, handed, threat, outcome.kind, stored)
    except FOREIGN as error:  # a foreign network may raise anything
        raise Damaged(f"{path}: the network fails on these images: {reason(error)}") from error
    verdict = {name: getattr(found, name).cpu().numpy() for name in ("wrong", "broken", "distance")}
    told = None if judging.is_random else record.adversarial_class
    verdict["of_class"] = np.ones(len(x), bool) if told is None else plausible(found.logits, told) | (told == UNKNOWN)
    if judging.is_random:  # other draws are no contradiction
        drawn = _may_be_drawn(found.wrong_share.cpu().numpy(), judging) & handed.cpu().numpy()
        verdict["wrong"] = np.where(drawn, np.isfinite(record.distance), verdict["wrong"])
        verdict["broken"] = np.where(drawn, record.broken, verdict["broken"])
        verdict["distance"] = np.where(drawn, record.distance, verdict["distance"])
    return verdict


def _may_be_drawn(shares: NDArray, judging: Judging) -> Flags:
    """Where so many passes were wrong that other draws might have voted otherwise."""
    return np.asarray(np.abs(shares - 0.5) <= _SPREAD * np.sqrt(0.25 / judging.verdict_passes))


def _contradictions(
    record: Record, verdict: dict[str, NDArray], claims: Flags, there: Flags
) -> Iterator[tuple[str, Flags]]:
    """Where a stored image is not what the record says of it, in words, with the rows where it is so."""
    close = np.isclose(verdict["distance"], record.distance, rtol=1e-5, atol=1e-7)
    same = verdict["wrong"] & close & (verdict["broken"] == record.broken)
    denied = there & ~claims
    yield "images that are not adversarial at the recorded distance", there & claims & ~same
    yield "images that are not taken for the recorded class", there & claims & ~verdict["of_class"]
    yield "adversarial images although the record says that there are none", denied & verdict["wrong"]
    yield "images that the record does not list, and that are not adversarial", denied & ~verdict["wrong"]
