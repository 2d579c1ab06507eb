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
Architecture = Annotated[
    str | None,
    typer.Option(
        help="Architecture, as resnet18 or wrn-28-10?activation=silu; default: small-cnn for small grey images, "
        "else resnet18."
    ),
]
Recipe = Annotated[str, typer.Option(help="Training recipe (epochs, learning rate, radii): a name or a YAML file.")]

# Which attacks, on how many images.
Suite = Annotated[str, typer.Option(help="Suite of attacks: a name or a YAML file.")]
Images = Annotated[int | None, typer.Option(help="Use the first N test images; default: the preset's number.")]
Scale = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Data set whose published radii are used: digits, mnist, cifar10, tiny-imagenet, imagenet; "
        "default: that of the data.",
    ),
]
Epsilon = Annotated[
    str | None,
    typer.Option(metavar="NORM=RADIUS,...", help="Radii that replace the published ones: linf=4/255,l2=2."),
]
Resize = Annotated[
    str | None,
    typer.Option(
        metavar="PIXELS",
        help="Length to which the shorter side of images is resized; 256x256: height and width; network: what the "
        "weights ask for; default: images stay as they are.",
    ),
]
Crop = Annotated[
    int | None,
    typer.Option(
        metavar="PIXELS", help="Side of the square that is cropped from the centre of images; default: no crop."
    ),
]
AttackSeed = Annotated[int, typer.Option(help="Random seed of the attacks.")]
OrderSeed = Annotated[int, typer.Option(help="Random seed of the attacks and of the order of the images.")]
Classes = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Class order of networks that do not state it: the data's classes in the order of the outputs, "
        "one per line or as a JSON list.",
    ),
]

PresetOfSuite = Annotated[
    str, typer.Option(help="standard: the published settings. quick: fewer steps, restarts and images.")
]
Attacked = Annotated[
    str | None,
    typer.Option(help="Data set whose test images are attacked; default: the one the network was trained on."),
]
Alpha = Annotated[float, typer.Option(help="Highest probability that the answer is wrong.")]

# Where to compute.
Device = Annotated[str, typer.Option(help="Device: auto, cpu, cuda, cuda:1, ...")]
Precision = Annotated[
    str,
    typer.Option(help="Precision: auto, fp32, tf32 or bf16; auto is bf16 on hardware that has it, else fp32."),
]
Deterministic = Annotated[
    bool,
    typer.Option(
        "--deterministic", help="Use only kernels whose results are the same bit for bit each time, or fail."
    ),
]
AddClasses = Annotated[
    bool, typer.Option("--add-classes", help="Let results of older versions learn the classes predicted.")
]
Compile = Annotated[
    bool, typer.Option("--compile", help="Compile the networks for the attacks; worthwhile for long runs.")
]
Workers = Annotated[
    int | None,
    typer.Option(help="Number of parallel workers; default: one per GPU, or what a cluster takes."),
]
GPUs = Annotated[
    str | None,
    typer.Option(metavar="N or 0,1,...", help="GPUs for the workers: how many, or which; default: all."),
]
Engine = Annotated[str, typer.Option(help="Where the workers run: local, or ray for a Ray cluster.")]
Address = Annotated[
    str | None, typer.Option(help="Address of the Ray cluster; auto: the one that this machine is part of.")
]
GPUShare = Annotated[
    float, typer.Option(metavar="FRACTION", help="Share of a GPU that each worker takes, such as 0.5.")
]
TimeLimit = Annotated[
    float | None,
    typer.Option(metavar="SECONDS", help="Time limit for one attack on 250 images; default: none."),
]

Part = Annotated[
    str | None,
    typer.Option(
        metavar="I/N", help="Do the I-th of N disjoint parts of the work, for several machines; see bench merge."
    ),
]
StopAfter = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="Stop within this time, such as 50m, and keep what is finished; exit code 75 if work is left, "
        "76 if nothing was finished.",
    ),
]

Log = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TRACKER", help="Tracker to log to as well: tensorboard, mlflow, wandb or trackio; may be repeated."
    ),
]

# Where things lie, and what may come from elsewhere.
Zoo = Annotated[Path, typer.Option(help="Folder of the checkpoints.")]
Results = Annotated[Path, typer.Option(help="Results folder: the ledger of per-image results.")]
SaveAdversarial = Annotated[bool, typer.Option("--save-adversarial", help="Store all adversarial images as well.")]
DataDir = Annotated[Path | None, typer.Option(help="Folder that data sets are read from or downloaded to.")]
Download = Annotated[bool, typer.Option("--download", help="Download missing data sets and weights.")]
TrustRemoteCode = Annotated[
    bool,
    typer.Option(
        "--trust-remote-code", help="Allow running the code that FILE.py:NAME and python:MODULE:CALLABLE name."
    ),
]

# How the answer is printed.
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """The `options` that have a value; what is None was left out, and the function has a default of its own."""
    return {name: value for name, value in options.items() if value is not None}
