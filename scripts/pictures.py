"""From a folder or an archive to the tree of pictures that `folder:PATH` reads, whole or thinned out."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

from benchmark.errors import BadInput

#: What an archive may hold at most; CIFAR-10 has 60,000 files and some 180 MB.
MOST_FILES, MOST_BYTES = 500_000, 8 * 2**30


def picture_tree(source: str, cache: Path, scale: float) -> Path:
    """The folder with train/<class>/* and test/<class>/* that `source` stands for.

    Args:
        source: "folder:PATH", a folder, or an archive such as cifar10.tar.xz, which is unpacked into `cache` once.
        cache: where archives are unpacked and thinned trees are made.
        scale: the share of each class's pictures to use, in (0, 1]; the first ones by name, ten at least.

    Raises:
        BadInput: there is no such tree, or the archive is damaged or holds what it should not.
    """
    tree = _whole_tree(source, cache)
    if scale == 1:
        return tree
    return _thinned(tree, cache, f"{scale}", lambda split, count: max(10, round(scale * count)))


def smaller_tree(source: str, cache: Path, most: Mapping[str, int]) -> Path:
    """The same with so many pictures of each class at most: the first ones by name.

    Args:
        source, cache: as for `picture_tree`.
        most: pictures per class in "train" and in "test".

    Raises:
        BadInput: as `picture_tree` does.
    """
    key = f"{most['train']} of train, {most['test']} of test"
    return _thinned(_whole_tree(source, cache), cache, key, lambda split, count: min(count, most[split]))


def _whole_tree(source: str, cache: Path) -> Path:
    path = Path(source.removeprefix("folder:")).expanduser()
    if path.is_file():
        path = _tree_within(_unpacked(path, cache), path)
    elif not path.is_dir():
        raise BadInput(f"there is no folder or archive {path}; name one with train/<class>/* and test/<class>/*")
    return path.resolve()


def _unpacked(archive: Path, cache: Path) -> Path:
    with archive.open("rb") as file:
        total = hashlib.sha256()
        while chunk := file.read(2**20):
            total.update(chunk)
    target = cache / "unpacked" / total.hexdigest()[:16]
    return target if target.exists() else _made(target, lambda part: _unpack(archive, part))


def _unpack(archive: Path, target: Path) -> None:
    """Write the regular files in `archive` below `target`: no links, no devices, nothing outside of it."""
    files = size = 0
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                name = PurePosixPath(member.name)
                if member.isdir():
                    continue
                files, size = files + 1, size + member.size
                if not member.isfile() or name.is_absolute() or ".." in name.parts or "\\" in member.name:
                    raise BadInput(
                        f"{archive} is not unpacked: {member.name!r} in it is no plain file below its folder"
                    )
                if files > MOST_FILES or size > MOST_BYTES:
                    raise BadInput(
                        f"{archive} is not unpacked: it has more than {MOST_FILES:,} files or {MOST_BYTES:,} bytes"
                    )
                content = tar.extractfile(member)
                assert content is not None
                place = target.joinpath(*name.parts)
                place.parent.mkdir(parents=True, exist_ok=True)
                with place.open("xb") as file:
                    shutil.copyfileobj(content, file)
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:  # lzma and zlib raise OSError, EOFError
        raise BadInput(f"can't unpack {archive}: {error}; fetch it again") from error


def _tree_within(folder: Path, source: Path) -> Path:
    """`folder` or the only folder in it, whichever has train/ and test/."""
    for candidate in (folder, *sorted(folder.iterdir())):
        if (candidate / "train").is_dir() and (candidate / "test").is_dir():
            return candidate
    raise BadInput(f"{source} holds no train/ and test/")


def _thinned(tree: Path, cache: Path, how: str, number: Callable[[str, int], int]) -> Path:
    """A tree of links to the first pictures of each class, `number` of them: of a split, and of how many."""
    key = hashlib.sha256(f"{tree} {how}".encode()).hexdigest()[:16]
    target = cache / "thinned" / key

    def fill(part: Path) -> None:
        for folder in sorted(
            each for split in ("train", "test") for each in (tree / split).iterdir() if each.is_dir()
        ):
            place = part / folder.relative_to(tree)
            place.mkdir(parents=True)
            files = sorted(folder.iterdir())
            for file in files[: number(folder.parent.name, len(files))]:
                (place / file.name).symlink_to(file)

    return target if target.exists() else _made(target, fill)


def _made(target: Path, fill) -> Path:  # type: ignore[no-untyped-def]
    """The folder `target`, filled under another name first, so that it is whole or absent."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=".part-", dir=target.parent))
    try:
        fill(part)
        os.replace(part, target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return target
