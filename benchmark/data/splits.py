"""What is held out of published training images."""

from __future__ import annotations

from benchmark.data.dataset import Split
from benchmark.data.orders import held_out


def hold_out_validation(published: Split) -> tuple[Split, Split]:
    """The training and validation splits of the published training images."""
    rest, part = held_out(published.labels)
    return published[rest], published[part]
