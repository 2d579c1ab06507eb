"""Worker processes that may die or hang without taking the evaluation with them, and never outlive it."""

from __future__ import annotations

import multiprocessing
import signal
import time
import warnings
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path

import torch

from benchmark.errors import BadInput, Notice, UnfitNetwork
from benchmark.evaluation import objects
from benchmark.evaluation.jobs import AttackJob, Crafted, Done, Step
from benchmark.evaluation.run_job import prepare, run_job
from benchmark.ledger.ledger import Ledger
from benchmark.processes import end_with_parent

#: How often an attack on a shard is begun before it is recorded as failed: once, and two times more.
TRIES = 3


@dataclass(frozen=True)
class Unfit:
    """What a worker says of a job whose network fails, or is not what it was."""

    reason: str


#: What a worker says: that a step is done; with the ledger's problems, that it waits for a job; that it has loaded
#: what it needs (None); what stops its job alone, or everything (str).
Message = Done | Crafted | list[str] | Unfit | str | None


class Worker:
    """One process with one job at a time.

    Attributes:
        position: of the job it has, or None.
        steps: how many of the job's steps it is past.
        begun: when it began with the item it is at, on the monotonic clock; None while it starts up, or loads.
    """

    def __init__(self, folder: Path, threads: int, parcel: bytes = b"") -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        arguments = (other, folder, threads, parcel)
        self.process: SpawnProcess = context.Process(target=_serve, args=arguments, daemon=True)
        self.process.start()
        other.close()
        self.position: int | None = None
        self.steps = 0
        self.begun: float | None = None

    def take(self, position: int, job: AttackJob, given_up: dict[Step, str]) -> None:
        """Have it do `job`; what it is doing when it dies shows up as a closed pipe."""
        self.position, self.steps, self.begun = position, 0, None
        self.pipe.send((job, given_up))

    def stop(self, patience: float = 0.0) -> str:
        """End it after `patience` seconds at the latest, whatever it does, and say how it ended."""
        self.process.join(patience)
        self.process.kill()
        self.process.join()
        self.pipe.close()
        code = self.process.exitcode
        return f"ended by signal {-code}" if code is not None and code < 0 else f"ended with code {code}"


class WorkerPool:
    """Workers that share jobs; whoever dies or exceeds the time limit is replaced, and the job begun again.

    Args:
        jobs: in the order in which they should be begun.
        folder: the results folder.
        size: how many workers.
        report: told about every item that is done.
        time_limit: seconds for one attack on one shard; None for no limit.
        give_up: told about jobs whose network fails, as `engine.run_jobs` says.
    """

    def __init__(
        self,
        jobs: Sequence[AttackJob],
        folder: Path,
        size: int,
        report: Callable[[int, Done], None],
        time_limit: float | None = None,
        give_up: Callable[[int, str], None] | None = None,
    ) -> None:
        self._give_up = give_up
        self.jobs, self.folder, self.size, self.report, self.time_limit = jobs, folder, size, report, time_limit
        self._threads = max(1, torch.get_num_threads() // size)
        self._parcel = objects.parcel()
        self._todo = deque(range(len(jobs)))
        self._done: dict[int, int] = dict.fromkeys(range(len(jobs)), 0)
        self._failures: Counter[tuple[int, Step]] = Counter()
        self._given_up: dict[int, dict[Step, str]] = {position: {} for position in self._done}
        self._false_starts = 0
        self._problems: list[str] = []
        self._workers: list[Worker] = []

    def run(self) -> list[str]:
        """Do all jobs; returns the problems met in the ledger.

        Raises:
            BadInput: the ledger can't be written, what is evaluated changed, or no worker can work.
            KeyboardInterrupt: all workers are stopped.
        """
        try:
            while self._todo or any(worker.position is not None for worker in self._workers):
                self._staff()
                self._listen()
        finally:
            for worker in self._workers:
                worker.process.kill()
            for worker in self._workers:
                worker.process.join()
        return list(dict.fromkeys(self._problems))

    def _staff(self) -> None:
        """As many workers as there is work for, each that is ready with a job."""
        busy = sum(worker.position is not None for worker in self._workers)
        while len(self._workers) < min(self.size, busy + len(self._todo)):
            self._workers.append(Worker(self.folder, self._threads, self._parcel))
        for worker in [worker for worker in self._workers if worker.position is None and worker.begun is not None]:
            if self._todo:
                position = self._todo.popleft()
                try:
                    worker.take(position, self.jobs[position], self._given_up[position])
                except OSError:
                    self._lost(worker)

    def _listen(self) -> None:
        """Wait for the next message, death or expiry, and act on it."""
        pipes = {worker.pipe: worker for worker in self._workers}
        for pipe in wait(list(pipes), self._patience()):
            worker = pipes[pipe]  # type: ignore[index]
            try:
                message = worker.pipe.recv()
            except (EOFError, OSError):
                self._lost(worker)
            else:
                self._hear(worker, message)
        for worker in [worker for worker in self._workers if self._left(worker) <= 0]:
            self._lost(worker, f"took longer than the time limit of {self.time_limit:g} s")

    def _left(self, worker: Worker) -> float:
        """Seconds that `worker` has left for what it does."""
        if self.time_limit is None or worker.position is None or worker.begun is None:
            return float("inf")
        if self._step(worker) in self._given_up[worker.position]:  # it is but recorded as failed
            return float("inf")
        return worker.begun + self.time_limit - time.monotonic()

    def _patience(self) -> float | None:
        least = min(map(self._left, self._workers), default=float("inf"))
        return None if least == float("inf") else max(0.0, least)

    def _step(self, worker: Worker) -> Step:
        """What of its job a worker is at; past the last step it is about to say so."""
        steps = self.jobs[worker.position].steps if worker.position is not None else []
        return steps[worker.steps] if worker.steps < len(steps) else Step("")

    def _hear(self, worker: Worker, message: Message) -> None:
        worker.begun = time.monotonic()
        self._false_starts = 0
        if isinstance(message, str):
            raise BadInput(message)
        if isinstance(message, Unfit) and worker.position is not None:
            if self._give_up is None:
                raise UnfitNetwork(message.reason)
            self._give_up(worker.position, message.reason)
            unfit = self.jobs[worker.position].target
            self._todo = deque(position for position in self._todo if self.jobs[position].target != unfit)
            worker.position = None
        elif isinstance(message, list):
            self._problems += message
            worker.position = None
        elif isinstance(message, Done | Crafted) and worker.position is not None:
            worker.steps += 1
            if worker.steps > self._done[worker.position]:  # else it was reported by one that was lost later
                self._done[worker.position] += 1
                if isinstance(message, Done):
                    self.report(worker.position, message)

    def _lost(self, worker: Worker, reason: str = "") -> None:
        """Let a worker go, and put its job first in the queue; too often lost at one step, that step is given up."""
        self._workers.remove(worker)
        # One that is dying by itself is given the time to say why.
        ending = worker.stop(patience=0.0 if reason else 5.0)
        position = worker.position
        if position is None:
            self._false_starts += 1
            if self._false_starts == TRIES:
                raise BadInput(
                    f"worker processes can't start ({ending}); finished work is kept. If memory ran out, go on with "
                    'fewer workers; in a script, call this below `if __name__ == "__main__":`'
                )
            return
        self._todo.appendleft(position)
        job, step = self.jobs[position], self._step(worker)
        self._failures[position, step] += 1
        if self._failures[position, step] == TRIES:
            reason = reason or f"its process was {ending}"
            self._given_up[position][step] = f"given up after {TRIES} tries: {reason}"
        elif self._failures[position, step] > TRIES:
            raise BadInput(
                f"{job.target.source}: {step.label} could not even be recorded as failed ({reason or ending}); "
                "finished work is kept"
            )


def _serve(pipe: Connection, folder: Path, threads: int, parcel: bytes) -> None:
    """A worker's life: say that it is ready, then do jobs and tell of each step, until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started it
    end_with_parent()
    warnings.simplefilter("ignore", Notice)  # that one has said it
    torch.set_num_threads(threads)
    objects.unpack(parcel)
    try:
        pipe.send([])
        while True:
            job, given_up = pipe.recv()
            try:
                ledger = Ledger.open(folder)
                prepare(job)
                pipe.send(None)  # the time limit is for attacks, not for what is loaded before the first
                for done in run_job(job, ledger, given_up):
                    pipe.send(done)
                pipe.send(ledger.problems)
            except UnfitNetwork as error:
                pipe.send(Unfit(str(error)))
            except BadInput as error:
                pipe.send(str(error))
    except (EOFError, BrokenPipeError, ConnectionResetError):  # whoever asked is gone
        return
