"""Every single flipped bit of every kind of small file: its reader finds it and names the file, or it is harmless."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from synthetic import add_evaluation

from benchmark.damage import Damaged
from benchmark.errors import BadInput
from benchmark.evaluation import load_suite
from benchmark.ledger import Ledger
from benchmark.ledger.record import read_record
from benchmark.ledger.sample_images import SampleImages, read_sample_images, write_sample_images
from benchmark.ledger.stored_adversarials import (
    StoredAdversarials,
    read_stored_adversarials,
    write_stored_adversarials,
)
from benchmark.models.files import read_file, write_file
from benchmark.papers.published import COLUMNS, read_published
from benchmark.training.state import read_state, save_state

#: Makes a file of a kind in an empty folder, and says how it is read.
Kind = Callable[[Path], tuple[Path, Callable[[Path], object]]]


def stored_adversarials(folder: Path):
    write_stored_adversarials(folder / "a.npz", StoredAdversarials(np.arange(2), np.ones((2, 1, 2, 2), np.float32)))
    return folder / "a.npz", read_stored_adversarials


def sample_images(folder: Path):
    words, images = np.asarray(["a", "é"]), np.ones((2, 1, 2, 2))
    found = SampleImages(np.arange(2), words, words, images.astype(np.uint8), images.astype(np.float16))
    write_sample_images(folder / "a.npz", found)
    return folder / "a.npz", read_sample_images


def record(folder: Path):
    add_evaluation(folder)
    return next((folder / "records").rglob("*.safetensors")), read_record


def manifest(folder: Path):
    add_evaluation(folder)
    ledger = Ledger(folder)

    def read(path: Path) -> object:
        ledger.problems.clear()
        found = ledger.evaluations()
        if not found:
            raise Damaged(*ledger.problems)
        return found

    return next((folder / "evaluations").iterdir()), read


def marker(folder: Path):
    Ledger.open(folder, create=True)
    return folder / "format.json", lambda path: Ledger.open(folder).problems


def state(folder: Path):
    save_state(folder / "a.pt", {"seed": 1}, {"epoch": 2, "weights": torch.arange(5.0), "memory": {}})
    return folder / "a.pt", read_state


def checkpoint(folder: Path):
    return write_file(folder / "a.pt", {"name": "a"}, {"w": torch.arange(5.0), "n": torch.tensor(1)}), read_file


def safetensors(folder: Path):
    return write_file(folder / "a.safetensors", {"name": "a"}, {"w": torch.arange(5.0)}), read_file


def suite(folder: Path):
    head = "name: s\nversion: 1\nimages: 5\nepsilons: {digits: {linf: 0.1}}\n"
    (folder / "a.yaml").write_text(f"{head}attacks:\n  - {{attack: fgsm, norm: linf}}\n")
    return folder / "a.yaml", lambda path: load_suite(path, scale="digits")


def printed(folder: Path):
    (folder / "a.csv").write_text(",".join(COLUMNS) + "\nTable 1,digits,cnn,at,pgd,accuracy,50.5,é\n")
    return folder / "a.csv", read_published


#: Readers of files with a checksum, and of what people write themselves, where another letter is another text.
SUMMED: tuple[Kind, ...] = (
    stored_adversarials,
    sample_images,
    record,
    manifest,
    marker,
    state,
    checkpoint,
    safetensors,
)
WRITTEN: tuple[Kind, ...] = (suite, printed)


def same(one: Any, other: Any) -> bool:
    if hasattr(one, "__dict__"):
        return type(one) is type(other) and same(vars(one), vars(other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, np.ndarray | torch.Tensor):
        return one.dtype == other.dtype and one.shape == other.shape and bool((one == other).all())
    return bool(one == other)


def flips(path: Path, count: int | None) -> Iterator[int]:
    """The file with one bit flipped, every bit or `count` of them; whole again at the end."""
    whole = path.read_bytes()
    bits = range(8 * len(whole))
    chosen = bits if count is None else sorted(random.Random(0).sample(bits, min(count, len(bits))))
    for bit in chosen:
        content = bytearray(whole)
        content[bit // 8] ^= 1 << bit % 8
        path.write_bytes(content)
        yield bit
    path.write_bytes(whole)


@pytest.mark.parametrize("kind", [*SUMMED, *WRITTEN])
@pytest.mark.parametrize("count", [150, pytest.param(None, marks=[pytest.mark.slow, pytest.mark.timeout(3000)])])
def test_a_flipped_bit_is_found_and_named_or_does_no_harm(tmp_path: Path, kind: Kind, count: int | None) -> None:
    path, read = kind(tmp_path)
    whole, found, tried = read(path), 0, 0
    for bit in flips(path, count):
        tried += 1
        try:
            got = read(path)
        except (Damaged, BadInput) as error:
            assert path.name in str(error), f"bit {bit}"  # noqa: PT017 (both ends are right)
            assert len(str(error)) < 1000, f"bit {bit}"  # noqa: PT017
            found += 1
        else:
            assert kind in WRITTEN or same(got, whole), f"bit {bit} is read as something else"
    assert same(read(path), whole)
    assert found > tried / 5
