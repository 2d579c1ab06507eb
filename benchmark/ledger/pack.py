"""Reading packs, files of many records of one network: each can be checked alone, or what they say read at once.

What stands in such a file, and where, says `pack_layout`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from benchmark.damage import Damaged, check_regular, naming, parse_json
from benchmark.ledger.assemble import COSTS
from benchmark.ledger.pack_layout import OWN, VERSION, Group, total
from benchmark.ledger.record import FORMAT, Record, misfit_of_arrays, restored
from benchmark.ledger.schema import Info, Infos, Key, Shards, misfit, shards_told
from benchmark.limits import HEADER, PACK
from benchmark.storage import canonical_json

#: What an info says of one record alone: it may be another for each of those that are read as one.
_FREE = {*COSTS, "date", "probe", "inherited_steps"}

#: What is only told of records that are read alone.
_ODD = ("faults", "changed_answers")

#: Key and info of a record, or what they say besides those of its group.
_Told = tuple[dict[str, Any], dict[str, Any]]


@lru_cache(maxsize=4)
def _read(path: Path, file_stamp: tuple[int, ...]) -> Pack:
    """What is at `path`, as long as nobody has put another file there, which its stamp tells."""
    with naming(path), safe_open(path, "np") as file:
        metadata = file.metadata() or {}
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no mapping)
        told = parse_json(metadata["pack"], HEADER)
        if told["version"] != VERSION or told["format"] != FORMAT:
            raise Damaged(f"{path}: it was written by another version")
        groups = [Group(**{name: group[name] for name in Group.__dataclass_fields__}) for group in told["groups"]]
        pack = Pack(path, arrays, groups, metadata["sha256"] == total(metadata["pack"], arrays))
        if problem := pack.misfit():
            raise Damaged(f"{path}: it is inconsistent ({problem})")
    if pack.is_sound and pack.is_of(path.parent.name):
        _sound[path] = file_stamp
    return pack


#: The packs that this process has found to be whole, as what tells the files from others.
_sound: dict[Path, tuple[int, ...]] = {}


def read_pack(path: Path) -> Pack:
    """The pack at `path`; the last few are remembered, until the files are others.

    Raises:
        FileNotFoundError: there is none.
        Damaged: it is no pack, or so damaged that none of its records can be told.
    """
    return _read(path, stamp(path))


def stamp(path: Path) -> tuple[int, ...]:
    """What tells the file at `path` from another that is put there."""
    check_regular(path, PACK)
    status = path.stat()
    return status.st_mtime_ns, status.st_size, status.st_ino, status.st_dev


def check_whole(path: Path) -> None:
    """Like `read_whole`; what this process has read before, and found to be whole, is not read again."""
    if _sound.get(path) != stamp(path):
        read_whole(path)


def read_whole(path: Path) -> Pack:
    """The pack at `path`, whose records are all there.

    Raises:
        FileNotFoundError: there is none.
        Damaged: a record can't be read, or is not of the network whose folder this is.
    """
    pack = read_pack(path)
    broken = [] if pack.is_sound else [problem for name in pack.names if (problem := pack.problem(name))]
    if broken:
        more = f", and {len(broken) - 1} more of its {len(pack.names)} records" if broken[1:] else ""
        raise Damaged(f"{broken[0]}{more}")
    if not pack.is_sound:
        raise Damaged(
            f"{path}: its checksum does not match, though each of its {len(pack.names)} records can be read"
        )
    if not pack.is_of(path.parent.name):
        raise Damaged(f"{path}: it belongs to another network")
    return pack


class Pack:
    """Records of one network.

    Attributes:
        path: of the file.
        is_sound: whether the checksum of everything in it matches. Else each record has to be looked at alone.
        names: of the records, in their order.
    """

    def __init__(self, path: Path, arrays: dict[str, NDArray[Any]], groups: Sequence[Group], matches: bool) -> None:
        self.path = path
        self._own = {name: arrays.pop(name) for name in OWN}
        self._with = {name[5:]: arrays.pop(name) for name in [*arrays] if name.startswith("with-")}
        self._arrays = arrays
        self._groups = groups
        self.names = _words(self._own["names"])
        self.is_sound = matches
        self._parsed: dict[int, list[_Told]] = {}

    @cached_property
    def places(self) -> dict[str, int]:
        """Where each record stands, by its name."""
        return {name: place for place, name in enumerate(self.names)}

    def read(self, name: str) -> Record:
        """One record, checked by its own checksum, whatever is true of the others.

        Raises:
            KeyError: there is none of that name.
            Damaged: it is not what was once written.
        """
        place = self.places[name]
        where = f"{self.path}: record {name}"
        with naming(self.path):
            group = next(group for group in self._groups if group.first <= place < group.last)
            key, info = parse_json(self._text(place, place + 1), HEADER)
            text = canonical_json({"format": FORMAT, "key": group.key | key, "info": group.info | info})
            arrays = {
                name: each.copy() for name, each in self._rows(place, place + 1).items() if self._has(name)[place]
            }
            sums = self._own["sums"][64 * place : 64 * place + 64].tobytes().decode()
            record = restored(text, arrays, sums, name, where)
        if record.error:
            raise Damaged(f"{where}: its attack failed, so that it should not be here")
        return record

    def problem(self, name: str) -> str | None:
        """What is wrong with a record, or None."""
        try:
            self.read(name)
        except Damaged as problem:
            return str(problem)
        return None

    def is_of(self, network: str) -> bool:
        """Whether all records are of the network whose digest begins like that."""
        return all(str(group.key.get("network", "")).startswith(network) for group in self._groups)

    def joined(self, first: int, last: int) -> Iterator[Record]:
        """What the records from `first` to before `last` say, of a sound pack: as few records as may stand for them.

        Those of images in a row become one whose costs are theirs together, if they were made alike and nothing odd
        was seen. Such a record has no name of its own.
        """
        for group in self._groups:
            start, stop = max(first, group.first), min(last, group.last)
            if start < stop:
                yield from self._joined(group, start, stop)

    def _joined(self, group: Group, first: int, last: int) -> Iterator[Record]:
        rows = self._told(group, first, last)
        varying = set().union(*(info for _, info in rows))
        alike = varying - _FREE
        odd = [name for name in _ODD if name in varying]
        is_odd = [any(info.get(name) for name in odd) for _, info in rows]
        apart = any(group.info.get(name) for name in _ODD)
        data = [(group.key | key)["data"] for key, _ in rows]
        is_simple = not (apart or alike or any(is_odd) or self._with) and "probe" not in varying
        is_simple = is_simple and len({each["digest"] for each in data}) == 1
        if is_simple and all(one["stop"] == other["start"] for one, other in pairwise(data)):
            yield self._one(group, first, last, rows)
            return
        begin = first
        for place in range(first + 1, last + 1):
            if place < last and not apart:
                one, other = place - first - 1, place - first
                before, after = data[one], data[other]
                if (
                    before["stop"] == after["start"]
                    and before["digest"] == after["digest"]
                    and not (is_odd[one] or is_odd[other])
                    and all(rows[one][1].get(name) == rows[other][1].get(name) for name in alike)
                    and bool(rows[one][1].get("probe")) == bool(rows[other][1].get("probe"))
                    and all(has[place - 1] == has[place] for has in self._with.values())
                ):
                    continue
            yield self._one(group, begin, place, rows[begin - first : place - first])
            begin = place

    def _one(self, group: Group, first: int, last: int, rows: Sequence[_Told]) -> Record:
        def column(name: str) -> list[Any]:
            return [info[name] if name in info else group.info[name] for _, info in rows]

        key, info = _whole(group, rows[0])
        together: dict[str, Any] = {name: sum(column(name)) for name in COSTS}
        together["date"] = max(column("date"))
        if info.get("probe"):
            probes = column("probe")
            together["probe"] = {name: sum(probe[name] for probe in probes) for name in info["probe"]}
        data = {**key["data"], "stop": _whole(group, rows[-1])[0]["data"]["stop"]}
        arrays = {name: each for name, each in self._rows(first, last).items() if self._has(name)[first]}
        return Record({**key, "data": data}, info=info | together, **arrays)

    def _told(self, group: Group, first: int, last: int) -> list[_Told]:
        """What some records of a group say besides what all of it do; nobody may change it, for it is kept."""
        if group.first not in self._parsed:
            text = "[" + self._text(group.first, group.last) + "]"
            self._parsed[group.first] = [(key, info) for key, info in parse_json(text, max(len(text), 2**12))]
        return self._parsed[group.first][first - group.first : last - group.first]

    def _text(self, first: int, last: int) -> str:
        ends = self._own["text-ends"]
        letters = self._own["texts"][ends[first - 1] if first else 0 : ends[last - 1] - 1]
        return letters.tobytes().decode(errors="surrogatepass")

    def _rows(self, first: int, last: int) -> dict[str, NDArray[Any]]:
        ends = self._own["ends"]
        rows = slice(int(ends[first - 1]) if first else 0, int(ends[last - 1]))
        return {name: array[rows] for name, array in self._arrays.items()}

    def _has(self, name: str) -> NDArray[np.bool_]:
        return self._with.get(name, np.ones(len(self.names), np.bool_))

    def misfit(self) -> str | None:
        """What makes no sense, whatever the checksums say; of a pack that is not sound only what prevents reading."""
        number, own = len(self.names), self._own
        for name, last in (("ends", len(self._arrays["broken"])), ("text-ends", len(own["texts"]))):
            ends = own[name]
            if ends.dtype != np.int64 or ends.shape != (number,) or not number:
                return f"{name} is {ends.dtype} {list(ends.shape)} for {number} records"
            if self.is_sound and ((np.diff(ends, prepend=0) <= 0).any() or ends[-1] != last):
                return f"{name} are not those of {last} in all"
        if any(each.dtype != np.uint8 or each.ndim != 1 for each in (own["names"], own["sums"], own["texts"])):
            return "its letters are no letters"
        if len(own["sums"]) != len(own["names"]) or any(each.shape != (number,) for each in self._with.values()):
            return f"it does not say everything of all of its {number} records"
        bounds = [bound for group in self._groups for bound in (group.first, group.last)]
        if bounds[:1] != [0] or bounds[-1] != number or bounds[1:-1:2] != bounds[2::2]:
            return "its groups are not all of its records"
        return self._misfit_of_content() if self.is_sound else None

    def _misfit_of_content(self) -> str | None:
        lengths = np.diff(self._own["ends"], prepend=0)
        place = 0
        for group in self._groups:
            rows = self._told(group, group.first, group.last)
            if len(rows) != group.last - group.first:
                return "its groups have other records"
            key, info = _whole(group, rows[0])
            shards = [(group.key | key)["data"] for key, _ in rows]
            names = {name for _, info in rows for name in info}
            columns = {name: [info[name] for _, info in rows if name in info] for name in names}
            problem = misfit(Key, key) or misfit(Info, info) or misfit(Infos, columns)
            if problem := problem or misfit(Shards, shards_told(shards)):
                return problem
            for shard, (_, info) in zip(shards, rows, strict=True):
                failed = info.get("error", group.info.get("error"))
                if failed or shard.get("images") or shard["stop"] - shard["start"] != lengths[place]:
                    return f"record {self.names[place]} should not be here, or is about other images"
                place += 1
        everything = {"data": {"start": 0, "stop": int(lengths.sum())}}
        return misfit_of_arrays(Record(everything, info={}, **self._arrays))


def _whole(group: Group, row: _Told) -> _Told:
    """Key and info of a record of a group."""
    return group.key | row[0], group.info | row[1]


def _words(letters: NDArray[np.uint8]) -> list[str]:
    text = letters.tobytes().decode("ascii", "replace")
    return [text[start : start + 64] for start in range(0, len(text), 64)]
