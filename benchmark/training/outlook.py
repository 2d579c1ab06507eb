"""What a training would do and leave, in a sentence, before anything is computed."""

from __future__ import annotations

from pathlib import Path

import torch

from benchmark.models import build
from benchmark.training.extending import Source, by_length
from benchmark.training.optimizer import numbers_per_weight
from benchmark.training.plan import Plan
from benchmark.training.standing import paths_of


def outlook(plan: Plan, folder: Path, behind: int, source: Source | None, keep_state: bool) -> str:
    """What a dry run prints.

    Args:
        plan: the run.
        folder: where it would write to.
        behind: how many of its epochs are finished, and would be gone on from.
        source: a run of fewer epochs that would be gone on from.
        keep_state: whether its state would be kept if that is of use.
    """
    epochs = plan.recipe.epochs
    told = [f"{plan.name}: {_epochs(epochs)} from the first one"]
    if behind:
        told = [f"{plan.name}: {_epochs(epochs - behind)}, after the {behind} that are finished"]
    elif source is not None:
        had, seconds = source.begun.epoch, source.begun.seconds
        told = [f"{plan.name}: {_epochs(epochs - had)}, after the {had} of {source.name}"]
        told += [f"at their speed {seconds / max(had, 1) * (epochs - had):,.0f} s"]
    size, settings = f"{state_bytes(plan) / 1e6:,.1f} MB", by_length(plan)
    if settings:
        goes = "goes" if len(settings) == 1 else "go"
        told += [f"it can't be extended later: {' and '.join(settings)} {goes} by the number of epochs"]
    elif keep_state:
        told += [f"its state stays in {folder / '.state' / 'finished'}, about {size}, for --extend"]
    else:
        told += [f"its state, about {size}, is not kept"]
    told += [f"writes {', '.join(map(str, paths_of(plan, folder)))}"]
    return "; ".join(told)


def state_bytes(plan: Plan) -> int:
    """About how large the state of the run is: weights, those that are selected and averaged, the optimiser's."""
    recipe, data = plan.recipe, plan.dataset
    mean, std = plan.normalization(0)
    with torch.random.fork_rng(devices=[]):
        network = build(plan.architecture, num_classes=data.num_classes, shape=data.shape, mean=mean, std=std)
    weights = sum(value.nbytes for value in network.state_dict().values())
    members = plan.bound.cohort.members
    selected = sum(member.kept for member in members) if len(data.validation) else 0
    copies = len(members) * (1 + numbers_per_weight(recipe) + (recipe.ema is not None)) + selected
    return copies * weights


def _epochs(number: int) -> str:
    return f"{number:,} epoch{'s' * (number != 1)}"
