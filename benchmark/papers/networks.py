"""From a row of a table to the network it asks for: what to train, and what its checkpoint is called."""

from __future__ import annotations

from typing import Any

from benchmark.moved import look_up
from benchmark.papers.schema import Paper, split_run
from benchmark.papers.setting import PaperSetting
from benchmark.planning.defaults import without_defaults
from benchmark.planning.networks import PlannedNetwork, training_run


def find_network(
    paper: Paper, reference: str, setting: PaperSetting, architecture: str, seed: int, member: str = ""
) -> PlannedNetwork | None:
    """The network that `reference` ("run" or "run/network") stands for; None where the run exists elsewhere only.

    Args:
        paper: whose run it is.
        setting: where it is trained.
        architecture: of the panel, for runs that have none of their own.
        seed: of the training and of those of its teachers.
        member: which network of the run, if `reference` does not say it.
    """
    key, named = split_run(reference)
    run, member = paper.runs[key], named or member
    own = dict(setting.own_networks).get(f"{key}/{member}" if member else key)
    if own is not None:
        return own
    if setting.scale in run.sources:
        return PlannedNetwork(run.sources[setting.scale])
    if run.method is None:
        return None
    teachers = [find_network(paper, teacher, setting, architecture, seed) for teacher in run.teachers]
    if None in teachers:
        return None
    chosen = setting.chosen_for(key)
    if waits := next((str(each) for each in chosen if each.value is None), ""):
        return PlannedNetwork(key, member=member, waits=waits)
    asked: dict[str, Any] = {
        "dataset": setting.dataset,
        "architecture": run.architecture.get(setting.scale, architecture),
        "recipe": setting.given_recipe or run.recipe.get(setting.scale, setting.recipe),
        "inner": run.inner,
        "outer": run.outer,
        "radii": setting.radii,
    }
    own_settings = {**run.settings, **run.scales.get(setting.scale, {})}
    own_settings |= {each.setting: each.value for each in chosen}
    # Without those that it would have anyway, so that what is the same run has one name.
    settings = without_defaults(own_settings, method=str(run.method), **asked)
    taught_by = [teacher for teacher in teachers if teacher]
    return training_run(run.method, seed=seed, settings=settings, teachers=taught_by, **asked).network(member)


def __getattr__(name: str) -> object:
    return look_up(__name__, name)
