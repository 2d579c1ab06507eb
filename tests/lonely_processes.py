"""A program of which two processes would go on for hours; imports nothing heavy.

lonely_processes.py FOLDER elsewhere    they end without the kernel's help, as on other systems than Linux
lonely_processes.py FOLDER deaf         they let no other thread of theirs run
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace

from benchmark import processes


def go_on(folder: str, how: str) -> None:
    """What a started process does."""
    if how == "elsewhere":
        processes.sys = SimpleNamespace(platform="darwin")  # type: ignore[attr-defined]
    processes.end_with_parent()
    Path(folder, str(os.getpid())).touch()
    if how == "deaf":
        sys.setswitchinterval(3600)
        while True:
            pass
    time.sleep(3600)


if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    with processes.none_left_behind():
        for _ in range(2):
            context.Process(target=go_on, args=tuple(sys.argv[1:])).start()
        time.sleep(3600)
