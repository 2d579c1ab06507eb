"""Jobs for machines that may share no disk with this one: what they need goes along, what they make comes back.

A network and its images are sent to the cluster once. What the ledger knows already of a job goes with it; the job
then works on a folder of its own, and each file that it adds there comes back and is put into the ledger by the one
process that began it all. Where the ledger's folder is seen from there, it is written to directly.
"""

from __future__ import annotations

import contextlib
import pickle
import platform
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmark.engines.task import Steps
from benchmark.errors import BadInput, first_line, short
from benchmark.evaluation import objects, opening
from benchmark.evaluation.jobs import AttackJob, Crafted, Done, Step
from benchmark.evaluation.ledger_task import LedgerTask
from benchmark.evaluation.run_job import prepare, run_job
from benchmark.evaluation.target import Target, images_of
from benchmark.ledger.ledger import FOLDERS, Ledger
from benchmark.ledger.record import encoded, is_block
from benchmark.own.trust import trusting
from benchmark.storage import write_atomic

#: What calls for bytes that were sent before.
Call = Callable[[], bytes]


@dataclass(frozen=True)
class Shipment:
    """A step is done, and these are the files that it has added.

    Attributes:
        message: what the job says of it.
        files: their content, by their places in the ledger.
    """

    message: Done | Crafted
    files: dict[str, bytes]


class Freight:
    """Networks and images, each sent once.

    Args:
        keep: sends bytes.
    """

    def __init__(self, keep: Callable[[bytes], Call]) -> None:
        self._keep = keep
        self._networks: dict[str, Call] = {}
        self._images: dict[tuple[str, str, int], Call] = {}

    def of(self, target: Target) -> tuple[Call, Call]:
        """What calls for the network and for the images of `target`.

        Raises:
            BadInput: they can't be sent, or are no longer there.
        """
        images = target.dataset, target.data, target.classes
        if target.source not in self._networks:
            self._networks[target.source] = self._keep(_packed_network(target))
        if images not in self._images:
            self._images[images] = self._keep(_packed_images(target))
        return self._networks[target.source], self._images[images]


def _packed_network(target: Target) -> bytes:
    """The network; nothing where it can't be sent, so that the other machine has to find it by its name."""
    network = opening.open_network(target.source, trust_remote_code=target.trust_remote_code)
    if objects.obstacle(network):
        return b""
    return pickle.dumps(network)


def _packed_images(target: Target) -> bytes:
    """The test images, without those to train on."""
    data = images_of(target)
    nothing = type(data.test)(data.test.images[:0], data.test.labels[:0])
    return pickle.dumps(replace(data, train=nothing, validation=nothing))


@contextlib.contextmanager
def remote_tasks(
    jobs: Sequence[AttackJob], folder: Path, freight: Freight, device: str
) -> Iterator[list[RemoteTask]]:
    """Within this context these are `jobs` for other machines, to be done on their `device`."""
    folder = folder.resolve()
    mark = write_atomic(folder / f".seen-{uuid.uuid4().hex}.part", "")
    try:
        yield [
            RemoteTask(
                job.on(device), folder, mark, tuple(freight.of(target) for target in (job.target, *job.judges))
            )
            for job in jobs
        ]
    finally:
        mark.unlink(missing_ok=True)


@dataclass(frozen=True)
class RemoteTask(LedgerTask):
    """One job for another machine, which says `Shipment` where that does not see the ledger.

    Attributes:
        mark: a file in the ledger's folder that no other folder has.
        goods: for the target and each judge, what calls for its network and its images.
        known: what the ledger has of the job already, by place; looked up when it is sent.
        unreadable: why the job could not be read where it was sent; "" if it was.
    """

    mark: Path
    goods: tuple[tuple[Call, Call], ...]
    known: tuple[tuple[str, bytes], ...] = ()
    unreadable: str = ""

    def __getstate__(self) -> dict[str, Any]:
        ledger = Ledger(self.folder)
        files = dict(file for key in _keys(self.job, ledger) for file in _kept(ledger, key))
        known = tuple((path.relative_to(self.folder).as_posix(), content) for path, content in files.items())
        return {**self.__dict__, "known": known, "job": pickle.dumps(self.job)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        try:
            with trusting(True):  # what the other machine sends, it trusts
                state["job"] = pickle.loads(state["job"])
        except Exception as error:  # whatever one's own code does where it is imported
            state["unreadable"] = first_line(error)
        self.__dict__.update(state)

    def prepare(self) -> None:
        if self.unreadable:
            raise BadInput(
                f"code of your own can't be imported on the machine {platform.node()} ({self.unreadable}); it has to "
                "be in the same place on every machine of the cluster"
            )
        _hold(self.job, self.goods)
        prepare(self.job)

    def run(self, given_up: Mapping[Step, str]) -> Steps:
        if self.mark.exists():
            return (yield from super().run(given_up))
        with tempfile.TemporaryDirectory(prefix="bench-") as name:
            ledger = Ledger.open(name, create=True)
            for place, content in self.known:
                write_atomic(ledger.folder / place, content)
            seen = _stamps(ledger.folder)
            for message in run_job(self.job, ledger, given_up):
                now = _stamps(ledger.folder)
                new = [place for place, stamp in now.items() if seen.get(place) != stamp]
                seen = now
                yield Shipment(message, {place: (ledger.folder / place).read_bytes() for place in new})
        return [problem.replace(name, str(self.folder)) for problem in ledger.problems]


def receive(shipment: Shipment, folder: Path) -> Done | Crafted:
    """Put what has come back into the ledger; what the job said.

    Raises:
        BadInput: the ledger can't be written, or what came has no place in it.
    """
    ledger = Ledger(folder)
    for place, content in shipment.files.items():
        parts = Path(place).parts
        if parts[0] not in FOLDERS or ".." in parts:
            raise BadInput(f"a worker sent the file {short(place)}, which has no place in {folder}")
        write_atomic(ledger.own(ledger.folder / place), content)
    return shipment.message


def _kept(ledger: Ledger, key: Mapping[str, Any]) -> Iterator[tuple[Path, bytes]]:
    """What is there of a job with this key: files, and a file of a record that was packed meanwhile or before."""
    for path in ledger.kept(key):
        with contextlib.suppress(FileNotFoundError):
            yield path, path.read_bytes()
    if not is_block(key) and (record := ledger.find(key)) is not None:
        yield ledger.place(key), encoded(record)


def _keys(job: AttackJob, ledger: Ledger) -> Iterator[dict[str, Any]]:
    """The keys of what the ledger may know of a job, as far as they follow from what it knows."""
    standing = None
    for item in job.items:
        yield from (job.judged_key(item, judge) for judge in job.judges)
        if job.judges:
            continue
        key = job.key(item, job.handed(standing))
        yield key
        if not job.relay:
            record = ledger.find(key)
            if record is None or record.error:
                return
            standing = job.left_standing(standing, record)


def _stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """By place, what tells one version of a file from another."""
    paths = [path for name in FOLDERS for path in (folder / name).rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): (path.stat().st_mtime_ns, path.stat().st_ino) for path in paths}


#: What this process has called for and still holds.
_held: dict[Call, Any] = {}


def _hold(job: AttackJob, goods: Sequence[tuple[Call, Call]]) -> None:
    """Have the networks and images of a job opened by their names; those of other jobs are let go."""
    wanted = dict.fromkeys(call for pair in goods for call in pair)
    for call in [call for call in _held if call not in wanted]:
        del _held[call]
    for call in wanted:
        if call not in _held:
            content = call()
            _held[call] = pickle.loads(content) if content else None
            opening.forget()
    targets = (job.target, *job.judges)
    networks = {target.source: _held[network] for target, (network, _) in zip(targets, goods, strict=True)}
    images = {target.dataset: _held[data] for target, (_, data) in zip(targets, goods, strict=True)}
    objects.hold({source: network for source, network in networks.items() if network is not None}, images)
