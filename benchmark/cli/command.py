"""How the words of a verb are read, and how it is interrupted."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand

from benchmark.deadline import OutOfTime


class Interrupted(Exception):
    """Ctrl-C, under a name that typer does not end the program for before a way on can be named."""


class Stopped(Exception):
    """The time is over that --stop-after gave; named for the same reason.

    Attributes:
        finished: how many units of work were finished in it.
    """

    def __init__(self, finished: int) -> None:
        super().__init__(finished)
        self.finished = finished


class Command(TyperCommand):
    """A command whose repeatable options take all words up to the next option: --set a=1 b=2."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise (Stopped(error.finished) if isinstance(error, OutOfTime) else Interrupted) from error

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
