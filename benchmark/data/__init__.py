"""Where images come from: every dataset as three splits of tensors in memory."""

from __future__ import annotations

from benchmark.data.dataset import Dataset, Split
from benchmark.data.loading import DATASETS, load

__all__ = ["DATASETS", "Dataset", "Split", "load"]
