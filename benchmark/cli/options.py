"""Options that several verbs have, and how a verb hands its options on.

The options of a verb are the arguments of the function of the same name, so a verb begins with
`benchmark.verb(**given(locals()))`: nothing can be forgotten on the way.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

# What is trained, and on what.
TrainingData = Annotated[str, typer.Option(help="Images to train on; see: bench list datasets.")]
Architecture = Annotated[str | None, typer.Option(help="Architecture; left out, the one that suits the data.")]
Recipe = Annotated[str, typer.Option(help="How long and how fast: a name or a YAML file.")]

# Which attacks, on how many images.
Suite = Annotated[str, typer.Option(help="Which attacks: a name or a YAML file.")]
Images = Annotated[int | None, typer.Option(help="Use the first N test images; left out, the preset's number.")]
Scale = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Whose published radii: digits, mnist, cifar10, tiny-imagenet, imagenet; left out, the data's own.",
    ),
]
Epsilon = Annotated[
    str | None,
    typer.Option(metavar="NORM=RADIUS,...", help="Radii of your own, which go first: linf=4/255,l2=2."),
]
AttackSeed = Annotated[int, typer.Option(help="Decides every random start.")]
Classes = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="What the outputs of networks that don't say stand for: the data's classes, one a line or a JSON list.",
    ),
]

# Where to compute.
Device = Annotated[str, typer.Option(help="Where to compute: auto, cpu, cuda, cuda:1, ...")]
Precision = Annotated[str, typer.Option(help="auto, fp32 or bf16; auto is bf16 where the hardware has it.")]
Compile = Annotated[
    bool, typer.Option("--compile", help="Compile the networks for the search; pays off in long runs.")
]
Workers = Annotated[int, typer.Option(help="How many processes attack at once.")]

# Where things lie, and what may come from elsewhere.
Zoo = Annotated[Path, typer.Option(help="Folder of the checkpoints.")]
Results = Annotated[Path, typer.Option(help="Folder of the ledger: every attack's per-example results.")]
Keep = Annotated[bool, typer.Option("--keep", help="Store the adversarial images, too.")]
Root = Annotated[Path | None, typer.Option(help="Folder where data sets lie, or are downloaded to.")]
Download = Annotated[bool, typer.Option("--download", help="Download what is missing instead of refusing.")]
Trust = Annotated[bool, typer.Option("--trust", help="Allow the code that python:MODULE:CALLABLE names to run.")]

# How the answer is printed.
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs to read.")]


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """The `options` that have a value; what is None was left out, and the function has a default of its own."""
    return {name: value for name, value in options.items() if value is not None}
