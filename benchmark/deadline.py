"""A time by which to have stopped, as schedulers ask for: what fits is finished, what does not is not begun.

Who works in units (an epoch, an attack on some images) asks before each whether another one fits; what is still at
work when the time comes is interrupted as by Ctrl-C, of which everything finished is kept.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, Protocol, TypeVar, cast, overload

from benchmark.apart import one_at_a_time
from benchmark.errors import BadInput, short

Options = ParamSpec("Options")
Result = TypeVar("Result")
Returned = TypeVar("Returned", covariant=True)

#: The type of the argument that `stoppable` adds, and what a docstring says of it.
STOP_AFTER = "str | float | None"
_DESCRIBED = """\
    stop_after: a time such as "50m" or "2h30m", or seconds, within which it ends: what fits is finished, then
        `OutOfTime` is raised, a KeyboardInterrupt. It resumes when rerun. None for no limit.
"""

#: Of letters that may follow a number, the seconds they stand for.
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}

#: When all has to be over, on the clock that other processes see, too; None for no limit.
_end: float | None = None

#: How many units were finished since there is a limit.
_finished = 0


class OutOfTime(KeyboardInterrupt):
    """The time is over. It is treated as Ctrl-C is: what was finished is kept.

    Attributes:
        finished: how many units were finished in that time; of none another call with the same limit may see as few.
    """

    finished = 0


def read_seconds(text: str | float | None) -> float | None:
    """Seconds: of 50m, 2h, 1h30m, 90s, 1d or a number of seconds; None of None.

    Raises:
        BadInput: it is none of these, or not positive.
    """
    if text is None:
        return None
    words = str(text).strip().lower()
    seconds = 0.0
    if re.fullmatch(r"\d+(\.\d+)?", words):
        seconds = float(words)
    elif re.fullmatch(r"(\d+(\.\d+)?[dhms])+", words):
        seconds = sum(float(number) * _UNITS[unit] for number, _, unit in re.findall(r"(\d+(\.\d+)?)([dhms])", words))
    if not 0 < seconds < float("inf"):
        raise BadInput(f"--stop-after takes a time such as 50m, 2h30m or 90s, not {short(text)}")
    return seconds


def left() -> float:
    """Seconds that remain; infinite where there is no limit."""
    return float("inf") if _end is None else _end - time.time()


def check(unit: float = 0.0) -> None:
    """Say whether something that takes `unit` seconds may begin.

    Raises:
        OutOfTime: it would not be finished in time.
    """
    if left() <= unit:
        raise OutOfTime


def advance(units: int = 1) -> None:
    """Say that so many units of work are finished and kept."""
    global _finished
    _finished += units


def finished() -> int:
    """How many units of work this process has finished."""
    return _finished


def end() -> float | None:
    """The limit, for a process to be told that works for this one."""
    return _end


@contextlib.contextmanager
def until(moment: float | None) -> Iterator[None]:
    """Within this context units are measured against `moment`, in seconds since the epoch, or an earlier one."""
    global _end
    before = _end
    _end = min((each for each in (before, moment) if each is not None), default=None)
    try:
        yield
    finally:
        _end = before


@contextlib.contextmanager
def within(seconds: str | float | None, since: float | None = None) -> Iterator[None]:
    """Within this context `OutOfTime` is raised when so much time is over, see `read_seconds`; None for no limit.

    The time begins now, or began at the moment `since`, in seconds since the epoch.

    Where no alarm can be set, as in a thread or on Windows, what is at work then is finished first.

    Raises:
        BadInput: it is no time.
    """
    limit = read_seconds(seconds)
    if limit is None:
        yield
        return
    before, now = _finished, time.time()
    moment = (now if since is None else since) + limit
    try:
        with until(moment), _alarm(max(moment - now, 1e-3)):
            check()
            yield
    except OutOfTime as error:
        error.finished = _finished - before
        raise


class Stoppable(Protocol[Options, Returned]):
    """What type checkers see of a function with `stop_after`: all else is checked where that is left out.

    A parameter that has a name can't be added to others; https://peps.python.org/pep-0612/.
    """

    @overload
    def __call__(self, *given: Options.args, **named: Options.kwargs) -> Returned: ...
    @overload
    def __call__(self, *given: Any, stop_after: str | float | None, **named: Any) -> Returned: ...


def stoppable(function: Callable[Options, Result]) -> Stoppable[Options, Result]:
    """`function`, with one argument more, `stop_after`, of which its docstring tells."""

    @functools.wraps(function)
    def limited(*given: Any, stop_after: str | float | None = None, **named: Any) -> Result:
        began = time.time()
        with one_at_a_time(), within(stop_after, began):
            return function(*given, **named)

    more = inspect.Parameter("stop_after", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=STOP_AFTER)
    signature = inspect.signature(function)
    named = [*signature.parameters.values(), more]
    named.sort(key=lambda parameter: parameter.kind)  # before `**options`, where there are such
    limited.__signature__ = signature.replace(parameters=named)  # type: ignore[attr-defined]
    limited.__doc__ = documented(inspect.getdoc(function) or "")
    return cast("Stoppable[Options, Result]", limited)


def documented(text: str) -> str:
    """`text`, the docstring of a function that is `stoppable`, without indent, with its further argument."""
    described, found, rest = text.partition("Args:\n")
    entries, blank, others = rest.partition("\n\n")
    return f"{described}{found}{entries}\n{_DESCRIBED.rstrip()}{blank}{others}" if found else text


@contextlib.contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(*_: object) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, ring)
    remaining, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    began = time.monotonic()
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if remaining:  # whoever set an alarm before still hears it
            signal.setitimer(signal.ITIMER_REAL, max(remaining - (time.monotonic() - began), 1e-3))
