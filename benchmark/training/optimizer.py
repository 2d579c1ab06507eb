"""The optimiser of a run, and which settings are of which optimiser."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import torch
from torch import nn

from benchmark.errors import BadInput
from benchmark.methods.weights import layers
from benchmark.recipes.recipe import Recipe

#: What only some optimisers take.
TAKEN_BY = {"momentum": ("sgd", "rmsprop"), "nesterov": ("sgd",), "betas": ("adamw",)}
#: What is of another size for AdamW than for the others: its steps have about the length of the rate whatever the
#: gradient's, and its weight decay is decoupled from the gradient.
OWN_SIZE = ("lr", "weight_decay")


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
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, betas=recipe.betas, **common)
    common["momentum"] = recipe.momentum
    if recipe.optimizer == "rmsprop":
        return torch.optim.RMSprop(groups, alpha=0.9, eps=1.0, **common)
    return torch.optim.SGD(groups, nesterov=recipe.nesterov, **common)


def numbers_per_weight(recipe: Recipe) -> int:
    """How many numbers the recipe's optimiser keeps for each weight."""
    if recipe.optimizer == "adamw":
        return 2
    return (recipe.momentum > 0) + (recipe.optimizer == "rmsprop")


def check_optimizer(recipe: Recipe, said: Collection[str], usual: str) -> None:
    """Refuse settings that the run's optimiser does not take, and AdamW with numbers that were chosen for another.

    Args:
        recipe: of the run.
        said: the names of the caller's settings.
        usual: the optimiser of the recipe without them.

    Raises:
        BadInput: naming what to say instead.
    """
    own = recipe.optimizer
    for name, takers in TAKEN_BY.items():
        if name in said and own not in takers:
            instead = "betas=0.9,0.999" if own == "adamw" else f"optimizer={takers[0]}"
            raise BadInput(f"--set {name}: {own} has no {name}; leave it out, or say {instead}")
    if own == "adamw" and usual != own and (missing := [name for name in OWN_SIZE if name not in said]):
        told = " and ".join(f"{name}={getattr(recipe, name):g}" for name in missing)
        raise BadInput(
            f"--set optimizer=adamw: the recipe's {told} {'is' if len(missing) == 1 else 'are'} meant for {usual}; "
            "say AdamW's own, e.g. --set optimizer=adamw lr=0.001 weight_decay=0.05"
        )
