"""How the words of a verb are read, and how it is interrupted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from typer.core import TyperCommand

from benchmark.deadline import OutOfTime
from benchmark.errors import BadInput


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
        if not ctx.resilient_parsing:  # as where a shell asks how a line may go on
            given, _, order = self.make_parser(ctx).parse_args(args=[*words])
            _refuse(order, given)
        return super().parse_args(ctx, words)


def _refuse(parameters: Iterable[Any], given: Mapping[str, Any]) -> None:
    """Refuse what would be dropped in silence, or have a default decide in its place.

    Args:
        parameters: those that have a value, in its order, each as often as it has.
        given: by name what was typed, unread.

    Raises:
        BadInput: an option that takes one value has several, of which the last would count; or a value is empty, as
            a shell makes it of a variable that is not set.
    """
    for parameter, times in Counter(parameters).items():
        is_option = parameter.param_type_name == "option"
        name = parameter.opts[0] if is_option else parameter.metavar or parameter.name
        if is_option and times > 1 and not parameter.multiple:
            raise BadInput(f"{name} is given {times} times and takes one value; give it once")
        values = given[parameter.name]
        if "" in (values if isinstance(values, list | tuple) else [values]):
            raise BadInput(f"{name} is empty; give it a value or leave it out (is a variable of the shell not set?)")
