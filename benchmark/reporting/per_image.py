"""What each image did, in files that the site loads only when a reader compares networks."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Sequence

import numpy as np

from benchmark.analysis import paired
from benchmark.ledger import Evaluation, Outcome
from benchmark.ledger.classes import class_name
from benchmark.ledger.predictions import UNKNOWN
from benchmark.reporting.entries import Row


def per_image_file(evaluation: Evaluation) -> str:
    """The place of an evaluation's file within the site."""
    return f"per-image/{evaluation.id[:16]}.js"


def per_image_script(evaluation: Evaluation) -> str:
    """One assignment: for "clean" and each threat the images that are right, a bit each, first image first.

    A threat under which an attack did not run to its end is null. A script, because a page that was opened from disk
    may load no other kind of file.
    """
    found = {"images": len(evaluation.clean_errors)} | {
        metric: _packed(evaluation, metric) for metric in ("clean", *evaluation.threats)
    }
    return f"perImage[{json.dumps(evaluation.id[:16])}] = {json.dumps(found, separators=(',', ':'))};\n"


def per_image_table(evaluation: Evaluation) -> str:
    """The place of an evaluation's table of images within the site."""
    return f"per-image/{evaluation.id[:16]}.csv"


def per_image_rows(evaluation: Evaluation) -> Iterator[Row]:
    """A row per image: who broke it, and what it became.

    Columns: image (its place in the test set), true_class and clean_class, and for each attack the class that it made
    of the image within its radius; "" where it failed, "?" where its record does not tell the class, "-" where it was
    not tried. An image that is misclassified without attack has none of its own there.
    """
    images = len(evaluation.clean_errors)
    classes, clean = evaluation.classes, evaluation.clean_class
    names = classes.names if classes is not None else ()
    is_told = classes is not None and len(classes.labels) == images
    places = evaluation.sample.positions if evaluation.sample else range(images)
    became = {outcome.label: _became(evaluation, outcome, names) for outcome in evaluation.outcomes}
    for row, place in enumerate(places):
        yield {
            "image": place,
            "true_class": class_name(names, int(classes.labels[row])) if classes is not None and is_told else None,
            "clean_class": None if clean is None else class_name(names, int(clean[row])),
            **{label: own[row] for label, own in became.items()},
        }


def _became(evaluation: Evaluation, outcome: Outcome, names: Sequence[str]) -> list[str]:
    """N words: the column of an attack."""
    broken, told = outcome.broken & ~evaluation.clean_errors, outcome.adversarial_class
    found = np.where(outcome.evaluated, "", "-").astype(object)
    found[broken] = "?"
    if told is not None:
        known = broken & (told != UNKNOWN)
        found[known] = [class_name(names, place) for place in told[known].tolist()]
    return list(found)


def _packed(evaluation: Evaluation, metric: str) -> str | None:
    scores = paired.scores(evaluation, metric)
    return None if scores is None else b64encode(np.packbits(scores > 0.5).tobytes()).decode("ascii")
