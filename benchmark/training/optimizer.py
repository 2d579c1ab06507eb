"""The optimiser of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from benchmark.methods.weights import layers
from benchmark.recipes.recipe import Recipe


def make_optimizer(members: Sequence[nn.Module], recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimiser over all networks of the cohort; each parameter is updated by its own gradient alone."""
    groups: list[Any] = [parameter for module in members for parameter in module.parameters()]
    if recipe.weight_decay_of == "weights":
        decaying = [weight for module in members for weight in layers(module)]
        known = {id(weight) for weight in decaying}
        rest = [parameter for parameter in groups if id(parameter) not in known]
        rate = {} if recipe.lr_exempt is None else {"lr": recipe.lr_exempt, "constant_rate": True}
        groups = [{"params": decaying}, {"params": rest, "weight_decay": 0.0, **rate}]
    common: dict[str, Any] = {"lr": recipe.lr, "weight_decay": recipe.weight_decay}
    common["momentum"] = recipe.momentum
    if recipe.optimizer == "rmsprop":
        return torch.optim.RMSprop(groups, alpha=0.9, eps=1.0, **common)
    return torch.optim.SGD(groups, nesterov=recipe.nesterov, **common)
