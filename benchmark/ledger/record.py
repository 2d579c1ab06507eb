"""One record per job: what one attack did to one shard of images, in one checksummed file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save

from benchmark.damage import Damaged, check_regular, naming, parse_json
from benchmark.errors import BadInput
from benchmark.ledger.evaluation import Distances, Flags
from benchmark.ledger.positions import read_positions
from benchmark.ledger.predictions import Classes, misfit_of_classes, packed, unpacked
from benchmark.ledger.schema import Info, Key, misfit
from benchmark.limits import RECORD
from benchmark.storage import canonical_json, digest, write_atomic

#: Raised whenever records of the same job would mean something else; older folders are then refused.
FORMAT = 1

#: Images per job. Part of what library attacks see at once, hence of their numbers: the same everywhere.
SHARD = 250

#: Raised whenever the same candidates would get another verdict; older records are then not reused. Since 2, an image
#: that the network has no answer for is broken.
RULES = 2

_ARRAYS = {"broken": np.bool_, "distance": np.float32, "evaluated": np.bool_, "clean_errors": np.bool_}
#: Stored only where an image had no answer, and where the network is said to be random.
_RARE = {"no_answer": np.bool_, "wrong_share": np.float32}
#: Stored since records know them, see `predictions`.
_CLASSES = ("clean_class", "adversarial_class")


@dataclass(frozen=True)
class Record:
    """What one attack did to the images start, ..., stop − 1 of a test set.

    Attributes:
        key: everything that determines the arrays: digests of network and data, index range, attack identity,
            threat, restarts, seed, precision, and which examples were handed to it in worst-case mode.
        broken, distance, evaluated, clean_errors: one value per image, see `outcomes.Outcome`.
        no_answer: one value per image: broken, or a clean error, because the network had no answer.
        wrong_share: of a network that draws random numbers, in which share of the passes it was wrong about each
            image, attacked where an attack was made; None for others.
        clean_class: one class index per image (`predictions.fitting`), what the network takes it for without attack,
            or `classes.NONE`; None in records of older versions, as is the next.
        adversarial_class: the same of the closest adversarial image, the one at `distance`, which for a minimum-norm
            attack may lie beyond ε; where none was found, of the image itself; `predictions.UNKNOWN` where the attack
            was not tried. Of several passes of a network that draws random numbers, the most frequent answer that
            agrees with the verdict: the label where that is right, else another.
        info: costs, faults, hardware, versions, date, and `error` if the attack failed.
    """

    key: dict[str, Any]
    broken: Flags
    distance: Distances
    evaluated: Flags
    clean_errors: Flags
    info: dict[str, Any]
    no_answer: Flags = field(default_factory=lambda: np.zeros(0, np.bool_))
    wrong_share: Distances | None = None
    clean_class: Classes | None = None
    adversarial_class: Classes | None = None

    def __post_init__(self) -> None:
        if not len(self.no_answer):
            object.__setattr__(self, "no_answer", np.zeros(np.shape(self.broken), np.bool_))
        for name in _CLASSES:  # which may come as they are stored
            if getattr(self, name) is not None:
                object.__setattr__(self, name, unpacked(getattr(self, name)))

    @property
    def digest(self) -> str:
        """The name of the record: the digest of its key."""
        return digest(self.key)

    @property
    def error(self) -> str | None:
        """Why the attack failed, if it did."""
        return self.info.get("error")

    @property
    def deterministic(self) -> bool:
        """Whether only what gives the same bits again on the same device computed it."""
        return self.info.get("deterministic") is True

    @property
    def first(self) -> int:
        """Where the first of its images stands in the test set."""
        return int(self.positions[0]) if is_block(self.key) else int(self.key["data"]["start"])

    @property
    def positions(self) -> NDArray[np.int64]:
        """Where its images stand in the test set: in a row from `start`, or those of a block."""
        data = self.key["data"]
        if data.get("images"):
            return np.array(read_positions(data["images"]), np.int64)
        return np.arange(data["start"], data["stop"], dtype=np.int64)


def is_block(key: Mapping[str, Any]) -> bool:
    """Whether the record of this key is about chosen images, not about some in a row."""
    return "images" in key["data"]


def question(key: Mapping[str, Any]) -> str:
    """A digest of all of a record's key but its images: records that have it in common may stand in for each other.

    What an attack does to an image follows from it and its noise alone, see `attacks.Attack.batch_independent`.
    """
    return digest({**key, "data": key["data"]["digest"], "handed": None})


def write_record(path: Path, record: Record) -> None:
    """Write `record` to `path`, whole or not at all.

    Raises:
        BadInput: it would be refused when it is read, the folder can't be written or the disk is full.
    """
    text, arrays = written(record)
    content = encoded(record)
    problem = f"it has {len(content):,} bytes, {RECORD:,} are the most" if len(content) > RECORD else None
    if problem := problem or _told(text, arrays, record.digest)[1]:
        raise BadInput(f"can't write {path}: it could not be read again ({problem})")
    write_atomic(path, content)


def encoded(record: Record) -> bytes:
    """The file that holds `record` alone: the same bytes each time, which the library does not promise."""
    text, arrays = written(record)
    content = save(arrays, {"record": text, "sha256": checksum(text, arrays)})
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    told = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode(errors="surrogatepass")
    told += b" " * (-len(told) % 8)
    return len(told).to_bytes(8, "little") + told + content[start:]


def written(record: Record) -> tuple[str, dict[str, Any]]:
    """What is stored of a record: its text, and its arrays by name."""
    kinds = {**_ARRAYS, **{name: kind for name, kind in _RARE.items() if np.any(getattr(record, name))}}
    arrays: dict[str, Any] = {name: np.ascontiguousarray(getattr(record, name), kind) for name, kind in kinds.items()}
    arrays |= {name: packed(getattr(record, name)) for name in _CLASSES if getattr(record, name) is not None}
    return canonical_json({"format": FORMAT, "key": record.key, "info": record.info}), arrays


def read_record(path: Path) -> Record:
    """The record at `path`.

    Raises:
        FileNotFoundError: there is none.
        Damaged: it does not carry the checksum of its content, or lies under another record's name.
    """
    check_regular(path, RECORD)
    with naming(path):
        with safe_open(path, "np") as file:
            metadata = file.metadata() or {}
            rare = [name for name in (*_RARE, *_CLASSES) if name in file.keys()]  # noqa: SIM118 (it is no mapping)
            arrays = {name: file.get_tensor(name) for name in (*_ARRAYS, *rare)}
        return restored(metadata["record"], arrays, metadata["sha256"], path.stem, str(path))


def restored(text: str, arrays: dict[str, Any], sha256: str, name: str, place: str) -> Record:
    """The record called `name`, of what was `written` of it.

    Raises:
        Damaged: the checksum is another one, or it is another record; the message begins with `place`.
    """
    if sha256 != checksum(text, arrays):
        raise Damaged(f"{place}: its checksum does not match")
    record, problem = _told(text, arrays, name)
    if problem:
        raise Damaged(f"{place}: {problem}")
    return record


def _told(text: str, arrays: dict[str, Any], name: str) -> tuple[Record, str | None]:
    """The record of that name which text and arrays make, and what is wrong with it, if anything is."""
    content = parse_json(text, RECORD)
    record = Record(key=content["key"], info=content["info"], **arrays)
    if content["format"] != FORMAT or record.digest != name:
        return record, "it belongs to another job or was written by another version"
    problem = misfit(Key, record.key) or misfit(Info, record.info) or misfit_of_arrays(record)
    return record, problem and f"it is inconsistent ({problem})"


def misfit_of_arrays(record: Record) -> str | None:
    """What is wrong with the arrays of a record, or None."""
    images = record.key["data"]["stop"] - record.key["data"]["start"]
    for name, kind in {**_ARRAYS, **_RARE}.items():
        array = getattr(record, name)
        if array is None:
            continue
        if array.shape != (images,) or array.dtype != kind:
            return f"{name} is {array.dtype} {list(array.shape)} for {images} images"
    if not bool((record.distance >= 0).all()):
        return "a distance is negative or not a number"
    if record.wrong_share is not None and not bool(((record.wrong_share >= 0) & (record.wrong_share <= 1)).all()):
        return "a share of passes is not between 0 and 1"
    if bool((record.no_answer & ~record.broken).any()):
        return "an image without an answer is not broken"
    return misfit_of_classes(images, record.clean_class, record.adversarial_class)


def checksum(text: str, arrays: dict[str, Any]) -> str:
    """Of what is `written` of a record."""
    layout = [[name, str(array.dtype), list(array.shape)] for name, array in sorted(arrays.items())]
    content = b"".join(arrays[name].tobytes() for name in sorted(arrays))
    return digest(canonical_json([text, layout]).encode() + content)


#: As it was called when only this module used it; who makes hostile files still does.
_checksum = checksum
