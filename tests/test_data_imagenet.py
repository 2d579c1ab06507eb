"""ImageNet's validation images, as published and in folders of classes; a thousand classes are evaluated."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from evaluation_toys import write_suite
from PIL import Image
from scipy.io import savemat
from torch import nn

import benchmark
from benchmark.data import load
from benchmark.data.imagenet import CLASSES
from benchmark.errors import BadInput


@pytest.fixture(autouse=True)
def kept(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("BENCHMARK_DATA", str(tmp_path / "kept"))
    return tmp_path / "kept"


NAMES = [f"n{10**7 + 7 * number:08}" for number in range(CLASSES)]


@pytest.fixture(scope="module")
def classes(tmp_path_factory) -> Path:
    """ImageNet's validation images in folders, one image a class, the size of which tells the class."""
    root = tmp_path_factory.mktemp("imagenet")
    for number, name in enumerate(NAMES):
        folder = root / "val" / name
        folder.mkdir(parents=True)
        Image.new("RGB", (20, 16), (number % 250, number // 250, 7)).save(
            folder / f"ILSVRC2012_val_{number + 1:08}.JPEG", "PNG"
        )
    return root


def numbers(images: torch.Tensor) -> list[int]:
    return (images[:, 0, 0, 0].long() + 250 * images[:, 1, 0, 0].long()).tolist()


def test_imagenet_in_folders_of_classes(classes):
    found = load("imagenet?crop=12", data_dir=classes, images=50)
    assert (found.name, found.scale, found.shape, found.num_classes) == (
        "imagenet?crop=12",
        "imagenet",
        (3, 12, 12),
        1000,
    )
    assert found.test.labels.tolist() == numbers(found.test.images)
    assert len(set(found.test.labels.tolist())) == 50
    assert load(f"imagenet:{classes / 'val'}?crop=12", images=50).digest == found.digest


def test_imagenet_as_published(classes, tmp_path):
    """The kit numbers classes in an order of its own; labels are in that of the names."""
    flat, kit = tmp_path / "val", tmp_path / "ILSVRC2012_devkit_t12" / "data"
    flat.mkdir()
    kit.mkdir(parents=True)
    for file in (classes / "val").rglob("*.JPEG"):
        (flat / file.name).symlink_to(file)
    order = np.random.default_rng(0).permutation(CLASSES)  # the kit's number of each class, less one
    synsets = np.zeros(CLASSES + 3, dtype=[("ILSVRC2012_ID", object), ("WNID", object)])
    for place, name in enumerate(NAMES):
        synsets[order[place]] = (order[place] + 1, name)
    for extra in range(3):
        synsets[CLASSES + extra] = (CLASSES + extra + 1, f"n{extra:08}")
    savemat(kit / "meta.mat", {"synsets": synsets})
    (kit / "ILSVRC2012_validation_ground_truth.txt").write_text("".join(f"{order[n] + 1}\n" for n in range(CLASSES)))
    found = load("imagenet?crop=12", data_dir=tmp_path, images=50)
    assert found.class_names == tuple(NAMES)
    assert found.test.labels.tolist() == numbers(found.test.images)
    (kit / "meta.mat").write_bytes(b"no such file")
    with pytest.raises(BadInput, match=r"meta.mat can't be read"):
        load("imagenet?crop=12", data_dir=tmp_path, images=50)
    shutil.rmtree(kit)
    with pytest.raises(BadInput, match="unpack the development kit"):
        load("imagenet?crop=12", data_dir=tmp_path, images=50)


def test_what_is_not_imagenet(classes, tmp_path):
    with pytest.raises(BadInput, match="--resize 256 --crop 224"):
        load("imagenet", data_dir=classes, images=5)
    with pytest.raises(BadInput, match="no validation images of ImageNet"):
        load("imagenet?crop=12", data_dir=tmp_path, images=5)
    (tmp_path / "val").mkdir()
    for name in NAMES[:10]:
        (tmp_path / "val" / name).symlink_to(classes / "val" / name)
    with pytest.raises(BadInput, match="can be read as folder:"):
        load("imagenet?crop=12", data_dir=tmp_path, images=5)


class Thousand(nn.Module):
    """A linear network of 1,000 classes that knows the images above."""

    def forward(self, x):
        red, green = (255 * x[:, channel].mean((1, 2)) for channel in (0, 1))
        found = red + 250 * green
        return -((found[:, None] - torch.arange(CLASSES, device=x.device)) ** 2) / 50


def test_a_thousand_classes_are_evaluated(classes, tmp_path):
    suite = write_suite(tmp_path, "  - {attack: fgsm, norm: linf}\n", images=30)
    (found,) = benchmark.evaluate(
        Thousand(), dataset="imagenet", data_dir=classes, crop=12, suite=suite, scale="digits",
        results=tmp_path / "results", progress=False,
    )  # fmt: skip
    assert found.dataset["name"] == "imagenet?crop=12"
    assert found.clean_errors.sum() == 0
    assert found.outcomes[0].broken.mean() > 0.5
