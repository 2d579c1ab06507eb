"""Weight averaging: networks whose weights are an exponential moving average of those that are trained.

As Gowal et al. 2020 (arXiv:2010.03593) evaluate them and, with generated images, Rebuffi et al. 2021
(arXiv:2103.01946).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from benchmark.models.copying import copied


class WeightAverages:
    """The averages of some networks.

    After each step of the optimiser every parameter becomes d·average + (1 − d)·parameter with
    d = min(decay, (1 + t)/(10 + t)), t steps lying behind, so that the initial weights are soon forgotten. Buffers,
    among them the running statistics of batch norms, are those of the trained network at that step: they are averages
    already.

    Args:
        modules: the networks that are trained.
        decay: how much of an average stays in each step, above 0 and below 1.

    Attributes:
        modules: the averaged networks, in the same order.
        steps: t.
    """

    def __init__(self, modules: Sequence[nn.Module], decay: float) -> None:
        self._trained, self.decay, self.steps = modules, decay, 0
        self.modules = [copied(module).eval().requires_grad_(False) for module in modules]

    @torch.no_grad()
    def update(self) -> None:
        """A step has been made."""
        kept = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for average, module in zip(self.modules, self._trained, strict=True):
            for own, trained in zip(average.parameters(), module.parameters(), strict=True):
                own.lerp_(trained, 1 - kept)
            for own, trained in zip(average.buffers(), module.buffers(), strict=True):
                own.copy_(trained)
        self.steps += 1

    def state_dict(self) -> dict[str, Any]:
        """What the averages that are to come depend on."""
        return {"steps": self.steps, "modules": [module.state_dict() for module in self.modules]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` gave."""
        self.steps = state["steps"]
        for module, weights in zip(self.modules, state["modules"], strict=True):
            module.load_state_dict(weights)
