"""FGSM, PGD and MIM: three settings of one projected ascent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal

from torch import Tensor

from benchmark.attacks.ascent import Move, ascend
from benchmark.attacks.base import Attack, Classifier, Resumable, Stage
from benchmark.attacks.objectives import OBJECTIVES, cross_entropy, objective_of
from benchmark.errors import BadInput
from benchmark.noise import Noise
from benchmark.parameters import Count, Fraction, NotNegative, Positive, one_of
from benchmark.radii import too_long
from benchmark.threats import Threat


@dataclass(frozen=True)
class FGSM(Attack):
    """One signed gradient step of size ε on the cross-entropy, no random start (Goodfellow et al. 2015)."""

    name: ClassVar[str] = "fgsm"
    kind: ClassVar[str] = "fixed-budget"
    norms: ClassVar[tuple[str, ...]] = ("linf",)
    paper: ClassVar[str] = "Goodfellow et al. 2015, arXiv:1412.6572"

    def uses_noise(self, norm: str) -> bool:
        return False

    def __call__(self, classifier: Classifier, x: Tensor, y: Tensor, threat: Threat, noise: Noise) -> Tensor:
        step = Move(threat, threat.epsilon)
        return ascend(classifier, x, y, cross_entropy, [step], steps=1, start=x, noise=noise, keep="first")


@dataclass(frozen=True)
class PGD(Resumable):
    """Projected gradient descent in linf, l2 or l1 (Madry et al. 2018; l1 steps after Maini et al. 2020).

    Attributes:
        steps: gradient steps.
        step_size: length of a step in the threat's norm, in units of pixels in [0, 1]; without it
            `relative_step_size` says how long a step is.
        relative_step_size: length of a step as a fraction of ε.
        start: "random" (uniform in the ball) or "zero" (the clean image).
        loss: "ce" or "margin" (max of the other logits minus the true one, Carlini & Wagner 2017), or a per-example
            loss of one's own, FILE.py:NAME, of (logits, labels) or (logits, labels, images).
        success: "any" keeps the first misclassified iterate, "last" returns the end point whatever happened.
        k: l1 only: among how many values a step is shared, those of the largest gradients; drawn from this range for
            each image and step.
        gap: l1 only: values closer than this to the end of [0, 1] that they would move towards are passed over.
    """

    steps: Count = 40
    step_size: Positive | None = None
    relative_step_size: Positive = 0.1
    start: Literal["random", "zero"] = "random"
    loss: Annotated[str, one_of(OBJECTIVES, own="loss")] = "ce"
    success: Literal["any", "last"] = "any"
    k: tuple[Count, Count] = (5, 20)
    gap: Fraction = 0.0

    name: ClassVar[str] = "pgd"
    version: ClassVar[int] = 2
    kind: ClassVar[str] = "fixed-budget"
    norms: ClassVar[tuple[str, ...]] = ("linf", "l2", "l1")
    paper: ClassVar[str] = "Madry et al. 2018, arXiv:1706.06083"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.k[0] > self.k[1]:
            raise BadInput(f"attack 'pgd': k is a range, [low, high], not {list(self.k)}")

    def check(self, threat: Threat, where: str = "") -> None:
        """Refuse a norm without such steps, and a step that leads past every image."""
        super().check(threat, where)
        if self.step_size is not None and (problem := too_long(threat.norm, self.step_size)):
            raise BadInput(f"{where}: pgd: step_size: {problem}" if where else f"pgd: step_size: {problem}")

    @property
    def random(self) -> bool:  # type: ignore[override]
        return self.start == "random"

    def uses_noise(self, norm: str) -> bool:
        return self.start == "random" or norm == "l1"

    def __call__(self, classifier: Classifier, x: Tensor, y: Tensor, threat: Threat, noise: Noise) -> Tensor:
        return self._climb(classifier, x, y, threat, noise, None)

    def head_start(self, shorter: Attack, precision: str) -> int:
        """All steps of the same attack with fewer, unless its last ones are a float32 polish of a bfloat16 search."""
        polished = self.success == "any" and precision != "fp32"
        if polished or not isinstance(shorter, PGD) or replace(shorter, steps=self.steps) != self:
            return 0
        return shorter.steps if shorter.steps < self.steps else 0

    def resume(
        self, classifier: Classifier, x: Tensor, y: Tensor, threat: Threat, noise: Noise, stage: Stage
    ) -> Tensor:
        return self._climb(classifier, x, y, threat, noise, stage)

    def _climb(
        self, classifier: Classifier, x: Tensor, y: Tensor, threat: Threat, noise: Noise, stage: Stage | None
    ) -> Tensor:
        step_size = self.step_size if self.step_size is not None else self.relative_step_size * threat.epsilon
        move = Move(threat, step_size, (self.k[0], self.k[1]), self.gap)
        # Drawn in any case: the draws of the l1 moves come after it.
        start = threat.random_start(x, noise) if self.start == "random" else x
        stage = stage or Stage(0, start)
        return ascend(
            classifier,
            x,
            y,
            objective_of(self.loss),
            [move],
            steps=self.steps,
            start=stage.images,
            noise=noise,
            keep="first" if self.success == "any" else "last",
            done=stage.steps,
        )


@dataclass(frozen=True)
class MIM(Attack):
    """Momentum iterative FGSM: gradients, each divided by its mean magnitude, accumulate (Dong et al. 2018).

    Attributes:
        steps: gradient steps.
        relative_step_size: length of a step as a fraction of ε.
        decay: weight of the accumulated gradient.
    """

    steps: Count = 10
    relative_step_size: Positive = 0.2
    decay: NotNegative = 1.0

    name: ClassVar[str] = "mim"
    kind: ClassVar[str] = "fixed-budget"
    norms: ClassVar[tuple[str, ...]] = ("linf",)
    paper: ClassVar[str] = "Dong et al. 2018, arXiv:1710.06081"

    def uses_noise(self, norm: str) -> bool:
        return False

    def __call__(self, classifier: Classifier, x: Tensor, y: Tensor, threat: Threat, noise: Noise) -> Tensor:
        move = Move(threat, self.relative_step_size * threat.epsilon)
        return ascend(
            classifier,
            x,
            y,
            cross_entropy,
            [move],
            steps=self.steps,
            start=x,
            noise=noise,
            keep="first",
            momentum=self.decay,
        )
