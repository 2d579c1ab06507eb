"""Images that attacks broke, as pictures that stand inside a page."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
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
class AttackGallery:
    """The pictures of one attack, in the order of the test set."""

    attack: str
    norm: str
    threat: str
    broken: int
    pictures: tuple[Picture, ...]


def galleries(evaluation: Evaluation, ledger: Ledger) -> list[AttackGallery]:
    """What `ledger` keeps to be looked at, for each attack of `evaluation` that broke something."""
    found = []
    pictured = ledger.pictured(evaluation.model["digest"])
    for outcome in evaluation.outcomes:
        records = [record for record in outcome.records if record in pictured]
        pictures = tuple(_pictures(evaluation, outcome, ledger, records))
        broken = int((outcome.broken & ~evaluation.clean_errors).sum())
        if pictures:
            name = threat(outcome.norm, outcome.epsilon)
            found.append(AttackGallery(outcome.label, outcome.norm, name, broken, pictures))
    return found


def _pictures(evaluation: Evaluation, outcome: Outcome, ledger: Ledger, records: Sequence[str]) -> Iterator[Picture]:
    for record in records:
        found = ledger.sample_images(evaluation.model["digest"], record)
        if found is None or 0 in found.clean.shape:
            continue
        clean, change = found.clean.astype(np.float64) / 255, found.change.astype(np.float64)
        largest = np.abs(change).max(axis=(1, 2, 3), initial=0)
        magnified = 1 / (2 * np.where(largest > 0, largest, 1))
        pictures = map(_levels, (clean, 0.5 + change * magnified[:, None, None, None], clean + change))
        height, width = _size(*clean.shape[2:])
        for number, (before, between, after) in enumerate(zip(*pictures, strict=True)):
            position = int(found.positions[number])
            if 0 <= position < len(outcome.distance):
                yield Picture(
                    position=position,
                    label=str(found.labels[number]),
                    prediction=str(found.predictions[number]),
                    distance=float(outcome.distance[position]),
                    clean=_png(before),
                    change=_png(between),
                    adversarial=_png(after),
                    magnified=float(magnified[number]),
                    width=width,
                    height=height,
                )


def _size(height: int, width: int) -> tuple[int, int]:
    times = max(1, round(SIDE / max(height, width)))
    return times * height, times * width


def _levels(images: NDArray[np.float64]) -> NDArray[np.uint8]:
    """N×C×H×W values in [0, 1] as N×H×W×C bytes; what has neither one nor three channels is grey."""
    levels = np.rint(255 * np.clip(np.nan_to_num(images), 0, 1)).astype(np.uint8)
    if levels.shape[1] not in (1, 3):
        levels = levels.mean(1, keepdims=True).astype(np.uint8)
    return np.ascontiguousarray(levels.transpose(0, 2, 3, 1))


def _png(levels: NDArray[np.uint8]) -> str:
    """The address of a picture of H×W×C bytes."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(levels if levels.shape[-1] == 3 else levels[..., 0]).save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
