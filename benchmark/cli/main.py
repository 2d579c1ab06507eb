"""From the words that were typed to an exit code, with one message where something went wrong."""

from __future__ import annotations

import atexit
import contextlib
import gc
import io
import os
import shlex
import sys
import warnings
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, NoReturn

from typer.main import get_command

from benchmark import cores
from benchmark.cli.app import app
from benchmark.cli.command import Interrupted, Stopped
from benchmark.cli.signals import listen
from benchmark.environment import check_working_folder
from benchmark.errors import BadInput, Notice, printable

#: Exit codes where --stop-after ended the work: to be rerun, or with a longer limit.
GO_ON, STUCK = 75, 76


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line on `arguments` (by default the program's own) and exit."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # so that no name is a reason to fail, whatever the terminal knows
            stream.reconfigure(errors="backslashreplace")
    came = listen() if arguments is None else []  # whoever calls this decides about signals
    interrupted: list[int] = []
    atexit.register(_leave_quickly, interrupted)
    cores.keep_to_share(os.environ)  # before the libraries are loaded that read it
    try:
        with warnings.catch_warnings():
            check_working_folder()
            warnings.showwarning = partial(_warn, set(), otherwise=warnings.showwarning)
            _program()(arguments, prog_name="bench")
    except BadInput as error:
        _complain(str(error))
    except OSError as error:  # a disk that is full, a folder that vanished
        if came:  # the terminal itself is gone, so that nothing can be shown on it
            _leave(interrupted, arguments is None)
        place = f"{error.filename}: " if error.filename else ""
        _complain(f"{place}{error.strerror or error}; what was finished is kept")
    except ImportError as error:  # not every part of the program is asked for at the start
        if (error.name or "").partition(".")[0] == "benchmark":
            raise
        _complain(f"{error}: a package is missing or broken; make setup, or pip install it")
    except MemoryError:
        _complain("out of memory; try fewer --workers, or bench train --set batch_size=...")
    except Stopped as stopped:
        if stopped.finished:
            _complain(f"stopped in time; what was finished is kept. Go on with: {_again(arguments)}")
        else:
            _complain(
                "stopped in time, but nothing was finished: --stop-after is shorter than one unit of work (an epoch, "
                "an attack on 250 images) with the time to begin. The same limit may never be enough; "
                f"with a longer one go on with: {_again(arguments)}"
            )
        _leave_with(GO_ON if stopped.finished else STUCK, interrupted, arguments is None)
    except (Interrupted, KeyboardInterrupt):
        _leave(interrupted, arguments is None)
    sys.exit(2)


@cache
def _program() -> Callable[..., Any]:
    """All verbs with their options, which Typer makes of the functions' types: thirty milliseconds, once."""
    return get_command(app)


def _leave(interrupted: list[int], is_program: bool) -> NoReturn:
    _complain("interrupted; rerun the same command to resume (bench train: with --resume)")
    _leave_with(130, interrupted, is_program)


def _leave_with(code: int, interrupted: list[int], is_program: bool) -> NoReturn:
    if is_program:
        interrupted.append(code)
    sys.exit(code)


def _again(arguments: Sequence[str] | None) -> str:
    """The command that goes on where this one stopped."""
    words = [*(sys.argv[1:] if arguments is None else arguments)]
    if words[:1] == ["train"]:
        words = [word for word in words if word != "--resume"] + ["--resume"]
    return shlex.join(["bench", *words])


def _leave_quickly(interrupted: Sequence[int]) -> None:
    """Spare the interpreter the search for garbage in all libraries when it ends, a second; after Ctrl-C all else.

    Registered before the libraries are loaded, so that it is called after they have put their own things in order.
    """
    if interrupted:  # taking everything apart takes seconds where triton is loaded, as in training
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(interrupted[0])
    if "triton" not in sys.modules:  # which would take what is not searched for leaks, and say so
        gc.freeze()


def _warn(said: set[str], message: Warning | str, *where: Any, otherwise: Callable[..., None]) -> None:
    """What a person should know, once, without the line of code that says it; what libraries warn of `otherwise`."""
    if not isinstance(message, Notice):
        otherwise(message, *where)
    elif str(message) not in said:
        said.add(str(message))
        _complain(str(message))


def _complain(message: str) -> None:
    with contextlib.suppress(OSError):  # a terminal that is gone; the exit code still says it
        print(f"bench: {printable(message)}", file=sys.stderr, flush=True)
