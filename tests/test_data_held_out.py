"""A part of the training images in place of the test images: none of them is a test image, none is trained on."""

from __future__ import annotations

import pytest
import torch

from benchmark.data import Dataset, load
from benchmark.errors import BadInput
from benchmark.held_out_names import split_holdout, with_holdout
from benchmark.training.decision import decide


def rows(*parts) -> set[bytes]:
    return {image.numpy().tobytes() for part in parts for image in part.images}


def test_a_fifth_of_the_training_images_stands_in_place_of_the_test_images() -> None:
    whole, part = load("digits"), load("digits?holdout=0.2")
    assert len(part.test) == pytest.approx(0.2 * (len(whole.train) + len(whole.validation)), abs=5)
    assert len(part.train) + len(part.validation) + len(part.test) == len(whole.train) + len(whole.validation)
    assert not rows(part.test) & rows(part.train, part.validation)
    assert rows(part.test) <= rows(whole.train, whole.validation)
    assert (part.name, part.scale) == ("digits?holdout=0.2", "digits")
    assert torch.equal(part.test.images, load("digits?holdout=0.2").test.images)


def test_every_class_gives_its_share() -> None:
    part = load("digits?holdout=0.2")
    share = part.test.labels.bincount() / (part.train.labels.bincount() + part.validation.labels.bincount())
    assert torch.allclose(share, torch.full((10,), 0.25), atol=0.02)


@pytest.mark.parametrize("share", ["0", "1", "1.5", "-0.2", "nan", "a fifth", ""])
def test_what_is_no_share_is_refused(share: str) -> None:
    with pytest.raises(BadInput, match="between 0 and 1"):
        load(f"digits?holdout={share}")


def test_names_read_back() -> None:
    for name in ("cifar10", "folder:a?b", "folder:pictures?resize=64&crop=56"):
        assert split_holdout(with_holdout(name, 0.2)) == (name, 0.2)


def test_without_training_images_there_is_nothing_to_hold_out(tmp_path) -> None:
    import numpy as np

    np.savez(tmp_path / "test.npz", images=np.zeros((4, 3, 8, 8), np.uint8), labels=np.array([0, 1, 0, 1]))
    with pytest.raises(BadInput, match="no training images"):
        load(f"npz:{tmp_path / 'test.npz'}?holdout=0.2")


def test_a_recipe_gives_the_part_what_it_gives_the_whole() -> None:
    """CIFAR-100's α holds for its part, too; matched by name, it would fall back to CIFAR-10's."""
    whole = load("digits")
    found = []
    for name in ("cifar100", "cifar100?holdout=0.2"):
        data = Dataset(name, 10, whole.shape, whole.class_names, whole.train, whole.validation, whole.test, "cifar10")
        found.append(decide("mat", data, "small-cnn", "paper", {}, None, None, _unsaid())[1].settings["alpha"])
    assert found == [0.45, 0.45]


def _unsaid():
    from benchmark.scales import UNSAID

    return UNSAID
