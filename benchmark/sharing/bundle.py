"""Everything another person needs to check a claimed row, in one file: `bench bundle`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmark.analysis.labels import labels_of
from benchmark.arguments import checked_arguments
from benchmark.errors import BadInput, notice
from benchmark.ledger import Evaluation, Ledger, marker
from benchmark.ledger.bundle_file import write_bundle
from benchmark.ledger.manifests import read_manifest
from benchmark.ledger.record import encoded
from benchmark.reporting.compare import evaluations_of
from benchmark.sharing.claim import claimed_row
from benchmark.sharing.private import machine_paths

README = """\
What a network claims to withstand, with everything that is needed to check it.

  bench verify THIS.zip                what the records come to, and whether they agree with themselves
  bench verify THIS.zip CHECKPOINT     the network itself is asked, too
  bench merge THIS.zip --into results  adds it to a results folder, for bench report

bundle.json says what is claimed, under which conditions, and by which commands it was made;
it lists every other file with its SHA-256.
"""


@checked_arguments
def bundle(
    results: str | Path,
    network: Any,
    *,
    out: str | Path,
    images: bool = False,
    weights: str | Path | None = None,
    suite: str | None = None,
) -> Path:
    """Write what `results` holds about one network to one file that others can check and merge.

    The same results give the same bytes. Neither weights nor images go in unless they are asked for.

    Args:
        results: the folder of the ledger.
        network: a name, the beginning of a digest, or a checkpoint.
        out: the file to write, a zip archive.
        images: whether adversarial images that were stored (`--save-adversarial`), and those that pages show, go in.
        weights: a checkpoint of the network to put in, too.
        suite: only the evaluations under this suite; None for all of the network.

    Returns:
        The path of the file.

    Raises:
        BadInput: there are no such results; some are damaged or lack, so that nobody could check them; images are
            asked for and none are stored; the weights are another network's; the file can't be written.
    """
    out = Path(out)
    if out.is_dir():
        raise BadInput(f"{out} is a folder; name the file to write: --out {out / 'bundle.zip'}")
    ledger = Ledger.open(results)
    if not ledger.folder.is_dir():
        raise BadInput(f"there is no folder {ledger.folder}; name the results folder of bench evaluate")
    found = ledger.evaluations()
    chosen = [
        each for each in evaluations_of(network, found, labels_of(found)) if suite in (None, each.suite["name"])
    ]
    if not chosen:
        raise BadInput(f"{ledger.folder} has no results of {network} under the suite {suite}")
    files: dict[str, bytes | Path] = {"README.txt": README.encode(), "format.json": marker.PLAIN.encode()}
    for evaluation in chosen:
        for place, content in _files(ledger, evaluation, images):
            files[place] = content
    pictures = sum(place.startswith("adversarials/") for place in files)
    if images and not pictures:
        raise BadInput(f"{ledger.folder} stores no adversarial images of it; bench evaluate --save-adversarial does")
    card = chosen[0].model
    if weights is not None:
        files[f"weights/{checked_weights(weights, card).name}"] = Path(weights)
    claim = {
        "network": {name: card.get(name, "") for name in ("name", "digest", "method", "architecture")},
        "rows": [claimed_row(each) for each in sorted(chosen, key=lambda each: each.id)],
    }
    if named := sorted(machine_paths([claim, *(each.model for each in chosen)])):
        notice(f"the bundle names places of this machine, as the results do: {', '.join(named[:3])}")
    return write_bundle(out, claim, files)


def _files(ledger: Ledger, evaluation: Evaluation, images: bool) -> Iterator[tuple[str, bytes | Path]]:
    path = ledger.place_of_evaluation(read_again(ledger, evaluation))
    yield path.relative_to(ledger.folder).as_posix(), path
    network = evaluation.model["digest"]
    for outcome in evaluation.outcomes:
        for name in outcome.records:
            record = ledger.read(network, name)
            if record is None:
                raise BadInput(
                    f"{ledger.folder} lacks the record {name} of {outcome.label}, or it is damaged, so that nobody "
                    "could check it; bench evaluate makes it anew"
                )
            yield ledger.path(network, name).relative_to(ledger.folder).as_posix(), encoded(record)
            for kept in (ledger.stored_adversarials_path, ledger.sample_images_path) if images else ():
                if kept(network, name).is_file():
                    yield kept(network, name).relative_to(ledger.folder).as_posix(), kept(network, name)
    contents = evaluation.model.get("contents", network)
    for answers in sorted((ledger.folder / "answers" / contents[:16]).glob("*.npz")):
        if answers.stem.startswith(evaluation.dataset["digest"][:16]) and answers.stem.endswith(network[:16]):
            yield answers.relative_to(ledger.folder).as_posix(), answers


def read_again(ledger: Ledger, evaluation: Evaluation) -> dict[str, Any]:
    """The manifest of an evaluation, as it is filed."""
    for path in sorted((ledger.folder / "evaluations").glob(f"*-{evaluation.id[:16]}.json")):
        manifest = read_manifest(path)
        if manifest["id"] == evaluation.id:
            return manifest
    raise BadInput(f"the evaluation {evaluation.id} is gone; call this again")


def checked_weights(weights: str | Path, card: Any) -> Path:
    """The checkpoint's path, if it is that of the network.

    Raises:
        BadInput: it is another's, or no file.
    """
    from benchmark.models import load_model

    path = Path(weights)
    if not path.is_file():
        raise BadInput(f"there is no file {path}; --weights takes the network's checkpoint")
    opened = load_model(str(path))
    if opened.digest not in (card["digest"], card.get("contents"), card.get("unordered")):
        raise BadInput(f"{path} is not the network that was evaluated: its digest is {opened.digest[:12]}")
    return path
