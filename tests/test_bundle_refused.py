"""Files that are none that `bench bundle` wrote: refused before anything in them is believed."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from bundle_toys import content, with_bundles
from command_line import bench

import benchmark
from benchmark.errors import BadInput
from benchmark.ledger.bundle_file import CLAIM

pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.filterwarnings("ignore::benchmark.errors.Notice")]


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    return with_bundles(tmp_path_factory.mktemp("made"))


def archive(path: Path, entries: list[tuple[zipfile.ZipInfo | str, bytes]], kind: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", kind) as made:
        for entry, each in entries:
            made.writestr(entry, each)
    return path


def link(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.create_system, entry.external_attr = 3, 0o120777 << 16
    return entry


def many(path: Path) -> Path:
    """An archive whose end announces more files than any bundle has."""
    archive(path, [("README.txt", b"")])
    whole = bytearray(path.read_bytes())
    end = whole.rindex(b"PK\x05\x06")
    whole[end + 8 : end + 16] = struct.pack("<HHI", 65_535, 65_535, 2**31)
    path.write_bytes(whole)
    return path


def changed(path: Path, before: bytes, offset: int, content: bytes) -> Path:
    """An archive of one file with other bytes in its list, so far behind the last `before`."""
    whole = bytearray(archive(path, [("README.txt", b"x")]).read_bytes())
    place = whole.rindex(before) + offset
    whole[place : place + len(content)] = content
    path.write_bytes(whole)
    return path


def padded(path: Path) -> Path:
    entry = zipfile.ZipInfo("README.txt")
    entry.extra = b"\x99\x99\x04\x00evil"
    return archive(path, [(entry, b"x")])


def overlapping(path: Path) -> Path:
    """Two names for the same bytes: what bombs without compression are made of."""
    archive(path, [("README.txt", b"a" * 50), ("format.json", b"a" * 50)])
    whole = bytearray(path.read_bytes())
    second = whole.rindex(b"PK\x01\x02")
    whole[second + 42 : second + 46] = bytes(4)
    path.write_bytes(whole)
    return path


NAN = b'{"content": "robustness benchmark bundle", "version": NaN, "network": {}, "rows": [], "files": {}}'
DEEP = b"[" * 200_000 + b"]" * 200_000
MARKUP = "<script>alert(1)</script>.html"

HOSTILE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "no-zip": (lambda path: path.write_bytes(b"x" * 100) and path, "is no zip archive"),
    "empty": (lambda path: path.write_bytes(b"") or path, "is too small"),
    "slip": (lambda path: archive(path, [("../../evil.txt", b"x")]), "which no bundle has"),
    "absolute": (lambda path: archive(path, [("/etc/passwd", b"x")]), "which no bundle has"),
    "backslash": (lambda path: archive(path, [("records\\x.safetensors", b"x")]), "which no bundle has"),
    "markup": (lambda path: archive(path, [(MARKUP, b"x")]), "which no bundle has"),
    "escape": (lambda path: archive(path, [("\x1b[2J.json", b"x")]), "which no bundle has"),
    "link": (lambda path: archive(path, [(link("README.txt"), b"/etc/passwd")]), "no regular file but a link"),
    "bomb": (lambda path: archive(path, [("README.txt", bytes(10**7))], zipfile.ZIP_DEFLATED), "compressed"),
    "many": (many, "are the most"),
    "long-names": (lambda path: changed(path, b"PK\x05\x06", 12, struct.pack("<I", 2**20)), "are the most"),
    "encrypted": (lambda path: changed(path, b"PK\x01\x02", 8, b"\x01\x00"), "compressed or encrypted"),
    "padded": (padded, "something between its files"),
    "overlapping": (overlapping, "where another file lies"),
    "trailing": (
        lambda path: archive(path, [("README.txt", b"x")]) and path.write_bytes(path.read_bytes() + b"x") and path,
        "end",
    ),
    "no-claim": (lambda path: archive(path, [("README.txt", b"x")]), "has no bundle.json"),
    "nan": (lambda path: archive(path, [(CLAIM, NAN)]), 'can\'t be read ("NaN is not allowed here")'),
    "deep": (lambda path: archive(path, [(CLAIM, DEEP)]), "can't be read"),
    "list": (lambda path: archive(path, [(CLAIM, b"[]")]), "no mapping"),
    "no-text": (lambda path: archive(path, [(CLAIM, b"\xff\xfe")]), "can't be read"),
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_in_a_sentence_and_write_nothing(name, tmp_path, capsys):
    make, said = HOSTILE[name]
    (tmp_path / "in").mkdir()
    path = make(tmp_path / "in" / "x.zip")
    before = sorted(tmp_path.rglob("*"))
    for words in (("verify", path), ("merge", path, "--into", tmp_path / "all")):
        code, out, err = bench(capsys, *words)
        assert (code, out) == (2, "")
        assert len(err.splitlines()) == 1
        assert said in err or said.replace('"', "'") in err
        assert "Traceback" not in err
        assert "\x1b" not in err
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda files: [*files.items(), ("README.txt", b"other")], "holds README.txt twice"),
        (
            lambda files: [*files.items(), ("weights/x.pt", b"x")],
            "weights/x.pt, which bundle.json does not list",
        ),
        (lambda files: [(k, v) for k, v in files.items() if k != "README.txt"], "lacks 'README.txt'"),
        (lambda files: [*{**files, "README.txt": b"x"}.items()], "in another size"),
        (
            lambda files: [*{**files, "README.txt": bytes(len(files["README.txt"]))}.items()],
            "another SHA-256",
        ),
    ],
)
def test_what_is_not_as_listed_is_refused(made, tmp_path, change, said):
    path = archive(tmp_path / "x.zip", change(content(made / "plain.zip")))
    with pytest.raises(BadInput) as refused:
        benchmark.verify_bundle(path)
    assert said in str(refused.value)


def test_the_end_of_an_archive_is_looked_at_before_its_list():
    """What `zipfile` writes is what the reader expects, whatever its version."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("README.txt", b"x")
    assert file.getvalue()[-22:-18] == b"PK\x05\x06"
