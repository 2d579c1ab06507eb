"""The attacks on what scripts/photographs.py has trained: best and last checkpoints, run by run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pandas as pd
from photographs_queue import HERE, Queue, Run
from photographs_records import SELECTIONS

import benchmark
from benchmark.analysis.transfer import transfer_matrices
from benchmark.models import load_checkpoint

SUITE = HERE / "photographs_suite.yaml"

#: The suite that few networks are attacked under, and how.
UNION: dict[str, Any] = {"suite": "multi-perturbation", "preset": "quick", "mode": "worst-case"}


@dataclass(frozen=True)
class Found:
    """What is measured so far: under the suite of all networks, under multi-perturbation, and of transfer."""

    attacked: list[Any]
    union: list[Any]
    transfer: pd.DataFrame


def measure(queue: Queue, run: Run, images: int | None = None) -> None:
    """Attack the checkpoints of `run` and keep what came of it; what the ledger has is not run again.

    Args:
        queue: the runs.
        run: one that is trained.
        images: the first ones of the test images; None for as many as the suites say.
    """
    options: dict[str, Any] = {
        "dataset": queue.data,
        "results": queue.work / "results",
        "device": "cpu",
        "precision": "fp32",
        "n": images or 2000,
    }
    kept = []
    for path in queue.attacked(run):
        for selection, place in zip(SELECTIONS, (path, path.parent / "last" / path.name), strict=True):
            benchmark.evaluate([place], suite=SUITE, **options)
            kept.append((path.stem, selection, load_checkpoint(place).digest))
        if _fits(path, queue.content.union):
            fewer = min(options["n"], queue.content.union_images)
            benchmark.evaluate([path], **UNION, **{**options, "n": fewer})
    _transfer(queue, options)
    queue.records.keep(run.full_name, queue.work / "results", kept)


def measured(queue: Queue) -> Found:
    """What is kept of all runs, in their order."""
    kept = list(queue.records.evaluations([run.full_name for run in queue.content.runs]))
    union = [each for each in kept if each.suite["name"] == UNION["suite"]]
    attacked = [each for each in kept if each.suite["name"] != UNION["suite"]]
    path = queue.records.transfer
    return Found(attacked, union, pd.read_csv(path) if path.is_file() else pd.DataFrame())


def _transfer(queue: Queue, options: dict[str, Any]) -> None:
    """From each of the networks that the file names for it to each other, once all of them are here."""
    runs = [path for run in queue.content.runs for path in queue.paths(run)]
    peers = [path for path in runs if _fits(path, queue.content.transfer)]
    lacking = {pattern for pattern in queue.content.transfer if not any(fnmatch(p.stem, pattern) for p in peers)}
    if len(peers) > 1 and not lacking and not queue.records.transfer.exists():
        queue.records.keep_transfer(transfer_matrices(benchmark.transfer(peers, **options)))


def _fits(path: Path, patterns: Sequence[str]) -> bool:
    """Whether the file's name fits one of the shell patterns."""
    return any(fnmatch(path.stem, pattern) for pattern in patterns)
