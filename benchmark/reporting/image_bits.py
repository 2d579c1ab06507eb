"""Which attack broke which image, in bits: for readers who form a union of attacks of their own.

A kilobit of a network and attack on a thousand images is 125 bytes and, as base64, 168 letters.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from benchmark.analysis.aggregate import broken_within
from benchmark.ledger import Evaluation
from benchmark.reporting.figure_data import Data, setting
from benchmark.reporting.leaderboards import Leaderboard
from benchmark.reporting.page_data import data_script


def bits_file(board: Leaderboard) -> str:
    """The place of a leaderboard's bits within the site."""
    return f"data/{board.anchor}-images.js"


def bits_script(board: Leaderboard) -> str:
    """The bits of all networks of a leaderboard, image by image.

    `views` are pairs (attack, threat), for each attack its own threat and those of the same norm: an adversarial that
    was found within a smaller radius lies within a larger one, too. Of each network there are `clean`, N flags for
    images that are right without attack, `broken`, N flags for each of the views, and `failed`, the attacks that did
    not run to their end. Flags are eight to a byte, first image first; each view begins a byte.
    """
    views = list(_views(board.evaluations[0]))
    networks = [
        {
            "key": entry.id[:16],
            "clean": _packed(~entry.evaluation.clean_errors),
            "broken": _packed(_broken(entry.evaluation, views)),
            "failed": [place for place, outcome in enumerate(entry.evaluation.outcomes) if not outcome.complete],
        }
        for entry in board.entries
    ]
    found: Data = {"views": views, "networks": networks, "images": board.images}
    return data_script(f"{board.anchor}-images", found | {"attacks": setting(board)["attacks"]})


def _views(evaluation: Evaluation) -> Iterator[tuple[int, int]]:
    for place, outcome in enumerate(evaluation.outcomes):
        for number, (norm, epsilon) in enumerate(evaluation.threats.values()):
            if norm == outcome.norm and broken_within(outcome, norm, epsilon) is not None:
                yield place, number


def _broken(evaluation: Evaluation, views: list[tuple[int, int]]) -> NDArray[np.bool_]:
    """V×N flags."""
    threats = list(evaluation.threats.values())
    found = (broken_within(evaluation.outcomes[place], *threats[number]) for place, number in views)
    return np.array([flags for flags in found if flags is not None])


def _packed(flags: NDArray[np.bool_]) -> str:
    return b64encode(np.packbits(flags, axis=-1).tobytes()).decode("ascii")
