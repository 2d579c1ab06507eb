"""mini-ImageNet as its users have it: both layouts give the same data, its parts of classes are put together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmark.data import load
from benchmark.errors import BadInput

PARTS = {"train": ("n03", "n01"), "val": ("n04",), "test": ("n02",)}
EACH = 12


def picture(class_name: str, number: int, size: tuple[int, int] = (8, 8)) -> Image.Image:
    level = EACH * int(class_name[1:]) + number
    return Image.fromarray(np.full((*size, 3), level, np.uint8))


def write_lists(root: Path) -> Path:
    (root / "images").mkdir(parents=True)
    for part, classes in PARTS.items():
        lines = ["filename,label"]
        for name in classes:
            for number in range(EACH):
                file = f"{name}{number:08}.png"
                picture(name, number).save(root / "images" / file)
                lines.append(f"{file},{name}")
        (root / f"{part}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


def write_folders(root: Path) -> Path:
    for part, classes in PARTS.items():
        for name in classes:
            (root / part / name).mkdir(parents=True)
            for number in range(EACH):
                picture(name, number).save(root / part / name / f"{name}{number:08}.png")
    return root


def test_both_layouts_give_all_classes_and_a_sixth_of_each_to_test(tmp_path: Path) -> None:
    lists = load(f"mini-imagenet:{write_lists(tmp_path / 'a' / 'mini-imagenet').parent}")
    folders = load(f"mini-imagenet:{write_folders(tmp_path / 'b')}")
    for data in (lists, folders):
        assert data.class_names == ("n01", "n02", "n03", "n04")
        assert data.test.labels.bincount().tolist() == [EACH // 6] * 4
        assert len(data.train) + len(data.validation) == 4 * (EACH - EACH // 6)
        # A picture's grey level tells its class, and which one it is.
        parts = (data.train, data.validation, data.test)
        levels = torch.cat([part.images[:, 0, 0, 0] for part in parts]).long()
        labels = torch.cat([part.labels for part in parts])
        assert len(levels.unique()) == len(levels) == 4 * EACH
        assert torch.equal(levels // EACH - 1, labels)
    assert lists.digest == folders.digest


def test_what_is_amiss_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no mini-ImageNet in"):
        load(f"mini-imagenet:{tmp_path}")
    root = write_lists(tmp_path / "a")
    (root / "val.csv").write_text("filename,label\n../../secret.png,n04\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"val\.csv:2: .*no name of a picture"):
        load(f"mini-imagenet:{root}")
    (root / "val.csv").write_text("filename,label\ngone.png,n04\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"val\.csv:2: there is no picture"):
        load(f"mini-imagenet:{root}")
    (root / "val.csv").write_text("file,class\n", encoding="utf-8")
    with pytest.raises(BadInput, match="columns must be filename and label"):
        load(f"mini-imagenet:{root}")
    (root / "val.csv").write_text((root / "train.csv").read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(BadInput, match="the class n01 is in several"):
        load(f"mini-imagenet:{root}")


def test_pictures_of_many_sizes_need_a_view(tmp_path: Path) -> None:
    root = write_folders(tmp_path / "a")
    picture("n01", 0, (12, 20)).save(root / "train" / "n01" / "other.png")
    with pytest.raises(BadInput):
        load(f"mini-imagenet:{root}")
    assert load(f"mini-imagenet:{root}?resize=8&crop=8").shape == (3, 8, 8)
