"""The machines of a Ray cluster, which may come and go.

A task is one of Ray's, whose steps stream back. Ray itself tries nothing again: what is lost is told, and the policy
decides. Each node needs this package in the same version; no shared disk is needed.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from benchmark import deadline
from benchmark.engines.here import events
from benchmark.engines.processes import compute_on
from benchmark.engines.task import Ended, Event, Fatal, Lost, Slot, Task, Unfit
from benchmark.errors import BadInput, first_line

INSTALL = "pip install ray"

#: Seconds for which a count of the cluster's processors stays true.
_COUNTED = 2.0

#: The longest wait, after which it is looked whether machines have come.
_LONGEST = 10.0

#: What Ray says of a function whose module is missing on a machine.
_IMPORT = "failed to import"


def import_ray() -> Any:
    """Ray, which tells nobody that it is used.

    Raises:
        BadInput: it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # A warning of Ray's about what it does in its next version, which is what is wanted here: no GPU for no GPU.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError as error:
        raise BadInput(
            f"--engine ray needs Ray, which can't be imported here ({error}); install it: {INSTALL}"
        ) from error
    return ray


@dataclass(frozen=True)
class Kept:
    """Bytes that were sent to the cluster once, to be called for by any task."""

    reference: Any

    def __call__(self) -> bytes:
        content: bytes = import_ray().get(self.reference)
        return content


class OnRay:
    """Tasks of a Ray cluster.

    Args:
        address: of the cluster: "auto" for the one of this machine; None for what RAY_ADDRESS says, or a small one
            that is started here.
        workers: how many tasks at once; None for as many as there are processors, or GPUs, at any time.
        gpus: what a task takes of a GPU; 0 for none.

    Raises:
        BadInput: Ray is not installed, or there is no such cluster.
    """

    def __init__(self, address: str | None = None, workers: int | None = None, gpus: float = 0.0) -> None:
        self._ray = import_ray()
        self._workers, self._gpus = workers, gpus
        self._streams: dict[int, Any] = {}
        self._counted = (0.0, 1)
        connect(address)
        self._work = self._ray.remote(num_returns="streaming", max_retries=0, num_cpus=1, num_gpus=gpus)(_work)

    def room(self) -> int:
        return self._most() - len(self._streams)

    def _most(self) -> int:
        if self._workers is not None:
            return self._workers
        when, count = self._counted
        if time.monotonic() - when > _COUNTED:
            there = self._ray.cluster_resources()
            count = math.floor(there.get("GPU", 0) / self._gpus) if self._gpus else int(there.get("CPU", 0))
            count = max(1, count)  # one waits for a machine, which tells a cluster that can grow to do so
            self._counted = (time.monotonic(), count)
        return count

    def keep(self, content: bytes) -> Kept:
        """Send bytes to the cluster, for all tasks that call for them."""
        return Kept(self._ray.put(content))

    def begin(self, position: int, task: Task, given_up: Mapping[Any, str]) -> None:
        self._streams[position] = self._work.remote(task, dict(given_up), deadline.end(), self._gpus)

    def listen(self, patience: float | None) -> Iterator[tuple[int, Event]]:
        waiting = {stream: position for position, stream in self._streams.items()}
        limit = _LONGEST if patience is None else min(patience, _LONGEST)
        ready, _ = self._ray.wait(list(waiting), num_returns=1, timeout=limit) if waiting else ([], [])
        for stream in ready:
            position = waiting[stream]
            if self._streams.get(position) is not stream:
                continue
            event = self._heard(stream)
            if isinstance(event, Ended | Unfit | Fatal | Lost):
                del self._streams[position]
            yield position, event

    def _heard(self, stream: Any) -> Event:
        try:
            event: Event = self._ray.get(next(stream))
        except StopIteration:
            return Lost("ended without a word")
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, self._ray.exceptions.RaySystemError) or _IMPORT in str(error.cause):
                return Fatal(
                    f"a machine of the cluster can't read what is sent to it ({first_line(error.cause)}); every one "
                    "needs this package, and Ray, in the same versions"
                )
            raise error.as_instanceof_cause() from None  # what the task's own code raised is no accident
        except self._ray.exceptions.RayError as error:
            kind, died = type(error).__name__, self._ray.exceptions
            moved = died.NodeDiedError, died.LocalRayletDiedError, died.ObjectLostError
            return Lost(f"lost by the cluster ({kind}: {first_line(error)})", isinstance(error, moved))
        return event

    def stop(self, position: int) -> None:
        stream = self._streams.pop(position, None)
        if stream is not None:
            self._ray.cancel(stream, force=True)

    def close(self) -> None:
        for position in list(self._streams):
            self.stop(position)
        disconnect()


#: Whether it was this module that took part in a cluster, and not the caller before.
_is_ours = False


def connect(address: str | None) -> None:
    """Take part in the cluster, if this process does not yet.

    Raises:
        BadInput: there is none.
    """
    global _is_ours
    ray = import_ray()
    if ray.is_initialized():
        return
    try:
        # Without "local" Ray looks for a cluster that was started here before, and waits for minutes if it is gone.
        place = address or os.environ.get("RAY_ADDRESS") or "local"
        alone: dict[str, Any] = {"include_dashboard": False} if place == "local" else {}
        ray.init(address=place, log_to_driver=False, logging_level="error", **alone)
        _is_ours = True
    except Exception as error:  # of many kinds, of the network and of Ray
        raise BadInput(
            f"there is no Ray cluster to work on at {address or 'this machine'} ({first_line(error)}); start one "
            "with ray start --head, or name another one with --address"
        ) from error


def disconnect() -> None:
    """Leave the cluster, unless the caller took part in it before."""
    global _is_ours
    if _is_ours:
        import_ray().shutdown()
    _is_ours = False


def gpus_of(address: str | None) -> float:
    """How many GPUs the cluster has now.

    Raises:
        BadInput: there is no such cluster, or no Ray.
    """
    connect(address)
    return float(import_ray().cluster_resources().get("GPU", 0))


def _work(task: Task, given_up: Mapping[Any, str], end: float | None, gpus: float) -> Iterator[Event]:
    """What a node does."""
    compute_on(Slot(share=gpus if 0 < gpus < 1 else 1.0))
    with deadline.until(end):
        yield from events(task, given_up)
