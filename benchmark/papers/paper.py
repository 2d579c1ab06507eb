"""The public function of the papers package: train what is missing, evaluate what is missing, write the tables."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmark.arguments import checked_arguments
from benchmark.deadline import stoppable
from benchmark.documents import in_words
from benchmark.engines import Means
from benchmark.environment import check_packages
from benchmark.errors import BadInput, unknown
from benchmark.ledger.marker import check_apart
from benchmark.own.trust import trusts
from benchmark.papers.choice import choosing, figure_choices, with_choices
from benchmark.papers.claims import ClaimVerdict, check_claims, is_asked
from benchmark.papers.dry_run import UNKNOWN, list_work, listed_jobs
from benchmark.papers.files import PAPERS, load_paper
from benchmark.papers.grid import TableGrid, make_grids
from benchmark.papers.job_list import wanted_cells, with_bases
from benchmark.papers.own_networks import read_own_networks
from benchmark.papers.published import Published, load_published
from benchmark.papers.schema import Paper
from benchmark.papers.setting import PaperSetting, make_setting
from benchmark.papers.shares import Division, Planner, Request
from benchmark.papers.variants import read_variants, with_variants
from benchmark.papers.work import Work
from benchmark.papers.writing import write_files
from benchmark.parts import WHOLE, read_part
from benchmark.planning.jobs import waiting
from benchmark.planning.ledger_index import LedgerIndex
from benchmark.planning.repeatable import tell_of_earlier
from benchmark.planning.runner import JobRunner
from benchmark.planning.runs import Zoo
from benchmark.scales import Epsilon, read_radii
from benchmark.storage import check_writable, safe_name


@dataclass(frozen=True)
class Result:
    """What became of a call.

    Attributes:
        page: the page that was written; None for a dry run.
        jobs: what was missing when it began: the job, the row it is for, and in a dry run its time in seconds and
            what that is based on.
        verdicts: on all of the paper's claims, as the ledger has them now.
        failures: jobs that could not be done, with the reason; of a dry run what is missing, first of all, and why
            the times of some jobs are unknown.
        asked: those of the verdicts that are about the tables and rows that were asked for.
        choices: what the figures that were asked for choose here, a sentence each.
    """

    page: Path | None
    jobs: list[dict[str, Any]] = field(default_factory=list)
    verdicts: list[ClaimVerdict] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    asked: list[ClaimVerdict] = field(default_factory=list)
    choices: list[str] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """The estimates of all jobs together, as far as they are known."""
        return sum(job.get("time", 0.0) for job in self.jobs)

    @property
    def unknown(self) -> int:
        """How many jobs of a dry run take nobody knows how long."""
        return sum(job.get("basis") == UNKNOWN for job in self.jobs)


@stoppable
@trusts
@checked_arguments
def paper(
    name: str | Path,
    *,
    table: str | None = None,
    dataset: str | Sequence[str] = ("digits",),
    only: Sequence[str] = (),
    variant: Sequence[str] | Mapping[str, str] = (),
    network: Sequence[str] | Mapping[str, str | Path] = (),
    recipe: str | Path | None = None,
    preset: str | None = None,
    n: int | None = None,
    scale: str | None = None,
    epsilon: Epsilon | None = None,
    seeds: Sequence[int] = (0,),
    dry_run: bool = False,
    zoo: str | Path = "zoo",
    results: str | Path = "results",
    out: str | Path = "reports",
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
    deterministic: bool = False,
    progress: bool = True,
) -> Result:
    """Regenerate the tables and figures of a paper: train what is missing, evaluate what is missing, write the page.

    The page always shows the whole paper, as far as the ledger knows it: `OUT/DATASET/NAME/index.html`, with a CSV
    and a LaTeX file for each table.

    Args:
        name: of the paper: mat, mmard, cat, robust-union, or another one's YAML file.
        table: only this one: "5", or "figure-3"; None for all.
        dataset: the data to do it on: "digits", "cifar10", "cifar100", "folder:PATH" or another dataset; several of
            them are shown on one page.
        only: labels of the rows to work for; empty for all.
        network: networks in place of trainings, {"at-msd": "zoo/msd.pt"} or ["at-msd=zoo/msd.pt"], such as those of
            the authors that `import_checkpoint` took in; "mat/h1" names one of several. Of several datasets one that
            was trained on some of them stands for these alone.
        variant: other readings of what the paper leaves open, {"baselines": "own"} or ["baselines=own"].
        recipe, preset, n: recipe of all trainings, preset of all suites, number of test images; None for what the
            paper's file says.
        scale: whose row of published radii to take, such as "imagenet"; None for that of the data. Pictures of one's
            own, folder:PATH, have none.
        epsilon: radii by norm that go before those of the row, {"linf": "4/255"} or "linf=4/255,l2=2".
        seeds: of the trainings; rows are the mean over them.
        dry_run: only list what there is to do, of that `part`, and how long it will take.
        zoo, results, out: folders of the checkpoints, of the ledger, of the pages.
        workers, engine, address, gpu_share: as `benchmark.evaluate` takes them; trainings run there, too.
        part: as `benchmark.sweep` takes it.
        device, precision, data_dir, download, trust_remote_code, deterministic, progress: as `benchmark.train` and
            `benchmark.evaluate` take them.

    Returns:
        The path of the page, the jobs that were missing, and the verdicts on the paper's claims.

    Raises:
        BadInput: an unknown paper, table, row or dataset, or a folder that can't be used. What goes wrong in a single
            training or evaluation ends up in `failures`, and the others go on.
        KeyboardInterrupt: what was finished is kept; call again to go on.
    """
    name, recipe = in_words(name), None if recipe is None else in_words(recipe)
    share, means = read_part(part), Means(workers, None, engine, address, gpu_share, device)
    if problems := means.problems():
        raise BadInput("\n".join(problems))
    readings = read_variants(variant)
    found, told = with_variants(load_paper(name), readings)
    keys = _keys(found, table)
    _check_rows(found, keys, only)
    datasets = [dataset] if isinstance(dataset, str) else [*dict.fromkeys(dataset)]
    if not datasets:
        raise BadInput("name at least one dataset")
    own = read_own_networks(found, network, datasets)
    radii = read_radii(scale, epsilon)
    settings = [
        replace(
            make_setting(found, each, recipe, preset, n, tuple(seeds), radii, told),
            data_dir=str(data_dir) if data_dir else None,
            precision=precision,
            trust_remote_code=trust_remote_code,
            deterministic=deterministic,
            own_networks=own[each],
        )
        for each in datasets
    ]
    placed = dict.fromkeys(pair for pairs in own.values() for pair in pairs)
    given = [f"{run}={each.source or each.name}" for run, each in placed]
    command = _command(name, datasets, readings, recipe, preset, n, settings[0], given)
    notes: list[str] = []
    index = LedgerIndex.open(results)
    taken = choosing(found, readings)
    first = Request(tuple(dict.fromkeys(str(reading.chosen_by) for reading in taken)))
    later = Request(tuple(key for key in keys if key not in first.keys), tuple(only))
    division = Division(found, (first, later), settings, share, download and not dry_run)
    planner = Planner(found, Path(zoo), division, notes.append)
    chosen = [with_choices(found, setting, taken, index) for setting in settings]
    known = [setting if waits else own for setting, (own, waits) in zip(settings, chosen, strict=True)]
    before, works = planner.works(first, settings, index), planner.works(later, known, index)
    listed = [row for work in (*before, *works) for row in listed_jobs(work.jobs.jobs, None)[0]]
    if dry_run:
        notes += [f"{each}: their jobs are listed as with the paper's value" for _, waits in chosen for each in waits]
        rows, told_first = list_work([*before, *works], index, device, download, notes)
        return Result(None, rows, failures=told_first)
    check_packages()
    check_apart(out, results)
    for folder in (zoo, results, out):
        check_writable(folder)

    def do(works: Sequence[Work]) -> LedgerIndex:
        for work in works:
            runner = JobRunner(work.setting, Path(zoo), results, device, means, download, progress)
            possible = work.jobs.possible
            late = waiting(possible, runner.checkpoints) if share != WHOLE else {}
            done = runner.do_all([job for job in possible if job not in late])
            notes.extend([*(str(result) for result in done if result.error), *late.values()])
        return LedgerIndex.open(results)

    if first.keys:
        index = do(before)
        chosen = [with_choices(found, setting, taken, index) for setting in settings]
        settings = [setting for setting, _ in chosen]
        notes += [each for _, waits in chosen for each in waits]
        works = planner.works(later, settings, index)
    index = do(works)
    published = load_published(name) if name in PAPERS else Published({})
    called = "-".join([found.name, *(word for pair in readings.items() for word in pair)])
    target = Path(out) / safe_name("+".join(each.dataset for each in settings)) / safe_name(called)
    grids = {
        key: [grid for setting in settings for grid in make_grids(found, key, setting, index, published)]
        for key in found.exhibits
    }
    if deterministic:
        for each in (first, later):
            _tell_of_earlier(found, each, settings, index, Path(zoo), grids)
    verdicts = check_claims(found.claims, grids)
    notes = list(dict.fromkeys(notes))
    path = write_files(found, settings, grids, published, verdicts, command, notes, target)
    asked = [verdict for verdict in verdicts if is_asked(verdict.claim, found, keys, only)]
    choices = [str(each) for each in figure_choices(found, {key: grids[key] for key in (*first.keys, *later.keys)})]
    return Result(path, listed, verdicts, notes, asked, choices)


def _tell_of_earlier(
    paper: Paper,
    request: Request,
    settings: Sequence[PaperSetting],
    index: LedgerIndex,
    zoo: Path,
    grids: Mapping[str, Sequence[TableGrid]],
) -> None:
    """Say which networks and results of a request were made without --deterministic."""
    keys = request.keys
    lines = [line for key in keys for grid in grids[key] for line in grid.lines]
    used = {id for line in lines for cell in line.cells for id in cell.evaluations}
    places = [(setting.of(paper.exhibits[key]), key) for setting in settings for key in keys]
    for own in dict.fromkeys(own for own, _ in places):
        some = [key for setting, key in places if setting == own]
        networks = [cell[2] for cell in wanted_cells(paper, some, own, with_bases(paper, some, request.only))]
        tell_of_earlier(networks, Zoo(zoo, index.runs(own)))
    tell_of_earlier([], None, [each for each in index.all() if each.id in used])


def _keys(paper: Paper, table: str | None) -> list[str]:
    if table is None:
        return list(paper.exhibits)
    key = table.lower().replace(" ", "-").removeprefix("table-")
    if key not in paper.exhibits:
        raise unknown("table", table, paper.exhibits, f"paper {paper.name}")
    return [key]


def _check_rows(paper: Paper, keys: Sequence[str], only: Sequence[str]) -> None:
    labels = [row.label for key in keys for row in paper.exhibits[key].rows]
    for label in only:
        if label not in labels:
            raise unknown("row", label, labels, f"paper {paper.name}")


def _command(
    name: str,
    datasets: Sequence[str],
    readings: Mapping[str, str],
    recipe: str | None,
    preset: str | None,
    n: int | None,
    setting: PaperSetting,
    networks: Sequence[str],
) -> str:
    words = ["bench", "paper", name, "--dataset", *datasets]
    words += ["--variant", *(f"{what}={reading}" for what, reading in readings.items())] if readings else []
    for option, value in (("--recipe", recipe), ("--preset", preset), ("--n", n)):
        words += [] if value is None else [option, str(value)]
    words += ["--network", *networks] if networks else []
    words += setting.radii.options()
    words += ["--seeds", *map(str, setting.seeds)] if setting.seeds != (0,) else []
    words += ["--deterministic"] if setting.deterministic else []
    return shlex.join(words)
