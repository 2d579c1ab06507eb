"""More epochs for a run that is finished: whether its schedule would go on, and how its weights can be trained on."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from benchmark.models import Checkpoint
from benchmark.recipes.recipe import Recipe
from benchmark.training.identity import card_facts
from benchmark.training.plan import Plan

#: How often within an epoch the rates of two schedules are compared.
TIMES = 8


def way_on(plan: Plan, found: Checkpoint, last: Path) -> str:
    """What to type for more epochs than a finished run has had, a clause; "" if that is not what is asked for.

    The state of the optimiser is gone when a run has finished, so that nothing goes on as if it had never ended; its
    last weights can be trained on, at the rate that the schedule would have gone on with if it would.

    Args:
        plan: the longer run.
        found: a network of the finished one.
        last: where that one's last weights are.
    """
    theirs, ours = card_facts(vars(found)), plan.facts
    if [key for key in ours if key in theirs and theirs[key] != ours[key]] != ["epochs"]:
        return ""
    try:
        before = Recipe.model_validate({key: value for key, value in found.recipe.items() if key != "name"})
    except ValidationError:  # of a version with other recipes
        return ""
    had, asked, name = before.epochs, plan.recipe.epochs, before.schedule.name
    if asked <= had:
        return ""
    rate = plan.recipe.lr_at(had)
    times = [step / TIMES for step in range(TIMES * had)]
    if all(before.lr_at(t) == plan.recipe.lr_at(t) for t in times) and rate > 0:
        more = f"--set epochs={asked - had} schedule=constant lr={rate:g}"
        told = f"its schedule ({name}) would go on at the rate {rate:g}; to train its last weights on"
    else:
        more = f"--set epochs={asked - had}"
        told = (
            f"its schedule ({name}) has come to its end within {had} epochs, so that more of them are another run "
            "from the beginning; to fine-tune its last weights"
        )
    return f"; {told}: --init {last} {more}"
