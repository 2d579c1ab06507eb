"""Where files that can be fetched or made again are kept."""

from __future__ import annotations

import os
from pathlib import Path

from benchmark.errors import BadInput


def cache_root() -> Path:
    """$BENCHMARK_DATA if it is set, else a folder in the user's cache.

    Raises:
        BadInput: the user has no home to keep a cache in.
    """
    import platformdirs

    named = os.environ.get("BENCHMARK_DATA")
    if named:
        return at_home(named)
    try:
        usual = Path(platformdirs.user_cache_dir("robustness-benchmark"))
    except RuntimeError as error:
        raise _homeless() from error
    if not usual.is_absolute():  # what older versions give
        raise _homeless()
    return usual


def at_home(path: str | Path) -> Path:
    """`path` with a "~" at its beginning replaced by the user's home.

    Raises:
        BadInput: there is no such user, or no home.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise BadInput(f"{path}: there is no such home folder; write the path out") from error


def _homeless() -> BadInput:
    return BadInput("there is no home folder to keep data in; set BENCHMARK_DATA to a folder for it, or HOME")
