"""More epochs than a run has had: whether they are those of a longer run, bit by bit, and from where they go on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmark.errors import BadInput
from benchmark.methods.progress import Progress
from benchmark.models import Checkpoint
from benchmark.parameters import parts_of_training
from benchmark.training.dry_run import asks_for_progress
from benchmark.training.identity import card_facts, differences, facts, in_words, of_any_length
from benchmark.training.plan import Plan
from benchmark.training.state import Begun, begun, kept_path, state_path


class Source(NamedTuple):
    """A run to go on from: the file with its state, and what that says."""

    path: Path
    begun: Begun

    @property
    def name(self) -> str:
        """What the run is called."""
        return self.begun.name or self.path.stem


def by_length(plan: Plan) -> list[str]:
    """The settings whose meaning goes by the number of epochs, "schedule=cosine"; [] if a run of any other number has
    the same epochs.

    What a run asked for while it trained counts as well, see `Trainer.any_length`: this is known before.
    """
    recipe, bound, found = plan.recipe, plan.bound, []
    if recipe.schedule.spans_training:
        found.append(f"schedule={recipe.schedule.name}")
    training = Progress()
    bound.awp.active(training)
    if training.asked:
        found.append(f"awp_warmup={bound.awp.awp_warmup:g}")
    if asks_for_progress(bound):
        named = [name for name in parts_of_training(bound.outer) if 0 < bound.settings[name] < 1]
        found += [f"{name}={bound.settings[name]:g}" for name in named] or [
            f"the loss of {plan.outer or plan.method}"
        ]
    return found


def to_go_on_from(plan: Plan, folder: Path) -> Source | None:
    """The run of the same settings that has come furthest, not further than the plan; None if none is there."""
    alike, epochs = _alike(plan, folder), plan.recipe.epochs
    found = [each for each in alike if each.begun.any_length and each.begun.epoch <= epochs]
    return max(found, key=lambda each: each.begun.epoch, default=None)


def extended_from(plan: Plan, folder: Path, last: Path) -> Source:
    """As `to_go_on_from`, where there has to be one.

    Args:
        plan: the longer run.
        folder: where the states of runs are.
        last: where the last weights of a run of that name are.

    Raises:
        BadInput: the epochs of a shorter run would be others, there is none, or it is none that is shorter.
    """
    epochs = plan.recipe.epochs
    instead = f"train it anew, without --extend, or train the weights of another run on, {_init(last)}"
    if settings := by_length(plan):
        raise BadInput(
            f"{plan.name}: --extend can't go on from a run of fewer epochs: {_go_by_it(settings)}, so that {epochs} "
            f"of them are another run from the first one; {instead}"
        )
    found = to_go_on_from(plan, folder)
    if found is not None:
        return found
    alike = _alike(plan, folder)
    if longer := [each for each in alike if each.begun.any_length]:
        raise BadInput(
            f"{plan.name}: --extend has nothing to add: {longer[0].name} has had {longer[0].begun.epoch} epochs, "
            f"more than {epochs}; ask for more of them, --set epochs={longer[0].begun.epoch + 1} for example"
        )
    if alike:
        raise BadInput(
            f"{plan.name}: --extend can't go on from {alike[0].name}: its loss has asked how much of the training "
            f"lies behind, or an earlier version began it, so that {epochs} epochs may be another run from the first "
            f"one; {instead}"
        )
    raise BadInput(
        f"{plan.name}: --extend finds no run of fewer epochs whose state is kept and whose settings are the same in "
        f"{folder}{_nearest(plan, folder)}; {instead}"
    )


def way_on(plan: Plan, found: Checkpoint, last: Path, folder: Path) -> str:
    """What to type for more epochs than a finished run has had, a clause; "" if that is not what is asked for.

    Where nothing goes on as if it had never ended, its last weights can be trained on, at the rate that the schedule
    would have gone on with if it would.

    Args:
        plan: the longer run.
        found: a network of the finished one.
        last: where that one's last weights are.
        folder: where the states of runs are.
    """
    theirs, ours = card_facts(vars(found)), plan.facts
    had, asked = found.recipe.get("epochs"), plan.recipe.epochs
    if [key for key in ours if key in theirs and theirs[key] != ours[key]] != ["epochs"] or not isinstance(had, int):
        return ""
    if asked <= had:
        return ""
    name, rate = plan.recipe.schedule.name, plan.recipe.lr_at(had)
    more, fine_tune = f"--init {last} --set epochs={asked - had}", "to fine-tune its last weights"
    if settings := by_length(plan):
        return (
            f"; {_go_by_it(settings)}, so that more of them are another run from the first one; {fine_tune}: {more}"
        )
    if rate == 0:
        return f"; its schedule ({name}) has come to its end within {had} epochs; {fine_tune}: {more}"
    if to_go_on_from(plan, folder):
        return f"; --extend goes on from its {had} epochs"
    return (
        f"; its state is not kept, its schedule ({name}) would go on at the rate {rate:g}; to train its last weights "
        f"on: {more} schedule=constant lr={rate:g}"
    )


def _go_by_it(settings: list[str]) -> str:
    return f"{' and '.join(settings)} {'goes' if len(settings) == 1 else 'go'} by the number of epochs"


def _init(last: Path) -> str:
    return f"--init {last if last.exists() else last.parent / 'NAME.pt'} --set epochs=N"


def _states(folder: Path) -> Iterator[Source]:
    """All runs in `folder` that have left a state; what can't be read is as good as none."""
    for like in (state_path(folder, "*"), kept_path(folder, "*")):
        for path in sorted(like.parent.glob(like.name)):
            found = begun(path, strict=False)
            if found:
                yield Source(path, found)


def _alike(plan: Plan, folder: Path) -> list[Source]:
    """Those whose settings are the plan's but for the number of epochs."""
    ours = of_any_length(plan.identity)
    return [each for each in _states(folder) if of_any_length(each.begun.identity) == ours]


def _nearest(plan: Plan, folder: Path) -> str:
    """Of the runs of the same method what the one with the fewest differences has otherwise, a clause."""
    found = []
    for each in _states(folder):
        theirs, ours = facts(of_any_length(each.begun.identity)), facts(of_any_length(plan.identity))
        if theirs.get("method") == ours["method"]:
            found.append((differences(theirs, ours), each.name))
    told = min(found, key=lambda pair: len(pair[0]), default=None)
    return f" ({told[1]} has {in_words(told[0])})" if told else ""
