"""Being asked to end in other ways than by Ctrl-C, and ending the same way."""

from __future__ import annotations

import contextlib
import signal
from types import FrameType

#: By `kill` and by schedulers; by a terminal that closes; where a limit of computing time is reached.
REQUESTS = ("SIGTERM", "SIGHUP", "SIGXCPU")


def listen() -> list[int]:
    """From now on each request to end interrupts the program as Ctrl-C does.

    What the program was started to ignore, as `nohup` has it ignore a closed terminal, stays ignored.

    Returns:
        The numbers of those that came, which grows as they come.
    """
    came: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        came.append(number)
        raise KeyboardInterrupt

    for name in REQUESTS:
        number = getattr(signal, name, None)  # Windows knows fewer
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            with contextlib.suppress(ValueError):  # a thread of another program's may not choose
                signal.signal(number, interrupt)
    return came
