"""What each image did, in files that the site loads only when a reader compares networks."""

from __future__ import annotations

import json
from base64 import b64encode

import numpy as np

from benchmark.analysis import paired
from benchmark.ledger import Evaluation


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


def _packed(evaluation: Evaluation, metric: str) -> str | None:
    scores = paired.scores(evaluation, metric)
    return None if scores is None else b64encode(np.packbits(scores > 0.5).tobytes()).decode("ascii")
