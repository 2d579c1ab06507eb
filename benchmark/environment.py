"""What the program finds around it, asked before hours of work depend on it."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import multiprocessing
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import benchmark
from benchmark.errors import BadInput, first_line
from benchmark.version import NAME

#: Packages that are asked for only when work has been done.
NEEDED_LATE = ("jinja2", "pandas", "safetensors", "scipy", "tensorboard")

#: Where Linux keeps the memory that processes share.
SHARED_MEMORY = Path("/dev/shm")


def version(package: str) -> str:
    """The version of a distribution; "unknown" of one that does not say, as where it was copied and not installed."""
    if package == NAME:
        return benchmark.__version__
    try:
        said: str | None = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        said = getattr(sys.modules.get(package.replace("-", "_")), "__version__", None)
    return said or "unknown"


def requirements() -> dict[str, str] | None:
    """The least version of each package that is needed; None where the program was copied and not installed."""
    try:
        lines = importlib.metadata.requires(NAME)
    except importlib.metadata.PackageNotFoundError:
        return None
    found = (re.fullmatch(r"([\w.-]+)>=([\d.]+)", line) for line in lines or ())
    return {match[1]: match[2] for match in found if match}


def check_packages() -> None:
    """Raise `BadInput` if a package is missing that is asked for only when work has been done."""
    names = " ".join(package for package in NEEDED_LATE if importlib.util.find_spec(package) is None)
    if names:
        raise BadInput(f"needed and not installed: {names}; make setup, or pip install {names}")


def check_working_folder() -> None:
    """Raise `BadInput` if the folder that the program was started in is gone."""
    try:
        os.getcwd()
    except OSError as error:
        raise BadInput("the folder that this was started in is gone; change to one that is there") from error


def check_shared_memory(what: str, size: int) -> None:
    """Raise `BadInput` unless processes can share `size` bytes.

    Args:
        what: it is needed for, as the message begins.
        size: in bytes.
    """
    try:
        multiprocessing.get_context("spawn").Lock()
    except (OSError, ImportError) as error:
        raise BadInput(
            f"{what}: processes can't share memory here ({first_line(error)}); "
            f"see that {SHARED_MEMORY} is mounted and may be written, or use one process"
        ) from error
    with contextlib.suppress(OSError):  # other systems keep it elsewhere
        free = shutil.disk_usage(SHARED_MEMORY).free
        if free < size:
            raise BadInput(
                f"{what}: the processes share {size / 2**20:,.1f} MiB, and {free / 2**20:,.1f} MiB are free in "
                f"{SHARED_MEMORY}; enlarge it (docker run --shm-size), or use one process"
            )


def is_terminal(stream: Any) -> bool:
    """Whether somebody watches; `stream` may be closed, or None as where a program is started without any."""
    try:
        return stream is not None and bool(stream.isatty())
    except ValueError:
        return False
