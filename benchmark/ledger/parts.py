"""Evaluations of which parts were made in several places: what each has done, until all of it is there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.damage import Damaged
from benchmark.ledger.ledger import Ledger
from benchmark.ledger.manifests import filed, read_json
from benchmark.ledger.record import SHARD
from benchmark.storage import digest, safe_name, write_atomic

#: Of a results folder, where parts are.
FOLDER = "parts"


@dataclass(frozen=True)
class DonePart:
    """What was done of an evaluation in one place.

    Attributes:
        manifest: the evaluation as it will be filed, without its records.
        done: by the label of an attack and by the first image of each shard, the names of its records.
        part: which part it was, "2/8".
    """

    manifest: dict[str, Any]
    done: dict[str, dict[int, str]]
    part: str

    @property
    def name(self) -> str:
        """What its file is called."""
        name, number = safe_name(str(self.manifest["model"]["name"]), 60), self.part.replace("/", "-of-")
        return f"{name}-{self.manifest['id'][:16]}-{number}.json"


def write_part(ledger: Ledger, part: DonePart) -> Path:
    """File what was done.

    Raises:
        BadInput: the folder can't be written.
    """
    content = {"manifest": part.manifest, "done": part.done, "part": part.part}
    content = json.loads(json.dumps(content, allow_nan=False))
    return write_atomic(
        ledger.own(ledger.folder / FOLDER / part.name), json.dumps({"sha256": digest(content), **content})
    )


def read_done_part(path: Path) -> DonePart:
    """What the file at `path` says was done.

    Raises:
        Damaged: it does not carry the checksum of its content, or makes no sense.
    """
    found = read_json(path)
    if not isinstance(found, dict) or found.pop("sha256", None) != digest(found):
        raise Damaged(f"{path}: its checksum does not match")
    try:
        done = {
            str(label): {int(start): str(name) for start, name in own.items()} for label, own in found["done"].items()
        }
        part = DonePart(dict(found["manifest"]), done, str(found["part"]))
        labels, images = _asked(part.manifest)
        if path.name != part.name or images < 1 or not done.keys() <= set(labels):
            raise Damaged(f"{path}: it is of another evaluation")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Damaged(f"{path}: it is not a part of an evaluation") from error
    return part


def parts_of(ledger: Ledger) -> list[DonePart]:
    """All parts in a results folder.

    Raises:
        Damaged: one can't be read.
    """
    return [read_done_part(path) for path in sorted((ledger.folder / FOLDER).glob("*.json"))]


def assembled(parts: Iterable[DonePart]) -> dict[str, Any] | None:
    """The whole evaluation that these are parts of; None if something is lacking.

    Raises:
        BadInput: together they make no sense.
    """
    parts = [*parts]
    if not parts or lacking(parts):
        return None
    labels, images = _asked(parts[0].manifest)
    together = _together(parts)
    records = {label: [together[label][start] for start in range(0, images, SHARD)] for label in labels}
    whole = {**parts[0].manifest, "records": records}
    filed(whole)
    return whole


def lacking(parts: Iterable[DonePart]) -> list[str]:
    """What nobody has done yet of the evaluation that these are parts of, in words."""
    parts = [*parts]
    labels, images = _asked(parts[0].manifest)
    together = _together(parts)
    gone = {
        label: [start for start in range(0, images, SHARD) if start not in together.get(label, {})]
        for label in labels
    }
    return [
        f"{label} on {sum(min(SHARD, images - start) for start in starts)} images"
        for label, starts in gone.items()
        if starts
    ]


def _asked(manifest: Mapping[str, Any]) -> tuple[list[str], int]:
    """The labels of all attacks, and the number of images."""
    return [str(item["label"]) for item in manifest["suite"]["items"]], int(manifest["dataset"]["images"])


def _together(parts: Iterable[DonePart]) -> dict[str, dict[int, str]]:
    together: dict[str, dict[int, str]] = {}
    for part in parts:
        for label, own in part.done.items():
            together.setdefault(label, {}).update(own)
    return together
