"""Judging stored adversarial images again, on another machine or with other versions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmark.data import Dataset
from benchmark.errors import BadInput, PartlyFailed, UnfitNetwork
from benchmark.evaluation import subject
from benchmark.evaluation.keepsakes import read_keepsake
from benchmark.evaluation.ledger import Ledger
from benchmark.evaluation.order import named
from benchmark.evaluation.outcomes import Evaluation, Outcome
from benchmark.evaluation.record import Damaged, Record
from benchmark.evaluation.subject import Subject, Target
from benchmark.evaluation.verify import verify as judge
from benchmark.hardware import resolve_device
from benchmark.labels import Key, card_labels, key
from benchmark.models import Arranged, Checkpoint, ExternalModel, arranged, outputs_for
from benchmark.threats import Threat


@dataclass(frozen=True)
class Recheck:
    """One attack's stored adversarial images, judged again.

    Attributes:
        model, label: what the network is called beside the others of the ledger, and the attack.
        crafted_on: the network that the images were crafted on, where `transfer` made them.
        claimed: images that the records say were broken by a change, at some distance.
        stored: those of them whose adversarial image is there.
        confirmed: those that are still misclassified, at the stored distance.
        refuted: positions in the test set of those that are not.
        problems: files that are damaged or lack, each with its reason.
    """

    model: str
    label: str
    claimed: int
    stored: int
    confirmed: int
    refuted: tuple[int, ...]
    problems: tuple[str, ...]
    crafted_on: str | None = None


def verify(
    results: str | Path,
    checkpoints: Sequence[str | Path] | str | Path,
    *,
    device: str = "auto",
    root: str | Path | None = None,
    download: bool = False,
    trust: bool = False,
) -> list[Recheck]:
    """Judge the adversarial images that `evaluate` or `transfer` with keep=True stored, with the networks given here.

    Args:
        results: the folder of the ledger.
        checkpoints: the networks that were evaluated or that `transfer` tried images on, found by their digests.
        device, root, download, trust: as for `evaluate`.

    Returns:
        One entry per attack of each evaluation of these networks that has stored images.

    Raises:
        BadInput: there is no such folder; no network can be loaded, one was not evaluated here, or its test images
            are others now.
        PartlyFailed: some networks can't be loaded; its `done` has the entries of the others.
    """
    sources = named(checkpoints)
    ledger = Ledger.open(results)
    if not ledger.folder.exists():
        raise BadInput(f"there is no folder {ledger.folder}; name the results folder of an evaluation with --keep")
    evaluations = [*ledger.evaluations(), *ledger.transfers()]
    called = card_labels(card for each in evaluations for card in (each.model, each.crafted_on))
    found = []
    networks, failures = _opened(map(str, sources), download, trust)
    for source, opened in networks.items():
        mine = []
        for evaluation in evaluations:
            arrangement = _as_evaluated(opened, evaluation)
            target = Target(
                source=source,
                network=evaluation.model["digest"],
                dataset=evaluation.dataset["name"],
                root=str(root) if root is not None else None,
                data=evaluation.dataset["digest"],
                device=str(resolve_device(device)),
                precision="fp32",
                trust=trust,
                contents=arrangement.digest,
                outputs=arrangement.outputs if isinstance(arrangement, Arranged) else (),
                last_layer=str(evaluation.model.get("last_layer", "")),
            )
            if _is(ledger, arrangement, evaluation, target, download):
                mine.append((evaluation, target))
        if not mine:
            raise BadInput(f"{ledger.folder} has no evaluation of {source}; name the networks that were evaluated")
        for evaluation, target in mine:
            network = subject.subject(target)
            rechecks = [_recheck(ledger, network, evaluation, each, called) for each in evaluation.outcomes]
            # An evaluation without --keep has nothing to show; of one with it, every attack that found something has.
            if any(recheck.stored or recheck.problems for recheck in rechecks):
                found += [recheck for recheck in rechecks if recheck.claimed or recheck.problems]
    subject.forget()
    if failures:
        raise PartlyFailed(failures, found) if networks else BadInput("\n".join(failures))
    return found


def _opened(
    sources: Iterable[str], download: bool, trust: bool
) -> tuple[dict[str, Checkpoint | ExternalModel], list[str]]:
    """The networks by their sources, and why some can't be opened."""
    networks, failures = {}, []
    for source in sources:
        try:
            networks[source] = subject.open_network(source, download, trust)
        except UnfitNetwork as error:
            failures.append(str(error))
    return networks, failures


def _as_evaluated(network: Checkpoint | ExternalModel, evaluation: Evaluation) -> subject.Network:
    """The network with its outputs in the order in which they were evaluated, as the evaluation says."""
    try:
        return arranged(network, evaluation.model.get("outputs") or ())
    except BadInput:  # a stranger's, which is no order
        return network


def _is(ledger: Ledger, network: subject.Network, evaluation: Evaluation, target: Target, download: bool) -> bool:
    """Whether it is the network that was evaluated: made of the same, or called the same, and answering as it did."""
    contents = evaluation.model.get("contents", target.network)
    if contents != network.digest and evaluation.name != network.name:
        return False
    dataset = subject.dataset_of(target.dataset, target.root, download)
    if not _order_is_its_own(network, dataset):
        return False
    kept = [known for known in ledger.known(contents, target.data) if known.network == target.network]
    if dataset.digest != target.data or not kept:  # other images are refused when they are loaded
        return bool(contents == network.digest)
    return kept[0].answers.agree(subject.answers_of(network, dataset, target))


def _order_is_its_own(network: subject.Network, dataset: Dataset) -> bool:
    """Whether its outputs stand as the network says itself, if it does: an evaluation may claim any order."""
    loaded, order = (network.network, network.outputs) if isinstance(network, Arranged) else (network, ())
    try:
        own = outputs_for(loaded, dataset.class_names, dataset.name)
    except UnfitNetwork:  # its classes are called otherwise
        return True
    return not own or own == (order or tuple(range(len(own))))


def _recheck(
    ledger: Ledger, network: Subject, evaluation: Evaluation, outcome: Outcome, called: Mapping[Key, str]
) -> Recheck:
    claimed, stored, refuted, problems = 0, 0, list[int](), list[str]()
    for name in outcome.records:
        record = ledger.read(evaluation.model["digest"], name)
        if record is None:
            problems.append(f"the record {name} is absent or damaged")
            continue
        claims = np.isfinite(record.distance) & ~record.clean_errors
        claimed += int(claims.sum())
        try:
            rows, wrong = _judge_again(ledger, network, outcome, record)
        except FileNotFoundError:
            continue
        except Damaged as problem:
            problems.append(str(problem))
            continue
        stored += len(rows)
        refuted += wrong
        lacking = claims.copy()
        lacking[rows] = False
        if lacking.any():
            path = ledger.keepsake_path(evaluation.model["digest"], name)
            problems.append(f"{path}: of {claims.sum()} images that its record claims, {lacking.sum()} are not in it")
    return Recheck(
        called[key(evaluation.model)],
        outcome.label,
        claimed,
        stored,
        stored - len(refuted),
        tuple(refuted),
        tuple(problems),
        called[key(evaluation.crafted_on)] if evaluation.crafted_on else None,
    )


def _judge_again(
    ledger: Ledger, network: Subject, outcome: Outcome, record: Record
) -> tuple[NDArray[np.int64], list[int]]:
    """Which rows of its shard a record has images of, and the positions of those that are not confirmed."""
    path = ledger.keepsake_path(record.key["network"], record.digest)
    keepsake = read_keepsake(path)
    start, stop = record.key["data"]["start"], record.key["data"]["stop"]
    x, y, *_ = network.shard(start, stop)
    rows = torch.from_numpy(keepsake.rows).to(x.device)
    images = torch.from_numpy(keepsake.images).to(x.device)
    if images.shape[1:] != x.shape[1:] or bool(((rows < 0) | (rows >= len(x))).any()):
        raise Damaged(f"{path}: its images don't belong to this shard of the test set")
    x_adv, handed = x.clone(), torch.zeros(len(x), dtype=torch.bool, device=x.device)
    x_adv[rows], handed[rows] = images, True
    try:
        threat = Threat(outcome.norm, outcome.epsilon)
    except BadInput as error:
        raise Damaged(f"{path}: {error}") from None
    verdict = judge(network.model, x, y, x_adv, handed, threat, outcome.kind)
    expected = torch.from_numpy(record.distance).to(x.device)
    close = torch.isclose(verdict.distance, expected, rtol=1e-5, atol=1e-7)
    wrong = handed & ~(verdict.wrong & close)
    return keepsake.rows, [start + int(row) for row in wrong.nonzero().squeeze(1)]
