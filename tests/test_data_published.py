"""Published files are read where they lie, and never fetched unasked."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch

from benchmark.data import load
from benchmark.errors import BadInput


def write_idx(path, values: np.ndarray) -> None:
    """The idx format of MNIST: two zeros, the type (8 is uint8), the rank, big-endian sizes, the bytes."""
    path.write_bytes(bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">i4").tobytes() + values.tobytes())


def fake_mnist(folder, seed: int = 0) -> dict[str, np.ndarray]:
    folder.mkdir(parents=True)
    random = np.random.default_rng(seed)
    arrays = {}
    for part, n in (("train", 60), ("t10k", 20)):
        arrays[f"{part}-images-idx3-ubyte"] = random.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        arrays[f"{part}-labels-idx1-ubyte"] = (np.arange(n) % 10).astype(np.uint8)
    for name, values in arrays.items():
        write_idx(folder / name, values)
    return arrays


@pytest.mark.parametrize(("name", "folder"), [("mnist", "MNIST"), ("fashion-mnist", "FashionMNIST")])
def test_mnist_is_read_in_its_published_order(tmp_path, name, folder):
    arrays = fake_mnist(tmp_path / folder / "raw")
    dataset = load(name, data_dir=tmp_path)
    assert (dataset.shape, dataset.num_classes, dataset.scale) == ((1, 28, 28), 10, "mnist")
    assert len(dataset.train) + len(dataset.validation) == 60
    assert dataset.validation.labels.bincount().tolist() == [1] * 10
    torch.testing.assert_close(dataset.test.images[:, 0], torch.from_numpy(arrays["t10k-images-idx3-ubyte"]))
    assert dataset.test.labels.tolist() == [*range(10)] * 2


@pytest.mark.parametrize(("name", "classes"), [("cifar10", 10), ("cifar100", 100)])
def test_cifar_is_read_in_its_published_order(tmp_path, monkeypatch, name, classes):
    from torchvision.datasets import CIFAR10, CIFAR100

    kind = CIFAR10 if name == "cifar10" else CIFAR100
    monkeypatch.setattr(kind, "_check_integrity", lambda self: True)
    monkeypatch.setattr(kind, "_load_meta", lambda self: setattr(self, "classes", [f"c{i}" for i in range(classes)]))
    folder = tmp_path / kind.base_folder
    folder.mkdir()
    random = np.random.default_rng(0)
    key = "labels" if name == "cifar10" else "fine_labels"
    for file, _ in kind.train_list + kind.test_list:
        n = 2 * classes
        batch = {"data": random.integers(0, 256, (n, 3072), dtype=np.uint8), key: [i % classes for i in range(n)]}
        (folder / file).write_bytes(pickle.dumps(batch))
    dataset = load(f"{name}:{tmp_path}")
    assert (dataset.shape, dataset.num_classes, dataset.scale) == ((3, 32, 32), classes, "cifar10")
    assert len(dataset.train) + len(dataset.validation) == 2 * classes * len(kind.train_list)
    torch.testing.assert_close(dataset.test.images, torch.from_numpy(batch["data"].reshape(-1, 3, 32, 32)))
    assert dataset.test.images.dtype == torch.uint8


def test_svhn_is_read_in_its_published_order(tmp_path, monkeypatch):
    from scipy.io import savemat
    from torchvision.datasets import SVHN

    monkeypatch.setattr(SVHN, "_check_integrity", lambda self: True)
    images = np.random.default_rng(0).integers(0, 256, (32, 32, 3, 40), dtype=np.uint8)
    labels = np.arange(40).reshape(-1, 1) % 10 + 1  # as published, the digit 0 is class 10
    for part in ("train", "test"):
        savemat(tmp_path / f"{part}_32x32.mat", {"X": images, "y": labels})
    dataset = load("svhn", data_dir=tmp_path)
    assert (dataset.shape, dataset.num_classes) == ((3, 32, 32), 10)
    assert dataset.test.labels[:10].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]
    torch.testing.assert_close(dataset.test.images[3], torch.from_numpy(images[..., 3].transpose(2, 0, 1)))


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "mnist", "fashion-mnist", "svhn"])
def test_missing_files_are_not_fetched_but_explained(tmp_path, monkeypatch, name):
    monkeypatch.setenv("BENCHMARK_DATA", str(tmp_path))
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("went to the network"))
    with pytest.raises(BadInput, match="--download") as caught:
        load(name)
    assert str(tmp_path) in str(caught.value)


def test_a_damaged_file_is_bad_input(tmp_path):
    fake_mnist(tmp_path / "MNIST" / "raw")
    (tmp_path / "MNIST" / "raw" / "t10k-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03junk")
    with pytest.raises(BadInput, match="mnist is not"):
        load("mnist", data_dir=tmp_path)


def test_a_failed_download_is_bad_input(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError("no route to host")

    monkeypatch.setattr("torchvision.datasets.cifar.download_and_extract_archive", refuse)
    with pytest.raises(BadInput, match=r"can't be fetched into .*no route to host"):
        load("cifar10", data_dir=tmp_path, download=True)
