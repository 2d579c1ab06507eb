"""APGD's pace: how long its steps are, and when it goes back to the best point so far."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.threats import Threat, column, distance


class AdaptivePace:
    """The points that APGD visits: called once per gradient step, it gives the next one.

    linf and l2 (Croce & Hein 2020, arXiv:2003.01690, algorithm 1): steps of 2ε, of which a quarter follows the step
    before; at checkpoints that come ever sooner the step is halved where fewer than three quarters of the
    steps since the last one climbed, or where neither the best loss nor the step changed, and the ascent goes on
    from the best point. l1 (Croce & Hein 2021, arXiv:2103.01208): a step of ε is shared by as many coordinates as
    the best perturbation has, divided by 1.5; while these become fewer it starts again from the best point, else
    it is divided by 1.5, down to ε/10. Unlike in the authors' code a coordinate at its bound takes no share.

    Args:
        threat: the ball.
        start: where the ascent begins, N×C×H×W.
        steps: how many it will make.
        sparsity: l1: the share of the coordinates that move in the first step; 0.05 in training, 0.2 in AutoAttack.
    """

    def __init__(self, threat: Threat, start: Tensor, steps: int, sparsity: float = 0.05) -> None:
        self.threat, self.sparse = threat, threat.norm == "l1"
        n, self.values, device = len(start), start[0].numel(), start.device
        self.longest = threat.epsilon * (1 if self.sparse else 2)
        self.size = torch.full((n,), self.longest, device=device)
        self.share = torch.full((n,), sparsity, device=device)
        self.moved = torch.full((n,), float(self.values), device=device)
        self.period = max(int((0.04 if self.sparse else 0.22) * steps), 1)
        self.shortest, self.sooner = max(int(0.06 * steps), 1), max(int(0.03 * steps), 1)
        self.due = self.period
        self.previous, self.best, self.best_gradient = start, start, torch.zeros_like(start)
        self.highest = torch.full((n,), -torch.inf, device=device)
        self.highest_at_check, self.last = self.highest, self.highest
        self.climbs = torch.zeros(n, device=device)
        self.halved = torch.ones(n, dtype=torch.bool, device=device)

    def __call__(self, step: int, x: Tensor, current: Tensor, loss: Tensor, gradient: Tensor) -> Tensor:
        """The point after `current`, whose `loss` (N) and `gradient` are known; `step` points came before it."""
        self._note(current, loss, gradient)
        if step == self.due:
            back = self._fewer_coordinates(x) if self.sparse else self._shorter_steps()
            current = torch.where(column(back, x), self.best, current)
            gradient = torch.where(column(back, x), self.best_gradient, gradient)
            self.due += self.period
        k = (self.values * self.share).ceil().clamp_min(1).long()
        direction = self.threat.steepest(gradient, current, k=k)
        following = self.threat.project(x, current + column(self.size, x) * direction)
        if step and not self.sparse:
            ahead = 0.75 * (following - current) + 0.25 * (current - self.previous)
            following = self.threat.project(x, current + ahead)
        self.previous = current
        return following

    def _note(self, current: Tensor, loss: Tensor, gradient: Tensor) -> None:
        better = loss > self.highest
        self.highest = torch.where(better, loss, self.highest)
        self.best = torch.where(column(better, current), current, self.best)
        self.best_gradient = torch.where(column(better, current), gradient, self.best_gradient)
        self.climbs = self.climbs + (loss > self.last) * self.last.isfinite()
        self.last = loss

    def _shorter_steps(self) -> Tensor:
        stuck = ~self.halved & (self.highest_at_check >= self.highest)
        self.halved = (self.climbs <= 0.75 * self.period) | stuck
        self.size = torch.where(self.halved, self.size / 2, self.size)
        self.highest_at_check, self.climbs = self.highest, torch.zeros_like(self.climbs)
        self.period = max(self.period - self.sooner, self.shortest)
        return self.halved

    def _fewer_coordinates(self, x: Tensor) -> Tensor:
        moved = distance(self.best - x, "l0", x.dtype)
        fewer = moved < 0.95 * self.moved
        self.moved, self.share = moved, moved / self.values / 1.5
        shorter = (self.size / 1.5).clamp_min(self.longest / 10)
        self.size = torch.where(fewer, torch.full_like(shorter, self.longest), shorter)
        return fewer
