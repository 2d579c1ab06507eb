"""Is everything whole? A look at the environment, a results folder and a zoo, and what can be mended of them."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Literal

from benchmark.arguments import checked_arguments
from benchmark.damage import Damaged, is_passing
from benchmark.environment import check_working_folder
from benchmark.errors import BadInput, first_line
from benchmark.findings import Finding, of_machine

#: Where to look if nobody says so, and for what.
RESULTS, ZOO = "results", "zoo"
RECORDS, BLOCKS, PACKS = "records/*/*.safetensors", "blocks/*/*/*.safetensors", "packs/*/*.safetensors"
CHECKPOINTS = ("*.pt", "*.safetensors", "last/*.pt")
#: The states of finished runs, which `bench train --extend` goes on from.
KEPT = ".state/finished/*.pt"

#: What fills the gaps of an evaluation, of what was measured on a sample, and of a transfer.
VERBS: dict[Literal["evaluations", "samples", "transfers"], str] = {
    "evaluations": "bench evaluate",
    "samples": "bench decide, or bench estimate,",
    "transfers": "bench transfer",
}

#: A file under a temporary name that nobody has touched for so many seconds is left over from a killed process.
ABANDONED = 3600


@checked_arguments
def doctor(
    *,
    results: str | Path | None = None,
    zoo: str | Path | None = None,
    mend: bool = False,
    drop_states: bool = False,
) -> list[Finding]:
    """Check the environment, the ledger in `results` and the checkpoints in `zoo`.

    Args:
        results: a results folder; None for "results" if there is one.
        zoo: a folder of checkpoints; None for "zoo" if there is one.
        mend: move damaged files to the folder `damaged` beside them, where nobody reads them, and delete what killed
            processes left behind. Whatever was lost by that is made again by the next `evaluate` or `train`.
        drop_states: delete the states of finished runs in `zoo`; `train` then can't extend those runs any more.

    Returns:
        What is wrong, worst first: what needs a person, then what was or can be mended.

    Raises:
        BadInput: something can't be mended because its folder can't be written.
    """
    check_working_folder()
    ledger, networks = Path(results or RESULTS), Path(zoo or ZOO)
    found = [*of_machine(ledger, networks), *(_dropped(networks) if drop_states else ())]
    for named, folder, look in ((results, ledger, _results), (zoo, networks, _zoo)):
        if folder.is_dir():
            try:
                found += look(folder)
            except ImportError as error:
                found.append(Finding("environment", first_line(error), "make setup, or pip install the package"))
        elif folder.exists():
            found.append(Finding(str(folder), "it is a file, not a folder", "choose a folder"))
        elif named is not None:
            found.append(Finding(str(folder), "there is no such folder", "check the spelling and the current folder"))
    if mend:
        found = [_mended(finding, ledger, networks) for finding in dict.fromkeys(found)]
    return sorted(dict.fromkeys(found), key=lambda finding: (bool(finding.action), finding.place))


def looked_at(*, results: str | Path | None = None, zoo: str | Path | None = None) -> str:
    """What `doctor` of the same arguments looks at, in words, so that nobody takes "nothing" for "nothing wrong"."""
    ledger, networks = Path(results or RESULTS), Path(zoo or ZOO)
    transfers = _count(ledger, "transfers/*.json")
    filed = [_counted(_count_records(ledger), "record"), _counted(_count(ledger, "evaluations/*.json"), "evaluation")]
    found = {
        ledger: " and ".join(filed + [_counted(transfers, "transfer")] * (transfers > 0)),
        networks: _counted(_count(networks, *CHECKPOINTS), "checkpoint"),
    }
    if kept := [*networks.glob(KEPT)]:
        megabytes = sum(path.stat().st_size for path in kept) / 1e6
        found[networks] += f" and {_counted(len(kept), 'state')} of finished runs ({megabytes:,.1f} MB)"
    told = (f"{what} in {place}" if place.is_dir() else f"no folder {place} yet" for place, what in found.items())
    return "; ".join(["the environment", *told])


def lacking(*, results: str | Path | None = None) -> list[str]:
    """What results of older versions do not tell and could, a sentence each: no fault, and so no finding."""
    from benchmark.ledger import Ledger

    folder = Path(results or RESULTS)
    try:
        ledger = Ledger.open(folder)
    except BadInput:  # which is a finding
        return []
    told = []
    for kind, verb in (("evaluation", "evaluate"), ("transfer", "transfer")):
        own = ledger.one_by_one(f"{kind}s")  # type: ignore[arg-type]
        knows = [all(outcome.knows_classes for outcome in each.outcomes if outcome.complete) for each in own]
        old = _counted(knows.count(False), kind)
        told += [
            f"{old} of {len(knows)} in {folder}: records of an earlier version, which do not tell the classes "
            f"predicted under attack. bench {verb} --add-classes, with the options of that {kind}, adds them and "
            "changes nothing else: by one pass where adversarial images are stored, else by attacking again"
        ] * (False in knows)
    return told


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def _count(folder: Path, *patterns: str) -> int:
    return sum(1 for pattern in patterns for _ in folder.glob(pattern))


def _count_records(folder: Path) -> int:
    """How many records there are; one that is packed, and was made once more, is one."""
    from benchmark.ledger.pack import read_pack

    names = {path.stem for path in folder.glob(RECORDS)}
    for path in folder.glob(PACKS):
        with suppress(Damaged, FileNotFoundError):
            names.update(read_pack(path).names)
    return len(names) + _count(folder, BLOCKS)


def _results(folder: Path) -> Iterator[Finding]:
    from benchmark.ledger import Ledger
    from benchmark.ledger.marker import Unmarked

    yield from _leftovers(folder)
    try:
        ledger = Ledger.open(folder)
    except Unmarked as error:
        yield _unmarked(folder, str(error))
        return
    except BadInput as error:
        yield Finding(str(folder), str(error), "choose another folder, or the version that wrote it")
        return
    failures = [  # nothing else is kept: all of a large folder don't fit into memory
        (VERBS[kind], f"{each.name}: {failure}")
        for kind in VERBS
        for each in ledger.one_by_one(kind)
        for failure in each.failures
    ]
    yield from _records(folder)
    yield from _stored_adversarials(folder)
    damaged = re.compile(re.escape(str(folder)) + r"[/\\](records|blocks|packs)[/\\]")
    for problem in ledger.problems:
        path, _, reason = problem.partition(": ")
        if not damaged.match(path):
            yield Finding(path, reason, "move it away and evaluate again", "move")
    for verb, failure in failures:
        yield Finding(str(folder), failure, f"{verb} runs it again")


def _unmarked(folder: Path, problem: str) -> Finding:
    """A folder that does not say of which version it is: its records do, if it has any."""
    from benchmark.ledger.pack import read_whole
    from benchmark.ledger.record import read_record

    place = str(folder / "format.json")
    files = [
        (read, path) for read, kind in ((read_record, RECORDS), (read_whole, PACKS)) for path in folder.glob(kind)
    ]
    for read, path in files:
        with suppress(Damaged, FileNotFoundError):
            read(path)
            return Finding(place, problem, "it is rewritten, since the records are of this version", "mark")
    return Finding(place, problem, "choose another folder, or the version that wrote it")


def _records(folder: Path) -> Iterator[Finding]:
    from benchmark.ledger.pack import check_whole
    from benchmark.ledger.record import question, read_record

    def read(path: Path) -> None:
        if not read_record(path).key["network"].startswith(path.parent.name):
            raise Damaged(f"{path}: it belongs to another network")

    def read_block(path: Path) -> None:
        if not question(read_record(path).key).startswith(path.parent.name):
            raise Damaged(f"{path}: it belongs to another attack or network")

    yield from _damaged(folder.glob(RECORDS), read, "bench evaluate recreates it if it is needed")
    yield from _damaged(folder.glob(BLOCKS), read_block, "bench decide recreates it if it is needed")
    yield from _damaged(folder.glob(PACKS), check_whole, "bench evaluate recreates the records that can't be read")


def _stored_adversarials(folder: Path) -> Iterator[Finding]:
    from benchmark.ledger.answers import read_known
    from benchmark.ledger.sample_images import read_sample_images
    from benchmark.ledger.stored_adversarials import read_stored_adversarials

    kinds: tuple[tuple[str, Callable[[Path], object], str], ...] = (
        ("adversarials", read_stored_adversarials, "bench evaluate --save-adversarial recreates it"),
        ("images", read_sample_images, "pages omit these images"),
        ("answers", read_known, "bench evaluate recomputes the outputs"),
    )
    for kind, read, remedy in kinds:
        yield from _damaged((folder / kind).glob("*/*.npz"), read, remedy)


def _zoo(folder: Path) -> Iterator[Finding]:
    from benchmark.training.state import read_state

    yield from _leftovers(folder)
    checkpoints = (path for pattern in CHECKPOINTS for path in folder.glob(pattern))
    yield from _damaged(checkpoints, _read_checkpoint, "bench train recreates it")
    yield from _damaged(folder.glob(KEPT), read_state, "bench train --extend can't go on from it")
    states = sorted(folder.glob(".state/*.pt"))
    broken = list(_damaged(states, read_state, "the run restarts from scratch"))
    yield from broken
    remedy = "rerun bench train with --resume, or delete it"
    for path in states:
        if str(path) not in {finding.place for finding in broken}:
            yield Finding(str(path), "a training run was interrupted", remedy)


def _dropped(folder: Path) -> Iterator[Finding]:
    for path in sorted(folder.glob(KEPT)):
        size = path.stat().st_size / 1e6
        finding = Finding(str(path), f"the state of a finished run, {size:,.1f} MB", "it is deleted", "delete")
        yield _mended(finding, folder)


def _read_checkpoint(path: Path) -> None:
    """Read all of it; of a network whose code is in a file, which is not run here, all but that it fits this code."""
    from benchmark.models import load_checkpoint
    from benchmark.models.files import read_file
    from benchmark.own import files

    try:
        load_checkpoint(path)
    except BadInput:
        header, _ = read_file(path)
        if not files.is_spec(header.get("architecture")):
            raise


def _damaged(paths: Iterable[Path], read: Callable[[Path], object], remedy: str) -> Iterator[Finding]:
    """What is wrong with files that `read` can't read: to be moved aside, unless they may be whole nevertheless."""
    for path in sorted(paths):
        try:
            read(path)
        except (Damaged, BadInput) as error:
            problem = str(error).removeprefix(str(path)).lstrip(": ")
            if is_passing(error):
                yield Finding(str(path), problem, "change its permissions, or try again with more free memory")
            else:
                yield Finding(str(path), problem, remedy, "move")
        except FileNotFoundError:  # moved meanwhile, by another process
            if path.is_symlink():
                yield Finding(str(path), "it is a broken link", remedy, "move")


def _leftovers(folder: Path) -> Iterator[Finding]:
    now = time.time()
    for path in sorted([*folder.rglob(".*.part"), *folder.rglob(".probe.*")]):
        try:
            age = now - path.stat().st_mtime
        except FileNotFoundError:
            continue
        # A time in the future comes from a clock that was wrong: the file can't be told from one in use.
        if age > ABANDONED:
            yield Finding(str(path), "left over from a process that was killed", "it can be deleted", "delete")


def _mended(finding: Finding, *folders: Path) -> Finding:
    from benchmark.ledger import Ledger
    from benchmark.ledger.packing import unpack

    if not finding.action:
        return finding
    path = Path(finding.place)
    home = next(folder for folder in folders if path.is_relative_to(folder))
    if not path.parent.resolve().is_relative_to(home.resolve()):
        return replace(finding, remedy=f"a link leads there from {home}; {finding.remedy}")
    try:
        if finding.action == "mark":
            path.unlink(missing_ok=True)
            Ledger(home).mark()
            return replace(finding, mended=True)
        if finding.action == "delete":
            path.unlink(missing_ok=True)
            return replace(finding, mended=True)
        if path.match(PACKS):
            with suppress(Damaged):
                unpack(Ledger(home), path)
        target = home / "damaged" / path.relative_to(home)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, target)
    except OSError as error:
        raise BadInput(f"can't repair {path}: {error.strerror or error}; check the permissions of {home}") from error
    return replace(finding, remedy=f"moved to {target}; {finding.remedy}", mended=True)
