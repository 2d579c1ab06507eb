"""Splits are fixed, stratified and disjoint; what contradicts itself is refused."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from evaluation_toys import save, write_suite

from benchmark.data import DATASETS, Dataset, Split, load
from benchmark.data import digits as digits_file
from benchmark.data.orders import balanced_order, permutation, stratified
from benchmark.errors import BadInput


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("digits")


def toy(images=None, labels=None, **changes) -> Dataset:
    images = torch.rand(6, 1, 8, 8) if images is None else images
    split = Split(images, torch.tensor([0, 1, 0, 1, 0, 1]) if labels is None else labels)
    values = {"name": "toy", "num_classes": 2, "shape": (1, 8, 8), "class_names": ("a", "b"), "scale": "digits"}
    return Dataset(**{**values, "train": split, "validation": split, "test": split, **changes})


def test_the_permutation_is_the_same_everywhere():
    assert permutation(8).tolist() == [0, 2, 1, 5, 4, 3, 6, 7]


def test_a_class_of_one_image_can_not_be_split():
    with pytest.raises(BadInput, match="class 1 has a single training image; add one"):
        stratified(torch.tensor([0, 0, 1]), 0.1)


def test_digits_are_split_once_and_for_all(digits):
    assert (len(digits.train), len(digits.validation), len(digits.test)) == (1211, 136, 450)
    assert digits.test.labels.bincount().tolist() == [44, 46, 44, 46, 45, 46, 45, 45, 44, 45]
    assert digits.digest == "22c531dc925b2a3f3220d7cdb4d3709c6f174a4e034c51878a3932b46c9a7d46"


def test_digits_cover_the_whole_of_scikit_learn_without_overlap(digits):
    rows = torch.cat([part.images.flatten(1) for part in (digits.train, digits.validation, digits.test)])
    from sklearn.datasets import load_digits

    published = torch.from_numpy(load_digits().data).float() / 16
    assert sorted(map(tuple, rows.tolist())) == sorted(map(tuple, published.tolist()))


def test_digits_are_those_of_scikit_learn_wherever_it_keeps_them(monkeypatch):
    """In the order and with the labels that it gives, from its file or, where that has moved, from its function."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    read = digits_file._rows()
    monkeypatch.setattr(digits_file.Path, "is_file", lambda _: False)
    for rows in (read, digits_file._rows()):
        assert (rows[:, :-1] == images).all()
        assert (rows[:, -1] == labels).all()


def test_an_evaluation_on_digits_needs_no_scikit_learn(tmp_path):
    """Nor what it brings, nor does its verification: to import them takes a second, in each process that attacks."""
    suite = write_suite(tmp_path, "  - {attack: fgsm, norm: linf}\n", images=5)
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    code = """
import sys, benchmark
network, suite = sys.argv[1:]
benchmark.evaluate(network, suite=suite, results="results", save_adversarial=True, progress=False)
benchmark.verify("results", network)
print([name for name in ("sklearn", "scipy.optimize", "scipy.stats", "pandas") if name in sys.modules])
"""
    command = [sys.executable, "-c", code, str(save(tmp_path)), str(suite)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=env)
    assert done.stdout.strip() == "[]", done.stderr


def test_digits_are_read_once_and_everybody_has_their_own(monkeypatch):
    """From a text, for 50 ms each time."""
    first = load("digits")
    monkeypatch.setattr(digits_file, "_rows", None)
    first.test.images.zero_()
    first.train.labels.zero_()
    again = load("digits")
    assert again.digest == "22c531dc925b2a3f3220d7cdb4d3709c6f174a4e034c51878a3932b46c9a7d46"


def test_digits_are_pixels_in_the_unit_interval(digits):
    x, y = digits.train.batch([0, 5])
    assert x.shape == (2, 1, 8, 8)
    assert (x.dtype, y.dtype) == (torch.float32, torch.int64)
    assert float(digits.train.images.amax()) == 1.0


def test_any_prefix_of_the_test_order_is_balanced(digits):
    for n in (10, 50, 200, 400):
        counts = digits.test.first(n).labels.bincount(minlength=10)
        assert counts.max() - counts.min() == 0


def test_a_class_that_runs_out_leaves_the_others_balanced():
    labels = torch.tensor([0] * 2 + [1] * 9 + [2] * 9)
    ordered = labels[balanced_order(labels)]
    assert sorted(ordered[:6].tolist()) == [0, 0, 1, 1, 2, 2]
    assert ordered[6:12].bincount().tolist() == [0, 3, 3]
    assert sorted(balanced_order(labels).tolist()) == list(range(20))


def test_every_class_is_on_both_sides_of_a_split():
    labels = torch.tensor([0] * 2 + [1] * 50)
    rest, part = stratified(labels, 0.1)
    assert labels[rest].unique().tolist() == labels[part].unique().tolist() == [0, 1]
    assert sorted([*rest.tolist(), *part.tolist()]) == list(range(52))
    assert labels[part].bincount().tolist() == [1, 5]


def test_bytes_become_fractions_only_in_a_batch():
    split = Split(torch.tensor([0, 51, 255], dtype=torch.uint8).view(3, 1, 1, 1), torch.zeros(3, dtype=torch.int64))
    torch.testing.assert_close(split.batch(slice(None))[0].flatten(), torch.tensor([0, 0.2, 1]))
    assert split.images.dtype == torch.uint8


@pytest.mark.parametrize("as_bytes", [True, False])
def test_moments_are_those_of_the_training_split(as_bytes):
    images = torch.randint(0, 256, (6, 3, 8, 8), dtype=torch.uint8)
    images[:, 2] = 7
    scaled = images.float() / 255
    dataset = toy(images if as_bytes else scaled, shape=(3, 8, 8))
    torch.testing.assert_close(torch.tensor(dataset.mean), scaled.mean((0, 2, 3)))
    torch.testing.assert_close(torch.tensor(dataset.std[:2]), scaled[:, :2].std((0, 2, 3), correction=0))
    assert dataset.std[2] == 1.0  # a constant channel is not divided by zero


def test_the_digest_is_that_of_the_test_split_alone():
    images = torch.rand(6, 1, 8, 8)
    other = Split(images.flip(0), torch.tensor([0, 1, 0, 1, 0, 1]))
    assert toy(images).digest == toy(images, train=other).digest != toy(images, test=other).digest


@pytest.mark.parametrize("n", [0, -1, 7])
def test_only_as_many_as_there_are_can_be_taken(n):
    with pytest.raises(BadInput, match="from 1 to 6"):
        toy().test.first(n)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": torch.full((6, 1, 8, 8), 1 + 2**-23)}, r"\[0, 1\] but run from 1.0000001 to 1.0000001; .*clip"),
        ({"images": torch.full((6, 1, 8, 8), 1.01)}, r"\[0, 1\] but run from 1.01 to 1.01; divide"),
        ({"images": torch.full((6, 1, 8, 8), -0.1)}, r"must lie in \[0, 1\]"),
        ({"images": torch.full((6, 1, 8, 8), float("nan"))}, r"must lie in \[0, 1\]"),
        ({"images": torch.zeros(6, 1, 8, 8, dtype=torch.float64)}, "convert them to uint8 or to float32"),
        ({"images": torch.zeros(5, 1, 8, 8)}, "5 images but 6 labels"),
        ({"images": torch.zeros(6, 3, 8, 8)}, r"shape \[3, 8, 8\], not \[1, 8, 8\]"),
        ({"images": torch.zeros(6, 1, 4, 4), "shape": (1, 4, 4)}, "resize"),
        ({"labels": torch.tensor([0, 1, 2, 0, 1, 2])}, "labels run from 0 to 2, but the 2 classes are 0 to 1"),
        ({"labels": torch.tensor([-1, 1, 0, 0, 1, 1])}, "labels run from -1"),
        ({"labels": torch.zeros(6)}, "one int64 per image"),
        ({"num_classes": 1, "class_names": ("a",)}, "only one class"),
        ({"class_names": ("a", "b", "c")}, "3 class names for 2 classes"),
    ],
)
def test_contradictions_are_refused_with_the_place(changes, message):
    with pytest.raises(BadInput, match=message) as caught:
        toy(**changes)
    assert str(caught.value).startswith("toy")


def test_an_empty_split_is_refused(digits):
    nothing = digits.test[torch.zeros(0, dtype=torch.int64)]
    with pytest.raises(BadInput, match="digits, train split: it has no images"):
        dataclasses.replace(digits, train=nothing)
    assert not len(dataclasses.replace(digits, validation=nothing).validation)  # all are trained on


def test_unknown_names_get_the_nearest():
    with pytest.raises(BadInput, match="did you mean cifar10"):
        load("cifar-10")


def test_every_dataset_of_the_field_is_registered():
    own = {"digits", "cifar10", "cifar100", "mnist", "fashion-mnist", "svhn", "imagenet", "npz", "hf", "folder"}
    assert own <= set(DATASETS.names())


def test_the_text_of_data_names_them_without_their_pixels():
    told = repr(load("digits"))
    assert "Split(450 images of 1×8×8, torch.float32)" in told
    assert "tensor" not in told
    assert len(told) < 500
