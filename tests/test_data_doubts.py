"""Images that are there more than once are counted and said, of every dataset that is loaded."""

from __future__ import annotations

import dataclasses
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from evaluation_toys import save, write_suite
from picture_trees import write_tree
from PIL import Image

from benchmark.data import DATASETS, Dataset, Split, load
from benchmark.data.doubts import MOST_REPEATED, doubts
from benchmark.errors import Notice
from benchmark.evaluation import evaluate
from benchmark.evaluation import target as targets


def dataset(train: list[int], validation: list[int], test: list[int]) -> Dataset:
    """A dataset whose images are blank, each at its level."""

    def split(levels: list[int]) -> Split:
        images = torch.tensor(levels, dtype=torch.uint8)[:, None, None, None].expand(-1, 1, 8, 8).contiguous()
        return Split(images, torch.arange(len(levels)) % 2)

    splits = {"train": split(train), "validation": split(validation), "test": split(test)}
    return Dataset(name="toy", num_classes=2, shape=(1, 8, 8), class_names=("a", "b"), scale="digits", **splits)


def said(name: str) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = load(name)
    notices = [str(warning.message) for warning in caught if warning.category is Notice]
    assert tuple(notices) == found.notes
    return notices


def test_test_images_that_are_training_images_are_counted():
    assert doubts(dataset([*range(20)], [20, 21], [*range(30, 50)])) == []
    (note,) = doubts(dataset([*range(20)], [20, 21], [3, 21, *range(30, 50)]))
    assert note == (
        "toy: 2 of 22 test images are also training images, pixel by pixel; "
        "how they are classified says little about new ones"
    )
    (note,) = doubts(dataset([*range(20)], [20, 21], [3, *range(30, 50)]))
    assert "1 of 21 test images is also a training image" in note


def test_a_difference_of_one_level_in_one_pixel_is_another_image():
    data = dataset([*range(20)], [20, 21], [3, *range(30, 50)])
    data.test.images[0, 0, 0, 0] += 1
    assert doubts(data) == []


def test_images_in_float_are_compared_as_well():
    data = dataset([*range(20)], [20, 21], [3, *range(30, 50)])
    splits = {
        part: Split(getattr(data, part).images.float() / 255, getattr(data, part).labels)
        for part in ("train", "validation", "test")
    }
    assert len(doubts(dataclasses.replace(data, **splits))) == 1


def test_mostly_identical_images_are_said():
    few = round(MOST_REPEATED * 20)
    assert doubts(dataset([*range(20 - few), *[0] * few], [100, 101], [*range(30, 50)])) == []
    notes = doubts(dataset([*range(9), *[0] * 11], [0, 101], [30] * 20))
    assert notes == [
        "toy: of 22 training images only 10 are distinct",
        "toy: of 20 test images only 1 is distinct",
    ]


def test_digits_give_no_reason_for_doubt():
    """They are not looked at each time they are loaded."""
    assert load("digits").notes == ()
    for name in ("digits", "digits?holdout=0.2"):
        assert doubts(load(name)) == []


def test_any_dataset_that_is_registered_is_looked_at(monkeypatch):
    doubtful = dataset([*range(20)], [20, 21], [3, *range(30, 50)])
    monkeypatch.setitem(DATASETS._own, "doubtful", lambda root, download: doubtful)
    assert len(said("doubtful")) == 1


@pytest.fixture
def tree(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("BENCHMARK_DATA", str(tmp_path / "kept"))
    return write_tree(tmp_path / "tree")


def test_copies_under_another_name_or_format_are_found(tree):
    shutil.copy(tree / "train" / "class-0" / "3.jpg", tree / "test" / "class-0" / "leaked.jpg")
    Image.open(tree / "train" / "class-1" / "4.jpg").save(tree / "test" / "class-1" / "leaked.png")
    (note,) = said(f"folder:{tree}")
    assert "2 of 10 test images are also training images" in note
    assert said(f"folder:{tree}") == [note]  # the second time from the cache


def test_a_tree_of_blank_pictures_is_said(tree):
    for path in tree.rglob("*.jpg"):
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(path)
    shared, training, test = said(f"folder:{tree}")
    assert "8 of 8 test images are also training images" in shared
    assert "of 24 training images only 1 is distinct" in training
    assert "of 8 test images only 1 is distinct" in test


def test_the_evaluation_says_so_to_whoever_reads_its_page(tmp_path, monkeypatch):
    digits = load("digits")
    leaked = Split(
        torch.cat([digits.test.images[:1], digits.train.images]),
        torch.cat([digits.test.labels[:1], digits.train.labels]),
    )
    monkeypatch.setitem(DATASETS._own, "digits", lambda root, download: dataclasses.replace(digits, train=leaked))
    targets.forget()
    suite = write_suite(tmp_path, "  - {attack: fgsm, norm: linf}\n", images=6)
    with pytest.warns(Notice, match="is also a training image"):
        (found,) = evaluate(save(tmp_path), suite=suite, results=tmp_path / "results", progress=False)
    assert any("1 of 450 test images is also a training image" in warning for warning in found.warnings)
