"""What jobs cost, in multiplications: the same on every machine, whatever is measured or installed there.

Who does a part of some work on its own has to divide it as the others do. So nothing is probed or looked up in a
ledger here: passes are counted as `TimeEstimate` counts them, and a pass takes what the layers multiply.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from benchmark.evaluation.suite import SuiteItem
from benchmark.models import ARCHITECTURES, build
from benchmark.planning.estimate import TimeEstimate
from benchmark.planning.jobs import Job
from benchmark.planning.networks import PlannedNetwork
from benchmark.planning.setting import Setting
from benchmark.planning.speed import BACK, BACK_TO_WEIGHTS, Speed

#: As large are networks taken to be whose size nothing but their own files or libraries tells.
USUAL = "wrn-34-10"

#: Multiplications of a pass of which nothing is known.
UNKNOWN = 1e9


class Effort(TimeEstimate):
    """Estimates whose "seconds" are multiplications."""

    def __init__(self, setting: Setting) -> None:
        super().__init__([], setting, "cpu")

    def _own_work(self, item: SuiteItem) -> float:
        return 0.0

    def _speed_of(self, network: PlannedNetwork, precision: str, batch: int, learns: bool = True) -> Speed:
        if network.training:
            return self._speed(network.training.architecture, precision, batch)
        return self._speed(_named(network.source or network.name), precision, batch)

    def _speed(self, architecture: str, precision: str, batch: int) -> Speed:
        if (architecture, "") not in self.speeds:
            forward = multiplications(architecture, self.data.shape, self.data.num_classes)
            self.speeds[architecture, ""] = Speed(forward, BACK * forward, forward, BACK_TO_WEIGHTS * forward)
        return self.speeds[architecture, ""]


def costs_of(jobs: Iterable[Job], setting: Setting) -> dict[str, float]:
    """By family, see `Job.family`, what all its jobs cost; where the data is not here, 1 for each job."""
    effort = Effort(setting)
    found: dict[str, float] = {}
    for job in jobs:
        cost = 0.0 if job.obstacle else effort.estimate(job).seconds
        found[job.family] = found.get(job.family, 0.0) + (1.0 if cost is None else cost)
    return found


def multiplications(architecture: str, shape: tuple[int, int, int], classes: int) -> float:
    """Of one image's way through a new network of that architecture, of which only the shapes are made."""
    count = 0.0

    def add(layer: nn.Module, _: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal count
        if isinstance(layer, nn.Conv2d | nn.Linear):
            count += output.numel() * layer.weight[0].numel()

    try:
        with torch.device("meta"), torch.no_grad():
            network = build(
                architecture, num_classes=classes, shape=shape, mean=[0.5] * shape[0], std=[0.5] * shape[0]
            )
            for layer in network.modules():
                layer.register_forward_hook(add)
            network.eval()(torch.empty(1, *shape))
    except Exception:  # one's own architecture, which can do without anything but shapes no better
        return UNKNOWN
    return count or UNKNOWN


def _named(source: str) -> str:
    """The architecture that a published network's name tells, as RobustBench's do: "..._70_16", "..._R18_ddpm"."""
    wide, narrow = re.search(r"_(\d\d)_(\d\d?)(?=_|$)", source), re.search(r"_R(18|34|50)(?=_|$)", source)
    if wide and f"wrn-{wide[1]}-{wide[2]}" in ARCHITECTURES:
        return f"wrn-{wide[1]}-{wide[2]}"
    return "resnet18" if narrow else USUAL
