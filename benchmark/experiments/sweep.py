"""The public function of the experiments package: train every variant, measure all networks alike, choose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmark.arguments import checked_arguments
from benchmark.data import load
from benchmark.data.extra import load_extra
from benchmark.deadline import stoppable
from benchmark.documents import in_words
from benchmark.engines import Means
from benchmark.environment import check_packages
from benchmark.errors import BadInput, notice
from benchmark.evaluation import load_suite
from benchmark.experiments.experiment import make_comparison
from benchmark.experiments.measure import VariantMeasurer
from benchmark.experiments.page import page
from benchmark.experiments.plan import given_teachers, make_job_list, plan_variants
from benchmark.experiments.selected import Selected, selected
from benchmark.experiments.setting import SweepSetting
from benchmark.experiments.table import COLUMNS, SweepLine, make_lines, percentage, to_csv, to_grid, to_latex
from benchmark.experiments.variants import Variant, make_variants
from benchmark.given import plain
from benchmark.hardware import resolve_device
from benchmark.ledger.marker import check_apart
from benchmark.models.architectures import canonical
from benchmark.own.trust import trusts
from benchmark.parts import WHOLE, read_part
from benchmark.planning.jobs import mine, waiting
from benchmark.planning.plot import plot_of
from benchmark.planning.repeatable import tell_of_earlier
from benchmark.planning.runner import JobRunner
from benchmark.plots.plot import FILE as PLOTS_FILE
from benchmark.plots.plot import to_json
from benchmark.reporting.pages import site_root
from benchmark.reporting.sweep_pages import FILE, Summary
from benchmark.scales import Epsilon, read_radii
from benchmark.storage import check_writable, write_atomic
from benchmark.suites.files import fitting
from benchmark.training.decision import usual_architecture
from benchmark.training.initial import load_initial
from benchmark.training.parallel import check_processes


@dataclass(frozen=True)
class Sweep:
    """What became of a call.

    Attributes:
        page: the page that was written; `sweep.csv` lies beside it. None for a part of which no run is whole yet.
        lines: the numbers, a line per variant and network.
        selected: the chosen variant, corrected for the choice; None where that can't be done.
        failures: what could not be trained or measured, with the reason.
    """

    page: Path | None
    lines: list[SweepLine] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    selected: Selected | None = None

    @property
    def chosen(self) -> Variant | None:
        """The variant of highest robust accuracy; None if all show strong signs of gradient masking."""
        return next((line.variant for line in self.lines if line.chosen), None)

    def rows(self) -> list[dict[str, Any]]:
        """The lines for a terminal: what was varied, accuracies in percent, what was chosen."""
        return [
            {
                "method": line.variant.method,
                **line.variant.varied,
                "network": line.network,
                **{column: percentage(line.cell(column)) for column in COLUMNS},
                "chosen": line.verdict,
            }
            for line in self.lines
        ]


#: What networks are attacked with, where they are selected by test images.
SUITE = "pgd-linf"


@stoppable
@trusts
@checked_arguments
def sweep(
    experiment: str | Path | None = None,
    *,
    method: str | Sequence[str] = (),
    set: Mapping[str, Any] | Sequence[str] | None = None,
    select: str = "validation",
    suite: str | Path = SUITE,
    preset: str = "standard",
    n: int | None = None,
    dataset: str = "digits",
    arch: str | None = None,
    recipe: str | Path = "quick",
    scale: str | None = None,
    epsilon: Epsilon | None = None,
    teacher: Sequence[str | Path] = (),
    inner: str | None = None,
    outer: str | None = None,
    init: Sequence[str | Path] = (),
    extra_data: str | Path | None = None,
    seeds: Sequence[int] = (0,),
    zoo: str | Path = "zoo",
    results: str | Path = "results",
    out: str | Path | None = None,
    device: str = "auto",
    precision: str = "auto",
    workers: int | None = None,
    engine: str = "local",
    address: str | None = None,
    gpu_share: float = 1.0,
    part: str | None = None,
    data_dir: str | Path | None = None,
    download: bool = False,
    trust_remote_code: bool = False,
    compile: bool = False,
    deterministic: bool = False,
    devices: int = 1,
    progress: bool = True,
) -> Sweep:
    """Train one run per method and combination of values, measure all networks, and mark the best run.

    Runs and evaluations that exist are not made again, so that the same call goes on after an interruption. Teachers
    of methods that need some are trained before: see `benchmark.experiments.variants.TEACHERS`.

    Args:
        experiment: a name of `bench list experiments` or a YAML file, which says `method` and `set`; `set` may add
            to it.
        method: one or several names of `bench list methods`.
        set: settings by name, lists standing for several values; or "key=value,value" strings, where
            "alpha=0.1,0.2,...,0.9" stands for nine values. Several keys with several values make a grid.
        select: "validation": clean accuracy and PGD on held-out training images, as training measured them to select
            the checkpoint. "test": on the test images, under all attacks of the suite together.
        suite, preset, n: as `benchmark.evaluate` takes them; for "test" only.
        dataset, arch, recipe, scale, epsilon, teacher, data_dir, download, trust_remote_code, compile, devices: as
            `benchmark.train` takes them; the last two speed up the trainings alone.
        inner, outer: as `benchmark.train` takes them; of all methods that are compared, not of the teachers that are
            trained for them.
        init, extra_data: as `benchmark.train` takes them; of all runs that are compared, not of the teachers either.
        seeds: of the trainings; numbers are means over them.
        zoo, results: folders of the checkpoints and of the ledger.
        out: folder for the page and its table; reports/sweeps/NAME if left out.
        device, precision, deterministic, progress: as `benchmark.train` and `benchmark.evaluate` take them.
        workers, engine, address, gpu_share: as `benchmark.evaluate` takes them; trainings run there, too.
        part: "2/8" for the second of eight parts that have no run in common. A run whose teacher is in another part
            waits for it: call again once that is in the zoo.

    Returns:
        The path of the page, the figures of each run, and which one was chosen.

    Raises:
        BadInput: anything about the arguments, before any run is trained. What goes wrong in a single run ends up in
            `failures`, and the others go on, unless none is left.
        KeyboardInterrupt: what was finished is kept; call again to go on.
    """
    share, means = read_part(part), Means(workers, None, engine, address, gpu_share, device)
    if problems := means.problems():
        raise BadInput("\n".join(problems))
    comparison = make_comparison(experiment, [method] if isinstance(method, str) else method, set, inner, outer)
    check_processes(devices, 1)
    suite, recipe = in_words(suite), in_words(recipe)
    if select == "validation" and (suite, preset, n) != (SUITE, "standard", None):
        raise BadInput("--suite, --preset and --n are about test images: add --select test, or leave them out")
    setting = SweepSetting(
        select=select,
        suite=suite,
        preset=preset,
        images=n,
        dataset=dataset,
        arch=arch,
        recipe=recipe,
        teacher=tuple(teacher),
        init=tuple(init),
        extra_data=str(extra_data) if extra_data else None,
        seeds=tuple(dict.fromkeys(plain([*seeds]))),
        radii=read_radii(scale, epsilon),
        data_dir=str(data_dir) if data_dir else None,
        precision=precision,
        trust_remote_code=trust_remote_code,
        deterministic=deterministic,
    )
    data = load(dataset, data_dir=data_dir, download=download)
    inits = load_initial(
        setting.init,
        data,
        canonical(arch) if arch else None,
        download=download,
        trust_remote_code=trust_remote_code,
    )
    architecture = arch or (inits[0].architecture if inits else usual_architecture(data))
    extra = load_extra(setting.extra_data, data) if setting.extra_data else None
    variants = make_variants(
        comparison.methods,
        comparison.values,
        dataset=data,
        architecture=architecture,
        recipe=recipe,
        given=len(teacher),
        inner=comparison.inner,
        outer=comparison.outer,
        radii=setting.radii,
        inits=inits,
        has_extra=extra is not None,
    )
    if not setting.on_test and not all(variant.recipe.validation.images for variant in variants):
        raise BadInput(
            "validation.images=0 holds nothing out of training, so that there is nothing to select by; "
            "hold some out, e.g. validation.images=0.2, or select on test images, --select test"
        )
    if setting.on_test:  # which may need fewer norms than the trainings do
        load_suite(suite, preset, fitting(setting.radii, suite).of(data))
        data.test.first(len(data.test) if n is None else n)
    resolve_device(means.planning_device(device))
    teachers = given_teachers(variants, setting, data, download)
    target = Path(out) if out else Path("reports/sweeps") / comparison.name
    check_packages()
    check_apart(target, results)
    for folder in (zoo, target, *([results] if setting.on_test else [])):
        check_writable(folder)

    runner = JobRunner(setting, Path(zoo), results, device, means, download, progress, compile, devices)
    planned = plan_variants(variants, setting, data.name, architecture, teachers, inits, extra)
    ancestors = [ancestor for each in planned for network in each.all() for ancestor in network.lineage()]
    costs = {each.training.name if each.training else each.name: 1.0 for each in ancestors}  # runs that are alike
    jobs = mine(make_job_list(planned, setting, runner.checkpoints).possible, share, costs)
    late = waiting(jobs, runner.checkpoints) if share != WHOLE else {}
    done = [*runner.do_all([job for job in jobs if job not in late])]
    if deterministic:
        tell_of_earlier(ancestors, runner.checkpoints)
    held_out = None if setting.on_test else (len(data.train) + len(data.validation), len(data.validation))
    measured, failures = VariantMeasurer.of(done, runner.checkpoints, held_out).all(planned)
    if share != WHOLE:
        failures = [*(str(each) for each in done if each.error), *late.values()]
    is_whole = share == WHOLE or len(measured) == len(planned)
    lines = make_lines(measured, choose=is_whole)
    if not lines and share != WHOLE:
        notice(f"part {share} is done; the same command without --part writes the page once all parts are together")
        return Sweep(None, failures=failures)
    if not lines:
        raise BadInput("\n".join(failures))
    best = selected(lines)
    verdict = str(best) if best else ""
    if not is_whole:  # the others may be better
        so_far = f"{len(measured)} of {len(planned)} variants are measured"
        verdict = f"{so_far}; the best one is named once all are."
        notice(f"part {share}: {so_far}; the same command without --part names the best one once all are")
    write_atomic(target / "sweep.csv", to_csv(lines, best.found if best else None))
    about = setting.about(comparison, data.name, architecture, lines[0].figures[0].images)
    write_atomic(target / "sweep.tex", to_latex(lines, comparison.title, about))
    grid = to_grid(lines, comparison.title)
    plot = plot_of(grid, f"sweep-{comparison.name}", f"{comparison.title}. {about}")
    if plot:
        write_atomic(target / PLOTS_FILE, to_json([plot]))
    html = page(
        lines,
        grid,
        about=about,
        source=comparison.source,
        command=setting.command(comparison),
        failures=failures,
        selected=verdict,
        root=site_root(target),
    )
    summary = Summary(title=comparison.title, networks=len(lines), selected=verdict)
    write_atomic(target / FILE, summary.model_dump_json(indent=2) + "\n")
    return Sweep(write_atomic(target / "index.html", html), lines, failures, best)
