"""Arrays, tensors and torch's datasets as data to evaluate on."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils import data as torch_data

import benchmark
from benchmark.data import Dataset, load
from benchmark.errors import BadInput, Notice

DRAW = np.random.default_rng(0)
BYTES = DRAW.integers(0, 256, (6, 3, 10, 12), dtype=np.uint8)
LABELS = np.array([0, 1, 2, 0, 1, 2])


def test_arrays_stay_in_their_order_with_their_values():
    data = benchmark.Dataset.from_arrays(BYTES, LABELS, name="mine", classes=["a", "b", "c"])
    assert (data.name, data.num_classes, data.shape, data.class_names) == ("mine", 3, (3, 10, 12), ("a", "b", "c"))
    assert torch.equal(data.test.images, torch.from_numpy(BYTES))
    assert data.test.labels.tolist() == LABELS.tolist()
    assert not data.can_train
    other = Dataset.from_arrays(torch.from_numpy(BYTES), torch.from_numpy(LABELS).to(torch.uint8), name="other")
    assert other.digest == data.digest


@pytest.mark.parametrize(
    ("images", "layout"),
    [
        (BYTES.transpose(0, 2, 3, 1), "NHWC"),
        (BYTES.astype(np.float64) / 255, None),
        ((BYTES / 255).astype(">f4"), None),
        (torch.from_numpy(BYTES).double() / 255, "NCHW"),
        (BYTES[:, :, ::-1][:, :, ::-1], None),
    ],
)
def test_layouts_and_kinds_of_numbers(images, layout):
    data = Dataset.from_arrays(images, LABELS[:, None], layout=layout)
    x, _ = data.test.batch(slice(None))
    assert torch.allclose(x, torch.from_numpy(BYTES).float() / 255)
    assert data.shape == (3, 10, 12)


def test_a_layout_that_is_plain_is_found_and_said():
    with pytest.warns(Notice, match="read as images×height×width×channels"):
        assert Dataset.from_arrays(BYTES.transpose(0, 2, 3, 1), LABELS).shape == (3, 10, 12)
    assert Dataset.from_arrays(BYTES[:, 0], LABELS).shape == (1, 10, 12)  # grey
    for shape in ((6, 16, 16, 16), (6, 12, 32, 32)):
        with pytest.raises(BadInput, match="say layout="):
            Dataset.from_arrays(np.zeros(shape, np.uint8), LABELS)
    assert Dataset.from_arrays(np.zeros((6, 16, 16, 16), np.uint8), LABELS, layout="NCHW").shape == (16, 16, 16)


@pytest.mark.parametrize(
    ("images", "labels", "options", "message"),
    [
        (BYTES.astype(float), LABELS, {}, "divide them by 255"),
        (BYTES / 255 - 0.5, LABELS, {}, "undo their normalisation"),
        (np.where(BYTES > 9, np.nan, 0.0), LABELS, {}, "NaN"),
        (np.full_like(BYTES, np.inf, dtype=float), LABELS, {}, "infinite"),
        (BYTES.astype(int), LABELS, {}, "int64.* x / 255$"),
        (BYTES.astype(np.uint16) * 257, LABELS, {}, "uint16.* x / 65535$"),
        (np.where(BYTES > 3, 1, 0), LABELS, {}, "int64.* x / 1$"),
        (BYTES[:, :, :6], LABELS, {}, "sides are too short.* 8 pixels"),
        (BYTES[:, :1, :1, :1], LABELS, {}, "sides are too short.* 8 pixels"),
        (BYTES > 3, LABELS, {}, "bool"),
        (BYTES.astype(complex), LABELS, {}, "complex"),
        (torch.from_numpy(BYTES).to(torch.complex64), LABELS, {}, "complex64.* x / 255$"),
        (BYTES.astype(object), LABELS, {}, "object"),
        (BYTES[..., 0, 0], LABELS, {}, "shape"),
        (BYTES[:0], LABELS[:0], {}, "no images"),
        (BYTES[:, :, :4], LABELS, {"layout": "NCHW"}, "8 to 1024"),
        (BYTES.tolist(), LABELS, {}, "NumPy array"),
        (BYTES, LABELS[:5], {}, "5 labels for 6 images"),
        (BYTES, LABELS / 1, {}, "whole numbers"),
        (BYTES, LABELS - 1, {}, "negative"),
        (BYTES, np.eye(3, dtype=int)[LABELS], {}, "argmax"),
        (BYTES, LABELS, {"classes": 2}, "labels run from 0 to 2"),
        (BYTES, LABELS, {"classes": "abc"}, "list of names"),
        (BYTES, LABELS * 0, {"classes": 1}, "only one class"),
        (BYTES, LABELS, {"layout": "CHW"}, "layout must be"),
        (BYTES, None, {}, "labels is a NoneType"),
    ],
)
def test_what_is_wrong_is_one_clear_error(images, labels, options, message):
    with pytest.raises(BadInput, match=message) as caught:
        Dataset.from_arrays(images, labels, **options)
    assert "\n" not in str(caught.value)


class Items(torch_data.Dataset):
    """A dataset of given items."""

    def __init__(self, items, **attributes) -> None:
        self.items, self.read = items, []
        vars(self).update(attributes)

    def __len__(self):
        return len(self.items)

    def __getitem__(self, place):
        self.read.append(place)
        return self.items[place]


class Stream(torch_data.IterableDataset):
    def __iter__(self):
        for number in range(10**9):
            yield torch.full((1, 8, 8), 0.5), number % 2


def picture(place: int) -> Image.Image:
    return Image.fromarray(BYTES[place].transpose(1, 2, 0))


@pytest.mark.parametrize(
    "item",
    [
        lambda place: (torch.from_numpy(BYTES[place]), int(LABELS[place])),
        lambda place: (picture(place), torch.tensor(LABELS[place])),
        lambda place: [BYTES[place].transpose(1, 2, 0), LABELS[place], "more"],
        lambda place: {"image": picture(place), "label": int(LABELS[place])},
    ],
    ids=["tensor", "PIL", "array", "mapping"],
)
def test_every_kind_of_item(item):
    data = Items([item(place) for place in range(6)], targets=LABELS, classes=["a", "b", "c"])
    found = Dataset.from_torch(data)
    assert found.class_names == ("a", "b", "c")
    assert sorted(found.test.labels[:3].tolist()) == [0, 1, 2]  # in every prefix an even share of each class
    taken = [int(place) for place in data.read[::1]]
    order = list(dict.fromkeys(taken))
    assert torch.equal(found.test.images, torch.from_numpy(BYTES[order]))
    assert found.test.labels.tolist() == LABELS[order].tolist()


def test_only_as_many_items_are_read_as_are_asked_for():
    test = load("digits").test
    items = [(test.images[place], int(test.labels[place])) for place in range(100)]
    data = Items(items)
    first, whole = Dataset.from_torch(data, images=10), Dataset.from_torch(data)
    assert len(first.test) == 10
    assert torch.equal(first.test.images, whole.test.images[:10])
    assert len(Dataset.from_torch(Stream(), images=7).test) == 7
    sorted_items = Items(sorted(items, key=lambda item: item[1]), targets=sorted(label for _, label in items))
    part = torch_data.Subset(torch_data.ConcatDataset([sorted_items, sorted_items]), range(150))
    assert sorted(Dataset.from_torch(part, images=10).test.labels.tolist()) == list(range(10))
    tensors = torch_data.TensorDataset(test.images, test.labels)
    assert sorted(Dataset.from_torch(tensors, images=20).test.labels.tolist()) == sorted([*range(10)] * 2)


GOOD = (torch.zeros(1, 8, 8), 0)


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([], "no items"),
        ([GOOD, (torch.zeros(1, 8, 9), 0)], "one size"),
        ([(torch.zeros(1, 8, 8) - 1, 0)], "normalisation"),
        ([(torch.zeros(1, 8, 8).fill_(torch.nan), 0)], "NaN"),
        ([(torch.zeros(8), 0)], "channels × height × width"),
        ([(torch.zeros(1, 8, 8, dtype=torch.int64), 0)], "int64"),
        ([("name.png", 0)], "its image is a str"),
        ([(picture(0).convert("P"), 0)], "mode P"),
        ([(GOOD[0], 1.5)], "label is 1.5"),
        ([(GOOD[0], -1)], "label is -1"),
        ([(GOOD[0], "cat")], "label is 'cat'"),
        ([(GOOD[0], True)], "label is True"),
        ([GOOD[0]], "not an image with its label"),
        ([{"x": 1}], "not an image and a label"),
        (None, "TypeError"),
    ],
)
def test_items_that_are_none(items, message):
    with pytest.raises(BadInput, match=message) as caught:
        Dataset.from_torch(Items(items) if items is not None else Broken([GOOD]))
    assert "\n" not in str(caught.value)


class Broken(Items):
    def __getitem__(self, place):
        raise TypeError("no such item")


class Random(Items):
    def __getitem__(self, place):
        return torch.rand(1, 8, 8), 0


def test_random_items_are_refused():
    with pytest.raises(BadInput, match="another image when it is read again"):
        Dataset.from_torch(Random([GOOD] * 3))


def test_training_asks_for_training_images(tmp_path):
    data = Dataset.from_arrays(BYTES, LABELS, scale="cifar10")
    with pytest.raises(BadInput, match="no training images"):
        benchmark.train("natural", dataset=data, out=tmp_path)


@pytest.mark.parametrize("names", [["a", "a"], ["a", "b\n"], ["a", "\x1b[2J"], ["a", "\u202eb"], ["a", " "]])
def test_names_of_classes_are_different_and_can_be_seen(names: list[str]) -> None:
    with pytest.raises(BadInput, match=r"two classes are called 'a'|can't be seen"):
        Dataset.from_arrays(torch.rand(4, 1, 8, 8), torch.arange(4) % 2, classes=names)


class Listed(torch_data.Dataset):
    """Items with labels made of those that the dataset tells of, as `target_transform` of torchvision does."""

    classes = ("cat", "dog", "lorry", "ship")

    def __init__(self, targets, made, image=lambda place: torch.full((1, 8, 8), place / 100)) -> None:
        self.targets, self.made, self.image = targets, made, image

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, place: int):
        return self.image(place), self.made(self.targets[place])


def test_labels_that_are_made_of_others_have_none_of_their_classes():
    targets = [0, 1, 2, 3] * 5
    usual = Dataset.from_torch(Listed(targets, lambda label: label))
    assert (usual.num_classes, usual.class_names) == (4, Listed.classes)
    coarse = Dataset.from_torch(Listed(targets, lambda label: label // 2))
    assert (coarse.num_classes, coarse.class_names, coarse.counted) == (2, ("0", "1"), True)
    finer = Dataset.from_torch(Listed(targets, lambda label: label + 4))
    assert finer.num_classes == 8
    part = torch_data.Subset(Listed(targets, lambda label: label // 2), range(10))
    assert Dataset.from_torch(part, images=6).num_classes == 2
    named = Dataset.from_torch(Listed(targets, lambda label: label // 2), classes=["animal", "vehicle"])
    assert named.class_names == ("animal", "vehicle")


def test_a_change_that_leaves_most_images_alone_is_found():
    """As a flip of every other image does, which leaves two of them as they were once in four times."""
    draws = np.random.default_rng(0)

    def seldom(place: int) -> torch.Tensor:
        image = torch.rand(1, 8, 8, generator=torch.Generator().manual_seed(place))
        return image.flip(2) if draws.random() < 0.2 else image

    for _ in range(40):
        with pytest.raises(BadInput, match="is another image when it is read again"):
            Dataset.from_torch(Listed([0, 1] * 20, lambda label: label, seldom))


def test_labels_that_change_are_found():
    draws = np.random.default_rng(0)
    with pytest.raises(BadInput, match="when it is read again; give each item one label"):
        Dataset.from_torch(Listed([0, 1] * 20, lambda label: int(draws.integers(2))))


@pytest.mark.parametrize(
    ("images", "said"),
    [
        ((BYTES > 100).astype(np.uint8), "uint8, and none has a value beyond 1 of 255"),
        ((BYTES / 255**2).astype(np.float32), "divided by 255 twice, do so once"),
        (BYTES, ""),
        ((BYTES > 100).astype(np.float32), ""),
        (BYTES // 128 * 2, ""),
        (np.zeros_like(BYTES), ""),  # which another doubt is about
    ],
)
def test_images_that_are_all_but_black_are_said(images, said):
    """Whoever thresholds images gets zeros and ones, which are no white in bytes."""
    given = torch_data.TensorDataset(torch.from_numpy(images), torch.from_numpy(LABELS))
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(360, 3))
    takers = (
        lambda: Dataset.from_arrays(images, LABELS),
        lambda: Dataset.from_torch(given),
        lambda: benchmark.attack(net, images, LABELS, "fgsm", epsilon=0.1),
    )
    for taker in takers:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            taker()
        told = [str(each.message) for each in caught if "nearly black" in str(each.message)]
        assert len(told) == bool(said)
        assert said in "".join(told)
