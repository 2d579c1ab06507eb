"""Side by side in one process: run two programs alternately and say how many times faster the first is."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import torch


@dataclass
class Comparison:
    """One line of a table: how much faster ours is than the peer, and how strong each one was.

    Attributes:
        name: what was compared, e.g. "pgd-40-linf vs foolbox".
        ratio: median over the pairs of (peer's seconds / our seconds); above 1 we are faster.
        spread: the smallest and the largest ratio of a pair.
        seconds, peer_seconds: medians.
        accuracy, peer_accuracy: fraction of images that stayed correctly classified, after the same check.
        accuracy_difference: ours minus the peer's; negative means ours is stronger.
        hardware: where it ran.
    """

    name: str
    ratio: float
    spread: tuple[float, float]
    seconds: float
    peer_seconds: float
    hardware: str
    accuracy: float | None = None
    peer_accuracy: float | None = None
    accuracy_difference: float | None = None
    more: dict[str, Any] = field(default_factory=dict)


def compare(
    name: str,
    ours: Callable[[], Any],
    peer: Callable[[], Any],
    *,
    repeats: int,
    hardware: str,
    score: Callable[[Any], float] | None = None,
    warm_up: bool = True,
) -> Comparison:
    """Run `ours` and `peer` alternately `repeats` times after a warm-up; `score` judges what each returned."""
    if warm_up:
        ours()
        peer()
    pairs = []
    results: tuple[Any, Any] = (None, None)
    for turn in range(repeats):
        # Whoever goes first meets a colder cache, so the order changes from turn to turn.
        if turn % 2 == 0:
            a, mine = timed(ours)
            b, theirs = timed(peer)
        else:
            b, theirs = timed(peer)
            a, mine = timed(ours)
        pairs.append((a, b))
        results = (mine, theirs)
    ratios = [b / a for a, b in pairs]
    line = Comparison(
        name=name,
        ratio=statistics.median(ratios),
        spread=(min(ratios), max(ratios)),
        seconds=statistics.median(a for a, _ in pairs),
        peer_seconds=statistics.median(b for _, b in pairs),
        hardware=hardware,
    )
    if score is not None:
        line.accuracy, line.peer_accuracy = score(results[0]), score(results[1])
        line.accuracy_difference = line.accuracy - line.peer_accuracy
    return line


def timed(program: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds that `program` took, the device's queue drained before and after, and what it returned."""
    _synchronise()
    start = time.perf_counter()
    result = program()
    _synchronise()
    return time.perf_counter() - start, result


def show(line: Comparison, as_json: bool) -> None:
    """Print one comparison: a JSON object a line, or a row for people."""
    if as_json:
        values = asdict(line)
        print(
            json.dumps({**{k: v for k, v in values.items() if k != "more" and v is not None}, **line.more}),
            flush=True,
        )
        return
    strength = ""
    if line.accuracy is not None and line.peer_accuracy is not None:
        strength = f"   robust {line.accuracy:6.1%} vs {line.peer_accuracy:6.1%}"
    low, high = line.spread
    print(
        f"{line.name:44} {line.ratio:5.2f}x  [{low:.2f}, {high:.2f}]"
        f"   {line.seconds:8.2f} s vs {line.peer_seconds:8.2f} s{strength}",
        flush=True,
    )


def _synchronise() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
