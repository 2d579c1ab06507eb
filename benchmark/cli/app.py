"""What `bench` can do: a line per verb, in the order of its help."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

import benchmark
from benchmark.cli.bundle import bundle
from benchmark.cli.command import Command
from benchmark.cli.compare import compare
from benchmark.cli.decide import decide
from benchmark.cli.demo import demo
from benchmark.cli.doctor import doctor
from benchmark.cli.estimate import estimate
from benchmark.cli.evaluate import evaluate
from benchmark.cli.export import export
from benchmark.cli.import_ import import_
from benchmark.cli.list import list_
from benchmark.cli.merge import merge
from benchmark.cli.paper import paper
from benchmark.cli.report import report
from benchmark.cli.show import show
from benchmark.cli.sweep import sweep
from benchmark.cli.train import train
from benchmark.cli.transfer import transfer
from benchmark.cli.verify import verify

#: Name -> what runs, and the words of an example.
VERBS: dict[str, tuple[Callable[..., None], str]] = {
    "train": (train, "--method trades mat --dataset digits --set epochs=10"),
    "evaluate": (evaluate, "zoo/at.pt zoo/mat-h1.pt --suite multi-perturbation --preset quick"),
    "transfer": (transfer, "zoo/at.pt zoo/mat-h1.pt --targets zoo/trades.pt --preset quick"),
    "verify": (verify, "results zoo/at.pt"),
    "report": (report, "--results results --out reports"),
    "compare": (compare, "zoo/at.pt zoo/mat-h1.pt --suite multi-perturbation"),
    "decide": (decide, "zoo/at.pt zoo/mat-h1.pt --metric rworst --preset quick"),
    "estimate": (estimate, "zoo/at.pt --suite autoattack --to 1.0"),
    "list": (list_, "attacks --json"),
    "show": (show, "zoo/at.pt"),
    "import": (import_, "resnet18.pth --dataset cifar10 --mean 0.4914,0.4822,0.4465 --std 0.2471,0.2435,0.2616"),
    "export": (export, "zoo/resnet18.pt --keys kuangliu"),
    "paper": (paper, "mat --table 5 --dataset digits --dry-run"),
    "sweep": (sweep, "--method mat --set alpha=0.1,0.2,...,0.9 --recipe quick"),
    "bundle": (bundle, "results at --out at.zip --images"),
    "merge": (merge, "part-1 part-2 --into results"),
    "doctor": (doctor, "--mend"),
    "demo": (demo, "my-demo"),
}

app = typer.Typer(
    name="bench",
    help="How robust is this image classifier, and is one defence significantly better than another?",
    epilog="Get started: bench train --method at, bench evaluate zoo/*.pt, bench report",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def start(version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False) -> None:
    if version:
        print(f"bench {benchmark.__version__}")
        raise typer.Exit()


for _name, (_verb, _words) in VERBS.items():
    app.command(_name, cls=Command, epilog=f"Example: bench {_name} {_words}")(_verb)
