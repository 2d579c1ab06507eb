"""Where many tasks run: in this process, in several on this machine, on the machines of a Ray cluster.

A task is pure and can be pickled, so where it runs can't change a number. What is tried again, given up or stopped is
decided once, in `policy`, above all engines; an engine only has slots: a device, threads, a share of a GPU.
"""

from benchmark.engines.choice import Devices, Means
from benchmark.engines.policy import Limits, Report, run
from benchmark.engines.task import TRIES, Task

__all__ = ["TRIES", "Devices", "Limits", "Means", "Report", "Task", "run"]
