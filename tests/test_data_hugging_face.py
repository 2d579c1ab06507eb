"""`hf:` reads what the library `datasets` gives: a stand-in for it, and the library itself where it is installed."""

from __future__ import annotations

import json
import os
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from benchmark.data import load
from benchmark.errors import BadInput

DRAW = np.random.default_rng(0)
PIXELS = [DRAW.integers(0, 256, (10, 12, 3), dtype=np.uint8) for _ in range(12)]
LABELS = [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]
NAMES = ["ant", "bee", "cat"]


class Image:
    """A column of images."""


class Value:
    """A column of numbers."""


class ClassLabel:
    """A column of classes."""

    def __init__(self, names) -> None:
        self.names = names


class Table:
    """One split; it notes which images are decoded."""

    def __init__(self, features=None, pictures=None, labels=LABELS, split=None) -> None:
        self.features = {"img": Image(), "label": ClassLabel(NAMES), "id": Value()} if features is None else features
        self.pictures = [Pillow.fromarray(pixels) for pixels in PIXELS] if pictures is None else pictures
        self.labels, self.split, self.decoded = labels, split, []

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, key):
        if isinstance(key, str):
            return self.labels
        self.decoded.append(key)
        picture = self.pictures[key]
        if isinstance(picture, Exception):
            raise picture
        return {next(iter(self.features)): picture, "label": self.labels[key]}

    def select_columns(self, names):
        return self


class DatasetDict(dict):
    """Several splits."""


@pytest.fixture
def library(monkeypatch):
    """A stand-in; what it `gives` is loaded, whatever is asked for."""
    stub = types.ModuleType("datasets")
    stub.config = types.ModuleType("datasets.config")
    stub.config.HF_HUB_OFFLINE = False
    stub.gives, stub.asked = Table(), []
    stub.DatasetDict = DatasetDict
    stub.disable_progress_bars = stub.enable_progress_bars = lambda: None

    def load_dataset(*words, **options):
        stub.asked.append((words, options, os.environ.get("HF_HUB_OFFLINE"), stub.config.HF_HUB_OFFLINE))
        if isinstance(stub.gives, Exception):
            raise stub.gives
        return stub.gives

    stub.load_dataset = stub.load_from_disk = load_dataset
    monkeypatch.setitem(sys.modules, "datasets", stub)
    monkeypatch.setitem(sys.modules, "datasets.config", stub.config)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    return stub


def test_the_test_split_is_read_as_far_as_it_is_used(library):
    table = Table()
    library.gives = DatasetDict(train=Table(), test=table)
    data = load("hf:someone/animals", images=6)
    assert (data.name, data.class_names, data.shape) == ("hf:someone/animals", tuple(NAMES), (3, 10, 12))
    assert sorted(data.test.labels.tolist()) == [0, 0, 1, 1, 2, 2]
    assert len(table.decoded) == 6
    expected = np.stack([PIXELS[place].transpose(2, 0, 1) for place in table.decoded])
    assert torch.equal(data.test.images, torch.from_numpy(expected))
    assert data.notes == ()
    assert not data.can_train
    whole = load("hf:someone/animals")
    assert torch.equal(whole.test.images[:6], data.test.images)


def test_nothing_is_fetched_unless_it_is_asked_for(library):
    load("hf:someone/animals", images=2)
    load("hf:someone/animals", images=2, download=True)
    assert [call[2:] for call in library.asked] == [("1", True), (None, False)]
    assert all("trust_remote_code" not in call[1] for call in library.asked)
    assert library.config.HF_HUB_OFFLINE is False
    assert "HF_HUB_OFFLINE" not in os.environ


def test_a_folder_is_read_by_the_names_of_its_files(library, tmp_path):
    for name in ("data/train-0.parquet", "data/test-0.parquet", "data/test-1.parquet", "script.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    load(f"hf:{tmp_path}", images=2)
    ((words, options, *_),) = library.asked
    assert words == ("parquet",)
    assert {split: len(files) for split, files in options["data_files"].items()} == {"test": 2, "train": 1}


def test_images_are_resized_and_grey_ones_have_one_channel(library):
    library.gives = Table(pictures=[Pillow.fromarray(pixels[..., 0]) for pixels in PIXELS], split="validation")
    data = load("hf:x?resize=9&crop=8", images=4)
    assert (data.name, data.shape) == ("hf:x?resize=9&crop=8", (1, 8, 8))
    assert "the split validation" in data.notes[0]


OTHER = Pillow.fromarray(PIXELS[0][:9])


@pytest.mark.parametrize(
    ("gives", "message"),
    [
        (FileNotFoundError("no such data\nmore"), "pass --download"),
        (DatasetDict(train=Table(), extra=Table()), "none of them test or validation"),
        (Table({"text": Value(), "label": ClassLabel(NAMES)}), "one column of images"),
        (Table({"a": Image(), "b": Image(), "label": Value()}), "one column of images"),
        (Table({"img": Image(), "name": Value()}), "one of labels"),
        (Table(labels=[-1] * 12), "label -1"),
        (Table(labels=[None] * 12), "label None"),
        (Table(labels=[]), "label"),
        (Table(labels=[0, 1, 7] * 4), "labels run from 0 to 7"),
        (Table(pictures=[OTHER, *(Pillow.fromarray(pixels) for pixels in PIXELS[1:])]), "--resize 256 --crop 224"),
        (Table(pictures=[OSError("broken")] * 12), "broken"),
        (Table(pictures=[Pillow.new("RGBA", (12, 10))] * 12), "not opaque"),
    ],
)
def test_what_is_wrong_is_one_clear_error(gives, message, library):
    library.gives = gives
    with pytest.raises(BadInput, match=message) as caught:
        load("hf:x")
    assert "\n" not in str(caught.value)


def test_what_is_not_there(library, tmp_path, monkeypatch):
    with pytest.raises(BadInput, match="no parquet files"):
        load(f"hf:{tmp_path}")
    with pytest.raises(BadInput, match="there is no folder"):
        load(f"hf:{tmp_path / 'nowhere'}")
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(BadInput, match="pip install datasets"):
        load("hf:x")


def test_the_library_itself(tmp_path, monkeypatch):
    pytest.importorskip("datasets")
    parquet, arrow = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "kept"))
    features = {"img": {"_type": "Image"}, "label": {"names": NAMES, "_type": "ClassLabel"}}
    pictures = []
    for number, pixels in enumerate(PIXELS):
        Pillow.fromarray(pixels).save(tmp_path / f"{number}.png")
        pictures.append({"bytes": Path(tmp_path / f"{number}.png").read_bytes(), "path": f"{number}.png"})
    table = arrow.table({"img": pictures, "label": arrow.array(LABELS, arrow.int64())})
    told = json.dumps({"info": {"features": features}})
    (tmp_path / "data").mkdir()
    parquet.write_table(table.replace_schema_metadata({"huggingface": told}), tmp_path / "data" / "test-0.parquet")
    data = load(f"hf:{tmp_path / 'data'}", images=6)
    assert data.class_names == tuple(NAMES)
    expected = {pixels.transpose(2, 0, 1).tobytes(): label for pixels, label in zip(PIXELS, LABELS, strict=True)}
    assert [expected[image.numpy().tobytes()] for image in data.test.images] == data.test.labels.tolist()
