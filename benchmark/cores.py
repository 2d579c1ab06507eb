"""How many processors this process may keep busy: those it is bound to, and no more than its container is granted.

A container's share of the processors (`docker run --cpus 2`, a limit in Kubernetes) hides none of them: without this
a machine of 64 would start 64 threads, which together may compute for two, and wait for each other most of the time.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, MutableMapping
from pathlib import Path, PurePosixPath

#: What torch, OpenMP and OpenBLAS take their number of threads from when they are loaded.
THREADS = "OMP_NUM_THREADS"


def available(root: Path = Path("/")) -> int:
    """The number of processors, one at least.

    Args:
        root: where `proc` and `sys` are.
    """
    granted = share(root)
    return bound() if granted is None else max(1, min(bound(), int(granted)))


def bound() -> int:
    """How many this process may be put on (`taskset`, a scheduler's allocation)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def share(root: Path = Path("/")) -> float | None:
    """The processors' worth of time that control groups of Linux grant, such as 1.5; None without a limit.

    Args:
        root: where `proc` and `sys` are.
    """
    return min(_limits(root), default=None)


def keep_to_share(environment: MutableMapping[str, str], root: Path = Path("/")) -> None:
    """Let libraries that are loaded later start no more threads than the share allows, unless a number was given.

    Args:
        environment: of this process.
        root: where `proc` and `sys` are.
    """
    number = available(root)
    if number < bound():
        environment.setdefault(THREADS, str(number))


def _limits(root: Path) -> Iterator[float]:
    """Those of each group that this process is in, and of the groups around it, as far as they can be seen."""
    groups = root / "sys" / "fs" / "cgroup"
    for line in _text(root / "proc" / "self" / "cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if not controllers:  # version 2, alone or beside version 1
            tops = (groups, groups / "unified")
        elif "cpu" in controllers.split(","):
            tops = (groups / controllers, groups / "cpu")
        else:
            continue
        inner = PurePosixPath(path.lstrip("/"))
        for top in tops:
            # What a container calls its own group is the top that it sees, whatever the machine calls it.
            for group in (inner, *inner.parents):
                yield from _limit(top / group)


def _limit(group: Path) -> Iterator[float]:
    quota, _, period = _text(group / "cpu.max").strip().partition(" ")
    if not quota:
        quota, period = (_text(group / name) for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us"))
    with contextlib.suppress(ValueError, ZeroDivisionError):  # "max", or nothing
        if int(quota) > 0:  # -1 is none
            yield int(quota) / int(period)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
