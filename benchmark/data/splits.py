"""What is held out of published training images."""

from __future__ import annotations

from benchmark.data.dataset import Split
from benchmark.data.orders import stratified

#: The part of the training images that is held out for validation, and its largest size in images.
VALIDATION_SHARE, VALIDATION_LIMIT = 0.1, 2000


def hold_out_validation(published: Split) -> tuple[Split, Split]:
    """The training and validation splits of the published training images."""
    share = min(VALIDATION_SHARE, VALIDATION_LIMIT / len(published))
    rest, part = stratified(published.labels, share)
    return published[rest], published[part]
