"""Several results folders side by side: what they hold, where they contradict each other, and all of it in one."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.damage import Damaged
from benchmark.errors import BadInput, several
from benchmark.ledger.answers import read_known
from benchmark.ledger.differing import Told
from benchmark.ledger.ledger import Ledger
from benchmark.ledger.manifests import read_manifest
from benchmark.ledger.pack import Pack, read_pack, read_whole
from benchmark.ledger.packing import pack
from benchmark.ledger.parts import DonePart, assembled, lacking, read_done_part
from benchmark.ledger.predictions import agree, known_classes
from benchmark.ledger.record import Record, checksum, encoded, read_record, written
from benchmark.ledger.sample_images import read_sample_images
from benchmark.ledger.stored_adversarials import read_stored_adversarials
from benchmark.storage import canonical_json, digest, write_atomic

#: What is read of each kind of file, in the order in which they are written: evaluations after what they list.
_KINDS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "packs": ("*/*.safetensors", read_whole),
    "records": ("*/*.safetensors", read_record),
    "blocks": ("*/*/*.safetensors", read_record),
    "adversarials": ("*/*.npz", read_stored_adversarials),
    "images": ("*/*.npz", read_sample_images),
    "answers": ("*/*.npz", read_known),
    "parts": ("*.json", read_done_part),
    "samples": ("*.json", read_manifest),
    "transfers": ("*.json", read_manifest),
    "evaluations": ("*.json", read_manifest),
}

_EVALUATIONS = ("samples", "transfers", "evaluations")

_ARRAYS = ("broken", "distance", "evaluated", "clean_errors", "no_answer", "wrong_share")


class Folders:
    """What is in several results folders, by its place.

    Args:
        ledgers: of the folders; of what several hold alike, the first one's counts.

    Attributes:
        best: where the file of a place is taken from.
        problems: why nothing may be merged.
        told: what the files tell otherwise of a network or an evaluation, which decides no number.
    """

    def __init__(self, ledgers: Sequence[Ledger]) -> None:
        self.best: dict[str, Path] = {}
        self.problems: list[str] = []
        self.told = Told()
        self.parts: dict[str, list[DonePart]] = defaultdict(list)
        self.whole: set[str] = set()
        self._finished: list[dict[str, Any]] = []
        self._packed: dict[str, Path] = {}
        self._called: dict[tuple[str, ...], dict[Path, set[str]]] = defaultdict(lambda: defaultdict(set))
        for ledger in ledgers:
            for kind in _KINDS:
                for place, path in self._files(ledger, kind):
                    self._take(ledger, kind, place, path)

    def _files(self, ledger: Ledger, kind: str) -> Iterator[tuple[str, Path]]:
        top = ledger.folder / kind
        if top.is_symlink() or not os.path.lexists(top):
            if top.is_symlink():
                self.problems.append(f"{top} is a link")
            return
        pattern, _ = _KINDS[kind]
        expected = set(top.glob(pattern))
        for path in sorted(top.rglob("*")):
            if path.is_symlink():
                self.problems.append(f"{path} is a link")
            elif path in expected and not path.name.startswith("."):
                yield path.relative_to(ledger.folder).as_posix(), path

    def _take(self, ledger: Ledger, kind: str, place: str, path: Path) -> None:
        try:
            content = _KINDS[kind][1](path)
        except (Damaged, BadInput, FileNotFoundError) as error:
            self.problems.append(f"{error}; bench doctor --mend moves it away")
            return
        if isinstance(content, Record) and ledger.place(content.key) != path:
            self.problems.append(f"{path} belongs to another attack or network")
            return
        if isinstance(content, Pack):
            self._take_pack(content, place)
            return
        if isinstance(content, Record) and (known := self._packed.get(content.digest)) and place not in self.best:
            self._take_beside(known, ledger, content, place, path)
            return
        if kind in _EVALUATIONS:
            if ledger.place_of_evaluation(content) != path:
                self.problems.append(f"{path} belongs to another evaluation")
                return
            self.whole.add(content["id"])
            self._finished.append(content)
            self.told.add(path, content)
            self._call(ledger, content)
        if isinstance(content, DonePart):
            self.parts[content.manifest["id"]].append(content)
            self._call(ledger, content.manifest)
        if place not in self.best:
            self.best[place] = path
        else:
            self._compare(kind, place, content, path)

    def _take_beside(self, known: Path, ledger: Ledger, record: Record, place: str, path: Path) -> None:
        """Look at a record that is in a pack, too, and not like that if it was made once more.

        Its file counts for the pack of its own folder, and elsewhere if it tells more.
        """
        if record.error:
            return
        before = read_pack(known).read(record.digest)
        self._agree(record, path, before, known)
        more = _told(record) - _told(before)
        if more > 0 or (more == 0 and known.is_relative_to(ledger.folder) and not _is_same(record, before)):
            self.best[place] = path

    def _take_pack(self, found: Pack, place: str) -> None:
        """Look at each record of a pack, which counts for the files of these records, too, if it tells as much."""
        folder = Path(place).parent
        place = f"{folder}/{digest(found.names)}.safetensors"  # as it should be called: no two are then mixed up
        if place in self.best and self.best[place].read_bytes() == found.path.read_bytes():
            return
        own: list[tuple[Record, Path]] = []
        for name in found.names:
            try:
                record = found.read(name)
            except Damaged as error:
                self.problems.append(f"{error}; bench doctor --mend moves it away")
                return
            alone = f"records/{folder.name}/{name}.safetensors"
            if known := self._packed.get(name):
                own.append((record, known))
            elif first := self.best.get(alone):
                before = read_record(first)
                if not before.error:
                    self._agree(record, found.path, before, first)
                if before.error or _told(before) == _told(record):
                    del self.best[alone]
                elif _told(before) < _told(record):
                    self.best[alone] = found.path
            self._packed.setdefault(name, found.path)
        for known in dict.fromkeys(known for _, known in own):
            other = read_pack(known)
            for record, where in own:
                if where == known:
                    before = other.read(record.digest)
                    self._agree(record, found.path, before, known)
                    self._prefer(
                        f"records/{folder.name}/{record.digest}.safetensors", (record, found.path), (before, known)
                    )
        self.best.setdefault(place, found.path)

    def _prefer(self, place: str, *both: tuple[Record, Path]) -> None:
        """Of a record that is in two packs, let the one that tells more have a file of its own, which counts."""
        less, more = sorted(both, key=lambda each: _told(each[0]))
        if _told(less[0]) < _told(more[0]) and (place not in self.best or _told(self._at(place)) < _told(more[0])):
            self.best[place] = more[1]

    def _at(self, place: str) -> Any:
        """What is to be written to a place: of a record also out of a pack."""
        path, kind = self.best[place], place.partition("/")[0]
        if _is_taken_out(place, path):
            return read_pack(path).read(Path(place).stem)
        return _KINDS[kind][1](path)

    def _agree(self, record: Record, path: Path, before: Record, first: Path) -> None:
        """Note it as a problem if two records of one name say different things of the images."""
        if differing := _differing(before, record):
            self.problems.append(f"{path} and {first} say different things of one attack: {', '.join(differing)}")

    def _compare(self, kind: str, place: str, content: Any, path: Path) -> None:
        first, before = self.best[place], self._at(place)
        if isinstance(content, Record):
            if content.error or before.error:
                self.best[place] = first if content.error else path
            else:
                self._agree(content, path, before, first)
                if _told(content) > _told(before):
                    self.best[place] = path
        elif kind in _EVALUATIONS and content["records"] != before["records"]:
            self.problems.append(f"{path} and {first} are one evaluation with different records")
        elif kind in _EVALUATIONS and _labels(content) != _labels(before):
            self.problems.append(f"{path} and {first} are one evaluation with different labels of its images")
        elif isinstance(content, DonePart) and content.done != before.done:
            self.problems.append(f"{path} and {first} are one part with different records")

    def _call(self, ledger: Ledger, manifest: dict[str, Any]) -> None:
        """Note which suite and which data go by a name in a folder."""
        suite, data = manifest["suite"], manifest["dataset"]
        radii, images = canonical_json(suite.get("radii")), str(data["images"])
        asked = ("suite", *(str(suite.get(name)) for name in ("name", "preset", "scale")), radii, images)
        self._called[asked][ledger.folder].add(suite["digest"])
        self._called["data", str(data["name"]), images][ledger.folder].add(data["digest"])

    def check(self) -> None:
        """Raise BadInput if anything speaks against the merge."""
        for (what, name, *_), by_folder in self._called.items():
            (first, digests), *others = by_folder.items()
            for folder, other in others:
                if not digests & other:
                    self.problems.append(
                        f"{folder} and {first} have a different {what} under the name {name}; "
                        "numbers under both can't stand in one table"
                    )
        for parts in self.parts.values():
            together: dict[tuple[str, int], str] = {}
            for part in parts:
                for label, own in part.done.items():
                    for start, record in own.items():
                        if together.setdefault((label, start), record) != record:
                            name = part.manifest["model"]["name"]
                            self.problems.append(
                                f"parts of {name} have different records of {label} from image {start}"
                            )
        if self.problems:
            raise BadInput(f"nothing was merged:\n{several(self.problems)}")

    def write(self, ledger: Ledger) -> tuple[int, int, list[str]]:
        """Write everything into `ledger`, evaluations last; what is there already stays.

        Returns:
            How many records and evaluations there are then, and of which evaluations what is lacking, in words.
        """
        order = list(_KINDS)
        if self._packed:
            ledger.mark(packs=True)
        for place, path in sorted(self.best.items(), key=lambda pair: order.index(pair[0].partition("/")[0])):
            if path != ledger.folder / place:
                content = encoded(self._at(place)) if _is_taken_out(place, path) else path.read_bytes()
                write_atomic(ledger.own(ledger.folder / place), content)
        unfinished = []
        for identifier, parts in self.parts.items():
            if identifier in self.whole:
                continue
            if whole := assembled(parts):
                ledger.write_evaluation(whole)
                self._finished.append(whole)
                self.whole.add(identifier)
            else:
                unfinished.append(f"{parts[0].manifest['model']['name']} lacks {', '.join(lacking(parts))}")
        single = (Path(place).stem for place in self.best if place.startswith(("records/", "blocks/")))
        records = len(self._packed) + sum(name not in self._packed for name in single)
        for manifest in self._finished:
            if manifest.get("sample") is None:
                network = manifest["model"]["digest"]
                pack(ledger, network, [name for names in manifest["records"].values() for name in names])
        return records, len(self.whole), unfinished


def _labels(manifest: dict[str, Any]) -> Any:
    """The images' own classes, if they are told."""
    return (manifest.get("classes") or {}).get("labels")


def _differing(first: Record, second: Record) -> list[str]:
    """In what two records of one attack contradict each other; what only one knows, as older ones may, is none."""
    found = [name for name in _ARRAYS if not _same(getattr(first, name), getattr(second, name))]
    classes = ("clean_class", "adversarial_class")
    return found + [name for name in classes if not agree(getattr(first, name), getattr(second, name))]


def _is_taken_out(place: str, path: Path) -> bool:
    """Whether the record of a place is taken out of a pack."""
    return place.startswith("records/") and path.parent.parent.name == "packs"


def _told(record: Record) -> int:
    """Of how many images a record tells the class that is predicted under attack."""
    return known_classes(record.adversarial_class)


def _is_same(first: Record, second: Record) -> bool:
    return checksum(*written(first)) == checksum(*written(second))


def _same(first: Any, second: Any) -> bool:
    if first is None or second is None:
        return first is second
    return bool(np.array_equal(first, second))
