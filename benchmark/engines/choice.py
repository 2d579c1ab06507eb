"""Which engine the words of a caller stand for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmark.engines.base import Engine
from benchmark.engines.here import Here
from benchmark.engines.on_ray import OnRay, gpus_of
from benchmark.engines.processes import Processes, SetUp
from benchmark.engines.task import Slot
from benchmark.errors import BadInput, short, unknown

ENGINES = ("local", "ray")

#: Which GPUs: a number of them, or their numbers, as Fabric reads it: 2, "2", "0,1,2", [0, 2].
Devices = int | str | Sequence[int]


@dataclass(frozen=True)
class Means:
    """What tasks are given to run on.

    Attributes:
        workers: how many run at once; None for one per GPU, or as many as a cluster has room for.
        devices: which GPUs of this machine; None for all.
        engine: "local", or "ray".
        address: of the Ray cluster.
        gpu_share: what each worker takes of a GPU.
        device: what the nodes of a cluster compute on, "auto" for GPUs where it has some.
    """

    workers: int | None = None
    devices: Devices | None = None
    engine: str = "local"
    address: str | None = None
    gpu_share: float = 1.0
    device: str = "auto"

    def problems(self) -> list[str]:
        """What is wrong with it, in words."""
        found = []
        if self.workers is not None and self.workers < 1:
            found.append(f"workers must be 1 or more, not {self.workers}")
        if self.engine not in ENGINES:
            found.append(str(unknown("engine", self.engine, ENGINES)))
        if not 0 < self.gpu_share <= 1:
            found.append(f"gpu_share must be above 0 and at most 1, not {self.gpu_share}")
        if self.address is not None and self.engine != "ray":
            found.append(f"--address {self.address} is that of a Ray cluster; add --engine ray")
        if self.devices is not None and self.engine == "ray":
            found.append("--devices chooses GPUs of this machine; a Ray cluster gives out its own: leave it out")
        return found

    def planning_device(self, device: str) -> str:
        """What this machine itself computes on; GPUs of a cluster may be none of its own."""
        if self.engine != "ray" or not device.startswith("cuda"):
            return device
        import torch

        return device if torch.cuda.is_available() else "auto"

    def remote_device(self) -> str:
        """What the nodes of the cluster compute on.

        Raises:
            BadInput: there is no such cluster, or no Ray.
        """
        if self.device != "auto":
            return "cuda" if self.device.startswith("cuda") else self.device
        return "cuda" if gpus_of(self.address) else "cpu"

    def gpus(self, device: str) -> tuple[int, ...]:
        """The GPUs that workers on `device` are spread over; none where they compute on `device` itself.

        Raises:
            BadInput: GPUs are named that are not there, or beside another device.
        """
        if self.engine == "ray":
            return ()
        import torch

        there = torch.cuda.device_count() if device == "cuda" else 0
        if self.devices is None:
            return tuple(range(there)) if there > 1 or (there and self.gpu_share < 1) else ()
        if device != "cuda":
            raise BadInput(
                f"--devices {spelt(self.devices)} names GPUs, but --device {device} is what is computed on; "
                "leave one of them out"
            )
        return which(self.devices, there)

    def is_here(self, tasks: int, gpus: Sequence[int], is_timed: bool) -> bool:
        """Whether tasks run in this process."""
        return self.engine == "local" and (not tasks or (not is_timed and self._count(gpus) == 1))

    def _count(self, gpus: Sequence[int]) -> int:
        if self.workers is not None:
            return self.workers
        on_each = max(1, int(1 / self.gpu_share + 1e-9)) if gpus or self.device.startswith("cuda:") else 1
        return max(1, len(gpus)) * on_each

    def open(
        self, tasks: int, device: str, is_timed: bool = False, set_up: Callable[[], SetUp] | None = None
    ) -> Engine:
        """The engine for so many tasks.

        Args:
            tasks: how many.
            device: what they compute on, as they name it.
            is_timed: whether one that takes too long has to be stopped, which this process can't.
            set_up: makes what processes on this machine do at their start; asked only if there are to be some.

        Raises:
            BadInput: there is nothing of that kind.
        """
        if self.engine == "ray":
            share = self.gpu_share if self.remote_device() == "cuda" else 0.0
            return OnRay(self.address, self.workers, share)
        gpus = self.gpus(device)
        if self.is_here(tasks, gpus, is_timed) and len(gpus) <= 1 and self.devices is None:
            return Here()
        import torch

        size = max(1, min(self._count(gpus), tasks))
        threads = max(1, torch.get_num_threads() // size)
        # Without numbers all of them compute on the one device that they name.
        places = [gpus[number % len(gpus)] if gpus else None for number in range(size)]
        beside = {place: places.count(place) if device.startswith("cuda") else 1 for place in places}
        slots = [Slot(place, threads, 1 / beside[place]) for place in places]
        return Processes(slots, set_up and set_up())


def which(devices: Devices, there: int) -> tuple[int, ...]:
    """The numbers of the GPUs that `devices` names, of so many that are there.

    Raises:
        BadInput: there are not that many, one is named twice, or these are no numbers.
    """
    words = devices.strip() if isinstance(devices, str) else devices
    try:
        if isinstance(words, int) or (isinstance(words, str) and "," not in words):
            chosen = list(range(int(words)))
        else:
            parts = words.split(",") if isinstance(words, str) else words
            chosen = [int(part) for part in parts if str(part).strip()]
    except (TypeError, ValueError) as error:
        raise BadInput(f"--devices takes a number, or numbers such as 0,1,2, not {short(devices)}") from error
    if not chosen or len(set(chosen)) < len(chosen):
        raise BadInput(f"--devices {spelt(devices)} names no GPU, or one twice")
    if min(chosen) < 0 or max(chosen) >= there:
        raise BadInput(f"--devices {spelt(devices)}: this machine has {there} GPUs")
    return tuple(chosen)


def spelt(devices: Devices) -> str:
    """As a command line takes it."""
    return str(devices) if isinstance(devices, int | str) else ",".join(map(str, devices))
