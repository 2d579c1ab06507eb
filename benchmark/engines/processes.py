"""Processes on this machine that may die or hang without taking the program with them, and never outlive it."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

from benchmark import deadline
from benchmark.engines.here import events
from benchmark.engines.task import TRIES, Ended, Event, Fatal, Lost, Slot, Task, Unfit
from benchmark.errors import BadInput, Notice, reason
from benchmark.processes import end_with_parent

#: Called once in each new process, before its first task.
SetUp = Callable[[], object]

#: Seconds that a process that is dying by itself is given to say why.
_DYING = 5.0

#: A new process's first word: what it is to call at the start is sent then, not with its arguments. Those are written
#: before anybody reads, for ever where they are long and the process dies of the program that it imports.
_HERE = "here"


class _Worker:
    """One process with one task at a time.

    Attributes:
        slot: what it computes on.
        is_ready: whether it has started up.
        position: of the task it has, or None.
    """

    def __init__(self, slot: Slot) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        arguments = (other, slot, deadline.end())
        self.process: SpawnProcess = context.Process(target=_serve, args=arguments, daemon=True)
        self.process.start()
        other.close()
        self.slot, self.is_ready = slot, False
        self.position: int | None = None

    def end(self, patience: float = 0.0) -> str:
        """End it after `patience` seconds at the latest, whatever it does, and say how it ended."""
        self.process.join(patience)
        self.process.kill()
        self.process.join()
        self.pipe.close()
        code = self.process.exitcode
        return f"ended by signal {-code}" if code is not None and code < 0 else f"ended with code {code}"


class Processes:
    """Several processes; one that dies or is stopped is replaced where there is work for another.

    Args:
        slots: what they compute on, one each.
        set_up: called in each of them at the start; it has to be picklable.
    """

    def __init__(self, slots: Sequence[Slot], set_up: SetUp | None = None) -> None:
        self._free, self._set_up = list(slots), set_up
        self._size = len(self._free)
        self._workers: list[_Worker] = []
        self._waiting: deque[tuple[int, Task, Mapping[Any, str]]] = deque()
        self._false_starts = 0

    def room(self) -> int:
        return self._size - self._busy()

    def begin(self, position: int, task: Task, given_up: Mapping[Any, str]) -> None:
        self._waiting.append((position, task, given_up))

    def listen(self, patience: float | None) -> Iterator[tuple[int, Event]]:
        yield from self._hand_out()
        end = None if patience is None else time.monotonic() + patience
        pipes = {worker.pipe: worker for worker in self._workers}
        for pipe in wait(list(pipes), None if end is None else max(0.0, end - time.monotonic())):
            worker = pipes[pipe]  # type: ignore[index]
            if worker in self._workers:
                yield from self._heard(worker)
        yield from self._hand_out()

    def _heard(self, worker: _Worker) -> Iterator[tuple[int, Event]]:
        try:
            event: Event | str | None = worker.pipe.recv()
            if event == _HERE:
                worker.pipe.send(self._set_up)
                return
        except (EOFError, OSError):
            yield from self._lost(worker)
            return
        self._false_starts = 0
        worker.is_ready = True
        if event is not None and not isinstance(event, str) and worker.position is not None:
            position = worker.position
            if isinstance(event, Ended | Unfit | Fatal):
                worker.position = None
            yield position, event

    def _hand_out(self) -> Iterator[tuple[int, Event]]:
        """As many processes as there is work for, each that is ready with a task."""
        while self._free and len(self._workers) < self._busy():
            self._workers.append(_Worker(self._free.pop(0)))
        for worker in [each for each in self._workers if each.is_ready and each.position is None]:
            if not self._waiting:
                return
            worker.position, task, given_up = self._waiting.popleft()
            try:
                worker.pipe.send((task, given_up))
            except OSError:
                yield from self._lost(worker)

    def _busy(self) -> int:
        return sum(worker.position is not None for worker in self._workers) + len(self._waiting)

    def _lost(self, worker: _Worker) -> Iterator[tuple[int, Event]]:
        ending, position = self._let_go(worker, _DYING), worker.position
        if position is not None:
            yield position, Lost(ending)
            return
        self._false_starts += 1
        if self._false_starts == TRIES:
            raise BadInput(
                f"worker processes can't start ({ending}); finished work is kept. If memory ran out, go on with "
                'fewer workers; in a script, call this below `if __name__ == "__main__":`'
            )

    def _let_go(self, worker: _Worker, patience: float = 0.0) -> str:
        self._workers.remove(worker)
        self._free.append(worker.slot)
        return worker.end(patience)

    def stop(self, position: int) -> None:
        self._waiting = deque(each for each in self._waiting if each[0] != position)
        for worker in [each for each in self._workers if each.position == position]:
            self._let_go(worker)

    def close(self) -> None:
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()
        self._workers.clear()


def _serve(pipe: Connection, slot: Slot, end: float | None) -> None:
    """A process's life: get ready and say so, then do tasks and tell of each step, until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started it
    end_with_parent()
    warnings.simplefilter("ignore", Notice)  # that one has said it
    compute_on(slot)
    try:
        pipe.send(_HERE)
        set_up: SetUp | None = pipe.recv()
        if set_up is not None:
            set_up()
        pipe.send(None)
        with deadline.until(end):
            while True:
                for event in _events(pipe.recv_bytes()):
                    pipe.send(event)
    except (EOFError, BrokenPipeError, ConnectionResetError):  # whoever asked is gone
        return


def _events(packed: bytes) -> Iterator[Event]:
    """What comes of a task; of one that can't be unpacked here nothing would come of another try either."""
    try:
        task, given_up = pickle.loads(packed)
    except MemoryError:  # which may pass
        raise
    except Exception as error:  # whatever a file of one's own raises when it is imported
        told = str(error) if isinstance(error, BadInput) else reason(error)
        yield Fatal(f"a worker process can't read its task: {told}; what was finished is kept")
        return
    yield from events(task, given_up)


def compute_on(slot: Slot) -> None:
    """Let this process compute on what its slot says; of GPUs, it sees that one alone."""
    if slot.device is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = visible(slot.device)
    if slot.threads is None and slot.share == 1:
        return  # the task imports torch if it needs it
    import torch

    if slot.threads is not None:
        torch.set_num_threads(slot.threads)
    if slot.share < 1 and torch.cuda.is_available():
        for device in range(torch.cuda.device_count()):  # whichever of them the task names
            torch.cuda.set_per_process_memory_fraction(slot.share, device)


def visible(device: int) -> str:
    """What CUDA calls the GPU of that number among those that this process sees."""
    seen = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    return seen[device].strip() if device < len(seen) else str(device)
