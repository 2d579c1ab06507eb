"""DeepFool: step to the nearest boundary of the network's linearisation, again and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from benchmark.attacks.base import Classifier
from benchmark.attacks.expectation import averaged, draws_of
from benchmark.attacks.minimal import Closest, MinimalAttack
from benchmark.attacks.objectives import clearly_wrong
from benchmark.errors import BadInput
from benchmark.noise import Noise
from benchmark.parameters import Count, NotNegative
from benchmark.threats import column


@dataclass(frozen=True)
class DeepFool(MinimalAttack):
    """DeepFool (Moosavi-Dezfooli et al. 2016, algorithm 2), stopping at the first misclassified point.

    It runs in float32 throughout: after two or three steps only the logits' last digits are left to cross, which are
    not in bfloat16.

    With f_k = z_k − z_y and w_k its gradient, each step crosses the boundary with the smallest |f_k| / ‖w_k‖*
    (the dual norm); the steps add up and are overshot a little. An example stops on its own, so results
    do not depend on the batch.

    Attributes:
        steps: how many linearisations at most.
        candidates: how many of the classes that the clean image scores highest are considered, the true one
            among them; each costs a backward pass per step.
        overshoot: relative overshoot of the accumulated step.
    """

    steps: Count = 50
    candidates: Annotated[int, Field(ge=2)] = 10
    overshoot: NotNegative = 0.02

    name: ClassVar[str] = "deepfool"
    version: ClassVar[int] = 2
    norms: ClassVar[tuple[str, ...]] = ("linf", "l2")
    paper: ClassVar[str] = "Moosavi-Dezfooli et al. 2016, arXiv:1511.04599"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.candidates < 2:
            raise BadInput(f"deepfool: candidates must be at least 2, not {self.candidates}")

    def uses_noise(self, norm: str) -> bool:
        return False

    def search(self, classifier: Classifier, x: Tensor, y: Tensor, norm: str, noise: Noise) -> Tensor:
        with classifier.exact():
            return self._cross(classifier, x, y, Closest(classifier, x, y, norm))

    def _cross(self, classifier: Classifier, x: Tensor, y: Tensor, closest: Closest) -> Tensor:
        rows = torch.arange(len(x), device=x.device)
        x_adv, total = x, torch.zeros_like(x)
        others: Tensor | None = None
        for step in range(self.steps + 1):
            logits, others, f, w = _linearise(classifier, x_adv, y[rows], self.candidates, others)
            broken = closest.offer(x_adv, clearly_wrong(logits, y[rows]), rows)
            alive = (~broken).nonzero().squeeze(1)  # asked once: an accelerator waits for each mask that chooses rows
            if step == self.steps or not len(alive):
                break
            rows, others, total = rows[alive], others[alive], total[alive]
            total = total + _nearest_crossing(f[alive], w[alive], closest.norm)
            x_adv = (x[rows] + (1 + self.overshoot) * total).clamp(0, 1)
        return closest.x_adv


def _linearise(
    classifier: Classifier, x: Tensor, y: Tensor, candidates: int, others: Tensor | None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Logits N×K, the classes considered N×M, their f_k N×M and w_k N×M×C×H×W; one forward, M backward passes."""
    considered = others

    def once() -> tuple[Tensor, Tensor, Tensor]:
        nonlocal considered
        with torch.enable_grad():
            at = x.detach().requires_grad_()
            logits = classifier(at)
            if considered is None:
                ranked = logits.detach().scatter(1, y[:, None], -torch.inf)
                considered = ranked.topk(min(candidates, logits.shape[1]) - 1, dim=1).indices
            f = logits.gather(1, considered) - logits.gather(1, y[:, None])
            if f.requires_grad:
                last = f.shape[1] - 1
                grads = [torch.autograd.grad(f[:, k].sum(), at, retain_graph=k < last)[0] for k in range(last + 1)]
            else:  # the output does not depend on the input
                grads = [torch.zeros_like(at)] * f.shape[1]
        w = torch.nan_to_num(torch.stack(grads, dim=1), 0.0, 0.0, 0.0)
        return logits.detach(), torch.nan_to_num(f.detach(), 0.0), w

    logits, f, w = averaged(draws_of(classifier), once)
    assert considered is not None
    return logits, considered, f, w


def _nearest_crossing(f: Tensor, w: Tensor, norm: str) -> Tensor:
    """The shortest step in `norm` across one of the linearised boundaries: N×M and N×M×C×H×W → N×C×H×W."""
    rows = torch.arange(len(f), device=f.device)
    dual = torch.linalg.vector_norm(w.flatten(2), 1 if norm == "linf" else 2, dim=2)
    distances = torch.where(dual > 0, f.abs() / dual.clamp_min(1e-30), torch.inf)
    nearest = distances.argmin(1)
    length, w, dual = distances[rows, nearest], w[rows, nearest], dual[rows, nearest]
    # A little more than the distance, or steps would become too short for float32 close to the boundary.
    length = torch.where(length.isfinite(), length + 1e-4, 0.0)
    direction = w.sign() if norm == "linf" else w / column(dual.clamp_min(1e-30), w)
    return column(length, w) * direction
