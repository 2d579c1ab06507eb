"""The attacks on what scripts/photographs.py has trained so far: best and last checkpoints of every run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from photographs_queue import HERE, Queue

import benchmark

SUITE = HERE / "photographs_suite.yaml"


@dataclass(frozen=True)
class Found:
    """What is measured so far: under the suite of all networks, under multi-perturbation, and of transfer."""

    attacked: list[Any]
    union: list[Any]
    transfer: list[Any]


def evaluate(queue: Queue, images: int | None = None) -> Found:
    """Attack the checkpoints that are there; what the ledger has is not run again.

    Args:
        queue: the runs.
        images: the first ones of the test images; None for as many as the suites say.
    """
    options: dict[str, Any] = {
        "dataset": queue.data,
        "results": queue.work / "results",
        "device": "cpu",
        "precision": "fp32",
        "n": images or 2000,
    }
    trained = [path for run in queue.content.runs for path in queue.paths(run)]
    left_out = chosen_of(trained, queue.content.unattacked)
    best = [path for path in trained if path not in left_out]
    attacked = list(_evaluated(best, suite=SUITE, **options))
    chosen = chosen_of(best, queue.content.union)
    fewer = {**options, "n": min(options["n"], queue.content.union_images)}
    union = [
        found
        for path in chosen
        for found in benchmark.evaluate(path, suite="multi-perturbation", preset="quick", mode="worst-case", **fewer)
    ]
    peers = chosen_of(best, queue.content.transfer)
    transfer = benchmark.transfer(peers, **options) if len(peers) > 1 else []
    return Found(attacked, union, transfer)


def chosen_of(paths: Sequence[Path], patterns: Sequence[str]) -> list[Path]:
    """The paths whose name fits one of the shell patterns, in their order."""
    return [path for path in paths if any(fnmatch(path.stem, pattern) for pattern in patterns)]


def _evaluated(best: Sequence[Path], **options: Any) -> Iterator[Any]:
    """The best and the last weights of each network, one after the other: what is measured is whole at any time.

    The ledger knows weights once, where the best ones are the last ones as well; here they are both.
    """
    for path in best:
        for selection, place in (("best", path), ("last", path.parent / "last" / path.name)):
            for found in benchmark.evaluate([place], **options):
                yield replace(found, model={**found.model, "selection": selection})
