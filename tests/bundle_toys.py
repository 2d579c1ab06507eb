"""Bundles of a small network, and bundles that somebody changed."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from evaluation_toys import evaluated

import benchmark
from benchmark.ledger.bundle_file import CLAIM, write_bundle

LINES = "  - {attack: fgsm, norm: linf}\n  - {attack: pgd, norm: l2, parameters: {steps: 2}}\n"


def with_bundles(folder: Path) -> Path:
    """`folder` with a checkpoint, its results with stored images, and bundles of them."""
    evaluated(folder, LINES, images=30, save_adversarial=True)
    benchmark.bundle(folder / "results", "toy", out=folder / "plain.zip")
    benchmark.bundle(folder / "results", "toy", out=folder / "images.zip", images=True)
    return folder


def content(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def bundled(path: Path, files: dict[str, bytes], **claim: object) -> Path:
    """A bundle of these files, with sizes and digests that are right whatever they hold."""
    contents = json.loads(files[CLAIM]) | claim
    others = {name: each for name, each in files.items() if name != CLAIM}
    return write_bundle(path, {"network": contents["network"], "rows": contents["rows"]}, others)
