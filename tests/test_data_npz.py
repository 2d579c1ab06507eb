"""`npz:FILE` reads arrays as far as they are used, and believes nothing that they claim."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

import benchmark
from benchmark.data import load
from benchmark.errors import BadInput

DRAW = np.random.default_rng(0)
X = DRAW.integers(0, 256, (12, 3, 8, 9), dtype=np.uint8)
Y = np.arange(12) % 4


def write(path: Path, compressed: bool = False, **arrays) -> str:
    (np.savez_compressed if compressed else np.savez)(path, **arrays)
    return f"npz:{path}"


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(
    "names", [("images", "labels"), ("x_test", "y_test"), ("X", "y"), ("test_images", "test_labels")]
)
def test_arrays_by_the_usual_names(names, compressed, tmp_path):
    data = load(write(tmp_path / "a.npz", compressed, **{names[0]: X, names[1]: Y[:, None], "more": np.arange(3)}))
    assert (data.name, data.shape, data.num_classes, data.scale) == (f"npz:{tmp_path / 'a.npz'}", (3, 8, 9), 4, "")
    assert torch.equal(data.test.images, torch.from_numpy(X))
    assert data.test.labels.tolist() == Y.tolist()


def test_only_the_first_images_are_read(tmp_path):
    many = DRAW.integers(0, 256, (400, 3, 8, 9), dtype=np.uint8)
    names = np.array(["ant", "bee", "cat", "dog"])
    name = write(tmp_path / "a.npz", images=many, labels=np.tile(Y, 100)[:400], classes=names)
    data = load(name, images=3)
    assert torch.equal(data.test.images, torch.from_numpy(many[:3]))
    assert data.class_names == ("ant", "bee", "cat", "dog")
    path = tmp_path / "a.npz"
    content = bytearray(path.read_bytes())
    place = content.find(many[300].tobytes())
    content[place : place + 200] = bytes(200)  # which a reader of everything would notice
    path.write_bytes(content)
    assert torch.equal(load(name, images=3).test.images, torch.from_numpy(many[:3]))
    with pytest.raises(BadInput, match=r"can't be read as an \.npz file"):
        load(name)
    assert load(write(tmp_path / "b.npz", images=X, labels=Y), images=2).num_classes == 4


def test_layouts_orders_and_numbers(tmp_path):
    same = [
        X.transpose(0, 2, 3, 1),
        np.asfortranarray(X),
        X / 255,
        (X / 255).astype(np.float32),
        (X / 255).astype(">f8"),
    ]
    for number, images in enumerate(same):
        for count in (None, 5):
            data = load(write(tmp_path / f"{number}.npz", images=images, labels=Y.astype(np.uint8)), images=count)
            x, _ = data.test.batch(slice(None))
            assert torch.allclose(x, torch.from_numpy(X[:count]).float() / 255)


def test_training_images_are_taken_along_for_training_alone(tmp_path):
    name = write(tmp_path / "a.npz", x_train=np.tile(X, (2, 1, 1, 1)), y_train=np.tile(Y, 2), x_test=X, y_test=Y)
    whole = load(name)
    assert (len(whole.train), len(whole.validation), len(whole.test)) == (20, 4, 12)
    assert not load(name, images=12).can_train
    assert load(name, images=12).digest == whole.digest


class Evil:
    def __reduce__(self):
        return (pytest.fail, ("it was run",))


def header(shape: str, kind: str = "|u1") -> bytes:
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def forge(path: Path, **entries: bytes) -> str:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(f"{name}.npy", content)
    return f"npz:{path}"


def plain(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: write(path, images=np.array([Evil()] * 12), labels=Y), "Python objects"),
        (lambda path: write(path, images=X, labels=Y.astype(object)), "Python objects"),
        (lambda path: write(path, a=X, b=Y), "name its arrays images and labels"),
        (lambda path: write(path), "name its arrays"),
        (lambda path: write(path, images=X, labels=Y[:5]), "12 images but labels.npy 5 labels"),
        (lambda path: write(path, images=X, labels=Y / 2), "whole numbers"),
        (lambda path: write(path, images=X, labels=Y - 5), "negative"),
        (lambda path: write(path, images=X, labels=Y, classes=np.array(["a", "b"])), "labels run from 0 to 3"),
        (lambda path: write(path, images=X, labels=Y, classes=np.arange(4)), "no list of names"),
        (lambda path: write(path, images=X * 1.0, labels=Y), "divide them by 255"),
        (lambda path: write(path, images=np.full(X.shape, np.nan), labels=Y), "NaN"),
        (lambda path: write(path, images=X.astype("U3"), labels=Y), "not of numbers"),
        (lambda path: write(path, images=X.astype([("a", "u1")]), labels=Y), "not of numbers"),
        (lambda path: write(path, images=X.astype(complex), labels=Y), "not of numbers"),
        (lambda path: write(path, images=X.ravel()[:12], labels=Y), "shape"),
        (lambda path: write(path, images=np.float32(3), labels=np.int64(1)), "shape|images"),
        (lambda path: write(path, images=X[:, :, :6], labels=Y), r"a\.npz: images has .* sides are too short"),
        (lambda path: write(path, images=np.zeros((12, 8, 8, 8)), labels=Y), r"from_arrays\(.*layout='NCHW'"),
        (lambda path: write(path, images=X[:0], labels=Y[:0]), "no images"),
        (lambda path: write(path, images=X, labels=np.zeros((12, 10**4), np.int8)), "no list of labels"),
        (lambda path: forge(path, images=header("(9000000000, 3, 9, 9)"), labels=plain(Y)), "claims to hold"),
        (lambda path: forge(path, images=header("(12, 3, 8, 9)"), labels=plain(Y)), "claims to hold"),
        (lambda path: forge(path, images=header("(-1, 3, 8, 9)"), labels=plain(Y)), "claims|can't be read"),
        (lambda path: forge(path, images=plain(X)[:60], labels=plain(Y)), "can't be read"),
        (lambda path: forge(path, images=b"", labels=plain(Y)), "can't be read"),
        (lambda path: forge(path, images=plain(X), labels=b"\x93NUMPY\x09\x09" + bytes(99)), "can't be read"),
        (lambda path: path.write_bytes(b"PK no zip") and f"npz:{path}", "can't be read"),
        (lambda path: path.mkdir() or f"npz:{path}", "no file"),
        (lambda path: f"npz:{path}", "no file"),
        (lambda path: "npz:", "says no place behind its colon"),
    ],
)
@pytest.mark.parametrize("images", [None, 4])
def test_what_is_wrong_is_one_clear_error(make, message, images, tmp_path):
    name = make(tmp_path / "a.npz")
    with pytest.raises(BadInput, match=message) as caught:
        load(name, images=images)
    assert "\n" not in str(caught.value)


def test_an_array_larger_than_memory_is_refused(tmp_path, monkeypatch):
    name = write(tmp_path / "a.npz", images=X, labels=Y)
    monkeypatch.setattr("benchmark.data.npz._memory", lambda: 1000)
    with pytest.raises(BadInput, match="more than this machine's memory"):
        load(name)
    assert len(load(name, images=2).test) == 2


def test_training_from_arrays(tmp_path):
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(40) % 2
    x = torch.rand(40, 1, 8, 8, generator=generator) / 2 + y.view(-1, 1, 1, 1) / 2
    data = benchmark.Dataset.from_arrays(x[:8], y[:8], name="bright", classes=["dark", "bright"], train=(x, y))
    recipe = {"epochs": 1, "batch_size": 16}
    (path,) = benchmark.train("natural", dataset=data, out=tmp_path, set=recipe, scale="digits", progress=False)
    checkpoint = benchmark.load_model(path)
    assert (checkpoint.dataset, checkpoint.classes) == ("bright", ("dark", "bright"))


@pytest.mark.parametrize("label", [100_000, 10**9, 2**62])
def test_no_class_is_made_for_each_number_below_a_label_that_is_none(label, tmp_path):
    with pytest.raises(BadInput, match="is no place of a class"):
        load(write(tmp_path / "a.npz", images=X, labels=np.full(12, label)))
    with pytest.raises(BadInput, match="is no place of a class"):
        benchmark.Dataset.from_arrays(X, np.full(12, label))
    with pytest.raises(BadInput, match="more than the 100,000"):
        benchmark.Dataset.from_arrays(X, Y, classes=label + 1)


@pytest.mark.parametrize("name", ["", " ", None, 3])
def test_data_that_is_called_nothing_is_refused(name):
    with pytest.raises(BadInput, match="is no name"):
        benchmark.Dataset.from_arrays(X, Y, name=name)


@pytest.mark.parametrize(
    "name", ["npz:", "folder:", "folder-on-white:", "hf:", "imagenet:", "cifar10:", "npz:?crop=8"]
)
def test_a_place_that_is_empty_is_not_the_cache(name):
    """`folder:$UNSET` would be read from all that the cache holds."""
    with pytest.raises(BadInput, match=r"says no place behind its colon; write [a-z0-9-]+:PATH"):
        load(name)


@pytest.mark.parametrize("name", ["digits:", "digits:elsewhere"])
def test_a_place_that_nothing_is_read_from_is_not_passed_over(name):
    with pytest.raises(BadInput, match="lie nowhere else; write digits"):
        load(name)
