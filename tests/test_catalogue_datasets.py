"""The card of a data set says of it what loading it gives."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from picture_trees import write_tree
from torchvision import datasets

from benchmark import catalogue
from benchmark.catalogue.datasets import loaded
from benchmark.catalogue.published import PUBLISHED
from benchmark.data import DATASETS, Dataset, Split
from benchmark.data.splits import hold_out_validation
from benchmark.recipes.recipe import load_recipe

#: How many training images of each class were published, where classes differ in size.
SIZES = {
    "mnist": [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
    "svhn": [4948, 13861, 10585, 8497, 7458, 6882, 5727, 5595, 5045, 4659],
}


def test_the_digits_are_as_their_card_says():
    told, found = catalogue.show("digits", kind="datasets"), loaded("digits")
    assert told["kind"] == "dataset"
    own = {"memory", "notes", "radii"}
    assert {key: told[key] for key in found.keys() - own} == {key: found[key] for key in found.keys() - own}
    assert told["radii"] == f"of the scale {found['radii']}"
    assert told["splits"] == {"train": 1211, "validation": 136, "test": 450}
    assert told["licence"]


@pytest.mark.parametrize("name", [name for name in PUBLISHED if name != "digits"])
def test_as_many_images_are_held_out_as_the_card_says(name):
    facts, told = PUBLISHED[name], catalogue.show(name, kind="datasets")
    sizes = torch.tensor(SIZES.get(name) or [facts.train // told["classes"]] * told["classes"])
    assert sizes.sum() == facts.train
    labels = torch.arange(told["classes"]).repeat_interleave(sizes)
    train, validation = hold_out_validation(Split(torch.zeros(facts.train, 1, 1, 1), labels))
    assert told["splits"] == {"train": len(train), "validation": len(validation), "test": facts.test}
    assert facts.scale in load_recipe("quick").threats
    assert len(facts.mean) == len(facts.std) == facts.shape[0]


def test_classes_are_called_as_the_loaders_call_them():
    assert list(PUBLISHED["mnist"].classes) == datasets.MNIST.classes
    assert list(PUBLISHED["fashion-mnist"].classes) == datasets.FashionMNIST.classes


def test_every_data_set_of_the_package_has_a_card():
    told = {name: catalogue.show(name, kind="datasets") for name in DATASETS.names() if not DATASETS.is_plug_in(name)}
    assert set(PUBLISHED) <= told.keys()
    for card in told.values():
        assert {"description", "normalisation"} <= card.keys()
        assert "splits" in card or "not loaded" in card  # files that are not here


def test_a_folder_and_its_card(tmp_path):
    write_tree(tmp_path / "pictures", classes=3, train=6, test=2)
    card = catalogue.show(f"folder:{tmp_path / 'pictures'}")
    assert (card["kind"], card["classes"], card["shape"]) == ("dataset", 3, [3, 8, 8])
    assert card["class names"] == ["class-0", "class-1", "class-2"]
    assert card["splits"] == {"train": 15, "validation": 3, "test": 6}
    assert card["radii"].startswith("none of its own")
    assert "not loaded" in catalogue.show(f"folder:{tmp_path / 'nothing'}")


def test_a_data_set_of_another_package_is_described_by_its_files(monkeypatch):
    images = Split(torch.full((4, 2, 8, 8), 0.5), torch.tensor([0, 1, 0, 1]))

    def stripes(root, download):
        """Stripes."""
        return Dataset("stripes", 2, (2, 8, 8), ("a", "b"), images, images, images)

    monkeypatch.setitem(DATASETS._own, "stripes", stripes)
    card = catalogue.show("stripes")
    assert card["description"] == "Stripes."
    assert card["images"] == "2 channels, 8×8 pixels"
    assert (card["mean"], card["std"]) == ([0.5, 0.5], [1.0, 1.0])


def test_what_is_published_is_told_without_torch():
    code = "import sys; from benchmark.catalogue.datasets import dataset_card; dataset_card({'name': 'cifar10'}); "
    code += "print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("name", ["imagenet", "npz", "hf"])
def test_sources_of_images_have_a_card_without_any(name):
    card = catalogue.show(name, kind="datasets")
    assert card["splits"]
    assert "not loaded" not in card


def test_data_without_training_images_has_no_statistics_of_them(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.zeros((4, 1, 8, 8), np.uint8), labels=np.arange(4))
    card = loaded(f"npz:{tmp_path / 'a.npz'}")
    assert card["splits"] == {"train": 0, "validation": 0, "test": 4}
    assert not {"mean", "std", "validation"} & set(card)
