"""What a training run tells while it runs: a bar at a terminal, a line per epoch elsewhere, what trackers get."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

from benchmark.environment import is_terminal
from benchmark.trackers import Trackers

Row = dict[str, float | int | str]


def rounded(row: Row) -> Row:
    """As the history keeps it: six digits."""
    return {key: round(value, 6) if isinstance(value, float) else value for key, value in row.items()}


def describe(row: Row) -> str:
    """One epoch in one line: "loss 1.234 · h1 97.0/61.2 · 5,310 images/s", accuracies clean/robust in percent."""
    parts = [f"loss {row['loss']:.3f}"]
    for key in row:
        if key.endswith("clean"):
            network = key.removesuffix("clean").rstrip(".")
            clean, robust = float(row[key]), float(row[key.removesuffix("clean") + "robust"])
            parts.append(f"{network or 'clean/robust'} {100 * clean:.1f}/{100 * robust:.1f}")
    parts.append(f"{row['images_per_second']:,.0f} images/s")
    return " · ".join(parts)


class Reporter:
    """Shows progress.

    Args:
        name: of the run.
        epochs, steps: of the run, and of an epoch.
        mode: True for bars, False for silence, None for bars at a terminal and lines elsewhere.
        trackers: are told of each epoch; None for none.
    """

    def __init__(self, name: str, epochs: int, steps: int, mode: bool | None, trackers: Trackers | None) -> None:
        self.name, self.epochs, self.steps, self.mode = name, epochs, steps, mode
        self._started, self._done = time.perf_counter(), 0
        self._bar = self._task = None
        self._trackers = trackers
        if mode or (mode is None and is_terminal(sys.stderr)):
            self._bar, self._task = _bar(name, epochs * steps)

    def __enter__(self) -> Reporter:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar:
            self._bar.stop()
        if self._trackers:
            self._trackers.close()

    def resume(self, epoch: int) -> None:
        """`epoch` epochs lie behind."""
        self._started, self._done = time.perf_counter(), epoch
        if self._bar:
            self._bar.update(self._task, completed=epoch * self.steps)

    def step(self) -> None:
        """A training step has been made."""
        if self._bar:
            self._bar.advance(self._task)

    def epoch(self, row: Row) -> None:
        """An epoch has been finished."""
        epoch = int(row["epoch"])
        if self._bar:
            self._bar.update(self._task, figures=f"epoch {epoch}/{self.epochs} · {describe(row)}")
        elif self.mode is None:
            left = (time.perf_counter() - self._started) / (epoch - self._done) * (self.epochs - epoch)
            print(f"{self.name} {epoch}/{self.epochs} · {describe(row)} · {left:.0f} s left", file=sys.stderr)
        if self._trackers:
            self._trackers.log({key.replace(".", "/"): value for key, value in row.items() if key != "epoch"}, epoch)

    def summary(self, values: Mapping[str, Any]) -> None:
        """What holds for the whole run, at its end."""
        if self._trackers:
            self._trackers.summary(values)


def _bar(name: str, total: int) -> tuple[Any, Any]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[figures]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    return bar, bar.add_task(name, total=total, figures="")
