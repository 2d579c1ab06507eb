"""Processes that end with the one that started them, whatever ended it."""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator

#: Exit code of a process that was left alone.
ALONE = 3

#: prctl(2): the signal that the kernel sends when the thread that started this process is gone.
_PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """Let this process, which another one started by `multiprocessing`, end within seconds after that one is gone.

    A thread waits for that on every system. On Linux the kernel sees to it besides, which also ends a process whose
    threads don't get their turn because a library holds the interpreter. Does nothing in a process of its own.
    """
    if multiprocessing.parent_process() is None:
        return
    threading.Thread(target=_wait_for_parent, name="end with parent", daemon=True).start()
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # a C library without it
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


def _wait_for_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(ALONE)  # no matter what the other threads do; files are written whole or not at all


@contextlib.contextmanager
def none_left_behind() -> Iterator[None]:
    """Where this context ends in an exception, so do the processes that were started by `multiprocessing` within it.

    Python itself would wait for them at its end, for hours.
    """
    before = set(multiprocessing.active_children())
    try:
        yield
    except BaseException:
        started = set(multiprocessing.active_children()) - before
        for process in started:
            process.kill()
        for process in started:
            process.join()
        raise
