"""How good a trained network is: on the images held out of training, or on the test images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.analysis.masking import masking_flags
from benchmark.analysis.paired import scores
from benchmark.errors import BadInput
from benchmark.experiments.plan import PlannedVariant
from benchmark.experiments.variants import Variant
from benchmark.ledger import Evaluation
from benchmark.models import load_checkpoint
from benchmark.moved import look_up
from benchmark.planning.jobs import JobResult
from benchmark.planning.networks import PlannedNetwork
from benchmark.planning.runs import Zoo


@dataclass(frozen=True)
class Measurement:
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


#: What was measured of a variant, by seed.
Measured = tuple[Variant, dict[int, list[Measurement]]]


@dataclass(frozen=True)
class VariantMeasurer:
    """Measures the networks of a sweep once all jobs are done.

    Attributes:
        zoo: where the networks are.
        held_out: how many images there are to train on and to hold out, and how many of them the data set holds out
            by itself; None to measure on test images.
        failed: by the name of a training, why it could not be done.
        evaluated: what became of the evaluations, by network.
    """

    zoo: Zoo
    held_out: tuple[int, int] | None
    failed: dict[str, str]
    evaluated: dict[PlannedNetwork, JobResult]

    @classmethod
    def of(cls, results: Iterable[JobResult], zoo: Zoo, held_out: tuple[int, int] | None) -> VariantMeasurer:
        """One that knows the `results` of all jobs."""
        results = [*results]
        failed = {str(each.job.trains): each.error for each in results if each.job.trains and each.error}
        return cls(zoo, held_out, failed, {each.job.network: each for each in results if not each.job.trains})

    def all(self, planned: Sequence[PlannedVariant]) -> tuple[list[Measured], list[str]]:
        """What was measured of each variant, and what could not be, with the reason."""
        measured: list[Measured] = []
        failures: list[str] = []
        for each in planned:
            try:
                by_seed = {
                    seed: [self._measure(each.variant, network) for network in own]
                    for seed, own in each.networks.items()
                }
                measured.append((each.variant, by_seed))
            except BadInput as error:
                failures.append(f"{each.variant.label}: {error}")
        return measured, failures

    def _measure(self, variant: Variant, network: PlannedNetwork) -> Measurement:
        """The numbers of one network.

        Raises:
            BadInput: it, or a teacher of its, could not be trained or measured.
        """
        for needed in network.lineage():
            if needed.training and needed.training.name in self.failed:
                raise BadInput(self.failed[needed.training.name])
        path = Path(self.zoo.source(network))
        if self.held_out is not None:
            return on_validation(path, variant.recipe.validation.measured(*self.held_out))
        result = self.evaluated[network]
        if result.evaluation is None:
            raise BadInput(result.error or f"{path} was not evaluated")
        return on_test(path, result.evaluation)


def on_validation(path: Path, images: int) -> Measurement:
    """What training measured on the first `images` held-out images when it chose these weights.

    The same images, the same draws and the same PGD for every run: see `benchmark.training.validation`.
    """
    checkpoint = load_checkpoint(path)
    prefix = f"{checkpoint.network}." if checkpoint.network else ""
    row = next(row for row in checkpoint.history if row["epoch"] == checkpoint.selected_epoch)
    clean, robust = (float(row[f"{prefix}{name}"]) for name in ("clean", "robust"))
    scores = _held_out(checkpoint.extra.get("held_out"), images, robust)
    return Measurement(checkpoint.network, clean, robust, images, path, scores=scores)


def on_test(path: Path, evaluation: Evaluation) -> Measurement:
    """Clean accuracy, and that under all attacks of the evaluation together.

    Raises:
        BadInput: an attack failed, so that the robust accuracy is not known.
    """
    clean, robust = scores(evaluation, "clean"), scores(evaluation, "rworst")
    if clean is None or robust is None:
        raise BadInput(f"{path}: {'; '.join(evaluation.failures)}")
    network: str = evaluation.model["network"]
    masked = ", ".join(flag.name for flag in masking_flags(evaluation) if flag.is_strong)
    return Measurement(
        network, float(clean.mean()), float(robust.mean()), len(clean), path, evaluation.id, masked, robust
    )


def _held_out(kept: Any, images: int, robust: float) -> NDArray[np.float64] | None:
    """Shares of the norms that each held-out image withstood, as a checkpoint keeps them; None if it does not, or if
    they contradict what it says of all of them together."""
    try:
        rows = [np.frombuffer(bytes.fromhex(row), np.uint8) for row in kept["robust"]]
        found = np.sum([np.unpackbits(row, count=images).astype(float) for row in rows], axis=0) / max(len(rows), 1)
    except (KeyError, TypeError, ValueError):
        return None
    return found if rows and kept.get("images") == images and abs(found.mean() - robust) < 1e-5 else None


def __getattr__(name: str) -> object:
    return look_up(__name__, name)
