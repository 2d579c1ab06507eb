"""Projected ascent: the one loop behind FGSM, PGD, MIM, MSD and every inner maximisation of training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from benchmark.attacks.apgd_steps import AdaptivePace
from benchmark.attacks.base import Classifier
from benchmark.attacks.expectation import averaged, draws_of
from benchmark.attacks.objectives import Objective, is_wrong, losses
from benchmark.noise import Noise
from benchmark.threats import Threat

#: (M points, the indices of their examples) → M images in [0, 1], differentiably.
Decode = Callable[[Tensor, Tensor], Tensor]

#: After how many steps an accelerator is asked who is broken. Asking makes it wait for the host, which costs more
#: than a few steps of examples that could have left. The processor computes in step with the host anyway.
PATIENCE = {"cpu": 1}
ACCELERATORS_PATIENCE = 8


@dataclass(frozen=True)
class Move:
    """One kind of step: steepest ascent in a norm, then projection onto its ball and the box.

    Attributes:
        threat: the ball.
        step_size: length of a step in the threat's norm, in units of pixels in [0, 1].
        k: l1 only: how many coordinates share a step, drawn uniformly from this closed range, per example and
            step (Maini et al. 2020 use 5 to 20 at 3×32×32).
        gap: l1 only: a coordinate closer than this to the bound it would move towards is passed over; "step" for
            the length of its own share, step_size / k.
    """

    threat: Threat
    step_size: float
    k: tuple[int, int] = (1, 1)
    gap: float | Literal["step"] = 0.0

    def __call__(self, x: Tensor, x_adv: Tensor, gradient: Tensor, k: Tensor) -> Tensor:
        gap = self.step_size / k if self.gap == "step" else self.gap
        direction = self.threat.steepest(gradient, x_adv, k=k, gap=gap, most=self.k[1])
        return self.threat.project(x, x_adv + self.step_size * direction)


def ascend(
    classifier: Classifier | Callable[[Tensor], Tensor],
    x: Tensor,
    y: Tensor,
    objective: Objective,
    moves: Sequence[Move],
    *,
    steps: int,
    start: Tensor,
    noise: Noise,
    keep: str = "last",
    momentum: float | None = None,
    decode: Decode | None = None,
    done: int = 0,
    pace: AdaptivePace | None = None,
) -> Tensor:
    """Climb `objective` from `start` inside the ball(s) around `x`.

    Args:
        classifier: maps images to logits; needs `confirm` and `exact` only where keep="first".
        x: clean images, N×C×H×W in [0, 1].
        y: labels, N.
        objective: per-example loss to maximise, of (logits, labels, images).
        moves: one move for PGD; with several, each step tries all of them and keeps, per example, the candidate
            of highest loss, the later one on ties (multi steepest descent, Maini et al. 2020).
        steps: number of gradient steps.
        start: where to begin, same shape as `x`.
        noise: draws of the l1 moves.
        keep: which iterate to return per example. "last": the end point. "best": the one of highest loss, the
            earliest on ties. "first": the first misclassified one, else the end point; an example leaves
            the batch when it is found, so this is the cheap choice for evaluation. An `objective` that
            closes over per-batch tensors can't be used with "first", since rows leave.
        momentum: decay of accumulated gradients, each divided by its mean magnitude (Dong et al. 2018); None for
            plain steps.
        decode: for an ascent over something else than pixels (`x` and `start` then are points of that space, N×...):
            the images of M points that belong to the examples with these M indices.
        done: how many of the steps led to `start` already, none with momentum.
        pace: makes the steps instead of the only move, which then states the ball alone; not with "first".

    Returns:
        Shaped like `x`, detached, inside the last move's ball and the box wherever a step was made.
    """
    state = _State(x, y, start.detach().clone(), keep, decode)
    patience = PATIENCE.get(x.device.type, ACCELERATORS_PATIENCE)
    polish_from = max(done, steps - polished(steps))
    draws = draws_of(classifier)

    def classify(points: Tensor) -> Tensor:
        return classifier(state.image(points))

    # Drawn in one go, so that an example's draws don't depend on how long others stay.
    ks = [noise.integers(move.k[0], move.k[1] + 1, steps) if _is_sparse(move) else None for move in moves]
    velocity = torch.zeros_like(x) if momentum is not None else None
    with ExitStack() as polish:
        for step in range(done, steps):
            if keep == "first" and step == polish_from:
                polish.enter_context(classifier.exact())  # type: ignore[union-attr]
            logits, loss, gradient = input_gradient(classify, state.current, state.y, objective, draws)
            look = (step + 1) % patience == 0 or step + 1 == polish_from
            alive = state.observe(classifier, logits, loss, look)
            if not len(state.rows):
                return state.result
            gradient = gradient[alive] if alive is not None else gradient
            if pace is not None:
                state.current = pace(step, state.x, state.current, loss, gradient)
                continue
            if momentum is not None and velocity is not None:
                velocity = velocity[alive] if alive is not None else velocity
                gradient = velocity = momentum * velocity + _by_mean_magnitude(gradient)
            candidates = [
                move(state.x, state.current, gradient, torch.ones(()) if k is None else k[state.rows, step])
                for move, k in zip(moves, ks, strict=True)
            ]
            state.current = _highest_loss(classify, candidates, state.y, objective)
        if keep == "best":
            with torch.no_grad():
                logits = classify(state.current)
                state.observe(classifier, logits, losses(objective, logits, state.y, state.current), look=True)
    state.finish()
    return state.result


def input_gradient(
    classifier: Callable[[Tensor], Tensor], x: Tensor, y: Tensor, objective: Objective, draws: int | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Logits (N×K), losses (N) and the gradient (N×C×H×W) of each example's loss with respect to its image.

    Non-finite gradients become zero: the example stays where it is instead of turning into NaN. All three are means
    over `draws` passes of a network that draws random numbers; None for as many as the classifier asks for.
    """
    x = x.detach()

    def once() -> tuple[Tensor, Tensor, Tensor]:
        with torch.enable_grad():
            at = x.requires_grad_()
            logits = classifier(at)
            loss = losses(objective, logits, y, at)
            if loss.requires_grad:
                (gradient,) = torch.autograd.grad(loss.sum(), at, allow_unused=True)
            else:
                gradient = None
        if gradient is None:  # the output does not depend on the input
            gradient = torch.zeros_like(at)
        return logits.detach(), loss.detach(), torch.nan_to_num(gradient, nan=0.0, posinf=0.0, neginf=0.0)

    logits, loss, gradient = averaged(draws_of(classifier) if draws is None else draws, once)
    return logits, loss, gradient


def polished(steps: int) -> int:
    """How many of the last steps run in float32, after a search in bfloat16: a tenth, at least one."""
    return -(-steps // 10)


class _State:
    """Where each example is, what has been found for it, and which examples are still climbing."""

    def __init__(self, x: Tensor, y: Tensor, start: Tensor, keep: str, decode: Decode | None) -> None:
        if keep not in ("last", "best", "first"):
            raise ValueError(f"keep must be last, best or first, not {keep!r}")
        self.x, self.y, self.keep, self.decode = x, y, keep, decode
        self.current = start
        self.result = start.clone()
        self.rows = torch.arange(len(x), device=x.device)
        self.highest = torch.full((len(x),), -torch.inf, device=x.device)
        self.claimed = torch.zeros(len(x), dtype=torch.bool, device=x.device)
        self.claim = start

    def image(self, points: Tensor) -> Tensor:
        """What the network sees of `points`, one for each example that is still climbing."""
        return points if self.decode is None else self.decode(points, self.rows)

    def observe(
        self, classifier: Classifier | Callable[[Tensor], Tensor], logits: Tensor, loss: Tensor, look: bool
    ) -> Tensor | None:
        """Note what the pass at the current points showed.

        Args:
            classifier, logits, loss: the pass.
            look: whether to let the examples leave that were misclassified since the last look.

        Returns:
            Which of the rows go on (M indices), or None for all.
        """
        if self.keep == "best":
            better = loss > self.highest
            self.highest = torch.where(better, loss, self.highest)
            self.result = torch.where(self._column(better), self.current, self.result)
        if self.keep != "first":
            return None
        wrong = is_wrong(logits, self.y)
        self.claim = torch.where(self._column(wrong & ~self.claimed), self.current, self.claim)
        self.claimed = self.claimed | wrong
        if not look:
            return None
        broken = classifier.confirm(self.image(self.claim), self.y, self.claimed)  # type: ignore[union-attr]
        # Asked twice at most: an accelerator waits for each mask that chooses rows.
        gone = broken.nonzero().squeeze(1)
        if not len(gone):
            self._forget_claims()
            return None
        self.result[self.rows[gone]] = self.claim[gone]
        alive = (~broken).nonzero().squeeze(1)
        self.x, self.y, self.current, self.rows = (
            self.x[alive],
            self.y[alive],
            self.current[alive],
            self.rows[alive],
        )
        self._forget_claims()
        return alive

    def _forget_claims(self) -> None:
        """From here on no row is known to have been misclassified; float32 has judged those that were."""
        self.claimed = torch.zeros(len(self.rows), dtype=torch.bool, device=self.rows.device)
        self.claim = self.current

    def _column(self, mask: Tensor) -> Tensor:
        return mask.view(-1, *[1] * (self.current.dim() - 1))

    def finish(self) -> None:
        if self.keep == "last":
            self.result = self.current
        elif self.keep == "first":
            # Claims since the last look were made in float32. Whether the end point is misclassified is not asked:
            # it is what there is, and the verdict is another's.
            self.result[self.rows] = torch.where(self._column(self.claimed), self.claim, self.current)


def _is_sparse(move: Move) -> bool:
    return move.threat.norm == "l1"


def _by_mean_magnitude(gradient: Tensor) -> Tensor:
    size = gradient.flatten(1).abs().mean(1).clamp_min(1e-30)
    return gradient / size.view(-1, *[1] * (gradient.dim() - 1))


def _highest_loss(
    classifier: Callable[[Tensor], Tensor], candidates: Sequence[Tensor], y: Tensor, objective: Objective
) -> Tensor:
    if len(candidates) == 1:
        return candidates[0]
    chosen = candidates[0]
    with torch.no_grad():
        highest = losses(objective, classifier(chosen), y, chosen)
        for candidate in candidates[1:]:
            loss = losses(objective, classifier(candidate), y, candidate)
            wins = loss >= highest
            highest = torch.where(wins, loss, highest)
            chosen = torch.where(wins.view(-1, *[1] * (chosen.dim() - 1)), candidate, chosen)
    return chosen
