"""Many records of one network in one file: each can be checked alone, and what they say together is read at once.

A pack is a file of safetensors. The arrays of its records stand one behind the other under their names ("broken",
"distance", ...), and beside them

    names, sums   R×64 letters each: what each of the R records is called, and its own checksum
    ends          R int64: the row after its last
    with-NAME     R flags: which records have the array NAME; left out where all have
    texts         what each record's key and info say otherwise than those of its group, JSON, with commas between
    text-ends     R int64: the byte after each one's last

Groups are records in a row that are about one attack: what all of a group have in common is told once, in the
metadata, as is a checksum of all that is in the file. Where that one matches, nobody has to look at the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from benchmark.errors import BadInput
from benchmark.ledger.record import FORMAT, Record, checksum, written
from benchmark.limits import HEADER, PACK
from benchmark.storage import canonical_json, digest_of

#: Raised whenever the same file would be read otherwise.
VERSION = 1

#: The arrays of the pack itself.
OWN = ("names", "sums", "ends", "texts", "text-ends")


@dataclass(frozen=True)
class Group:
    """Some records in a row, and what all of them say.

    Attributes:
        first, last: of the first record, and of the one after the last.
        key, info: what their keys and infos have in common.
    """

    first: int
    last: int
    key: dict[str, Any]
    info: dict[str, Any]


def packed(records: Sequence[Record]) -> bytes:
    """A pack of `records`, none of which failed, in their order.

    Raises:
        BadInput: one of them failed, they are of different kinds, or the pack would be too large to be read again.
    """
    if any(record.error for record in records):
        raise BadInput("a record of an attack that failed is to be made again; it can't be packed")
    stored = [written(record) for record in records]
    lengths = [len(record.broken) for record in records]
    arrays: dict[str, Any] = {}
    for name in dict.fromkeys(name for _, own in stored for name in own):
        kind, *others = dict.fromkeys(own[name].dtype for _, own in stored if name in own)
        if others:  # as of networks of few and of many classes, which don't belong into one folder
            raise BadInput(
                f"{name} is {kind} in one record and {others[0]} in another; they can't be packed together"
            )
        has = np.array([name in own for _, own in stored])
        columns = (own.get(name, np.zeros(images, kind)) for (_, own), images in zip(stored, lengths, strict=True))
        arrays[name] = np.concatenate([*columns])
        if not has.all():
            arrays[f"with-{name}"] = has
    groups, texts = _factored(records)
    ends = {"ends": lengths, "text-ends": [len(text) + 1 for text in texts]}
    arrays |= {name: np.cumsum(each, dtype=np.int64) for name, each in ends.items()}
    letters = {
        "names": "".join(record.digest for record in records).encode(),
        "sums": "".join(checksum(*each) for each in stored).encode(),
        "texts": b"".join(text + b"," for text in texts),
    }
    arrays |= {name: np.frombuffer(text, np.uint8) for name, text in letters.items()}
    told = canonical_json({"version": VERSION, "format": FORMAT, "groups": [vars(group) for group in groups]})
    content = save(arrays, {"pack": told, "sha256": total(told, arrays)})
    if len(content) > PACK or len(told) > HEADER:
        raise BadInput(f"a pack of {len(content):,} bytes could not be read again")
    return content


def _factored(records: Sequence[Record]) -> tuple[list[Group], list[bytes]]:
    """The groups, and what each record says besides."""
    asked = [canonical_json({**record.key, "data": None, "handed": None}) for record in records]
    starts = [place for place, own in enumerate(asked) if not place or own != asked[place - 1]]
    groups, texts = [], []
    for first, last in zip(starts, [*starts[1:], len(records)], strict=True):
        own = records[first:last]
        key, info = (_common([getattr(record, name) for record in own]) for name in ("key", "info"))
        groups.append(Group(first, last, key, info))
        for record in own:
            rest = [_without(record.key, key), _without(record.info, info)]
            texts.append(canonical_json(rest).encode(errors="surrogatepass"))
    return groups, texts


def _common(values: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    spelt = [{name: canonical_json(value) for name, value in each.items()} for each in values]
    return {
        name: value for name, value in values[0].items() if all(each.get(name) == spelt[0][name] for each in spelt)
    }


def _without(value: Mapping[str, Any], common: Mapping[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in value.items() if name not in common}


def total(told: str, arrays: Mapping[str, NDArray[Any]]) -> str:
    """The checksum of all that is in a pack."""
    layout = [[name, str(array.dtype), list(array.shape)] for name, array in sorted(arrays.items())]
    head = canonical_json([told, layout]).encode(errors="surrogatepass")
    return digest_of([head, *(np.ascontiguousarray(arrays[name]).data for name in sorted(arrays))])
