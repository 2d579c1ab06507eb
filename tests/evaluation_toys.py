"""Small networks, attacks and suites that the tests of the evaluation floor share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from fixed_networks import fixed
from torch import Tensor

from benchmark import models
from benchmark.attacks import Attack
from benchmark.evaluation import evaluate
from benchmark.ledger.evaluation import Evaluation, Outcome


@lru_cache
def trained() -> models.Checkpoint:
    """A small-cnn that has learnt the digits well enough to be worth attacking."""
    return replace(fixed("natural"), name="toy")


def with_last_layer(name: str, weight: float, bias: float) -> models.Checkpoint:
    """The trained network with its last layer's weights and biases multiplied."""
    checkpoint = trained()
    state = dict(checkpoint.state)
    # In the network's order: a file keeps its tensors by name, "network.12" before "network.2".
    last = [key for key in checkpoint.model().state_dict() if key.endswith("weight")][-1].removesuffix("weight")
    state[last + "weight"] = state[last + "weight"] * weight
    state[last + "bias"] = state[last + "bias"] * bias
    return replace(checkpoint, name=name, state=state)


def save(folder: Path, checkpoint: models.Checkpoint | None = None) -> Path:
    checkpoint = checkpoint or trained()
    return models.save_checkpoint(folder / f"{checkpoint.name}.pt", checkpoint)


def write_suite(folder: Path, attacks: str, images: int = 60, head: str | None = None) -> Path:
    """A suite file with these lines under `attacks:`; without a head of its own, all of its threats count."""
    path = folder / "toy-suite.yaml"
    counted = "union: all\n" if head is None else ""
    path.write_text(
        f"name: toy\nversion: 1\nimages: {images}\n{head or ''}"
        "epsilons:\n  digits: {linf: 0.12, l2: 0.5, l1: 1.5}\n"
        f"attacks:\n{attacks}{counted}"
    )
    return path


THREE_NORMS = """\
  - {attack: fgsm, norm: linf}
  - {attack: pgd, norm: linf, restarts: 2, parameters: {steps: 3, relative_step_size: 0.5}}
  - {attack: pgd, norm: l2, restarts: 2, parameters: {steps: 4, relative_step_size: 0.4}}
  - {attack: pgd, norm: l1, restarts: 2, parameters: {steps: 4, relative_step_size: 0.4, k: [1, 4]}}
"""


def evaluated(
    folder: Path, attacks: str = THREE_NORMS, networks: object = None, images: int = 60, **options: Any
) -> list[Evaluation]:
    """`evaluate` under a suite of `attacks`, in silence and float32, with results below `folder`.

    Args:
        folder: where all files go.
        attacks: lines of the suite.
        networks: as `evaluate` takes them; None for the trained one.
        images: how many test images the suite asks for.
        options: of `evaluate`.
    """
    given = {"results": folder / "results", "precision": "fp32", "progress": False, **options}
    suite = write_suite(folder, attacks, images)
    return evaluate(save(folder) if networks is None else networks, suite=suite, **given)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Misbehaving(Attack):
    """Does what `way` says instead of attacking."""

    way: str = "raise"

    name: ClassVar[str] = "misbehaving"
    kind: ClassVar[str] = "fixed-budget"
    norms: ClassVar[tuple[str, ...]] = ("linf", "l2", "l1")

    def __call__(self, classifier, x: Tensor, y: Tensor, threat, noise) -> Tensor:
        if self.way == "raise":
            raise RuntimeError("the attack broke down")
        if self.way == "interrupt":
            raise KeyboardInterrupt
        if self.way == "out of the box":
            return x + 2
        if self.way == "one row out of the box":
            return torch.cat([x[:1] + 2, x[1:]])
        if self.way == "wrong shape":
            return x[:, :, :-1]
        if self.way == "exit":
            raise SystemExit
        if self.way == "on meta":
            return x.to("meta")
        if self.way == "sparse":
            return x.to_sparse()
        if self.way == "numbs the network":
            with torch.no_grad():
                for parameter in classifier.networks["fp32"].parameters():
                    parameter.zero_()
        if self.way == "sets train mode":
            classifier.networks["fp32"].train()
        if self.way == "leaves a mess":
            torch.set_grad_enabled(False)
            torch.manual_seed(7)
            np.random.seed(7)  # noqa: NPY002
            x.zero_(), y.zero_()
        if self.way in ("numbs the network", "sets train mode", "leaves a mess"):
            return x
        return {"far": (x + 0.5).clamp(0, 1), "nan": x * torch.nan, "double": x.double()}[self.way]


def outcome(label: str, norm: str, broken, distance=None, **more) -> Outcome:
    """An outcome from bare flags or distances (then broken is distance ≤ epsilon)."""
    if distance is not None:
        distance = np.asarray(distance, np.float32)
        broken = distance <= more["epsilon"]
    broken = np.asarray(broken, bool)
    return Outcome(
        label=label,
        norm=norm,
        epsilon=more.get("epsilon", 1.0),
        kind="fixed-budget" if distance is None else "minimum-norm",
        broken=broken,
        distance=np.where(broken, 0.5, np.inf).astype(np.float32) if distance is None else distance,
        evaluated=np.asarray(more.get("evaluated", np.ones(len(broken))), bool),
        errors=tuple(more.get("errors", ())),
        missing=more.get("missing", 0),
        costs=more.get("costs", {}),
    )


def evaluation(clean_errors, *outcomes: Outcome, **more) -> Evaluation:
    return Evaluation(
        id=more.get("id", "0"),
        model={"name": more.get("name", "toy")},
        suite={"digest": "s", "name": "toy"},
        dataset={"name": "digits", "digest": "d", "images": len(clean_errors)},
        mode=more.get("mode", "complete"),
        seed=0,
        precision="fp32",
        clean_errors=np.asarray(clean_errors, bool),
        outcomes=outcomes,
    )
