"""What can be said of a bundle: whether it is whole, agrees with itself, and claims what its records come to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.arguments import checked_arguments
from benchmark.damage import Damaged, cause
from benchmark.errors import BadInput, PartlyFailed, short
from benchmark.ledger import Evaluation, Ledger
from benchmark.ledger.answers import read_known
from benchmark.ledger.bundle_file import unpacked
from benchmark.ledger.identity import evaluation_id
from benchmark.ledger.manifests import read_manifest
from benchmark.ledger.record import RULES, Record
from benchmark.ledger.stored_adversarials import read_stored_adversarials
from benchmark.sharing.bundle import checked_weights
from benchmark.sharing.claim import claimed_row, contradictions

if TYPE_CHECKING:
    from benchmark.evaluation.verification import Recheck


@dataclass
class BundleCheck:
    """What came of looking into a bundle.

    Attributes:
        network: what it is about, by its own name.
        rows: what the records come to, a row for each evaluation, see `claim.claimed_row`.
        checked, unchecked: what was looked at and what was not, a sentence each.
        problems: what contradicts what, a sentence each; none in a bundle that agrees with itself.
        rechecks: what the network says of stored adversarial images, where it was asked.
    """

    network: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    rechecks: list[Recheck] = field(default_factory=list)


@checked_arguments
def verify_bundle(path: str | Path, checkpoints: Sequence[Any] | Any = (), **options: Any) -> BundleCheck:
    """Check a bundle; nothing in it is run, and nothing is written but to a folder that is gone afterwards.

    Args:
        path: the file.
        checkpoints: the network, or several, to ask about the images in the bundle; none to look at records alone.
            Weights in the bundle are taken where none is named.
        options: of `benchmark.verify`, for asking the network.

    Returns:
        What was checked, what was not, and what contradicts what.

    Raises:
        BadInput: it is no bundle that can be read; the network or its test images can't be loaded.
    """
    path = Path(path)
    given = list(checkpoints) if isinstance(checkpoints, list | tuple) else [checkpoints]
    with unpacked(path) as (folder, contents):
        ledger = Ledger.open(folder)
        found = BundleCheck(contents["network"]["name"])
        evaluations = ledger.evaluations()
        _check_whole(found, ledger, contents, evaluations)
        for evaluation in evaluations:
            found.problems += _problems(ledger, evaluation)
        _check_rows(found, contents, evaluations)
        stored = sum(place.startswith("adversarials/") for place in contents["files"])
        weights = _weights(found, folder, evaluations)
        found.problems = [problem.replace(f"{folder}/", "") for problem in found.problems]
        if not evaluations or not (given or weights):
            _say_unchecked(found, stored)
        else:
            _ask(found, folder, given or [str(weights[0])], options)
            found.problems = [problem.replace(f"{folder}/", "") for problem in found.problems]
    return found


def _check_whole(
    found: BundleCheck, ledger: Ledger, contents: dict[str, Any], evaluations: Sequence[Evaluation]
) -> None:
    """Every file is read, belongs to the network, and is listed by one of the evaluations."""
    files = contents["files"]
    network = contents["network"]["digest"]
    found.problems += ledger.problems
    if not evaluations:
        found.problems.append("it has no evaluation that can be read")
    listed = {name for each in evaluations for outcome in each.outcomes for name in outcome.records}
    for each in evaluations:
        told = {name: each.model.get(name, "") for name in contents["network"]}
        if each.model["digest"] == network and told != contents["network"]:
            found.problems.append(f"it calls the network otherwise than its evaluation does, {short(each.name)}")
        if each.model["digest"] != network:
            other = short(each.name)
            found.problems.append(f"it is about {short(contents['network']['name'])}, and has results of {other}")
    contents_of = {each.model.get("contents", network) for each in evaluations}
    data = {each.dataset["digest"] for each in evaluations}
    for place in files:
        kind, _, rest = place.partition("/")
        if kind in ("evaluations", "answers"):
            found.problems += _misplaced(ledger, place, network, contents_of, data)
        if kind in ("records", "adversarials", "images"):
            folder, _, name = rest.partition("/")
            if folder != network[:16]:
                found.problems.append(f"{place} belongs to another network")
            elif name.partition(".")[0] not in listed:
                found.problems.append(f"{place} belongs to no evaluation in the bundle")
    found.checked.append(f"{len(files)} files are whole, with the SHA-256 that bundle.json lists")


def _misplaced(ledger: Ledger, place: str, network: str, contents_of: set[str], data: set[str]) -> Iterator[str]:
    """Why a file is not what its place says: an attack from elsewhere among evaluations, another network's answers.

    What a network answers decides under which name its results are filed, those of others who merge this, too.
    """
    path = ledger.folder / place
    try:
        if place.startswith("evaluations/"):
            manifest = read_manifest(path)
            if ledger.place_of_evaluation(manifest) != path:
                yield f"{place} is not where such an evaluation is filed"
            if manifest.get("rules") == RULES and manifest["id"] != _id(manifest):
                yield f"{place} has another id than such an evaluation has: there may be another one of the same"
            return
        known = read_known(path)
    except Damaged as problem:
        if str(problem) not in ledger.problems:
            yield str(problem)
        return
    if known.network != network or known.contents not in contents_of or known.data not in data:
        yield f"{place} has the answers of another network, or to other images"
    elif path.name != f"{known.data[:16]}-{network[:16]}.npz" or path.parent.name != known.contents[:16]:
        yield f"{place} is not where such answers are filed"


def _id(manifest: Mapping[str, Any]) -> str:
    conditions = (manifest[name] for name in ("mode", "seed", "precision"))
    data, suite = manifest["dataset"]["digest"], manifest["suite"]["digest"]
    told = (manifest.get(name) for name in ("judging", "crafted_on"))
    return evaluation_id(manifest["model"], data, suite, *conditions, *told)


def _problems(ledger: Ledger, evaluation: Evaluation) -> Iterator[str]:
    """Where the records of an evaluation contradict it, or themselves, or what is stored beside them."""
    from benchmark.evaluation.at_odds import at_odds, of_another_attack, of_another_question, places
    from benchmark.threats import Threat

    if evaluation.suite.get("digest") and not evaluation.outcomes:
        yield f"the evaluation {evaluation.id} has no attacks"
    for outcome in evaluation.outcomes:
        yield from of_another_attack(outcome)
        try:
            threat = Threat(outcome.norm, outcome.epsilon)
        except BadInput as error:
            yield f"{outcome.label} has a threat that this version does not know: {error}"
            continue
        for name in outcome.records:
            record = ledger.read(evaluation.model["digest"], name)
            if record is None:
                yield f"the record {name} of {outcome.label} is absent or damaged"
                continue
            yield from of_another_question(evaluation, outcome, record)
            start = record.key["data"]["start"]
            for told, rows in at_odds(evaluation, outcome, record, threat):
                if rows.any():
                    yield f"the record {name} of {outcome.label} {told}: {places(rows, start)}"
            yield from _stored(ledger, record)
            yield from _shown(ledger, record)


def _weights(found: BundleCheck, folder: Path, evaluations: Sequence[Evaluation]) -> list[Path]:
    """The checkpoints in the bundle that are the network's; others are a problem, whoever asks which network."""
    fit = []
    for path in sorted(folder.glob("weights/*")) if evaluations else ():
        try:
            fit.append(checked_weights(path, evaluations[0].model))
        except BadInput as error:
            found.problems.append(str(error))
    return fit


def _stored(ledger: Ledger, record: Record) -> Iterator[str]:
    """Where stored adversarial images are none of the record's, or no images at all."""
    network = record.key["network"]
    path = ledger.stored_adversarials_path(network, record.digest)
    try:
        kept = read_stored_adversarials(path)
    except FileNotFoundError:
        return
    except Damaged as problem:
        yield str(problem)
        return
    if len(kept.rows) and not 0 <= kept.rows[0] <= kept.rows[-1] < len(record.broken):
        yield f"{path}: its images don't belong to this record"
        return
    claims = np.isfinite(record.distance) & ~record.clean_errors
    if not np.isfinite(kept.images).all() or kept.images.min(initial=0) < 0 or kept.images.max(initial=1) > 1:
        yield f"{path}: an image has values outside of [0, 1]"
    if not claims[kept.rows].all() or len(kept.rows) < claims.sum():
        yield f"{path}: it does not hold the images that its record says were broken"


def _shown(ledger: Ledger, record: Record) -> Iterator[str]:
    """Where the images for pages are of no image that the record calls broken."""
    from benchmark.evaluation.at_odds import places
    from benchmark.evaluation.shown import shown_as_broken

    path = ledger.sample_images_path(record.key["network"], record.digest)
    try:
        denied = shown_as_broken(path, record)
    except Damaged as problem:
        yield str(problem)
        return
    if denied.any():
        yield f"{path}: images that were broken though the record denies it: {places(denied, record.first)}"


def _check_rows(found: BundleCheck, contents: dict[str, Any], evaluations: Sequence[Evaluation]) -> None:
    claimed = {row["evaluation"]: row for row in contents["rows"]}
    if len(claimed) < len(contents["rows"]):
        found.problems.append("it claims a row twice")
    rows = {}
    for evaluation in evaluations:
        try:
            rows[evaluation.id] = claimed_row(evaluation)
        except Exception as error:  # what makes no sense can fail anywhere
            found.problems.append(f"the row of {short(evaluation.name)} can't be computed ({cause(error)})")
    found.rows = list(rows.values())
    for identifier in claimed.keys() ^ rows.keys():
        lacks = identifier in claimed
        way = "claims a row without an evaluation" if lacks else "has an evaluation that it does not claim"
        found.problems.append(f"it {way}: {short(identifier)}")
    for identifier in claimed.keys() & rows.keys():
        name = f"{rows[identifier]['dataset']} under {rows[identifier]['suite']}"
        found.problems += [f"{name}: {problem}" for problem in contradictions(claimed[identifier], rows[identifier])]
        if claimed[identifier].get("commands") != rows[identifier]["commands"]:
            found.unchecked.append("the commands in bundle.json, which this version would spell otherwise")
    found.unchecked += [
        f"what {short(outcome.label)} breaks: it failed ({short(outcome.errors[0])}); its threat has no number"
        for each in evaluations
        for outcome in each.outcomes
        if outcome.errors
    ]
    images = sum(row["images"] for row in found.rows)
    records = sum(len(outcome.records) for each in evaluations for outcome in each.outcomes)
    found.checked.append(
        f"{records} records: whether they are of this network, these images and attacks, and agree with themselves"
    )
    number = f"{len(rows)} claimed row{'s' * (len(rows) != 1)}"
    found.checked.append(f"{number}, over {images} images: computed anew from the records")


def _say_unchecked(found: BundleCheck, stored: int) -> None:
    network = short(found.network)
    found.unchecked += [
        f"whether {network} answers on any image as the records say: name its checkpoint",
        "whether the test images are those of the dataset that is named, with its labels: name its checkpoint",
        f"whether the adversarial images in the bundle ({stored} files, whose values lie in [0, 1] and whose places "
        "are those that their records call broken) fool the network and lie within the radius: name its checkpoint"
        if stored
        else _NO_IMAGES,
        *_NEVER,
    ]


_NO_IMAGES = (
    "whether what is recorded as broken is broken: no adversarial images are in the bundle (bench bundle --images)"
)

_ROBUST = "whether what is recorded as robust is robust: --reattack N with the checkpoint attacks some of it again"

#: What no look at a bundle can prove.
_NEVER = (
    "what pages tell of the network beside its weights, and of the suite beside its attacks: method, recipe, "
    "training, parameters, sources, margin, notes",
    "what records tell beside verdicts, classes and distances: hardware, versions, dates, seconds, passes, warnings, "
    "and what small steps along the gradient did",
    _ROBUST,
    "who made the records, when, and whether others were left out",
)


def _ask(found: BundleCheck, folder: Path, given: Sequence[Any], options: dict[str, Any]) -> None:
    """Run the network on the test images and on the stored ones, in float32."""
    from benchmark.evaluation.verification import verify

    try:
        found.rechecks = verify(folder, given, **options)
    except PartlyFailed as error:
        found.rechecks = error.done
        found.problems += error.failures
    known = set(found.problems)
    for recheck in found.rechecks:
        found.problems += [f"{recheck.label}: {problem}" for problem in recheck.problems if problem not in known]
    claimed, stored, confirmed = (
        sum(getattr(recheck, name) for recheck in found.rechecks) for name in ("claimed", "stored", "confirmed")
    )
    found.checked.append("the network was run, in float32, on the test images without attack")
    if stored:
        found.checked.append(
            f"{stored} adversarial images of {claimed} that are claimed were run through the network in float32: "
            f"{confirmed} are misclassified, inside of [0, 1], at the recorded distance, and in the ball where "
            "they count as broken"
        )
    else:
        found.unchecked.append(_NO_IMAGES)
    again = any(recheck.again for recheck in found.rechecks)
    found.unchecked += [sentence for sentence in _NEVER if not (again and sentence == _ROBUST)]
