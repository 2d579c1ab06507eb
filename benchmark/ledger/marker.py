"""The file that says what a results folder is: `format.json`, without which nothing in it is read."""

from __future__ import annotations

from pathlib import Path

from benchmark.damage import Damaged
from benchmark.errors import BadInput, short
from benchmark.ledger.manifests import read_json
from benchmark.ledger.record import FORMAT
from benchmark.storage import canonical_json, write_atomic

#: What it says: a folder with packs, which versions before 0.2 can't read, is of another version.
_PLAIN, _PACKED = (
    {"content": "robustness benchmark results", "version": version} for version in (FORMAT, FORMAT + 1)
)

#: The file of a folder without packs, which all versions read.
PLAIN = canonical_json(_PLAIN) + "\n"

_IF_OURS = "if this program made the folder, bench doctor --mend writes the file anew; else choose another folder"


class Unmarked(BadInput):
    """A folder has results and nothing readable that says of which version."""


def is_there(folder: Path) -> bool:
    """Whether `folder` is marked as one that this version reads; one without results need not be.

    Raises:
        Unmarked: it has results and no marker, or a damaged one.
        BadInput: another version wrote it, or it is no folder that can be read.
    """
    marker = folder / "format.json"
    try:
        if _exists(folder) and not folder.is_dir():
            raise BadInput(f"{folder} is a file; choose a folder for the results")
        # Looked for before the marker: another process that has just begun writes the marker first.
        has_results = any(_exists(folder / name) for name in ("records", "packs", "blocks", "evaluations"))
        has_marker = _exists(marker)
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"can't read the folder {folder}: {reason}") from error
    if has_marker:
        _check(marker)
    elif has_results:
        raise Unmarked(f"{folder} has no format.json, so its results can't be trusted; {_IF_OURS}")
    return has_marker


def _exists(path: Path) -> bool:
    """Whether something is there; an error where that can't be told, which Python 3.14 hides in `Path.exists`."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def check_apart(folder: str | Path, results: str | Path, option: str = "--out") -> None:
    """Raise BadInput if pages in `folder` would lie among records: in `results` or below it, or in another ledger.

    Args:
        folder: where pages are to be written.
        results: the results folder that they are made from; it need not be there yet.
        option: what names the folder of pages.
    """
    try:
        place, own = Path(folder).resolve(), Path(results).resolve()
        ledgers = (each for each in (place, *place.parents) if each == own or _is_ours(each / "format.json"))
        found = next(ledgers, None)
    except (OSError, ValueError, RuntimeError):  # it can't be written to either, which is said where that is tried
        return
    if found is not None:
        within = "is" if found == place else "lies within"
        raise BadInput(
            f"{folder} {within} a results folder, which holds records only; name another one with {option}"
        )


def _is_ours(marker: Path) -> bool:
    """Whether a file says that its folder is a results folder, of whatever version."""
    try:
        found = read_json(marker) if marker.is_file() else None
    except (Damaged, OSError):
        return False
    return isinstance(found, dict) and found.get("content") == _PLAIN["content"]


def _check(marker: Path) -> None:
    try:
        found = read_json(marker)
    except (Damaged, FileNotFoundError):
        found = None
    if found in (_PLAIN, _PACKED):
        return
    version = found.get("version", FORMAT) if isinstance(found, dict) else FORMAT
    if version in (FORMAT, FORMAT + 1):
        raise Unmarked(f"{marker} is damaged, or of another version; {_IF_OURS}")
    raise BadInput(
        f"{marker.parent} was written by another version (its format.json says {short(version)}, "
        f"this program's is {FORMAT}); choose another folder, or use the version that wrote it"
    )


def write(folder: Path, packs: bool = False) -> None:
    """Write the marker, if it is not there; before there are `packs`, theirs.

    Raises:
        BadInput: the folder can't be written.
    """
    marker = folder / "format.json"
    content = canonical_json(_PACKED) + "\n" if packs or (folder / "packs").exists() else PLAIN
    if not marker.exists() or (packs and marker.read_text(encoding="utf-8") != content):
        write_atomic(marker, content)
