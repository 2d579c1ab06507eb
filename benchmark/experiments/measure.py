"""How good a trained network is: on the images held out of training, or on the test images."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.analysis.masking import masking_flags
from benchmark.analysis.paired import scores
from benchmark.errors import BadInput
from benchmark.evaluation import evaluate
from benchmark.ledger import Evaluation
from benchmark.models import load_checkpoint


@dataclass(frozen=True)
class Figures:
    """What was measured on one network.

    Attributes:
        network: its name within the run, "" if it is the only one.
        clean, robust: accuracies, fractions.
        images: how many they are of.
        checkpoint: where it is.
        evaluation: id in the ledger; "" where the numbers are the training's own.
        masked: strong signs of gradient masking, in words; "" for none, and where no suite looked for any.
        scores: per image what it adds to `robust`, N shares in [0, 1]; None for a checkpoint that does not tell, as
            those of version 0.1.0.
    """

    network: str
    clean: float
    robust: float
    images: int
    checkpoint: Path
    evaluation: str = ""
    masked: str = ""
    scores: NDArray[np.float64] | None = field(default=None, compare=False)


def on_validation(path: Path, images: int) -> Figures:
    """What training measured on the first `images` held-out images when it chose these weights.

    The same images, the same draws and the same PGD for every run: see `benchmark.training.validation`.
    """
    checkpoint = load_checkpoint(path)
    prefix = f"{checkpoint.network}." if checkpoint.network else ""
    row = next(row for row in checkpoint.history if row["epoch"] == checkpoint.selected_epoch)
    clean, robust = (float(row[f"{prefix}{name}"]) for name in ("clean", "robust"))
    scores = _held_out(checkpoint.extra.get("held_out"), images, robust)
    return Figures(checkpoint.network, clean, robust, images, path, scores=scores)


def on_test(path: Path, attack: partial[list[Evaluation]]) -> Figures:
    """Clean accuracy, and that under all attacks of a suite together; `attack` is `evaluate` but for the network.

    Raises:
        BadInput: an attack failed, so that the robust accuracy is not known.
    """
    (found,) = attack(path)
    clean, robust = scores(found, "clean"), scores(found, "rworst")
    if clean is None or robust is None:
        raise BadInput(f"{path}: {'; '.join(found.failures)}")
    network: str = found.model["network"]
    masked = ", ".join(flag.name for flag in masking_flags(found) if flag.is_strong)
    return Figures(network, float(clean.mean()), float(robust.mean()), len(clean), path, found.id, masked, robust)


def _held_out(kept: Any, images: int, robust: float) -> NDArray[np.float64] | None:
    """Shares of the norms that each held-out image withstood, as a checkpoint keeps them; None if it does not, or if
    they contradict what it says of all of them together."""
    try:
        rows = [np.frombuffer(bytes.fromhex(row), np.uint8) for row in kept["robust"]]
        found = np.sum([np.unpackbits(row, count=images).astype(float) for row in rows], axis=0) / max(len(rows), 1)
    except (KeyError, TypeError, ValueError):
        return None
    return found if rows and kept.get("images") == images and abs(found.mean() - robust) < 1e-5 else None


def attacks(suite: str | Path, preset: str, n: int | None, **options: Any) -> partial[list[Evaluation]]:
    """`evaluate` under a suite as far as it takes to know the worst case."""
    return partial(evaluate, suite=suite, preset=preset, n=n, mode="worst-case", **options)
