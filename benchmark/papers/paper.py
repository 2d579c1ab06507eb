"""The public function of the papers package: train what is missing, evaluate what is missing, write the tables."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmark.deadline import stoppable
from benchmark.documents import in_words
from benchmark.engines import Means
from benchmark.environment import check_packages
from benchmark.errors import BadInput, unknown
from benchmark.own.trust import trusts
from benchmark.papers import disagreement, epochs, overlap
from benchmark.papers.claim_printed import printed_numbers
from benchmark.papers.claims import ClaimVerdict, check_claims
from benchmark.papers.files import PAPERS, load_paper
from benchmark.papers.grid import TableGrid, make_grids, printed_grids
from benchmark.papers.html import page
from benchmark.papers.method_tables import files_of
from benchmark.papers.own_networks import read_own_networks
from benchmark.papers.published import Published, load_published
from benchmark.papers.radii import check_radii
from benchmark.papers.schema import Paper
from benchmark.papers.setting import PaperSetting, make_setting
from benchmark.papers.text import claims_csv, to_csv, to_json, to_latex
from benchmark.papers.titles import file_of, title_of
from benchmark.papers.variants import read_variants, with_variants
from benchmark.papers.work import Work, plan_work
from benchmark.parts import WHOLE, Part, read_part
from benchmark.planning.estimate import TimeEstimate
from benchmark.planning.jobs import JobList, mine, waiting
from benchmark.planning.ledger_index import LedgerIndex
from benchmark.planning.missing import missing
from benchmark.planning.runner import JobRunner
from benchmark.scales import Epsilon, read_radii
from benchmark.storage import check_writable, safe_name, write_atomic

#: What stands where the time of a job can't be estimated; why is said once for all of them.
UNKNOWN = "unknown"

#: The leaderboard, seen from a paper's page.
HOME = "../../index.html"


@dataclass(frozen=True)
class Result:
    """What became of a call.

    Attributes:
        page: the page that was written; None for a dry run.
        jobs: what was missing when it began: the job, the row it is for, and in a dry run its time in seconds and
            what that is based on.
        verdicts: on the paper's claims, as the ledger has them now.
        failures: jobs that could not be done, with the reason; of a dry run what is missing, first of all, and why
            the times of some jobs are unknown.
    """

    page: Path | None
    jobs: list[dict[str, Any]] = field(default_factory=list)
    verdicts: list[ClaimVerdict] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

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
            the authors that `import_checkpoint` took in; "mat/h1" names one of several.
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
    own = read_own_networks(found, network)
    keys = _keys(found, table)
    _check_rows(found, keys, only)
    datasets = [dataset] if isinstance(dataset, str) else [*dict.fromkeys(dataset)]
    if not datasets:
        raise BadInput("name at least one dataset")
    radii = read_radii(scale, epsilon)
    settings = [
        replace(
            make_setting(found, each, recipe, preset, n, tuple(seeds), radii, told),
            data_dir=str(data_dir) if data_dir else None,
            precision=precision,
            trust_remote_code=trust_remote_code,
            deterministic=deterministic,
            own_networks=own,
        )
        for each in datasets
    ]
    command = _command(name, datasets, readings, recipe, preset, n, settings[0])
    notes: list[str] = []
    index = LedgerIndex.open(results)
    works = plan_work(found, keys, settings, index, Path(zoo), only, notes.append)
    for work in works:
        check_radii(found, work.keys, work.setting, work.jobs)
    if dry_run:
        return _dry_run(works, index, device, download, notes, share)
    check_packages()
    for folder in (zoo, results, out):
        check_writable(folder)
    for work in works:
        runner = JobRunner(work.setting, Path(zoo), results, device, means, download, progress)
        asked = mine(work.jobs.possible, share)
        late = waiting(asked, runner.checkpoints) if share != WHOLE else {}
        done = runner.do_all([job for job in asked if job not in late])
        notes.extend([*(str(result) for result in done if result.error), *late.values()])
    published = load_published(name) if name in PAPERS else Published({})
    called = "-".join([found.name, *(word for pair in readings.items() for word in pair)])
    target = Path(out) / safe_name("+".join(each.dataset for each in settings)) / safe_name(called)
    verdicts = _write(found, settings, LedgerIndex.open(results), published, command, notes, target)
    listed = [row for work in works for row in _listed(work.jobs, None)[0]]
    return Result(target / "index.html", listed, verdicts, notes)


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
) -> str:
    words = ["bench", "paper", name, "--dataset", *datasets]
    words += ["--variant", *(f"{what}={reading}" for what, reading in readings.items())] if readings else []
    for option, value in (("--recipe", recipe), ("--preset", preset), ("--n", n)):
        words += [] if value is None else [option, str(value)]
    given = [f"{run}={network.source or network.name}" for run, network in setting.own_networks]
    words += ["--network", *given] if given else []
    words += setting.radii.options()
    words += ["--seeds", *map(str, setting.seeds)] if setting.seeds != (0,) else []
    words += ["--deterministic"] if setting.deterministic else []
    return shlex.join(words)


def _dry_run(
    works: Sequence[Work], index: LedgerIndex, device: str, download: bool, notes: Sequence[str], share: Part
) -> Result:
    works = [replace(work, jobs=JobList(mine(work.jobs.jobs, share))) for work in works]
    needs = [each for work in works for each in missing(work.jobs.possible, work.setting, download)]
    rows: list[dict[str, Any]] = []
    reasons: list[str] = []
    for work in works:
        listed, unknown_times = _listed(work.jobs, TimeEstimate(index.all(), work.setting, device))
        rows += listed
        reasons += [each for each in unknown_times if each not in needs]
    return Result(None, rows, failures=list(dict.fromkeys([*needs, *notes, *reasons])))


def _listed(jobs: JobList, estimates: TimeEstimate | None) -> tuple[list[dict[str, Any]], list[str]]:
    """A row for each job, and why the times of some are unknown, each reason once."""
    rows, reasons = [], []
    for job in jobs.jobs:
        row: dict[str, Any] = {"job": job.what, "for": job.rows}
        estimate = estimates.estimate(job) if estimates and not job.obstacle else None
        if estimate and estimate.seconds is not None:
            row["time"] = estimate.seconds
        elif estimate:
            reasons.append(estimate.basis)
        known = estimate.basis if estimate and estimate.seconds is not None else UNKNOWN if estimate else ""
        row["basis"] = f"not possible: {job.obstacle}" if job.obstacle else known
        rows.append(row)
    return rows, list(dict.fromkeys(reasons))


def _write(
    paper: Paper,
    settings: Sequence[PaperSetting],
    index: LedgerIndex,
    published: Published,
    command: str,
    failures: Sequence[str],
    target: Path,
) -> list[ClaimVerdict]:
    grids: dict[str, list[TableGrid]] = {
        key: [grid for setting in settings for grid in make_grids(paper, key, setting, index, published)]
        for key in paper.exhibits
    }
    datasets = " and ".join(setting.dataset for setting in settings)
    verdicts = check_claims(paper.claims, grids)
    for key, panels in grids.items():
        if panels:
            caption = f"{title_of(key)} of {paper.name} on {datasets}: {paper.exhibits[key].title}."
            write_atomic(target / f"{file_of(key)}.csv", to_csv(panels))
            write_atomic(target / f"{file_of(key)}.tex", to_latex(panels, caption))
        if panels and paper.exhibits[key].overlap:
            write_atomic(target / f"{file_of(key)}-overlap.csv", overlap.to_csv(panels))
        if panels and paper.exhibits[key].confusion:
            write_atomic(target / f"{file_of(key)}-confusion.csv", disagreement.to_csv(panels))
        if panels and paper.exhibits[key].epochs:
            write_atomic(target / f"{file_of(key)}-epochs.csv", epochs.to_csv(panels))
    printed = {key: printed_grids(paper, key, published) for key in paper.exhibits}
    said = {claim.text: printed_numbers(claim, printed) for claim in paper.claims}
    write_atomic(target / "claims.csv", claims_csv(verdicts, said))
    home = HOME if (target / HOME).resolve().exists() else None
    for file, text in files_of(paper).items():
        write_atomic(target / file, text)
    write_atomic(target / "index.html", page(paper, settings, grids, published, verdicts, command, failures, home))
    write_atomic(target / "paper.json", to_json(paper, settings, verdicts))
    return verdicts
