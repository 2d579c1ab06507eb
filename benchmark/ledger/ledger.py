"""The results folder: immutable records, one per job, and evaluations that list them.

    results/
      format.json                          what this folder is, and its version
      records/<network>/<key>.safetensors  one per job, named by the digest of its key
      packs/<network>/<records>.safetensors  what takes the place of the records of a large evaluation when it is done
      blocks/<network>/<question>/<key>.safetensors  records of chosen images, by all that their key says besides
      adversarials/<network>/<key>.npz     the adversarial images of a record, where they were asked for
      images/<network>/<key>.npz           a few images to look at, of the first job of each attack
      answers/<contents>/<data>-<network>.npz  what each network answers to a few images, to know it again by
      evaluations/<name>-<id>.json         one per network and suite, written when all its jobs are done
      samples/<name>-<id>.json             the same of a random sample of the images, as far as one metric needs it
      parts/<name>-<id>-<i>-of-<n>.json    what was done of an evaluation that several machines share, see `--part`
      transfers/<source>-to-<name>-<id>.json  the same with images that were crafted on another network

Every file is written under a temporary name and renamed, so several processes may work on one folder: the
worst that can happen is that two do the same job and write the same record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

from benchmark.damage import Damaged, naming
from benchmark.errors import BadInput, notice
from benchmark.ledger import marker
from benchmark.ledger.answers import Answers, Known, other_network, read_known, write_known
from benchmark.ledger.assemble import summarise
from benchmark.ledger.evaluation import Evaluation
from benchmark.ledger.manifests import filed, read_manifest
from benchmark.ledger.packs import alone, packed_record, packs_of, read_together
from benchmark.ledger.record import Record, is_block, question, read_record, write_record
from benchmark.ledger.sample_images import SampleImages, read_sample_images, write_sample_images
from benchmark.storage import digest, safe_name, write_atomic

#: What a results folder consists of.
FOLDERS = ("records", "packs", "blocks", "evaluations", "samples", "transfers", "images", "adversarials", "parts")

Found = TypeVar("Found")

#: How many damaged files are named, where nobody asked for them.
_FEW = 20


class Ledger:
    """A results folder.

    Attributes:
        folder: where it is.
        problems: damaged files met so far, each with its reason; they count as absent.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.problems: list[str] = []

    @classmethod
    def open(cls, folder: str | Path, create: bool = False) -> Ledger:
        """The ledger in `folder`.

        Args:
            folder: the results folder; one that does not exist is an empty ledger.
            create: write the marker of the format if it is not there yet.

        Raises:
            BadInput: the folder was written by another version, is no results folder, or can't be written.
        """
        ledger = cls(folder)
        if not marker.is_there(ledger.folder) and create:
            ledger.mark()
        return ledger

    def mark(self, packs: bool = False) -> None:
        """Write the marker of the format, if it is not there; before there are `packs`, theirs.

        Raises:
            BadInput: the folder can't be written.
        """
        marker.write(self.folder, packs)

    def path(self, network: str, record: str) -> Path:
        """Where the record called `record` of the network with digest `network` is or will be."""
        return self.folder / "records" / safe_name(network[:16]) / f"{safe_name(record)}.safetensors"

    def stored_adversarials_path(self, network: str, record: str) -> Path:
        """Where the adversarial images of that record are or would be."""
        return self.folder / "adversarials" / safe_name(network[:16]) / f"{safe_name(record)}.npz"

    def read(self, network: str, record: str) -> Record | None:
        """That record; None if there is none, or a damaged one, which is noted in `problems`."""
        path = self.path(network, record)
        found = self._read(read_record, path)
        if found is None or found.error:  # no pack has an attack that failed
            found = packed_record(self.folder, network, record, self._note) or found
        if found is None:
            blocks = (self.folder / "blocks" / path.parent.name).glob(f"*/{path.name}")
            found = next((own for block in blocks if (own := self._read(read_record, block)) is not None), None)
        return found

    def together(self, network: str) -> Callable[[Sequence[str]], list[Record | None]]:
        """Tells what records of a network say, in as few as can, see `Pack.joined`; None for each that is absent."""
        single = alone(self.path(network, "any").parent)  # before the packs: see `packs`
        packs = [*packs_of(self.folder, network, self._note)]
        return lambda records: read_together(records, single, packs, lambda record: self.read(network, record))

    def find(self, key: Mapping[str, Any]) -> Record | None:
        """The record with this key; None if there is none, or a damaged one, which is noted in `problems`."""
        return self._read(read_record, self.place(key)) if is_block(key) else self.read(key["network"], digest(key))

    def blocks(self, key: Mapping[str, Any]) -> list[Record]:
        """Records of chosen images that are otherwise like the one with this key; damaged ones are noted."""
        paths = sorted(self._blocks(key).glob("*.safetensors"))
        found = [record for path in paths if (record := self._read(read_record, path)) is not None]
        return [record for record in found if question(record.key) == question(key)]

    def write(self, record: Record) -> None:
        """Add `record`.

        Raises:
            BadInput: the folder can't be written or the disk is full.
        """
        write_record(self.own(self.place(record.key)), record)

    def kept(self, key: Mapping[str, Any]) -> list[Path]:
        """The files of a job with this key that are there: record and images, and those of blocks of its images."""
        places = [self.place(key), *sorted(self._blocks(key).glob("*.safetensors"))]
        names = [(key["network"], path.stem) for path in places]
        images = [find(*name) for find in (self.sample_images_path, self.stored_adversarials_path) for name in names]
        return [path for path in (*places, *images) if path.is_file()]

    def place(self, key: Mapping[str, Any]) -> Path:
        """Where the record with this key is or will be."""
        name = digest(key)
        return self._blocks(key) / f"{name}.safetensors" if is_block(key) else self.path(key["network"], name)

    def _blocks(self, key: Mapping[str, Any]) -> Path:
        return self.folder / "blocks" / safe_name(key["network"][:16]) / question(key)[:16]

    def sample_images(self, network: str, record: str) -> SampleImages | None:
        """A few images that this record's attack broke; None if there are none, or damaged ones, see `problems`."""
        return self._read(read_sample_images, self.sample_images_path(network, record))

    def pictured(self, network: str) -> set[str]:
        """The names of the network's records of which there are images to look at, as far as the files' names say."""
        folder = self.sample_images_path(network, "any").parent
        return {path.stem for path in folder.glob("*.npz")}

    def write_sample_images(self, network: str, record: str, images: SampleImages) -> None:
        """Add the images to look at of that record.

        Raises:
            BadInput: the folder can't be written or the disk is full.
        """
        write_sample_images(self.own(self.sample_images_path(network, record)), images)

    def sample_images_path(self, network: str, record: str) -> Path:
        """Where the images to look at of that record are or would be."""
        return self.folder / "images" / safe_name(network[:16]) / f"{safe_name(record)}.npz"

    def known(self, contents: str, data: str = "") -> list[Known]:
        """The networks that are made of `contents` and were tried before, on this data if any is named.

        Args:
            contents: the digest of what a network is made of, see `Checkpoint.digest` and `ExternalModel.digest`.
            data: the digest of test images; "" for all that there are.
        """
        paths = sorted((self.folder / "answers" / safe_name(contents[:16])).glob(f"{data[:16]}*.npz"))
        found = [known for path in paths if (known := self._read(read_known, path)) is not None]
        return [known for known in found if known.contents == contents and data in ("", known.data)]

    def identify(self, contents: str, data: str, answers: Answers) -> str:
        """The digest under which the results of a network are filed on these images.

        It is that of its contents, unless a network of the same contents is known that answers otherwise.
        """
        known = self.known(contents, data)
        for each in known:
            if each.answers.agree(answers):
                return each.network
        return other_network(contents, answers) if known else contents

    def remember(self, known: Known | None) -> None:
        """Keep the answers of a network, if it was asked for some and none are kept yet.

        Raises:
            BadInput: the folder can't be written or the disk is full.
        """
        if known is None:
            return
        folder = self.folder / "answers" / safe_name(known.contents[:16])
        path = folder / f"{safe_name(known.data[:16])}-{safe_name(known.network[:16])}.npz"
        if self._read(read_known, path) is None:
            write_known(self.own(path), known)

    def write_evaluation(self, manifest: dict[str, Any]) -> None:
        """Add an evaluation: what was evaluated, and the keys of all its records.

        Raises:
            BadInput: it could not be read again, the folder can't be written or the disk is full.
        """
        content = filed(manifest)
        write_atomic(self.own(self.place_of_evaluation(manifest)), content)
        self.mark()  # in case the folder vanished meanwhile and was made anew by the first record after that

    def place_of_evaluation(self, manifest: Mapping[str, Any]) -> Path:
        """Where an evaluation is or will be."""
        source = (manifest.get("crafted_on") or {}).get("name")
        return self._evaluation_path(
            manifest["model"]["name"], manifest["id"], source, manifest.get("sample") is not None
        )

    def evaluation(self, name: str, identifier: str, source: str | None = None) -> Evaluation | None:
        """The evaluation of the network `name` with that id; None if there is none, or a damaged one.

        Args:
            name, identifier: the network's name and the evaluation's id.
            source: the name of the network that the images were crafted on, where it is another one.
        """
        return self._load(self._evaluation_path(name, identifier, source))

    def one_by_one(
        self, kind: Literal["evaluations", "samples", "transfers"] = "evaluations"
    ) -> Iterator[Evaluation]:
        """Like `evaluations`, `samples` or `transfers`, but each is read when it is asked for."""
        return self._each(kind)

    def evaluations(self) -> list[Evaluation]:
        """All evaluations of the folder, by file name; damaged ones are left out and noted in `problems`."""
        return self._all("evaluations")

    def transfers(self) -> list[Evaluation]:
        """All evaluations with images that were crafted on another network, like `evaluations`."""
        return self._all("transfers")

    def _all(self, folder: str) -> list[Evaluation]:
        return [*self._each(folder)]

    def _each(self, folder: str) -> Iterator[Evaluation]:
        for path in sorted((self.folder / folder).glob("*.json")):
            found = self._load(path)
            if found is not None and (found.sample is not None) == (folder == "samples"):
                yield found

    def samples(self) -> list[Evaluation]:
        """All evaluations of random samples of their images, as `bench decide` files them, like `evaluations`."""
        return self._all("samples")

    def _evaluation_path(
        self, name: str, identifier: str, source: str | None = None, is_sample: bool = False
    ) -> Path:
        if is_sample:
            return self.folder / "samples" / f"{safe_name(name, 60)}-{identifier[:16]}.json"
        if source is None:
            return self.folder / "evaluations" / f"{safe_name(name, 60)}-{identifier[:16]}.json"
        pair = f"{safe_name(source, 40)}-to-{safe_name(name, 40)}"
        return self.folder / "transfers" / f"{pair}-{identifier[:16]}.json"

    def _load(self, path: Path) -> Evaluation | None:
        found = self._read(self._evaluation, path)
        if found is None and path.is_symlink() and not path.exists():
            self._note(f"{path}: it is a broken link")
        return found

    def _evaluation(self, path: Path) -> Evaluation:
        manifest = read_manifest(path)
        network = manifest["model"]["digest"]
        with naming(path):
            try:
                return summarise(manifest, lambda record: self.read(network, record), self.together(network))
            except Damaged as gap:
                raise Damaged(f"{path}: {gap}") from gap

    def own(self, path: Path) -> Path:
        """`path`, unless a link inside the folder, which may be untrusted, leads elsewhere.

        Raises:
            BadInput: it does.
        """
        if not path.parent.resolve().is_relative_to(self.folder.resolve()):
            raise BadInput(f"{path.parent} leads out of {self.folder} by a link; choose another results folder")
        return path

    def _read(self, read: Callable[[Path], Found], path: Path) -> Found | None:
        """What `read` finds at `path`; None if there is nothing, or something damaged, which is noted."""
        try:
            return read(path)
        except FileNotFoundError:
            return None
        except Damaged as problem:
            self._note(str(problem))
            return None

    def _note(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)

    def tell(self) -> None:
        """Say which files were left out so far, and why."""
        for problem in self.problems[:_FEW]:
            notice(f"excluded: {problem}")
        if more := len(self.problems[_FEW:]):
            notice(f"excluded: {more} more; bench doctor lists all of them")


def load_results(folder: str | Path = "results") -> list[Evaluation]:
    """All evaluations in `folder`; none if the folder does not exist. What is damaged is left out, which is said.

    Args:
        folder: the results folder.

    Raises:
        BadInput: the folder was written by another version.
    """
    ledger = Ledger.open(folder)
    found = ledger.evaluations()
    ledger.tell()
    return found
