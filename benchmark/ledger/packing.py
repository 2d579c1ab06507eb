"""The records of a finished evaluation are put into one file, which takes the place of theirs.

The pack is written whole, is safe on the disk and was read again before the first file is deleted. So nothing is lost
or counted twice whenever this process or another one dies, and others may go on reading and writing meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmark.damage import Damaged
from benchmark.errors import BadInput, notice
from benchmark.ledger.ledger import Ledger
from benchmark.ledger.pack import read_pack
from benchmark.ledger.pack_layout import packed
from benchmark.ledger.packs import alone, pack_folder, packed_record
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
        while todo:
            todo = todo[_pack_some(ledger, network, todo) :]
    except (BadInput, Damaged, OSError) as problem:
        notice(f"{len(todo)} records in {ledger.folder} stay in files of their own: {problem}")


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
        elif record.error:
            pass  # it has been
        elif checksum(*written(before)) != checksum(*written(record)):
            continue  # it was made once more: its file goes on counting
        done[path] = stamp
    if records:
        write_pack(ledger, network, records)
    for path, stamp in done.items():
        if path.exists() and _stamp(path) == stamp:
            path.unlink(missing_ok=True)
    return dealt


def write_pack(ledger: Ledger, network: str, records: Sequence[Record]) -> None:
    """Write a pack; afterwards it is safe on the disk, and can be read."""
    content = packed(records)
    path = pack_folder(ledger.folder, network) / f"{digest([record.digest for record in records])}.safetensors"
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
