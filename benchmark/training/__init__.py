"""Training: a method (cohort × inner × outer), a recipe, one loop; out come checkpoints."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.arguments import checked_arguments
from benchmark.arithmetic import deterministic as repeating
from benchmark.data import Dataset
from benchmark.deadline import OutOfTime, advance, stoppable
from benchmark.environment import check_packages
from benchmark.errors import notice
from benchmark.given import Given as GivenRecipe
from benchmark.given import as_file
from benchmark.hardware import describe
from benchmark.methods.table import METHODS
from benchmark.models import Given, load_checkpoint
from benchmark.own.trust import trusts
from benchmark.processes import end_with_parent, none_left_behind
from benchmark.recipes.recipe import RECIPES, recipe_names
from benchmark.scales import Epsilon
from benchmark.storage import check_writable
from benchmark.trackers import Run, Trackers, check_trackers
from benchmark.training.extending import extended_from, to_go_on_from
from benchmark.training.filing import final_figures, save_checkpoints, versions_of_all
from benchmark.training.launch import lost_process_named
from benchmark.training.outlook import outlook
from benchmark.training.parallel import check_processes, make_fabric
from benchmark.training.plan import Plan
from benchmark.training.report import Reporter
from benchmark.training.request import make_plan
from benchmark.training.standing import (
    Taken,
    as_it_was_called,
    check_room,
    epochs_behind,
    has_longer,
    is_finished,
    is_going_on,
    last_of,
    paths_of,
)
from benchmark.training.state import begun, finish, kept_path, state_path
from benchmark.training.teachers import code_within_reach
from benchmark.training.trainer import Trainer

if TYPE_CHECKING:
    from lightning_fabric import Fabric

__all__ = ["METHODS", "recipe_names", "train"]


@stoppable
@trusts
@checked_arguments
def train(
    method: str,
    *,
    dataset: str | Dataset = "digits",
    arch: str | None = None,
    recipe: GivenRecipe = "quick",
    set: Mapping[str, Any] | Sequence[str] | None = None,
    scale: str | None = None,
    epsilon: Epsilon | None = None,
    teacher: Sequence[Given] | Given = (),
    inner: str | None = None,
    outer: str | None = None,
    init: Sequence[Given] | Given = (),
    extra_data: str | Path | None = None,
    seed: int = 0,
    out: str | Path = "zoo",
    name: str | None = None,
    device: str = "auto",
    precision: str = "auto",
    resume: bool | None = False,
    extend: bool = False,
    overwrite: bool = False,
    download: bool = False,
    data_dir: str | Path | None = None,
    trust_remote_code: bool = False,
    compile: bool = False,
    deterministic: bool = False,
    devices: int = 1,
    num_nodes: int = 1,
    keep_state: bool = True,
    dry_run: bool = False,
    log: Sequence[str] | str = (),
    progress: bool | None = None,
) -> list[Path]:
    """Train the networks of a method and write one checkpoint for each.

    `out/NAME.pt` holds the weights of highest robust accuracy on held-out images, `out/last/NAME.pt` the last
    ones. If both are there already, made by the very same run, nothing is done; what another run made is not
    replaced.

    Args:
        method: a name of `bench list methods`, such as "at" or "mat".
        dataset: a name as `benchmark.data.load` takes it, or a `benchmark.Dataset` with training images.
        arch: a name of `bench list architectures`; small-cnn for small grey images and resnet18 for others if left
            out.
        recipe: "quick", "paper", or another that `bench list recipes` lists; a YAML file, by a `Path` or
            a word with a slash or the ending .yaml; or a dict of what stands in such a file.
        set: settings by name, or "key=value" strings: fields of the recipe ("epochs", "threats.linf.epsilon") and
            hyper-parameters of the method ("alpha").
        scale: whose row of the recipe's radii to take, such as "imagenet"; None for that of the dataset. Pictures of
            one's own have none.
        epsilon: radii by norm that go before those of the row, {"linf": "4/255"} or "linf=4/255,l2=2"; a step stays
            the part of its radius that it is in the row, or in the one that the recipe names as `steps_like`.
        teacher: frozen teachers in the order of the method's roles: checkpoints, networks from elsewhere as
            `benchmark.load_model` takes them, or networks themselves, as `benchmark.evaluate` takes them.
        inner: another method, to craft training examples by its whole attack (objective, norms and their strategy,
            start, what is kept, kind of ascent, mode of the batch norms); or an inner objective, to climb that in
            place of the method's own. Where a name is both, the method is meant. Settings win over either.
        outer: another method, to minimise its loss; or an outer loss.
        init: networks to begin with instead of random weights, given as teachers are: one for all networks of the
            method or one for each. The architecture and the normalisation are theirs. One from elsewhere has
            to answer as an architecture of ours does with its weights; a file of weights becomes a checkpoint
            by `import_checkpoint`. For other classes `set={"init_head": "new"}` begins with a new last layer.
        extra_data: "npz:FILE", more images to train on (arrays image and label), such as generated ones. Of each
            batch they are the recipe's `extra_share`, 0.7 if it says none; an epoch has as many batches as without
            them. They are read from disk as they are drawn.
        seed: of weights, batches, augmentation and attacks.
        out: folder for the checkpoints.
        name: of the run, in any letters (its files are called by those that every file system takes); the method and
            whatever is not as usual if left out.
        device: "auto", "cpu", "cuda", "cuda:1", ...
        precision: "auto", "fp32", "tf32" or "bf16"; "auto" for what the recipe says,
            by itself bf16 where the hardware has it.
        resume: continue an interrupted run of the same settings from its last finished epoch. False refuses to begin
            it anew; None does what True does, and says nothing where there is nothing to continue.
        extend: begin with the epochs of a run with the same settings, but for fewer epochs, whose state is in `out`:
            the result is, bit by bit, that of training from scratch. Under the same `name` it takes the place of that
            run, of one with more epochs only with `overwrite`. Refused where a setting goes by the number of epochs.
            An interrupted extension is continued.
        overwrite: replace checkpoints and an unfinished run that are another run's, and begin an unfinished one anew.
        download, trust_remote_code: whether data and foreign teachers may be fetched, and code be run: a teacher's
            own, and that of files. A method, inner objective, loss, architecture and data may be of one's own, each
            as FILE.py:NAME, see docs/extending.md.
        data_dir: where datasets lie; None for the default.
        compile: hand the networks to torch.compile.
        deterministic: use only what gives the same bits again on the same device, or fail; the checkpoint says so.
            A run that was trained or begun without it is not trained again for it, which is said.
        devices, num_nodes: processes per machine, and machines.
        keep_state: keep the state of the finished run in `out/.state/finished`, for `extend`; that of a run with a
            setting that goes by the number of epochs is of no use and never kept.
        dry_run: print what would be done, and do nothing.
        log: trackers to tell of each epoch and of the final networks, beside the event files for TensorBoard that are
            always written to `out/runs`: "mlflow", "wandb", "trackio" or others that packages add.
        progress: True for bars, False for silence, None for bars at a terminal and lines elsewhere.

    Returns:
        The paths of the selected checkpoints, in the order of the method's networks.

    Raises:
        BadInput: something about the arguments; another run's checkpoints are in the way; an unfinished run is there
            and nobody said what to do with it; or the loss stopped being a number.
        KeyboardInterrupt: as it came; what the last finished epoch left can be resumed.
    """
    check_processes(devices, num_nodes)
    check_packages()
    trackers = check_trackers(log)
    with _named(recipe) as named:
        plan = make_plan(
            method,
            dataset=dataset,
            arch=arch,
            recipe=named,
            set=set,
            scale=scale,
            epsilon=epsilon,
            teacher=teacher,
            inner=inner,
            outer=outer,
            init=init,
            extra_data=extra_data,
            seed=seed,
            device=device,
            precision=precision,
            download=download,
            data_dir=data_dir,
            name=name,
            trust_remote_code=trust_remote_code,
        )
    folder = Path(out) if dry_run else check_writable(out, "last", ".state", ".state/finished", "runs")
    plan = as_it_was_called(plan, folder)
    if is_finished(plan, folder):
        if dry_run:
            print(f"{plan.name}: finished already")
        return _told(paths_of(plan, folder), deterministic)
    replaces = is_going_on(plan, folder) or (extend and not has_longer(plan, folder))
    if not overwrite:
        check_room(plan, folder, replaces)
    behind = epochs_behind(plan, folder, resume, overwrite, extend)
    source = None
    if not behind:
        source = extended_from(plan, folder, last_of(paths_of(plan, folder)[0])) if extend else None
        if progress is not False and not extend:
            _say_how_it_begins(plan, folder, resume)
    if dry_run:
        print(outlook(plan, folder, behind, source, keep_state))
        return paths_of(plan, folder)
    fabric = make_fabric(plan.device, plan.precision, devices, num_nodes, plan.dataset.nbytes)
    run = partial(
        _run,
        plan=plan,
        folder=folder,
        begin=state_path(folder, plan.stem) if behind else source and source.path,
        replaces=replaces,
        keep_state=keep_state,
        overwrite=overwrite,
        compile=compile,
        deterministic=deterministic,
        process=os.getpid(),
        trackers=tuple(dict.fromkeys(["tensorboard", *trackers])),
        trust_remote_code=trust_remote_code,
    )
    try:
        with code_within_reach(), lost_process_named(plan.name), none_left_behind():
            fabric.launch(partial(run, progress=progress))
    except OutOfTime:  # epochs count in whichever process they were trained
        found = begun(state_path(folder, plan.stem), strict=False)
        advance(max(0, found.epoch - behind) if found else 0)
        raise
    advance()
    return _told(paths_of(plan, folder), deterministic)


def _say_how_it_begins(plan: Plan, folder: Path, resume: bool | None) -> None:
    if resume:
        print(f"{plan.name}: there is nothing to resume; training begins with epoch 1", file=sys.stderr)
    shorter = to_go_on_from(plan, folder)
    if shorter:
        notice(
            f"{plan.name}: {shorter.name} has these settings and {shorter.begun.epoch} of the {plan.recipe.epochs} "
            "epochs; --extend goes on from there"
        )


def _told(paths: list[Path], deterministic: bool) -> list[Path]:
    """The checkpoints at `paths`; where `deterministic` is asked for, it is said which were trained otherwise."""
    others = [path for path in paths if deterministic and not load_checkpoint(path).extra.get("deterministic")]
    if others:
        notice(
            f"{', '.join(map(str, others))}: trained, or begun, earlier without --deterministic, and left as found; "
            "with another --out all of it is trained so"
        )
    return paths


@contextmanager
def _named(recipe: GivenRecipe) -> Iterator[str | Path]:
    """Within this context a recipe by its name or path; a mapping has a name that says what is in it."""
    with as_file(recipe, "recipe") as file:
        if not isinstance(recipe, Mapping):
            yield file
        else:
            name = Path(file).stem
            with RECIPES.lent(name, Path(file)):
                yield name


def train_beside(method: str, **options: Any) -> list[Path]:
    """`train`, under a name with eight digits of its digest behind it where another run's results have its name."""
    try:
        return train(method, **options)
    except Taken as taken:
        return train(method, **{**options, "name": taken.beside})


@trusts
def _run(
    fabric: Fabric,
    plan: Plan,
    folder: Path,
    begin: Path | None,
    replaces: bool,
    keep_state: bool,
    overwrite: bool,
    compile: bool,
    deterministic: bool,
    progress: bool | None,
    process: int,
    trackers: Sequence[str],
    trust_remote_code: bool,
) -> None:
    """Train in this process, which the one numbered `process` started unless it is that one itself."""
    if os.getpid() != process:
        end_with_parent()
    versions, hardware = versions_of_all(), describe(fabric.device)  # asked for before, not after hours
    state = state_path(folder, plan.stem)
    with repeating(deterministic):  # what is compiled is for what follows
        trainer = Trainer(plan, fabric, compile)
    leads = fabric.global_rank == 0
    followed = Run(plan.name, plan.digest, folder / "runs" / plan.stem, plan.facts)
    told = Trackers(trackers, followed) if leads else None
    reporter = Reporter(plan.name, plan.recipe.epochs, trainer.steps, progress if leads else False, told)
    with reporter as report, repeating(deterministic):
        trainer.fit(state, begin, report)
        report.summary(final_figures(trainer))
    if leads:
        if not overwrite:
            check_room(plan, folder, replaces)  # hours may have passed; the state of the whole run stays where it is
        save_checkpoints(trainer, folder, versions, hardware)
        finish(state, kept_path(folder, plan.stem) if keep_state and trainer.any_length else None)
    fabric.barrier()
