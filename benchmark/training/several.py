"""Several trainings: one after the other, or side by side on what an engine has."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from benchmark.arguments import checked_arguments
from benchmark.deadline import stoppable
from benchmark.engines import Means
from benchmark.errors import BadInput, PartlyFailed
from benchmark.hardware import resolve_device
from benchmark.own.trust import trusting
from benchmark.storage import check_writable
from benchmark.trackers import check_trackers
from benchmark.training import train
from benchmark.training.extending import to_go_on_from
from benchmark.training.plan import Plan
from benchmark.training.request import make_plan
from benchmark.training.standing import InTheWay, as_it_was_called, last_of, paths_of
from benchmark.training.state import state_path
from benchmark.training.task import Trained, train_all
from benchmark.training.trainer import Diverged

#: Arguments of `benchmark.train` that say how a run is made, not which it is.
_MEANS = (
    *("out", "resume", "extend", "keep_state", "overwrite", "dry_run"),
    *("compile", "deterministic", "devices", "num_nodes", "progress", "log"),
)
#: Arguments that may lead to files in the zoo.
_NETWORKS = ("teacher", "init")


@stoppable
@checked_arguments
def train_several(
    method: Sequence[str] | str,
    seed: Sequence[int] | int = (0,),
    *,
    workers: int | None = None,
    engine: str = "local",
    address: str | None = None,
    gpu_share: float = 1.0,
    report: Callable[[list[Path]], None] = lambda paths: None,
    **options: Any,
) -> list[Path]:
    """Train each method with each seed, all under the same options.

    With several workers, GPUs or machines they are trained side by side; everything that can be wrong about any of
    them is found before the first begins. Else one is trained after the other, as by calls of `benchmark.train`, and
    a method may have an earlier one as its teacher.

    Args:
        method: names of methods, or one.
        seed: seeds of the trainings, or one.
        workers, engine, address, gpu_share: see `benchmark.evaluate`. `devices`, GPUs that share each batch of one
            training, does not go with them.
        report: told of the checkpoints of each as soon as they are there.
        options: as `benchmark.train` takes them.

    Returns:
        All checkpoints, by method and seed.

    Raises:
        BadInput: something about the arguments.
        PartlyFailed: some diverged, or other runs' checkpoints are in their way; all others are trained.
        OutOfTime: the time was over; the same call goes on.
    """
    methods, seeds = (
        [method] if isinstance(method, str) else [*method],
        [*seed] if isinstance(seed, Sequence) else [seed],
    )
    if not (methods and seeds):
        raise BadInput(f"there is nothing to train: name a {'seed' if methods else 'method'} at least")
    runs = [{**options, "method": name, "seed": number} for name, number in product(methods, seeds)]
    if options.get("name") and len(runs) > 1:
        raise BadInput(f"--name {options['name']} would name {len(runs)} runs alike; train one at a time")
    means = Means(workers, None, engine, address, gpu_share, str(options.get("device", "auto")))
    if problems := means.problems():
        raise BadInput("; ".join(problems))
    if len(runs) > 1 and not options.get("dry_run") and _side_by_side(means, options):
        return _on_an_engine(runs, means, report)
    if engine != "local" and not options.get("dry_run"):
        raise BadInput(f"--engine {engine} spreads several trainings over machines; name several methods or seeds")
    return _in_turn(runs, report)


def _side_by_side(means: Means, options: dict[str, Any]) -> bool:
    is_asked = means.engine != "local" or (means.workers or 1) > 1
    if options.get("devices", 1) > 1 or options.get("num_nodes", 1) > 1:
        if is_asked:
            raise BadInput("--devices and --num-nodes spread one training, --workers and --engine several: choose")
        return False
    device = str(resolve_device(means.planning_device(means.device)))
    return is_asked or (means.workers is None and len(means.gpus(device)) > 1)


def _in_turn(runs: Sequence[dict[str, Any]], report: Callable[[list[Path]], None]) -> list[Path]:
    found: list[Path] = []
    failed: list[str] = []
    for run in runs:
        try:
            paths = train(**run)
        except (Diverged, InTheWay) as error:  # of which the others know nothing
            if len(runs) == 1:
                raise
            failed.append(str(error))
        else:
            report(paths)
            found += paths
    if failed:
        raise PartlyFailed(failed, found)
    return found


@dataclass(frozen=True)
class NamedTraining:
    """A call of `benchmark.train` as an engine makes it: see `benchmark.training.task.Training`.

    Attributes:
        reads: the state of the run that it extends, and what lies in the zoo where it writes.
    """

    name: str
    zoo: Path
    options: dict[str, Any]
    reads: tuple[Path, ...] = ()

    def needs(self) -> list[Path]:
        return [path for path in (*self._of_zoo(), *self.reads) if path.is_file()]

    def placed(self, zoo: Path) -> NamedTraining:
        there = {path: zoo / path.relative_to(self.zoo) for path in self._of_zoo()}
        moved = {
            key: [there.get(Path(str(each)).resolve(), each) for each in given]
            for key in _NETWORKS
            if (given := self.options.get(key))
        }
        return replace(self, zoo=zoo, options={**self.options, **moved})

    def _of_zoo(self) -> list[Path]:
        named = [Path(str(each)).resolve() for key in _NETWORKS for each in self.options.get(key) or ()]
        return [path for path in named if path.is_relative_to(self.zoo)]

    def __call__(self) -> list[Path]:
        return train(**{**self.options, "out": self.zoo, "progress": False})


def _on_an_engine(runs: Sequence[dict[str, Any]], means: Means, report: Callable[[list[Path]], None]) -> list[Path]:
    zoo = check_writable(runs[0].get("out", "zoo"), "last", ".state", ".state/finished", "runs").resolve()
    trainings = [_named(run, zoo) for run in runs]
    names = [training.name for training in trainings]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise BadInput(f"{', '.join(twice)}: named twice; leave one of them out")
    found: dict[int, Trained] = {}

    def receive(position: int, trained: Trained) -> None:
        found[position] = trained
        if trained.is_late:
            return
        if runs[position].get("progress") is not False:
            said = f"{names[position]}: {trained.error}" if trained.error else names[position]
            print(f"[{len(found)}/{len(runs)}] {said}", file=sys.stderr)
        if trained.paths:
            report(_paths(trained, runs[position]))

    train_all(trainings, means, means.device, receive)
    failed = [f"{names[position]}: {found[position].error}" for position in sorted(found) if found[position].error]
    paths = [path for position in sorted(found) for path in _paths(found[position], runs[position])]
    if failed:
        raise PartlyFailed(failed, paths)
    return paths


def _paths(trained: Trained, run: dict[str, Any]) -> list[Path]:
    return [Path(run.get("out", "zoo")) / place for place in trained.paths]


def _named(run: dict[str, Any], zoo: Path) -> NamedTraining:
    """The run under its name, once everything about it has been found right."""
    for key in ("dataset", "recipe", *_NETWORKS):
        given = run.get(key, "")
        for each in given if isinstance(given, list | tuple) else [given]:
            if not isinstance(each, str | Path):
                raise BadInput(f"{key}: trainings side by side take it by its name or file; train one at a time")
    with trusting(bool(run.get("trust_remote_code"))):
        check_trackers(run.get("log", ()))
        plan = plan_of(run)
    source = to_go_on_from(plan, zoo) if run.get("extend") else None
    written = [place for path in paths_of(plan, zoo) for place in (path, last_of(path))]
    if not state_path(zoo, as_it_was_called(plan, zoo).stem).exists():
        run = {**run, "resume": None}  # what is there after an accident is its own, and gone on from
    return NamedTraining(plan.name, zoo, run, (*written, *([source.path] if source else [])))


def plan_of(run: dict[str, Any]) -> Plan:
    """What a call of `benchmark.train` with these arguments trains."""
    asked: dict[str, Any] = {"dataset": "digits", "arch": None, "recipe": "quick", "set": None, "name": None}
    asked |= {"device": "auto", "precision": "auto"}
    return make_plan(**asked | {key: value for key, value in run.items() if key not in _MEANS})
