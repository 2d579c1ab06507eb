"""The records of a finished evaluation are put into one file, which takes the place of theirs.

The pack is written whole, is safe on the disk and was read again before the first file is deleted. So nothing is lost
or counted twice whenever this process or another one dies, and others may go on reading and writing meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from benchmark.damage import Damaged
from benchmark.errors import BadInput, notice
from benchmark.ledger.ledger import Ledger
from benchmark.ledger.pack import read_pack
from benchmark.ledger.pack_layout import packed
from benchmark.ledger.packs import alone, pack_folder, packed_record, packs_of
from benchmark.ledger.record import Record, checksum, read_record, written
from benchmark.limits import PACKED
from benchmark.storage import digest, sync_folder, write_atomic

#: Evaluations of fewer records stay in single files, which take no time worth saving.
LEAST = 100

_Stamp = tuple[int, int, int]


def pack(ledger: Ledger, network: str, names: Sequence[str]) -> None:
    """Pack the records of a finished evaluation, if they are many.

    If it can't be done, e.g. since the disk is full, that is said, and all stays as it is.

    Args:
        ledger: where they are.
        network: the digest that they are filed under.
        names: of all records of the evaluation.
    """
    if len(names) < LEAST:
        return
    single = alone(ledger.path(network, "any").parent)
    todo = [name for name in dict.fromkeys(names) if name in single]
    try:
        if todo:
            _renew(ledger, network, single)
        while todo:
            todo = todo[_pack_some(ledger, network, todo) :]
    except (BadInput, Damaged, OSError) as problem:
        notice(f"{len(todo)} records in {ledger.folder} stay in files of their own: {problem}")


def _renew(ledger: Ledger, network: str, single: set[str]) -> None:
    """Write those packs anew all of whose records were made once more, e.g. since they learnt predicted classes.

    Where only some were, their files go on counting: two processes that renewed different records of one pack would
    undo what the other has done.
    """
    for old in packs_of(ledger.folder, network, lambda problem: None):
        if not old.is_sound or not old.places.keys() <= single or old.path != pack_path(ledger, network, old.names):
            continue
        paths = [ledger.path(network, name) for name in old.names]
        try:
            stamps = [_stamp(path) for path in paths]
            records = [read_record(path) for path in paths]
        except (FileNotFoundError, Damaged):
            continue
        before = (checksum(*written(old.read(name))) for name in old.names)
        same = (checksum(*written(record)) == own for record, own in zip(records, before, strict=True))
        if any(record.error for record in records) or all(same):
            continue
        write_pack(ledger, network, records)
        _delete(dict(zip(paths, stamps, strict=True)))


def _pack_some(ledger: Ledger, network: str, names: Sequence[str]) -> int:
    """Pack the first of these records, as many as may go into one file: how many have been dealt with."""
    records: list[Record] = []
    done: dict[Path, _Stamp] = {}
    images = dealt = 0
    for name in names:
        path = ledger.path(network, name)
        try:
            stamp = _stamp(path)
            record = read_record(path)
        except (FileNotFoundError, Damaged):  # another process has packed it meanwhile, or it is to be made again
            dealt += 1
            continue
        images += len(record.broken)
        if images > PACKED and dealt:
            break
        dealt += 1
        before = packed_record(ledger.folder, network, name, lambda problem: None)
        if before is None and record.error:  # the attack will be run again
            continue
        if before is None:
            records.append(record)
        elif not record.error and not _is_twin(before, record):
            continue  # it was made once more: its file goes on counting, while that of a failure is not needed
        done[path] = stamp
    if records:
        write_pack(ledger, network, records)
    _delete(done)
    return dealt


def _is_twin(packed: Record, record: Record) -> bool:
    """Whether two processes at work on one evaluation have made the same record: all but date and time is alike."""
    alike = {name: packed.info[name] for name in ("date", "seconds") if name in packed.info}
    twin = replace(record, info=record.info | alike)
    return checksum(*written(packed)) == checksum(*written(twin))


def _delete(done: Mapping[Path, _Stamp]) -> None:
    """Delete files that are packed now, but for those that were written once more meanwhile."""
    for path, stamp in done.items():
        if path.exists() and _stamp(path) == stamp:
            path.unlink(missing_ok=True)


def pack_path(ledger: Ledger, network: str, names: Sequence[str]) -> Path:
    """Where a pack of these records, in this order, is or would be."""
    return pack_folder(ledger.folder, network) / f"{digest([*names])}.safetensors"


def write_pack(ledger: Ledger, network: str, records: Sequence[Record]) -> None:
    """Write a pack; afterwards it is safe on the disk, and can be read."""
    content = packed(records)
    path = pack_path(ledger, network, [record.digest for record in records])
    ledger.mark(packs=True)
    write_atomic(ledger.own(path), content)
    for folder in (path.parent, path.parent.parent, ledger.folder):
        sync_folder(folder)
    if not read_pack(path).is_sound:
        raise Damaged(f"{path}: it was not written as it should be")


def unpack(ledger: Ledger, path: Path) -> int:
    """Write the records of a damaged pack that are whole into files of their own: how many they are.

    Raises:
        Damaged: none of them can be told.
        BadInput: the folder can't be written or the disk is full.
    """
    damaged = read_pack(path)
    whole = 0
    for name in damaged.names:
        try:
            record = damaged.read(name)
        except Damaged:
            continue
        whole += 1
        if not ledger.place(record.key).exists():  # what was made once more stays
            ledger.write(record)
    return whole


def _stamp(path: Path) -> _Stamp:
    """What tells a file from another that was put in its place."""
    status = path.stat()
    return status.st_mtime_ns, status.st_ino, status.st_size
