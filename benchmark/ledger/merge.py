"""Several results folders made into one: checked before anything is written, and never half-written."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.arguments import checked_arguments
from benchmark.errors import BadInput
from benchmark.ledger.bundle_file import is_bundle, unpacked
from benchmark.ledger.folders import Folders
from benchmark.ledger.ledger import Ledger
from benchmark.storage import part_of


@dataclass(frozen=True)
class Merged:
    """What became of a merge.

    Attributes:
        folder: where everything is now.
        records, evaluations: how many there are.
        unfinished: evaluations of which something is lacking, each with what, in words.
        differing: what two files tell otherwise of a network or an evaluation, a sentence each: the first one's stays
            where both have one place. It decides no accuracy.
    """

    folder: Path
    records: int
    evaluations: int
    unfinished: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)


@checked_arguments
def merge(folders: str | Path | Sequence[str | Path], into: str | Path) -> Merged:
    """Put what several results folders, and bundles of results, hold into one, which may hold results already.

    Evaluations whose parts were made in several places (`--part`) are filed as soon as nothing of them is lacking.

    Args:
        folders: the results folders and the bundles (`benchmark.bundle`), or a single one. What bundles claim is for
            `benchmark.verify_bundle` to check.
        into: the folder that is made, or added to; the others stay as they are.

    Returns:
        How many records and evaluations `into` has then, and which evaluations lack parts.

    Raises:
        BadInput: a folder is none of results; a file is damaged, in the wrong place or a link; two folders say
            different things of one attack, or have another suite or other data under one name; `into` lies inside of
            one of them. Nothing was written then.
    """
    given = [Path(folder) for folder in ([folders] if isinstance(folders, str | Path) else folders)]
    with ExitStack() as open_bundles:
        sources = [open_bundles.enter_context(unpacked(path))[0] if is_bundle(path) else path for path in given]
        return _merged(sources, Path(into))


def _merged(sources: Sequence[Path], target: Path) -> Merged:
    """`merge` of folders alone."""
    if not sources:
        raise BadInput("there is no results folder to merge; name one or more")
    for source in sources:
        if not (source / "format.json").is_file():
            raise BadInput(f"{source} is no results folder: it has no format.json")
        if source.resolve() in target.resolve().parents:
            raise BadInput(f"{target} lies inside of {source}, which is to stay as it is; choose another folder")
    if os.path.lexists(target) and not target.is_dir():
        raise BadInput(f"{target} is no folder; choose another one with --into")
    is_new = not target.exists() or not any(target.iterdir())
    if not is_new and not (target / "format.json").is_file():
        raise BadInput(f"{target} holds something else than results; choose another folder with --into")
    unique = {path.resolve(): path for path in [*([] if is_new else [target]), *sources]}
    found = Folders([Ledger.open(path) for path in unique.values()])
    found.check()
    if not is_new:
        return Merged(target, *found.write(Ledger.open(target)), found.told.differing)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        stage = part_of(target)
        stage.mkdir()  # who may enter it, the umask says
    except OSError as error:
        raise BadInput(f"can't write {target}: {error.strerror or error}; choose another folder") from error
    try:
        merged = Merged(target, *found.write(Ledger.open(stage, create=True)), found.told.differing)
        os.replace(stage, target)
    except OSError as error:
        raise BadInput(f"can't write {target}: {error.strerror or error}; choose another folder") from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    return merged
