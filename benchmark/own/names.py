"""What modules made of files of one's own are called: the name says which file, so that any process can import it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import quote, unquote

#: What the names of such modules begin with.
SCHEME = "file:"


def module_name(path: Path) -> str:
    """What the module of the file at `path` is called: its whole path, without a dot."""
    place = os.path.abspath(path)
    return SCHEME + quote(place, safe="/ ").replace(".", "%2E")


def path_of_module(name: str) -> str | None:
    """The file of a module of that name; None for any other module."""
    return unquote(name.removeprefix(SCHEME)) if name.startswith(SCHEME) else None


def plainly(module: str) -> str:
    """What a module is called whatever the process, and wherever its file lies."""
    path = path_of_module(module)
    if path is not None:
        return re.split(r"[/\\]", path)[-1]
    # A worker calls by another name what the program it belongs to was started as.
    return "__main__" if module == "__mp_main__" else module
