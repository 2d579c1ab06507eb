"""Images that attacks broke, as pictures that stand inside a page."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmark.ledger import Evaluation, Ledger, Outcome
from benchmark.reporting.text import threat

#: A picture that is smaller is shown larger, each pixel as a square of a whole number of screen pixels.
SIDE = 64


@dataclass(frozen=True)
class Picture:
    """One image that an attack broke.

    Attributes:
        position: in the test set.
        label, prediction: the true class, and what the network takes the adversarial image for.
        distance: of the two in the threat's norm.
        clean, change, adversarial: PNG files as data: addresses.
        magnified: how many times the change is blown up around grey, so that its largest value is black or white.
        width, height: on the screen, in pixels.
    """

    position: int
    label: str
    prediction: str
    distance: float
    clean: str
    change: str
    adversarial: str
    magnified: float
    width: int
    height: int


@dataclass(frozen=True)
class Wall:
    """The pictures of one attack, in the order of the test set."""

    attack: str
    norm: str
    threat: str
    broken: int
    pictures: tuple[Picture, ...]


def gallery(evaluation: Evaluation, ledger: Ledger) -> list[Wall]:
    """What `ledger` keeps to be looked at, a wall for each attack of `evaluation` that broke something."""
    walls = []
    for outcome in evaluation.outcomes:
        pictures = tuple(_pictures(evaluation, outcome, ledger))
        broken = int((outcome.broken & ~evaluation.clean_errors).sum())
        if pictures:
            walls.append(Wall(outcome.label, outcome.norm, threat(outcome.norm, outcome.epsilon), broken, pictures))
    return walls


def _pictures(evaluation: Evaluation, outcome: Outcome, ledger: Ledger) -> Iterator[Picture]:
    for record in outcome.records:
        found = ledger.sample_images(evaluation.model["digest"], record)
        if found is None:
            continue
        for number, position in enumerate(found.positions.tolist()):
            if not 0 <= position < len(outcome.distance):
                continue
            clean = found.clean[number].astype(np.float64) / 255
            change = found.change[number].astype(np.float64)
            largest = float(np.abs(change).max()) or 1.0
            height, width = _size(*clean.shape[1:])
            yield Picture(
                position=position,
                label=str(found.labels[number]),
                prediction=str(found.predictions[number]),
                distance=float(outcome.distance[position]),
                clean=_png(clean),
                change=_png(0.5 + change / (2 * largest)),
                adversarial=_png(clean + change),
                magnified=1 / (2 * largest),
                width=width,
                height=height,
            )


def _size(height: int, width: int) -> tuple[int, int]:
    times = max(1, round(SIDE / max(height, width)))
    return times * height, times * width


def _png(image: NDArray[np.float64]) -> str:
    """A C×H×W image of values in [0, 1]; what has neither one nor three channels is shown grey."""
    from PIL import Image

    levels = np.rint(255 * np.clip(np.nan_to_num(image), 0, 1)).astype(np.uint8)
    if len(levels) not in (1, 3):
        levels = levels.mean(0, keepdims=True).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(levels.transpose(1, 2, 0) if len(levels) == 3 else levels[0]).save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
