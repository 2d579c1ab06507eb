"""Suites, recipes and papers in YAML, and folders of pictures."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

from hostile_making import hostile, mark

# Suites, recipes and papers.

YAML = ("suite", "recipe", "paper")


@hostile(*(f"{door}/code.yaml" for door in YAML))
def _(path):
    path.write_text(f"name: !!python/object/apply:os.mkdir ['{mark(path)}']\n")


@hostile(*(f"{door}/laughs.yaml" for door in YAML))
def _(path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    path.write_text("\n".join(lines))


@hostile(*(f"{door}/itself.yaml" for door in YAML))
def _(path):
    path.write_text("name: &a [*a]\n")


@hostile("suite/deep.yaml")
def _(path):
    """For one door alone: it takes a second, in the reader that all of them have."""
    path.write_text("name: " + "[" * 10**5)


@hostile("suite/many.yaml")
def _(path):
    path.write_text("name: [" + "1," * 130_000 + "]")


#: A suite up to its attacks.
HEAD = "name: s\nversion: 1\nimages: 5\nepsilons: {digits: {linf: 0.1}}\n"


@hostile("suite/very-many-mistakes.yaml")
def _(path):
    path.write_text(f"{HEAD}attacks: [{'0,' * 12_000}]\n")


@hostile("suite/very-many-keys.yaml")
def _(path):
    keys = "".join(f"x{number}: 0\n" for number in range(6_000))
    path.write_text(f"{HEAD}attacks: [{{attack: fgsm, norm: linf}}]\n{keys}")


@hostile("suite/endless-steps.yaml")
def _(path):
    """JSON, in which records say what they were made with, knows no infinity."""
    path.write_text(f"{HEAD}attacks: [{{attack: pgd, norm: linf, parameters: {{relative_step_size: .inf}}}}]\n")


@hostile(*(f"{door}/digits.yaml" for door in YAML))
def _(path):
    path.write_text("name: " + "9" * 250_000)


@hostile("suite/sexagesimal.yaml")
def _(path):
    path.write_text("name: 1" + ":59" * 80_000)


@hostile(*(f"{door}/bytes.yaml" for door in YAML))
def _(path):
    path.write_bytes(bytes(range(256)) * 100)


#: Values that are not what their tag says, for which YAML's constructors raise errors of five kinds.
MISTAGGED = {
    "no-number": "!!int '_'",
    "no-float": "!!float 'x.y'",
    "no-date": "!!timestamp tomorrow",
    "no-truth": "!!bool perhaps",
    "no-bytes": "!!binary '='",
    "no-pairs": "!!pairs {a: 1}",
    "no-day": "2001-99-99",
}


@hostile(*(f"{door}/{name}.yaml" for door in YAML for name in MISTAGGED))
def _(path):
    path.write_text(f"name: {MISTAGGED[path.stem]}\n")


def suite(path: Path, attack: str) -> None:
    path.write_text(
        "name: s\nversion: 1\nimages: 5\nepsilons: {digits: {linf: 0.1}}\n"
        f"attacks:\n  - {{{attack}, norm: linf}}\n"
    )


@hostile("suite/imports.yaml")
def _(path):
    suite(path, "attack: 'os:system'")


@hostile("suite/imports-of-a-library.yaml")
def _(path):
    suite(path, "attack: 'foolbox.attacks.base:subprocess'")


@hostile("suite/logs-elsewhere.yaml")
def _(path):
    suite(path, f"attack: 'foolbox.attacks:BoundaryAttack', parameters: {{tensorboard: '{mark(path)}'}}")


@hostile("suite/endless-name.yaml")
def _(path):
    suite(path, f"attack: {'x' * 200_000}")


# Pictures.


def pictures(path: Path, first: bytes) -> None:
    from PIL import Image

    path.mkdir()
    for part in ("train", "test"):
        for name in ("a", "b"):
            (path / part / name).mkdir(parents=True)
            for number in (1, 2):
                Image.new("RGB", (8, 8)).save(path / part / name / f"{number}.png")
    (path / "train" / "a" / "0.png").write_bytes(first)


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    pixels = zlib.compress(bytes(10**6))
    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@hostile("pictures/enormous")
def _(path):
    pictures(path, png(10**5, 10**5))


@hostile("pictures/truncated")
def _(path):
    pictures(path, png(8, 8)[:45])


@hostile("pictures/one-enormous-among-others")
def _(path):
    pictures(path, b"")
    (path / "train" / "a" / "0.png").unlink()
    (path / "train" / "a" / "3.png").write_bytes(png(30_000, 30_000))


@hostile("pictures/pipe")
def _(path):
    pictures(path, b"")
    (path / "train" / "a" / "0.png").unlink()
    (path / "train" / "b" / "1.png").unlink()
    (path / "train" / "b" / "2.png").unlink()
    os.mkfifo(path / "train" / "b" / "1.png")


@hostile("pictures/loop")
def _(path):
    pictures(path, b"")
    (path / "train" / "a" / "0.png").unlink()
    for number in (1, 2):
        (path / "train" / "b" / f"{number}.png").unlink()
    (path / "train" / "b" / "round").symlink_to(path / "train")
