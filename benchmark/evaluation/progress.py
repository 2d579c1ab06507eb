"""What a person sees while attacks run: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from benchmark.environment import is_terminal
from benchmark.errors import printable
from benchmark.evaluation.plan import Plan
from benchmark.labels import Key, card_labels, key
from benchmark.ledger.classes import class_warnings


class Display:
    """Counts attacks on shards; to be used as a context.

    Args:
        total: how many there are.
        show: True for a bar or lines, False for nothing.
    """

    def __init__(self, total: int, show: bool = True) -> None:
        self.total, self.done = total, 0
        self._lines = show and not is_terminal(sys.stderr)
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=not show or self._lines,
            transient=True,
        )
        self._named: dict[Key, str] = {}
        self._task = self._bar.add_task("evaluating", total=total)

    def __enter__(self) -> Display:
        if not self._bar.disable:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._bar.disable:  # rich 13 ends a bar that was never shown with an empty line, too
            self._bar.stop()

    def expect(self, more: int) -> None:
        """At least `more` are still to come, however many there were thought to be."""
        self.total = max(self.total, self.done + more)
        self._bar.update(self._task, total=self.total)

    def announce(self, plans: Iterable[Plan]) -> None:
        """What a reader should know about the plans, before the hours that it may make worthless.

        What is so of several networks is said once, with their names, or their number if they are all.
        """
        plans = [*plans]
        self._named = card_labels(plan.card for plan in plans)
        told: dict[str, dict[str, None]] = {}
        for plan in plans:
            for note in (*plan.notes, *class_warnings(plan.classes)):
                told.setdefault(note, {})[self._named[key(plan.card)]] = None
        everybody = {self._named[key(plan.card)] for plan in plans}
        for note, names in told.items():
            is_of_all = len(everybody) > 1 and everybody == {*names}
            who = f"all {len(everybody)} networks" if is_of_all else ", ".join(names)
            self.say(f"{who}: {note}")

    def advance(self, card: Mapping[str, Any], attack: str, error: str | None, reused: bool) -> None:
        """One attack on one shard of the network that `card` is of is done; what was reused is not worth a line."""
        network = self._named.get(key(card), card["name"])
        self.done += 1
        self._bar.update(self._task, advance=1, description=printable(f"{network}  {attack}"))
        if error:
            self.say(f"{network}: {attack} failed: {error}")
        elif self._lines and not reused:
            self.say(f"[{self.done}/{self.total}] {network}: {attack}")

    def say(self, text: str) -> None:
        """A line for the person who watches."""
        text = printable(text)
        if self._lines:
            print(text, file=sys.stderr)
        else:
            self._bar.console.print(text, markup=False, highlight=False) if not self._bar.disable else None
