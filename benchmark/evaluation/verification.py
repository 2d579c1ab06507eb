"""Judging stored adversarial images again, on another machine or with other versions."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.arguments import checked_arguments
from benchmark.arithmetic import deterministic as repeating
from benchmark.data import Dataset
from benchmark.deadline import stoppable
from benchmark.errors import BadInput, PartlyFailed, UnfitNetwork
from benchmark.evaluation import objects
from benchmark.evaluation import target as targets
from benchmark.evaluation.evidence import weigh
from benchmark.evaluation.judging import judging_of
from benchmark.evaluation.objects import Data
from benchmark.evaluation.reattack import Again, attack_again
from benchmark.evaluation.target import LoadedTarget, Target
from benchmark.hardware import resolve_device
from benchmark.labels import DIGITS, Key, card_labels, key
from benchmark.ledger.evaluation import Evaluation, Outcome
from benchmark.ledger.ledger import Ledger
from benchmark.models import Arranged, Checkpoint, ExternalModel, Given, arranged, listed, outputs_for
from benchmark.own.trust import trusts


@dataclass(frozen=True)
class Recheck:
    """One attack's stored adversarial images, judged again.

    Attributes:
        model, label: what the network is called beside the others of the ledger, and the attack.
        crafted_on: the network that the images were crafted on, where `transfer` made them.
        claimed: images that the records say were broken by a change, at some distance.
        stored: those of them whose adversarial image is there.
        confirmed: those that are still misclassified, at the stored distance.
        refuted: positions in the test set where a record says otherwise than its stored image, than the test image
            without attack, or than itself.
        problems: what is refuted and why, and files that are damaged or lack, a sentence each.
        unstored: how many of its records have no stored images beside them, so that nothing shows what they say.
        unclassed: how many of its records know no predicted classes, as those of older versions.
        again: what came of attacking images once more, where that was asked for.
    """

    model: str
    label: str
    claimed: int
    stored: int
    confirmed: int
    refuted: tuple[int, ...]
    problems: tuple[str, ...]
    crafted_on: str | None = None
    unstored: int = 0
    unclassed: int = 0
    again: Again | None = None


@stoppable
@trusts
@checked_arguments
def verify(
    results: str | Path,
    checkpoints: Sequence[Given] | Given,
    *,
    name: str | Sequence[str] | None = None,
    dataset: Data | None = None,
    device: str = "auto",
    data_dir: str | Path | None = None,
    download: bool = False,
    trust_remote_code: bool = False,
    reattack: int = 0,
    seed: int | None = None,
    deterministic: bool = False,
) -> list[Recheck]:
    """Judge adversarial images stored by `evaluate` or `transfer` (save_adversarial=True), with these networks.

    Whatever contradicts the records is reported: claimed images that fool nobody, stored ones that the records deny,
    test images that the network takes otherwise without attack than they say, classes that are not predicted, and
    records at odds with themselves.
    Evaluations whose files are damaged are left out, which is said.

    Args:
        results: the folder of the ledger.
        checkpoints: the networks that were evaluated or that `transfer` tried images on, found by their digests.
        name: what the modules among them were called, in their order; None for the names of their classes.
        dataset: the images that they were evaluated on, where these were handed over and no name leads to them.
        device, data_dir, download, trust_remote_code: as for `evaluate`.
        reattack: how many images that are recorded as robust to each attack, drawn at random, to run that attack on
            once more, with other noise. Images crafted on other networks are left out.
        seed: of that draw and that noise; None for one that nobody can know before.
        deterministic: use only what gives the same bits again on the same device.

    Returns:
        One entry per attack of each evaluation of these networks that has stored images, or was run once more.

    Raises:
        BadInput: there is no such folder; a number is out of range; no network can be loaded, one was not evaluated
            here, or its test images are others now.
        PartlyFailed: some networks can't be loaded, or are not what an evaluation says of them; its `done` has the
            entries of the others.
    """
    given = listed(checkpoints)
    if reattack < 0 or (seed is not None and not 0 <= seed < 2**63):
        raise BadInput(f"reattack must be 0 or more, and seed from 0 to 2^63 - 1, not {reattack} and {seed}")
    seed = secrets.randbelow(2**31) if seed is None else seed
    ledger = Ledger.open(results)
    if not ledger.folder.exists():
        raise BadInput(
            f"there is no folder {ledger.folder}; name the results folder of an evaluation with --save-adversarial"
        )
    places = {"data_dir": None if data_dir is None else str(data_dir), "device": str(resolve_device(device))}
    with objects.held(given, name, dataset) as (sources, _), repeating(deterministic):
        return _verified(ledger, sources, places, download, trust_remote_code, reattack, seed)


def _verified(
    ledger: Ledger,
    sources: Sequence[str],
    places: Mapping[str, Any],
    download: bool,
    trust_remote_code: bool,
    reattack: int,
    seed: int,
) -> list[Recheck]:
    """`verify` for networks that can be opened by the names `sources`."""
    evaluations = [*ledger.evaluations(), *ledger.transfers()]
    called = card_labels(card for each in evaluations for card in (each.model, each.crafted_on))
    networks, failures = _opened(sources, download, trust_remote_code)
    found: list[Recheck] = []
    targets.forget()  # another network, or other data, may have gone by the same name
    try:
        for source, opened in networks.items():
            for evaluation, target in _targets(
                ledger, source, opened, evaluations, places, download, trust_remote_code
            ):
                try:
                    network = targets.loaded(target)
                except UnfitNetwork as error:  # one record's claim, which says nothing about the others
                    failures.append(f"{source}, evaluation {evaluation.id[:DIGITS]}: {error}")
                else:
                    found += _rechecks(ledger, network, evaluation, called, reattack, seed)
    finally:
        ledger.tell()
        targets.forget()
    if failures:
        raise PartlyFailed(failures, found) if networks else BadInput("\n".join(failures))
    return found


def _opened(
    sources: Iterable[str], download: bool, trust_remote_code: bool
) -> tuple[dict[str, Checkpoint | ExternalModel], list[str]]:
    """The networks by their sources, and why some can't be opened."""
    networks, failures = {}, []
    for source in sources:
        try:
            networks[source] = targets.open_network(source, download, trust_remote_code)
        except UnfitNetwork as error:
            failures.append(str(error))
    return networks, failures


def _targets(
    ledger: Ledger,
    source: str,
    opened: Checkpoint | ExternalModel,
    evaluations: Sequence[Evaluation],
    places: Mapping[str, Any],
    download: bool,
    trust_remote_code: bool,
) -> list[tuple[Evaluation, Target]]:
    """Those of the evaluations that are of the network `source`, each with where it is attacked now."""
    found = []
    for evaluation in evaluations:
        arrangement = _as_evaluated(opened, evaluation)
        target = Target(
            source=source,
            network=evaluation.model["digest"],
            dataset=evaluation.dataset["name"],
            data=evaluation.dataset["digest"],
            precision="fp32",
            trust_remote_code=trust_remote_code,
            contents=arrangement.digest,
            outputs=arrangement.outputs if isinstance(arrangement, Arranged) else (),
            last_layer=str(evaluation.model.get("last_layer", "")),
            images=evaluation.dataset["images"],
            classes=len(evaluation.classes.names) if evaluation.classes else 0,
            judging=judging_of(evaluation.judging),
            **places,
        )
        if _is(ledger, arrangement, evaluation, target, download):
            found.append((evaluation, target))
    if not found:
        raise BadInput(f"{ledger.folder} has no evaluation of {source}; name the networks that were evaluated")
    return found


def _rechecks(
    ledger: Ledger, network: LoadedTarget, evaluation: Evaluation, called: Mapping[Key, str], reattack: int, seed: int
) -> list[Recheck]:
    """What came of each attack of an evaluation, as far as there is something to show."""
    rechecks = [_recheck(ledger, network, evaluation, outcome, called) for outcome in evaluation.outcomes]
    if reattack and not evaluation.crafted_on:
        return [
            dataclasses.replace(recheck, again=attack_again(network, evaluation, outcome, reattack, seed))
            for recheck, outcome in zip(rechecks, evaluation.outcomes, strict=True)
        ]
    # Without --save-adversarial there is nothing to show; with it, every attack that found something has.
    told = any(recheck.stored or recheck.problems for recheck in rechecks)
    return [recheck for recheck in rechecks if told and (recheck.claimed or recheck.problems)]


def _as_evaluated(network: Checkpoint | ExternalModel, evaluation: Evaluation) -> targets.Network:
    """The network with its outputs in the order in which they were evaluated, as the evaluation says."""
    try:
        return arranged(network, evaluation.model.get("outputs") or ())
    except BadInput:  # untrusted, and no order
        return network


def _is(ledger: Ledger, network: targets.Network, evaluation: Evaluation, target: Target, download: bool) -> bool:
    """Whether it is the network that was evaluated: made of the same, or called the same, and answering as it did."""
    contents = evaluation.model.get("contents", target.network)
    if contents != network.digest and evaluation.name != network.name:
        return False
    try:
        dataset = targets.dataset_of(target.dataset, target.data_dir, download, target.images, target.classes)
    except BadInput as error:
        raise BadInput(
            f"the images that {evaluation.name} was evaluated on can't be loaded by their name: {error}; images that "
            "were handed over in Python are given by dataset=..."
        ) from error
    if not _order_is_its_own(network, dataset):
        return False
    kept = [known for known in ledger.known(contents, target.data) if known.network == target.network]
    if dataset.digest != target.data or not kept:  # other images are refused when they are loaded
        return bool(contents == network.digest)
    return kept[0].answers.agree(targets.answers_of(network, dataset, target))


def _order_is_its_own(network: targets.Network, dataset: Dataset) -> bool:
    """Whether its outputs stand as the network says itself, if it does: an evaluation may claim any order."""
    loaded, order = (network.network, network.outputs) if isinstance(network, Arranged) else (network, ())
    try:
        own = outputs_for(loaded, dataset.class_names, dataset.name)
    except UnfitNetwork:  # its classes are called otherwise
        return True
    return not own or own == (order or tuple(range(len(own))))


def _recheck(
    ledger: Ledger, network: LoadedTarget, evaluation: Evaluation, outcome: Outcome, called: Mapping[Key, str]
) -> Recheck:
    claimed = stored = confirmed = unstored = unclassed = 0
    refuted, problems = list[int](), list[str]()
    for name in outcome.records:
        record = ledger.read(evaluation.model["digest"], name)
        if record is None:
            problems.append(f"the record {name} is absent or damaged")
            continue
        found = weigh(ledger, network, evaluation, outcome, record)
        claimed += found.claimed
        stored += found.stored or 0
        confirmed += found.confirmed
        unstored += found.stored is None and not record.error
        unclassed += record.adversarial_class is None
        refuted += found.refuted
        problems += found.problems
    return Recheck(
        called[key(evaluation.model)],
        outcome.label,
        claimed,
        stored,
        confirmed,
        tuple(refuted),
        tuple(problems),
        called[key(evaluation.crafted_on)] if evaluation.crafted_on else None,
        unstored,
        unclassed,
    )
