"""Where a record is: alone in a file, or in a pack with others of its network; see `packing` for how it gets there.

A record that is packed has been in its file until the pack was safe on the disk, so that it is always in one place or
in both, and who looks for the file first and into the packs afterwards finds it. Where it is in both, as after a
crash, or where it was made once more, the file counts.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmark.damage import Damaged
from benchmark.ledger.pack import Pack, read_pack, stamp
from benchmark.ledger.record import Record
from benchmark.storage import safe_name

#: Of a results folder, where packs are.
FOLDER = "packs"

Note = Callable[[str], None]


def pack_folder(results: Path, network: str) -> Path:
    """Where the packs of a network are or would be."""
    return results / FOLDER / safe_name(network[:16])


#: The names of the records in sound packs that were looked into, so that not all are read again for each record.
_holding: dict[Path, tuple[tuple[int, ...], frozenset[str]]] = {}


def packs_of(results: Path, network: str, note: Note, having: str | None = None) -> Iterator[Pack]:
    """The packs of a network; what is damaged is noted.

    Args:
        results: the results folder.
        network: the digest of the network.
        note: is told what is damaged.
        having: a record: packs that are known not to have it are left out, without being read.
    """
    for path in sorted(pack_folder(results, network).glob("*.safetensors")):
        try:
            if having is not None and _lacks(path, having):
                continue
            before = stamp(path)
            pack = read_pack(path)
        except FileNotFoundError:
            continue
        except Damaged as problem:
            note(str(problem))
            continue
        if having is not None and pack.is_sound:
            _holding[path] = before, frozenset(pack.names)
        if not pack.is_sound:
            note(f"{path}: its checksum does not match, so that records in it may be lost")
        yield pack


def _lacks(path: Path, name: str) -> bool:
    known = _holding.get(path)
    return known is not None and name not in known[1] and known[0] == stamp(path)


def packed_record(results: Path, network: str, name: str, note: Note) -> Record | None:
    """That record, of a pack; None if it is in none, or damaged in all, which is noted."""
    for pack in packs_of(results, network, note, name):
        if name in pack.places:
            try:
                return pack.read(name)
            except Damaged as problem:
                note(str(problem))
    return None


def alone(folder: Path) -> set[str]:
    """The names of the records that have a file of their own in a network's folder."""
    try:
        return {name.removesuffix(".safetensors") for name in os.listdir(folder) if not name.startswith(".")}
    except OSError:
        return set()


def read_together(
    names: Sequence[str], single: set[str], packs: Sequence[Pack], read: Callable[[str], Record | None]
) -> list[Record | None]:
    """What the records of these names say, in as few as may stand for them; None for each that is not there.

    Args:
        names: of one network's records.
        single: those that have files of their own, looked up before the packs were.
        packs: of this network.
        read: reads one record, wherever it is.
    """
    sound = [pack for pack in packs if pack.is_sound]
    found: list[Record | None] = []
    begin = 0
    while begin < len(names):
        pack = next((pack for pack in sound if names[begin] in pack.places and names[begin] not in single), None)
        if pack is None:
            found.append(read(names[begin]))
            begin += 1
            continue
        first = pack.places[names[begin]]
        last = first + 1
        begin += 1
        while begin < len(names) and names[begin] not in single and pack.names[last : last + 1] == [names[begin]]:
            last += 1
            begin += 1
        found += pack.joined(first, last)
    return found
