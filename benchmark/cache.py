"""Where files that can be fetched or made again are kept."""

from __future__ import annotations

import os
from pathlib import Path


def cache_root() -> Path:
    """$BENCHMARK_DATA if it is set, else a folder in the user's cache."""
    import platformdirs

    named = os.environ.get("BENCHMARK_DATA")
    return Path(named).expanduser() if named else Path(platformdirs.user_cache_dir("robustness-benchmark"))
