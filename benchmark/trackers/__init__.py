"""Where figures go while something is trained or evaluated, if asked for: TensorBoard, MLflow, W&B, trackio.

None of them is needed, and none is imported before it is asked for.
"""

from __future__ import annotations

from benchmark.trackers.table import TRACKERS, check_trackers
from benchmark.trackers.tracker import Run, Tracker
from benchmark.trackers.trackers import Trackers

__all__ = ["TRACKERS", "Run", "Tracker", "Trackers", "check_trackers"]
