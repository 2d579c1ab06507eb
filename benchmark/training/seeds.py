"""Seeds of a run: one for each purpose, all from the one that it was given."""

from __future__ import annotations

from benchmark.storage import digest


def derived_seed(seed: int, *purpose: str | int) -> int:
    """A seed for one purpose of a run: different purposes give unrelated streams."""
    return int(digest([seed, *purpose])[:15], 16)
