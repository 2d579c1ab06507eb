"""Archives of arrays that claim, hide or repeat more than they hold, as data and as extra images."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
from hostile_making import Runs, hostile, mark


def header(shape: tuple[int, ...], kind: str = "|u1", text: str | None = None) -> bytes:
    """How an array's file begins."""
    described = text or repr({"descr": kind, "fortran_order": False, "shape": shape})
    described = f"{described:<117}\n"
    return b"\x93NUMPY\x01\x00" + len(described).to_bytes(2, "little") + described.encode("latin1")


def npz(path: Path, **arrays: bytes) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in arrays.items():
            archive.writestr(f"{name}.npy", content)


def plain(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


IMAGES, LABELS = plain(np.zeros((20, 8, 8), np.uint8)), plain(np.arange(20) % 10)


@hostile("npz/pickle.npz")
def _(path):
    content = header((), "|O") + pickle.dumps(Runs(mark(path)))
    npz(path, image=content, label=LABELS)


@hostile("npz/huge-claim.npz")
def _(path):
    npz(path, image=header((2**50, 8, 8)), label=LABELS)


@hostile("npz/negative.npz")
def _(path):
    npz(path, image=header((-20, 8, 8)), label=LABELS)


@hostile("npz/code-in-header.npz")
def _(path):
    npz(path, image=header((), text="__import__('os').mkdir('evil')"), label=LABELS)


@hostile("npz/deep-header.npz")
def _(path):
    npz(path, image=header((), text="(" * 9000 + ")" * 9000), label=LABELS)


@hostile("npz/bomb-of-labels.npz")
def _(path):
    """Labels of a megabyte each: 384 of them, of zeros, take a few hundred kilobytes in the file."""
    npz(path, image=plain(np.zeros((384, 8, 8), np.uint8)))
    archive = zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=1)
    with archive, archive.open("label.npy", "w") as file:
        file.write(header((384,), f"|V{2**20}"))
        for _ in range(24):
            file.write(bytes(2**24))


@hostile("npz/truncated.npz")
def _(path):
    npz(path, image=IMAGES, label=LABELS)
    path.write_bytes(path.read_bytes()[:-90])


@hostile("npz/strings.npz")
def _(path):
    npz(path, image=IMAGES, label=plain(np.array(["\x1b[31m"] * 20)))


@hostile("npz/no-numbers.npz")
def _(path):
    npz(path, image=plain(np.full((20, 8, 8), np.nan, np.float32)), label=LABELS)


@hostile("npz/far-label.npz")
def _(path):
    npz(path, image=IMAGES, label=plain(np.full(20, 2**62)))
