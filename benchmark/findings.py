"""What a check-up finds, and what it finds around the program: its packages, folders and disks."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmark.cache import cache_root
from benchmark.environment import requirements
from benchmark.errors import BadInput

#: Bytes below which a disk counts as nearly full.
LITTLE_SPACE = 2**30


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be.

    Attributes:
        place: the file or folder, or "environment".
        problem: what is wrong.
        remedy: what to do about it, or what `mend` does.
        action: "move", "delete" or "mark" (say of which version a folder is) where the doctor can do it, else "".
        mended: whether it has been done.
    """

    place: str
    problem: str
    remedy: str
    action: str = ""
    mended: bool = False


def of_machine(*folders: Path) -> Iterator[Finding]:
    """What is wrong with the packages that are installed, and with the disks of `folders` and of the cache."""
    needed = requirements()
    if needed is None:
        what = "the program is not installed, so that its requirements can't be checked"
        yield Finding("environment", what, "make setup, or pip install -e .")
    for package, least in (needed or {}).items():
        try:
            version = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            yield Finding("environment", f"{package} is not installed", "make setup, or pip install it")
            continue
        if _numbers(version) < _numbers(least):
            yield Finding("environment", f"{package} {version} is older than {least}", f"pip install -U {package}")
    try:
        cache = [cache_root()]
    except BadInput as error:
        yield Finding("environment", str(error).partition("; ")[0], str(error).partition("; ")[2])
        cache = []
    for folder in (*folders, *cache):
        existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        if not os.access(existing, os.W_OK):
            yield Finding(str(folder), "it is not writable", "choose another folder, or change its permissions")
        free = shutil.disk_usage(existing).free
        if free < LITTLE_SPACE:
            yield Finding(str(folder), f"only {free / 2**20:,.0f} MiB are free on its disk", "free some space")


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version.partition("+")[0])]
