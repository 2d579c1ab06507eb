"""Calls of the public functions, kept apart: from each other, and from what the caller has set for all of torch.

What a call holds while it works lies in tables of the process, and so do torch's generators and settings: in two
threads at once one call would find the other's network under the name of its own. So a call waits for one that
another thread is in. Within a thread calls may be nested, as where a network attacks itself.
"""

from __future__ import annotations

import functools
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

Options = ParamSpec("Options")
Answer = TypeVar("Answer")

#: Whoever holds it is the only one at work.
_TURN = threading.RLock()


def _in_child() -> None:
    """In a process that was forked while another thread was at work, nobody is."""
    global _TURN
    _TURN = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Within this context no other thread of this process is in one."""
    with _TURN:
        yield


def apart(verb: Callable[Options, Answer]) -> Callable[Options, Answer]:
    """`verb`, one call at a time, with torch as it is set at first: no dtype, device or autocast of the caller's."""

    @functools.wraps(verb)
    def called(*args: Options.args, **options: Options.kwargs) -> Answer:
        with one_at_a_time():
            if "torch" not in sys.modules:  # so that nobody has set anything
                return verb(*args, **options)
            from benchmark.settings import usual_settings

            with usual_settings():
                return verb(*args, **options)

    return called
