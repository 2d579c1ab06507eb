"""To evaluate, pictures are read as far as they are used, resized as is said, and need no training images."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from evaluation_toys import trained
from picture_trees import write_tree
from PIL import Image
from torch import nn

import benchmark
from benchmark.data import load, part
from benchmark.data.view import INTERPOLATIONS, View, split_view, with_view
from benchmark.errors import BadInput, Notice
from benchmark.evaluation.image_size import viewed
from benchmark.models import ExternalModel


@pytest.fixture(autouse=True)
def kept(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("BENCHMARK_DATA", str(tmp_path / "kept"))
    return tmp_path / "kept"


@pytest.fixture
def tree(tmp_path) -> Path:
    return write_tree(tmp_path / "tree", classes=3, train=4, test=8)


def test_the_first_images_are_those_of_the_whole(tree):
    whole, first = load(f"folder:{tree}"), load(f"folder:{tree}", images=7)
    assert len(first.test) == 7
    assert not first.can_train
    assert torch.equal(first.test.images, whole.test.images[:7])
    assert torch.equal(first.test.labels, whole.test.labels[:7])
    assert first.class_names == whole.class_names
    everything = load(f"folder:{tree}", images=100)
    assert everything.digest == whole.digest
    assert load(f"folder:{tree}", images=7).digest == first.digest  # from the cache


@pytest.mark.parametrize("flat", [False, True], ids=["test alone", "flat"])
def test_no_training_images_are_needed(tree, flat):
    whole = load(f"folder:{tree}")
    shutil.rmtree(tree / "train")
    root = tree / "test" if flat else tree
    found = load(f"folder:{root}")
    assert found.digest == whole.digest
    assert not found.can_train
    with pytest.raises(BadInput, match="no training images"):
        benchmark.train("natural", dataset=f"folder:{root}", scale="cifar10")


def test_only_the_images_in_use_are_opened(tree, monkeypatch):
    used = load(f"folder:{tree}", images=5)
    opened = []
    real = part.decode
    monkeypatch.setattr(part, "decode", lambda files, *rest: opened.extend(files) or real(files, *rest))
    for path in (tree / "train").rglob("*.jpg"):
        path.write_bytes(b"no picture")
    shutil.rmtree(tree.parent / "kept")
    assert load(f"folder:{tree}", images=5).digest == used.digest
    assert len(opened) == 5
    for path in set((tree / "test").rglob("*.jpg")) - set(opened):
        path.write_bytes(b"no picture")
    assert load(f"folder:{tree}", images=5).digest == used.digest
    with pytest.raises(BadInput, match="can't be read as an image"):
        load(f"folder:{tree}", images=6)


def test_copies_of_training_files_are_found_without_decoding(tree):
    shutil.copy(tree / "train" / "class-0" / "1.jpg", tree / "test" / "class-0" / "copy.jpg")
    with pytest.warns(Notice, match="1 of 25 test images is also a training image, byte by byte"):
        load(f"folder:{tree}", images=100)


def test_grey_is_one_channel_only_if_all_images_are(tree):
    for path in (tree / "test").rglob("*.jpg"):
        Image.open(path).convert("L").save(path)
    assert load(f"folder:{tree}/test", images=3).shape == (1, 8, 8)
    path = tree / "test" / "class-2" / "7.jpg"
    for number in range(6, 8):
        Image.open(tree / "train" / "class-2" / "1.jpg").convert("RGB").save(path.with_name(f"{number}.jpg"))
    assert load(f"folder:{tree}/test", images=3).shape == (3, 8, 8)


def test_a_damaged_or_missing_cache_changes_nothing(tree, kept, monkeypatch):
    before = load(f"folder:{tree}", images=5).digest
    (file,) = (kept / "decoded").glob("*.npy")
    for damage in (
        lambda: file.write_bytes(file.read_bytes()[:200]),
        file.unlink,
        lambda: file.write_bytes(b"x" * 999),
    ):
        damage()
        assert load(f"folder:{tree}", images=5).digest == before
    shutil.rmtree(kept)
    kept.write_text("no folder")
    with pytest.warns(Notice, match="are not kept"):
        assert load(f"folder:{tree}", images=5).digest == before


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda root: (root / "a.png").touch(), "no subfolders"),
        (lambda root: paint(root / "only" / "a.png"), "only one class"),
        (lambda root: paint(root / "test" / "only" / "a.png"), "only one class, only"),
        (lambda root: paint(root / "test" / "in" / "only" / "a.png"), "no images|only one class"),
        (lambda root: [paint(root / "val" / name / "a.png") for name in "ab"], "are the classes in .*val"),
        (lambda root: [paint(root / name / "a" / "a.png") for name in ("training", "Testing")], "hardly classes"),
        (lambda root: [paint(root / "train" / name / "a.png") for name in "ab"], "no folder .*test"),
    ],
)
def test_trees_without_test_images(make, message, tmp_path):
    root = tmp_path / "pictures"
    root.mkdir()
    make(root)
    with pytest.raises(BadInput, match=message):
        load(f"folder:{root}", images=2)


def paint(path: Path, size=(10, 9), seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


SIZES = [(40, 30), (30, 41), (33, 33), (100, 28), (24, 24)]


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_resizing_and_cropping_are_torchvisions(tmp_path, mode):
    from torchvision import transforms

    for number, size in enumerate(SIZES):
        paint(tmp_path / "t" / f"class-{number}" / "a.png", size, number)
    found = load(f"folder:{tmp_path / 't'}?resize=24&crop=17&interpolation={mode}")
    steps = [transforms.Resize(24, transforms.InterpolationMode(mode)), transforms.CenterCrop(17)]
    theirs = transforms.Compose([*steps, transforms.PILToTensor()])
    for image, label in zip(found.test.images, found.test.labels.tolist(), strict=True):
        assert torch.equal(image, theirs(Image.open(tmp_path / "t" / f"class-{label}" / "a.png")))


def test_the_view_is_part_of_the_name_and_the_digest(tree):
    name = f"folder:{tree}?resize=16&crop=12"
    found = load(name, images=6)
    assert (found.name, found.shape) == (name, (3, 12, 12))
    assert load(name).name == name
    assert load(name, images=100).digest == load(name).digest
    assert (
        len(
            {
                load(f"folder:{tree}{view}", images=6).digest
                for view in ("", "?crop=8", "?resize=16", "?resize=16&crop=12")
            }
        )
        == 3
    )


def test_mixed_sizes_name_the_way_out(tmp_path):
    tmp_path = tmp_path / "mixed"
    for number, size in enumerate(SIZES):
        paint(tmp_path / f"class-{number}" / "a.png", size)
    with pytest.raises(BadInput, match="--resize 256 --crop 224"):
        load(f"folder:{tmp_path}", images=5)
    with pytest.raises(BadInput, match="pixels but"):
        load(f"folder:{tmp_path}?resize=20", images=5)
    with pytest.raises(BadInput, match="too few to crop 25"):
        load(f"folder:{tmp_path}?crop=25", images=5)
    paint(tmp_path / "class-9" / "a.png", (2000, 9))
    with pytest.raises(BadInput, match="too long and narrow"):
        load(f"folder:{tmp_path}?resize=20&crop=20", images=6)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cifar10?resize=64", "taken as they are"),
        ("digits?crop=8", "taken as they are"),
        ("folder:x?size=4", "unknown setting of the data 'size'"),
        ("folder:x?resize=4", "from 8 to 1024"),
        ("folder:x?resize=9999999999999999", "from 8 to 1024"),
        ("folder:x?resize=-8", "from 8 to 1024"),
        ("folder:x?resize=", "from 8 to 1024"),
        ("folder:x?resize=10&resize=11", "given twice"),
        ("folder:x?resize=10&crop=11", "crop less"),
        ("folder:x?resize=10x20&crop=11", "crop less"),
        ("folder:x?resize=10x4", "from 8 to 1024, or two of them, 256x256"),
        ("folder:x?resize=10x", "from 8 to 1024"),
        ("folder:x?resize=10x10x10", "from 8 to 1024"),
        ("folder:x?resize=10&interpolation=best", "unknown interpolation"),
    ],
)
def test_views_that_are_none(name, message):
    with pytest.raises(BadInput, match=message):
        load(name)


def test_a_question_mark_may_be_part_of_a_path(tmp_path):
    assert split_view("folder:what?/now?") == ("folder:what?/now?", None)
    assert split_view("folder:what?x?crop=9") == ("folder:what?x", View(crop=9))
    assert split_view(with_view("imagenet", View(256, 224, "bicubic"))) == ("imagenet", View(256, 224, "bicubic"))


def network(view: str) -> ExternalModel:
    return ExternalModel("net", nn.Flatten(), dataset="imagenet", view=view)


def test_whose_view_it_is():
    own = network("resize=232&crop=224")
    assert viewed("imagenet", None, None, own)[0] == "imagenet?resize=232&crop=224"
    assert "as the network's weights ask for" in viewed("imagenet", None, None, own)[1]
    assert viewed("imagenet", 256, 224, own) == ("imagenet?resize=256&crop=224", "")
    assert viewed("imagenet?crop=99", None, None, own) == ("imagenet?crop=99", "")
    assert viewed("folder:x", None, None, own) == ("folder:x", "")
    assert viewed("folder:x", "network", None, own)[0] == "folder:x?resize=232&crop=224"
    assert viewed("folder:x", "256", None, own) == ("folder:x?resize=256", "")
    for name, resize, crop, whose, message in [
        ("folder:x", "network", None, network(""), "does not say"),
        ("folder:x", "network", None, trained(), "does not say"),
        ("folder:x", "network", 9, own, "leave --crop out"),
        ("folder:x", "big", None, own, "shorter side"),
        ("folder:x?crop=9", 9, None, own, "says itself"),
        ("folder:x", None, 7, own, "from 8"),
    ]:
        with pytest.raises(BadInput, match=message):
            viewed(name, resize, crop, whose)


@pytest.mark.parametrize(
    ("settings", "view"),
    [
        ({}, "resize=256&crop=224&interpolation=bicubic"),
        ({"resample": 2}, "resize=256&crop=224"),
        ({"do_center_crop": False}, ""),
        ({"size": {"height": 256, "width": 256}}, "resize=256x256&crop=224&interpolation=bicubic"),  # DeiT
        ({"size": {"height": 224, "width": 192}, "do_center_crop": False, "resample": 2}, "resize=224x192"),  # ViT
        ({"size": {"height": 256, "width": None}}, ""),
        ({"crop_size": {"height": 224, "width": 192}}, ""),
        ({"do_resize": False}, ""),
        ({"resample": 5}, ""),
    ],
)
def test_what_an_image_processor_does_is_the_networks_view(settings, view):
    from benchmark.models.hugging_face import _view

    usual = {"do_resize": True, "size": {"shortest_edge": 256}, "do_center_crop": True, "resample": 3}
    found = _view({**usual, "crop_size": {"height": 224, "width": 224}, **settings})
    assert found == view
    assert not view or str(split_view(f"x?{view}")[1]) == view


def test_both_sides_are_squeezed_whatever_the_picture_was():
    from PIL import Image

    picture = Image.fromarray(np.arange(40 * 20 * 3, dtype=np.uint8).reshape(40, 20, 3))
    for name, size in (("resize=16x24", (24, 16)), ("resize=016x24", (24, 16)), ("resize=16x24&crop=9", (9, 9))):
        _, view = split_view(f"x?{name}")
        assert view.of(picture, "it").size == size
        assert "resize=16x24" in str(view)
    _, view = split_view("x?resize=16x24&interpolation=bicubic")
    expected = picture.resize((24, 16), Image.Resampling.BICUBIC)
    assert np.array_equal(np.asarray(view.of(picture, "it")), np.asarray(expected))


def test_what_timm_and_torchvision_do_is_the_networks_view():
    from torchvision.models import ResNet50_Weights

    from benchmark.models.sources import _timm_view

    usual = {"input_size": (3, 224, 224), "crop_pct": 0.875, "interpolation": "bicubic"}
    assert _timm_view(usual) == "resize=256&crop=224&interpolation=bicubic"
    squashed = _timm_view({**usual, "crop_mode": "squash"})
    assert squashed == "resize=256x256&crop=224&interpolation=bicubic"
    assert _timm_view({**usual, "crop_mode": "border"}) == ""
    assert _timm_view({**usual, "crop_pct": 1.0, "interpolation": "bilinear"}) == "resize=224&crop=224"
    assert ResNet50_Weights.DEFAULT.transforms().interpolation.value in INTERPOLATIONS
