"""The browser of images: who broke image 17, and what it became, over all networks of a leaderboard.

A page opened from disk may load nothing but scripts, so the data are scripts that assign plain values. What filters
ask of all images stands in one, a byte per network and image; what is shown of a single one in others of `CHUNK`
images, and kept pictures in one per image, which are loaded when somebody looks at it. Of 10,000 images and 50
networks under 34 attacks the first takes 0.7 MB, each of the hundred others 0.5 MB.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.ledger import Evaluation, Ledger, Outcome
from benchmark.ledger.predictions import UNKNOWN
from benchmark.reporting.gallery import galleries
from benchmark.reporting.leaderboards import Leaderboard
from benchmark.reporting.text import threat

#: Images in one file of details.
CHUNK = 100

#: A byte of the overview: 0 where no attack succeeded; how many did, up to the first of these; the second and the
#: attack's place where it was the only one; the third where the image is misclassified without attack.
MANY, ONLY, WRONG = 99, 100, 255

#: Of each attack and image: 4 × (1 + class, or 0 where it is not known) + one of these.
ROBUST, UNTRIED, BROKEN, BEYOND = range(4)


def images_page_place(board: Leaderboard) -> str:
    """Where the page of a leaderboard's images is within the site."""
    return f"images/{board.file}.html"


def image_scripts(board: Leaderboard, pages: Mapping[str, str], ledger: Ledger) -> Iterator[tuple[str, str]]:
    """The files with a leaderboard's images: places within the site, and texts.

    Args:
        board: the leaderboard.
        pages: of its networks, seen from the first page, by the evaluation's id.
        ledger: where pictures are kept.
    """
    evaluations = board.evaluations
    places, pictures = [], _pictures(evaluations, ledger)
    for position, found in sorted(pictures.items()):
        places.append(position)
        yield f"images/{board.file}/picture-{position}.js", f"imagePictures[{position}] = {_json(found)};\n"
    kind = _kind(evaluations)
    for start in range(0, board.images, CHUNK):
        rows = slice(start, min(start + CHUNK, board.images))
        details = [_details(evaluation, rows, kind) for evaluation in evaluations]
        yield f"images/{board.file}/{start // CHUNK}.js", f"imageChunks[{start // CHUNK}] = {_json(details)};\n"
    yield f"images/{board.file}.js", f"const imageBoard = {_json(_overview(board, pages, places, kind))};\n"


def _overview(board: Leaderboard, pages: Mapping[str, str], pictured: list[int], kind: str) -> dict[str, Any]:
    known = [each for each in board.evaluations if each.classes and len(each.classes.labels) == board.images]
    names = max((each.classes.names for each in board.evaluations if each.classes), key=len, default=())
    labels = known[0].classes.labels if known and known[0].classes else None
    return {
        "images": board.images,
        "chunk": CHUNK,
        "folder": board.file,
        "width": np.dtype(kind).itemsize,
        "classes": list(names),
        "labels": None if labels is None else _base64(np.asarray(labels, "<u4")),
        "attacks": [
            {"label": each.label, "threat": threat(each.norm, each.epsilon), "epsilon": each.epsilon}
            for each in board.evaluations[0].outcomes
        ],
        "networks": [
            {
                "name": entry.name,
                "page": f"../{pages[entry.id]}" if entry.id in pages else None,
                "key": entry.id[:16],
                "states": _base64(states(entry.evaluation)),
            }
            for entry in board.entries
        ],
        "pictured": pictured,
    }


def states(evaluation: Evaluation) -> NDArray[np.uint8]:
    """N bytes: how each image fared against all attacks together, see `ONLY`."""
    flags = np.array([outcome.broken for outcome in evaluation.outcomes])
    number = flags.sum(0)
    found = np.minimum(number, MANY)
    only = flags.argmax(0)
    found = np.where((number == 1) & (only < WRONG - ONLY), ONLY + only, found)
    return np.where(evaluation.clean_errors, WRONG, found).astype(np.uint8)


def _kind(evaluations: Sequence[Evaluation]) -> str:
    """The narrowest unsigned numbers that hold the codes of all classes."""
    highest = 0
    for evaluation in evaluations:
        told = [outcome.adversarial_class for outcome in evaluation.outcomes]
        for classes in (evaluation.clean_class, *told):
            if classes is not None and len(classes):
                highest = max(highest, int(classes.max()))
    return "<u1" if 4 * (highest + 1) + 3 < 2**8 else "<u2" if 4 * (highest + 1) + 3 < 2**16 else "<u4"


def _details(evaluation: Evaluation, rows: slice, kind: str) -> list[str]:
    """Of some images: codes attack by attack, distances in radii where one was found, and classes without attack."""
    clean = evaluation.clean_class
    answers = np.zeros(rows.stop - rows.start, kind) if clean is None else _coded(clean[rows]).astype(kind)
    codes, distances = [], []
    for outcome in evaluation.outcomes:
        own, far = _codes(evaluation, outcome, rows)
        codes.append(own.astype(kind))
        distances.append(far)
    return [_base64(np.concatenate(codes)), _base64(np.concatenate(distances)), _base64(answers)]


def _codes(evaluation: Evaluation, outcome: Outcome, rows: slice) -> tuple[NDArray[np.int64], NDArray[np.float16]]:
    attacked = ~evaluation.clean_errors[rows]
    broken, distance = outcome.broken[rows] & attacked, outcome.distance[rows]
    beyond = attacked & ~broken & np.isfinite(distance)
    state = np.where(outcome.evaluated[rows] | ~attacked, ROBUST, UNTRIED)
    state = np.where(broken, BROKEN, np.where(beyond, BEYOND, state))
    classes = np.full(len(state), UNKNOWN) if outcome.adversarial_class is None else outcome.adversarial_class[rows]
    found = broken | beyond
    with np.errstate(over="ignore"):
        far = (distance[found] / np.float32(outcome.epsilon)).astype("<f2")
    return np.where(found, 4 * _coded(classes) + state, state), far


def _coded(classes: NDArray[Any]) -> NDArray[np.int64]:
    """1 + class, and 0 where there is none or it is not known."""
    return np.maximum(classes.astype(np.int64), -1) + 1


def _pictures(evaluations: Sequence[Evaluation], ledger: Ledger) -> dict[int, dict[str, Any]]:
    """What is kept to be looked at, by image: as it is, and by network and attack what it became."""
    found: dict[int, dict[str, Any]] = {}
    for number, evaluation in enumerate(evaluations):
        labels = {outcome.label: place for place, outcome in enumerate(evaluation.outcomes)}
        for gallery in galleries(evaluation, ledger):
            for picture in gallery.pictures:
                size = {"clean": picture.clean, "width": picture.width, "height": picture.height}
                own = found.setdefault(picture.position, {**size, "became": {}})
                own["became"][f"{number},{labels[gallery.attack]}"] = [picture.adversarial, picture.prediction]
    return found


def _base64(array: NDArray[Any]) -> str:
    return b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
