"""The command line: each verb parses its words, calls the Python function of the same name and prints what came back.

Exit codes: 0 done, 1 a part of it failed (an attack, one of several runs, a stored image that was not confirmed) or
`doctor` found something to mend, 2 the input was bad, 130 interrupted.
"""

from __future__ import annotations

import atexit
import gc
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand

import benchmark
from benchmark.errors import BadInput, printable

app = typer.Typer(
    name="bench",
    help="How robust is this image classifier, and is defence A really better than B?",
    epilog="Start with: bench train --method at   then   bench evaluate zoo/*.pt   then   bench report",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


class Interrupted(Exception):
    """Ctrl-C, under a name that typer does not end the program for before a way on can be named."""


class Verb(TyperCommand):
    """A command whose repeatable options take all words up to the next option: --set a=1 b=2."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise Interrupted from error

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        repeatable = {name for option in self.params if getattr(option, "multiple", False) for name in option.opts}
        words: list[str] = []
        option, has_value = "", False
        for word in args:
            if word.startswith("-"):
                name, inline, _ = word.partition("=")
                option, has_value = name if name in repeatable else "", bool(inline)
            elif option:
                words += [option] * has_value
                has_value = True
            words.append(word)
        return super().parse_args(ctx, words)


Device = Annotated[str, typer.Option(help="Where to compute: auto, cpu, cuda, cuda:1, ...")]
Precision = Annotated[str, typer.Option(help="auto, fp32 or bf16; auto is bf16 where the hardware has it.")]
Results = Annotated[Path, typer.Option(help="Folder of the ledger: every attack's per-example results.")]
Root = Annotated[Path | None, typer.Option(help="Folder where data sets lie, or are downloaded to.")]
Download = Annotated[bool, typer.Option("--download", help="Download what is missing instead of refusing.")]
Trust = Annotated[bool, typer.Option("--trust", help="Allow the code that python:MODULE:CALLABLE names to run.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs to read.")]


@app.callback(invoke_without_command=True)
def start(version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False) -> None:
    if version:
        print(f"bench {benchmark.__version__}")
        raise typer.Exit()


@app.command(cls=Verb, epilog="Example: bench train --method trades mat --dataset digits --set epochs=10")
def train(
    method: Annotated[list[str], typer.Option(help="Defence to train; several are trained one after the other.")],
    dataset: Annotated[str, typer.Option(help="Images to train on; see: bench list datasets.")] = "digits",
    arch: Annotated[str | None, typer.Option(help="Architecture; left out, the one that suits the data.")] = None,
    recipe: Annotated[str, typer.Option(help="How long and how fast: a name or a YAML file.")] = "quick",
    set: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="Change one value of the recipe or method.")
    ] = None,
    teacher: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NETWORK",
            help="Frozen teacher of a method that has one: a checkpoint, or robustbench:NAME and other sources.",
        ),
    ] = None,
    inner: Annotated[str | None, typer.Option(help="Craft training examples as this method does.")] = None,
    outer: Annotated[str | None, typer.Option(help="Minimise the loss of this method.")] = None,
    seed: Annotated[int, typer.Option(help="Decides initial weights, batches and random starts.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder for the checkpoints.")] = Path("zoo"),
    name: Annotated[
        str | None, typer.Option(help="Name of the run; left out, the method and what is unusual.")
    ] = None,
    device: Device = "auto",
    precision: Precision = "auto",
    resume: Annotated[bool, typer.Option("--resume", help="Go on from where an interrupted run stopped.")] = False,
    download: Download = False,
    root: Root = None,
    trust: Trust = False,
    compile: Annotated[bool, typer.Option("--compile", help="Compile the networks; pays off in long runs.")] = False,
    devices: Annotated[int, typer.Option(help="How many devices share each batch.")] = 1,
    num_nodes: Annotated[int, typer.Option(help="How many machines take part.")] = 1,
) -> None:
    """Train a defence; one checkpoint per network goes to --out. What is there already is left alone."""
    if name and len(method) > 1:
        raise BadInput(f"--name {name} would name {len(method)} runs alike; train one method at a time")
    for defence in method:
        for path in benchmark.train(
            defence,
            dataset=dataset,
            arch=arch,
            recipe=recipe,
            set=set,
            teacher=teacher or (),
            inner=inner,
            outer=outer,
            seed=seed,
            out=out,
            name=name,
            device=device,
            precision=precision,
            resume=resume,
            download=download,
            root=root,
            trust=trust,
            compile=compile,
            devices=devices,
            num_nodes=num_nodes,
        ):
            print(path)


@app.command(
    cls=Verb, epilog="Example: bench evaluate zoo/at.pt zoo/mat-h1.pt --suite multi-perturbation --preset quick"
)
def evaluate(
    checkpoints: Annotated[
        list[str],
        typer.Argument(
            metavar="CHECKPOINT", help="Networks to attack: files, or python:MODULE:CALLABLE and other sources."
        ),
    ],
    suite: Annotated[str, typer.Option(help="Which attacks: a name or a YAML file.")] = "multi-perturbation",
    preset: Annotated[
        str, typer.Option(help="full as published, or quick: fewer steps, starts and images.")
    ] = "full",
    n: Annotated[int | None, typer.Option(help="Use the first N test images; left out, the preset's number.")] = None,
    mode: Annotated[
        str, typer.Option(help="full: every attack sees every image. worst-case: only survivors.")
    ] = "full",
    seed: Annotated[int, typer.Option(help="Decides every random start.")] = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    workers: Annotated[int, typer.Option(help="How many processes attack at once.")] = 1,
    time_limit: Annotated[
        float | None, typer.Option(help="Seconds for one attack on 250 images; left out, as long as it takes.")
    ] = None,
    results: Results = Path("results"),
    keep: Annotated[bool, typer.Option("--keep", help="Store the adversarial images, too.")] = False,
    dataset: Annotated[
        str | None, typer.Option(help="Whose test images; left out, of the data the network was trained on.")
    ] = None,
    root: Root = None,
    download: Download = False,
    trust: Trust = False,
    compile: Annotated[
        bool, typer.Option("--compile", help="Compile the networks for the search; pays off in long runs.")
    ] = False,
) -> None:
    """Attack networks and keep, per image, what broke them. Attacks that were run before are not run again."""
    evaluations = benchmark.evaluate(
        checkpoints,
        suite=suite,
        preset=preset,
        n=n,
        mode=mode,
        seed=seed,
        device=device,
        precision=precision,
        workers=workers,
        time_limit=time_limit,
        results=results,
        keep=keep,
        dataset=dataset,
        root=root,
        download=download,
        trust=trust,
        compile=compile,
    )
    from benchmark.reporting import boards, print_boards

    print_boards(boards(evaluations))
    if any(outcome.errors for evaluation in evaluations for outcome in evaluation.outcomes):
        raise typer.Exit(1)


@app.command(
    cls=Verb, epilog="Example: bench transfer zoo/at.pt zoo/mat-h1.pt --targets zoo/trades.pt --preset quick"
)
def transfer(
    sources: Annotated[list[str], typer.Argument(metavar="SOURCE", help="Networks to craft on, as for evaluate.")],
    targets: Annotated[
        list[str] | None,
        typer.Option(metavar="TARGET", help="Networks to try the images on; left out, the sources themselves."),
    ] = None,
    suite: Annotated[str, typer.Option(help="Which attacks: a name or a YAML file.")] = "transfer",
    preset: Annotated[str, typer.Option(help="full as published, or quick: fewer images.")] = "full",
    n: Annotated[int | None, typer.Option(help="Use the first N test images; left out, the preset's number.")] = None,
    seed: Annotated[int, typer.Option(help="Decides every random start.")] = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    results: Results = Path("results"),
    dataset: Annotated[
        str | None, typer.Option(help="Whose test images; left out, of the data the networks were trained on.")
    ] = None,
    root: Root = None,
    download: Download = False,
    trust: Trust = False,
) -> None:
    """Craft adversarial images on each source and try them on every target: the black-box matrix."""
    evaluations = benchmark.transfer(
        sources,
        targets,
        suite=suite,
        preset=preset,
        n=n,
        seed=seed,
        device=device,
        precision=precision,
        results=results,
        dataset=dataset,
        root=root,
        download=download,
        trust=trust,
    )
    from benchmark.analysis.transfer import transfer_matrices
    from benchmark.reporting import print_matrices

    print_matrices(transfer_matrices(evaluations))
    failures = [f"{pair.name}: {failure}" for pair in evaluations for failure in pair.failures]
    for failure in failures:
        print(failure, file=sys.stderr)
    if any(outcome.errors for pair in evaluations for outcome in pair.outcomes):
        raise typer.Exit(1)


@app.command(cls=Verb, epilog="Example: bench verify results zoo/at.pt")
def verify(
    results: Annotated[
        Path, typer.Argument(metavar="RESULTS", help="Folder of a ledger that was filled with --keep.")
    ],
    checkpoints: Annotated[
        list[str], typer.Argument(metavar="CHECKPOINT", help="The networks that were evaluated, as for evaluate.")
    ],
    device: Device = "auto",
    root: Root = None,
    download: Download = False,
    trust: Trust = False,
) -> None:
    """Judge stored adversarial images again: on another machine, with other versions, or by somebody else."""
    rechecks = benchmark.verify(results, checkpoints, device=device, root=root, download=download, trust=trust)
    if not rechecks:
        raise BadInput(f"{results} has no adversarial images of these networks; bench evaluate --keep stores them")
    from benchmark.reporting import print_rows

    print_rows(
        [
            {
                "network": found.model,
                "attack": found.label,
                "stored": found.stored,
                "confirmed": found.confirmed,
                "refuted": list(found.refuted),
            }
            for found in rechecks
        ]
    )
    for problem in (problem for found in rechecks for problem in found.problems):
        print(problem, file=sys.stderr)
    if any(found.refuted or found.problems for found in rechecks):
        raise typer.Exit(1)


@app.command(cls=Verb, epilog="Example: bench report --results results --out reports")
def report(
    results: Results = Path("results"),
    out: Annotated[Path, typer.Option(help="Folder for the pages and tables.")] = Path("reports"),
    format: Annotated[
        str, typer.Option(help="html (the whole site), csv, latex, markdown, parquet or robustbench-json.")
    ] = "html",
) -> None:
    """Turn the ledger into a site with leaderboards and a page per network, or into tables for elsewhere."""
    page = benchmark.report(results=results, out=out, format=format)
    from benchmark.evaluation import load_results
    from benchmark.reporting import boards, print_boards

    print_boards(boards(load_results(results)))
    print(f"The page: {page}" if format == "html" else f"Written: {page}")


@app.command(cls=Verb, epilog="Example: bench compare zoo/at.pt zoo/mat-h1.pt --suite multi-perturbation")
def compare(
    networks: Annotated[
        list[str],
        typer.Argument(metavar="NETWORK", help="Two or more: checkpoints, or names or digests in the ledger."),
    ],
    results: Results = Path("results"),
    suite: Annotated[str | None, typer.Option(help="Only results under this suite.")] = None,
    preset: Annotated[str | None, typer.Option(help="Only results with this preset.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Only results on these test images.")] = None,
) -> None:
    """Say which differences between networks are real: paired tests on the same images."""
    contests = benchmark.compare(networks, results=results, suite=suite, preset=preset, dataset=dataset)
    from benchmark.reporting import print_contests

    print_contests(contests)


@app.command(name="list", cls=Verb, epilog="Example: bench list attacks --json")
def list_(
    kind: Annotated[
        str,
        typer.Argument(metavar="KIND", help="methods, attacks, suites, recipes, datasets, architectures or papers."),
    ],
    json: Json = False,
) -> None:
    """List what there is to choose from."""
    rows = benchmark.list(kind)
    if json:
        _print_json(rows)
    else:
        from benchmark.reporting import print_rows

        print_rows(rows)


@app.command(cls=Verb, epilog="Example: bench show zoo/at.pt")
def show(
    source: Annotated[str, typer.Argument(metavar="CHECKPOINT|RECORD", help="A checkpoint or a file of the ledger.")],
    download: Download = False,
    trust: Trust = False,
    json: Json = False,
) -> None:
    """Show what is known about a checkpoint, or what a file of the ledger holds."""
    card = benchmark.show(source, download=download, trust=trust)
    if json:
        _print_json(card)
    else:
        from benchmark.reporting import print_card

        print_card(card)


@app.command(cls=Verb, epilog="Example: bench paper mat --table 5 --scale digits --dry-run")
def paper(
    name: Annotated[str, typer.Argument(metavar="PAPER", help="mat, mmard, cat, robust-union, or a YAML file.")],
    table: Annotated[
        str | None, typer.Option(help="Table or figure to make: 5, figure-3, ...; left out, all.")
    ] = None,
    scale: Annotated[str, typer.Option(help="The data: digits, cifar10, cifar100, folder:PATH, ...")] = "digits",
    only: Annotated[list[str] | None, typer.Option(metavar="ROW", help="Work for these rows only.")] = None,
    recipe: Annotated[str | None, typer.Option(help="Train with this recipe instead of the scale's.")] = None,
    preset: Annotated[str | None, typer.Option(help="Attack with this preset instead of the scale's.")] = None,
    n: Annotated[int | None, typer.Option(help="Use the first N test images.")] = None,
    seeds: Annotated[
        list[int] | None, typer.Option("--seeds", "--seed", metavar="SEED", help="Train with each; rows are means.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what there is to do, and how long.")] = False,
    zoo: Annotated[Path, typer.Option(help="Folder of the checkpoints.")] = Path("zoo"),
    results: Results = Path("results"),
    out: Annotated[Path, typer.Option(help="Folder for the page and its tables, in SCALE/PAPER.")] = Path("reports"),
    device: Device = "auto",
    precision: Precision = "auto",
    workers: Annotated[int, typer.Option(help="How many processes attack at once.")] = 1,
    download: Download = False,
    root: Root = None,
) -> None:
    """Regenerate a paper's tables: train and evaluate what is missing, and show it beside the printed numbers."""
    result = benchmark.paper(
        name,
        table=table,
        scale=scale,
        only=only or (),
        recipe=recipe,
        preset=preset,
        n=n,
        seeds=seeds or (0,),
        dry_run=dry_run,
        zoo=zoo,
        results=results,
        out=out,
        device=device,
        precision=precision,
        workers=workers,
        root=root,
        download=download,
    )
    from benchmark.reporting import print_rows
    from benchmark.reporting.text import duration

    for problem in result.failures:
        print(problem, file=sys.stderr)
    if dry_run:
        print_rows([{**job, "time": duration(job["time"])} if "time" in job else job for job in result.jobs])
        print(f"{len(result.jobs)} jobs, about {duration(result.seconds)} altogether")
        return
    print_rows([{"claim": verdict.claim.text, "found": str(verdict)} for verdict in result.verdicts])
    print(f"The page: {result.page}")
    if result.failures:
        raise typer.Exit(1)


@app.command(cls=Verb, epilog="Example: bench sweep --method mat --set alpha=0.1,0.2,...,0.9 --recipe quick")
def sweep(
    experiment: Annotated[
        str | None, typer.Argument(metavar="EXPERIMENT", help="scenarios, alpha, or a YAML file; or say --method.")
    ] = None,
    method: Annotated[list[str] | None, typer.Option(help="Defences to train; several are compared.")] = None,
    set: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE,...", help="One value, or several to try: alpha=0.1,0.2,...,0.9."),
    ] = None,
    select: Annotated[
        str,
        typer.Option(
            help="Measure and choose by: validation, the held-out images and the PGD that training selects "
            "checkpoints by; or test, the test images and all attacks of --suite together."
        ),
    ] = "validation",
    suite: Annotated[str, typer.Option(help="For --select test: a name or a YAML file.")] = "pgd-linf",
    preset: Annotated[str, typer.Option(help="For --select test: full, or quick.")] = "full",
    n: Annotated[int | None, typer.Option(help="For --select test: use the first N test images.")] = None,
    dataset: Annotated[str, typer.Option(help="Images to train on; see: bench list datasets.")] = "digits",
    arch: Annotated[str | None, typer.Option(help="Architecture; left out, the one that suits the data.")] = None,
    recipe: Annotated[str, typer.Option(help="How long and how fast: a name or a YAML file.")] = "quick",
    teacher: Annotated[
        list[str] | None, typer.Option(metavar="NETWORK", help="Frozen teacher; left out, one is trained if need be.")
    ] = None,
    seeds: Annotated[
        list[int] | None,
        typer.Option("--seeds", "--seed", metavar="SEED", help="Train with each; numbers are mean ± spread."),
    ] = None,
    zoo: Annotated[Path, typer.Option(help="Folder of the checkpoints.")] = Path("zoo"),
    results: Results = Path("results"),
    out: Annotated[
        Path | None, typer.Option(help="Folder for the page and its CSV; left out, reports/sweeps/NAME.")
    ] = None,
    device: Device = "auto",
    precision: Precision = "auto",
    workers: Annotated[int, typer.Option(help="How many processes attack at once.")] = 1,
    download: Download = False,
    root: Root = None,
    trust: Trust = False,
) -> None:
    """Train one run per value or method, measure every network alike, mark the best. Called again, it goes on."""
    result = benchmark.sweep(
        experiment,
        method=method or (),
        set=set,
        select=select,
        suite=suite,
        preset=preset,
        n=n,
        dataset=dataset,
        arch=arch,
        recipe=recipe,
        teacher=teacher or (),
        seeds=seeds or (0,),
        zoo=zoo,
        results=results,
        out=out,
        device=device,
        precision=precision,
        workers=workers,
        root=root,
        download=download,
        trust=trust,
    )
    from benchmark.reporting import print_rows

    print_rows(result.rows())
    for failure in result.failures:
        print(failure, file=sys.stderr)
    print(f"The page: {result.page}")
    if result.failures:
        raise typer.Exit(1)


@app.command(cls=Verb, epilog="Example: bench doctor --mend")
def doctor(
    results: Results = Path("results"),
    zoo: Annotated[Path, typer.Option(help="Folder of the checkpoints.")] = Path("zoo"),
    mend: Annotated[bool, typer.Option("--mend", help="Move damaged files aside, delete leftovers.")] = False,
    json: Json = False,
) -> None:
    """Check the environment, the ledger and the checkpoints; say what is wrong, and mend what can be mended."""
    findings = benchmark.doctor(results=results, zoo=zoo, mend=mend)
    rows = [vars(finding) for finding in findings]
    if json:
        _print_json(rows)
    elif rows:
        from benchmark.reporting import print_rows

        print_rows([{name: row[name] for name in ("place", "problem", "remedy", "mended")} for row in rows])
    else:
        print("all is well")
    if not all(finding.mended for finding in findings):
        raise typer.Exit(1)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line on `arguments` (by default the program's own) and exit."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # so that no name is a reason to fail, whatever the terminal knows
            stream.reconfigure(errors="backslashreplace")
    atexit.register(_leave_quickly)
    try:
        app(arguments, prog_name="bench")
    except BadInput as error:
        _complain(str(error))
    except OSError as error:  # a disk that is full, a folder that vanished
        place = f"{error.filename}: " if error.filename else ""
        _complain(f"{place}{error.strerror or error}; what was finished is kept")
    except MemoryError:
        _complain("the memory is full; try fewer --workers, or bench train --set batch_size=...")
    except (Interrupted, KeyboardInterrupt):
        print(
            "bench: interrupted; to go on from there, say the same again (bench train: with --resume)",
            file=sys.stderr,
        )
        sys.exit(130)
    sys.exit(2)


def _leave_quickly() -> None:
    """Spare the interpreter the search for garbage in all libraries when it ends: a second, also after Ctrl-C."""
    if "triton" not in sys.modules:  # which would take what is not searched for leaks, and say so
        gc.freeze()


def _complain(message: str) -> None:
    print(f"bench: {printable(message)}", file=sys.stderr)


def _print_json(value: Any) -> None:
    import json

    print(json.dumps(value, indent=2, ensure_ascii=False))
