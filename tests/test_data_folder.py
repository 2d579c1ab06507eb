"""A tree of pictures is read by ImageFolder's rules, once; a bad tree is refused with the file named."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch
from PIL import Image

from benchmark.data import load, pictures
from benchmark.errors import BadInput


def paint(path, level: int, size=(9, 8), mode="RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, level if mode == "L" else (level, 10, 20)).save(path)


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Three classes, six training and four test images each; every red level says which image it is."""
    monkeypatch.setenv("BENCHMARK_DATA", str(tmp_path / "kept"))
    root = tmp_path / "tree"
    for label, name in enumerate(("ant", "bee", "cat")):
        for number in range(6):
            paint(root / "train" / name / f"{number}.png", 100 + 10 * label + number)
        for number in range(4):
            paint(root / "test" / name / "deep" / f"{number}.PNG", 10 * label + number)
    return root


def refuse_to_decode(*_):
    pytest.fail("decoded again")


def test_the_tree_becomes_a_dataset(tree):
    dataset = load(f"folder:{tree}")
    assert dataset.name == f"folder:{tree}"
    assert (dataset.shape, dataset.class_names, dataset.scale) == ((3, 8, 9), ("ant", "bee", "cat"), "")
    assert dataset.validation.labels.bincount().tolist() == [1, 1, 1]
    reds = torch.cat([dataset.train.images, dataset.validation.images])[:, 0, 0, 0]
    labels = torch.cat([dataset.train.labels, dataset.validation.labels])
    assert torch.equal((reds.long() - 100) // 10, labels)
    assert len(reds.unique()) == 18


def test_test_images_come_balanced_and_always_the_same(tree):
    first, second = load(f"folder:{tree}"), load("folder", data_dir=tree)
    labels = first.test.labels
    assert torch.equal(labels, first.test.images[:, 0, 0, 0].long() // 10)
    for n in (3, 6, 9, 12):
        assert labels[:n].bincount().tolist() == [n // 3] * 3
    assert first.digest == second.digest


def test_agrees_with_image_folder(tree):
    from torchvision.datasets import ImageFolder

    reference = ImageFolder(str(tree / "test"))
    ours = pictures.scan(tree / "test")
    assert [(str(path), label) for path, label in zip(ours.files, ours.labels, strict=True)] == reference.samples
    assert np.array_equal(pictures.decode(ours.files).pixels[5].permute(1, 2, 0).numpy(), np.asarray(reference[5][0]))


def test_decoded_once(tree, monkeypatch):
    first = load(f"folder:{tree}")
    monkeypatch.setattr("benchmark.data.folder.decode", refuse_to_decode)
    again = load(f"folder:{tree}")
    assert torch.equal(first.train.images, again.train.images)


def test_a_changed_file_is_decoded_again(tree):
    before = load(f"folder:{tree}").digest
    changed = tree / "test" / "ant" / "deep" / "0.PNG"
    paint(changed, 250)
    os.utime(changed, ns=(1, 1))
    assert load(f"folder:{tree}").digest != before


def test_a_damaged_cache_is_made_again(tree, tmp_path):
    before = load(f"folder:{tree}").digest
    (kept,) = (tmp_path / "kept" / "decoded").iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(whole[:-100])
    assert load(f"folder:{tree}").digest == before
    assert kept.read_bytes() == whole


def test_goes_on_without_a_place_for_the_cache(tree, monkeypatch):
    monkeypatch.setenv("BENCHMARK_DATA", str(tree / "train" / "ant" / "0.png"))
    with pytest.warns(UserWarning, match="not kept for next time"):
        assert len(load(f"folder:{tree}").test) == 12


def test_grey_pictures_and_hidden_files(tree):
    paint(tree / "train" / "ant" / "grey.png", 7, mode="L")
    (tree / "train" / "ant" / "._0.png").write_bytes(b"a Mac's note")
    (tree / "train" / ".checkpoints").mkdir()
    (tree / "train" / "ant" / "notes.txt").write_text("not a picture")
    dataset = load(f"folder:{tree}")
    assert len(dataset.train) + len(dataset.validation) == 19


def rename(tree, old: str, new: str) -> None:
    (tree / old).rename(tree / new)


def keep_one_class(tree) -> None:
    for part in ("train", "test"):
        for name in ("bee", "cat"):
            rename(tree, f"{part}/{name}", f"{part}/ant/{name}")


def keep_one_image(tree) -> None:
    for number in range(1, 6):
        (tree / "train" / "bee" / f"{number}.png").unlink()


def only_text(tree) -> None:
    for number in range(6):
        rename(tree, f"train/bee/{number}.png", f"train/bee/{number}.txt")


def no_classes(tree) -> None:
    for name in ("ant", "bee", "cat"):
        rename(tree, f"train/{name}", f"{name}-away")


def other_size_in_test(tree) -> None:
    for name in ("ant", "bee", "cat"):
        for number in range(4):
            paint(tree / "test" / name / "deep" / f"{number}.PNG", 1, size=(12, 8))


def cut(path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (8, 9, 3), dtype=np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:-60])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda tree: rename(tree, "test", "val"), r"there is no folder .*test"),
        (no_classes, r"train has no subfolders; put the pictures into one folder per class"),
        (only_text, r"train/bee has no images"),
        (keep_one_class, r"there is only one class, ant"),
        (keep_one_image, r"train/bee has a single image"),
        (lambda tree: rename(tree, "test/cat", "test/cow"), r"different classes; only one of them has cat, cow"),
        (lambda tree: paint(tree / "train/bee/3.png", 1, size=(10, 8)), r"bee/3.png has 10×8 .*ant/0.png has 9×8"),
        (other_size_in_test, r"training images have 9×8 pixels but test images 12×8"),
        (lambda tree: paint(tree / "train/ant/0.png", 1, size=(4, 8)), r"ant/0.png has 4×8 pixels; resize"),
        (lambda tree: (tree / "train/cat/2.png").write_bytes(b"junk"), r"cat/2.png can't be read as an image"),
        (lambda tree: (tree / "train/ant/0.png").write_bytes(b""), r"ant/0.png can't be read as an image"),
        (lambda tree: cut(tree / "train/cat/2.png"), r"cat/2.png can't be read as an image"),
        (lambda tree: Image.new("I;16", (9, 8)).save(tree / "train/cat/2.png"), r"more than 8 bits per channel"),
    ],
)
def test_bad_trees_are_refused(tree, spoil, message):
    spoil(tree)
    with pytest.raises(BadInput, match=message):
        load(f"folder:{tree}")


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(BadInput, match="there is no folder"):
        load(f"folder:{tmp_path / 'nowhere'}")


def test_loops_of_links_end(tree):
    (tree / "train" / "ant" / "loop").symlink_to(tree / "train" / "ant")
    assert len(pictures.scan(tree / "train").files) == 18
