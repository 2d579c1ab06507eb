"""Under --deterministic: saying which results were made without it before, and are used as they are."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from benchmark.errors import notice


def tell_of_earlier(asked: bool, networks: Iterable[tuple[str, bool]], results: str | Path) -> None:
    """Say of which networks results are used that a repeat may not give to the last bit.

    Args:
        asked: whether that matters to the caller.
        networks: the name of each, and whether all that is told about it was computed deterministically.
        results: the folder that they were taken from.
    """
    others = list(dict.fromkeys(name for name, repeats in networks if not repeats)) if asked else []
    if others:
        notice(
            f"{', '.join(others)}: some results were made earlier without --deterministic and are used as they are; "
            f"another folder than --results {results} has all of them made so"
        )
