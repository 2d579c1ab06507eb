"""Which pictures lie below a folder, also behind links, and what else: counted, never dropped without a word."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.errors import BadInput, first_line

SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")

#: Folders in which pictures are looked for at most. Links among a few can make endlessly many paths.
MOST_FOLDERS = 100_000


#: Why something is left out: what one of its kind is called, and several.
DANGLING = ("broken link", "broken links")
LOOP = ("link back to a folder that it is in", "links back to folders that they are in")
STRAY = ("picture in no folder of a class", "pictures in no folder of a class")
HIDDEN = ("hidden file", "hidden files")
NO_FILE = ("thing that is no file", "things that are no files")


@dataclass
class LeftOut:
    """What was not taken from the tree at `folder`: by reason, how often, and the first path."""

    folder: Path
    found: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)

    def add(self, reason: tuple[str, str], path: str) -> None:
        """Count one more."""
        count, first = self.found.get(reason, (0, os.path.relpath(path, self.folder)))
        self.found[reason] = (count + 1, first)

    def __str__(self) -> str:
        """ "7 broken links (c0/0.png and others), 1 hidden file (c0/._1.png)"; empty if nothing was."""
        return ", ".join(
            f"{count:,} {one if count == 1 else several} ({first}{' and others' if count > 1 else ''})"
            for (one, several), (count, first) in sorted(self.found.items())
        )


def pictures_below(folder: Path, left_out: LeftOut) -> list[Path]:
    """The pictures in `folder` and whatever folders are in it, in the order of torchvision's ImageFolder.

    Links are followed as there, but one that leads back to a folder it is in; hidden files are passed over.

    Raises:
        BadInput: a folder can't be read, or there is no end of them.
    """
    return [
        Path(parent, entry.name)
        for parent, entries in sorted(_folders(folder, left_out), key=lambda pair: pair[0])
        for entry in sorted(entries, key=lambda entry: entry.name)
        if _is_picture(entry, left_out)
    ]


def classes_in(folder: Path, left_out: LeftOut) -> list[str]:
    """The names of the folders in `folder`, sorted, hidden ones left out.

    Raises:
        BadInput: it can't be read, or a link in it leads nowhere: the classes behind it would be missing.
    """
    names = []
    for entry in _entries(str(folder)):
        if entry.name[0] == ".":
            continue
        if _is_folder(entry):
            names.append(entry.name)
        elif entry.name.lower().endswith(SUFFIXES):
            left_out.add(STRAY, entry.path)
        elif _is_dangling(entry):
            raise BadInput(f"{entry.path} is a broken link; mount what it leads to, or remove it if it is no class")
    return sorted(names)


def _folders(top: Path, left_out: LeftOut) -> Iterator[tuple[str, list[os.DirEntry[str]]]]:
    """`top` and all folders below it, each with what lies in it beside folders."""
    waiting = [(str(top), frozenset(map(_identity, (top, *top.absolute().parents))))]
    for _ in range(MOST_FOLDERS):
        if not waiting:
            return
        path, above = waiting.pop()
        others = []
        for entry in _entries(path):
            if not _is_folder(entry):
                others.append(entry)
            elif (identity := _identity(entry.path)) in above:
                left_out.add(LOOP, entry.path)
            else:
                waiting.append((entry.path, above | {identity}))
        yield path, others
    raise BadInput(f"{top} has more than {MOST_FOLDERS:,} folders in it; does a link in it lead astray?")


def _is_picture(entry: os.DirEntry[str], left_out: LeftOut) -> bool:
    """Whether to take it; what may have been meant as a picture is counted if not."""
    if not entry.name.lower().endswith(SUFFIXES):
        if entry.name[0] != ".":
            kind = os.path.splitext(entry.name)[1].lower() or "no suffix"
            left_out.add((f"file with {kind}", f"files with {kind}"), entry.path)
    elif entry.name[0] == ".":
        left_out.add(HIDDEN, entry.path)
    elif _is_dangling(entry):
        left_out.add(DANGLING, entry.path)
    elif not entry.is_file():  # reading a named pipe would never end
        left_out.add(NO_FILE, entry.path)
    else:
        return True
    return False


def _entries(path: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as entries:
            return list(entries)
    except OSError as error:
        raise BadInput(f"can't read the folder {path}: {error.strerror or first_line(error)}") from error


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _is_dangling(entry: os.DirEntry[str]) -> bool:
    return entry.is_symlink() and not os.path.exists(entry.path)


def _identity(path: str | Path) -> tuple[int, int]:
    """What tells a folder from all others, whatever path leads there."""
    status = os.stat(path)
    return status.st_dev, status.st_ino
