"""What older records learn of their stored images: only what these show, and nothing else of them changes."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from benchmark.evaluation.adding_classes import from_record, from_stored, lacks_classes
from benchmark.evaluation.judge import asked
from benchmark.evaluation.judging import SINGLE, Judging
from benchmark.evaluation.shard import Shard
from benchmark.ledger.predictions import UNKNOWN
from benchmark.ledger.record import Record
from benchmark.ledger.stored_adversarials import StoredAdversarials, write_stored_adversarials
from benchmark.threats import Threat

ITEM = SimpleNamespace(threat=Threat("linf", 0.5), attack=SimpleNamespace(kind="minimum-norm"))


class Steps(nn.Module):
    """Class 0, 1 or 2 where the first pixel is below 0.3742, between, or above 0.6992; `noise` is added to it."""

    def __init__(self, noise: float = 0.0) -> None:
        super().__init__()
        self.noise = noise

    def forward(self, x):
        first = x.flatten(1)[:, :1] + self.noise * torch.rand(len(x), 1)
        return -(first - torch.tensor([0.2, 0.5484, 0.85])).abs()


def network(labels, model=None, judging=SINGLE):
    """One whose images are of class 0 for it, whatever their labels."""
    model, x, y = model or Steps(), torch.full((len(labels), 1, 1, 2), 0.3), torch.tensor(labels)
    logits, share, answers = asked(model, x, y, judging.verdict_passes, 0 if judging.is_random else None)
    shard = Shard(x, y, share >= 0.5, logits, share, answers)
    return SimpleNamespace(model=model, judging=judging, shard=lambda start, stop: shard)


def stored(path, first_pixels, width=2):
    """Images with these first pixels, by their rows."""
    images = np.full((len(first_pixels), 1, 1, width), 0.3, np.float32)
    images[:, 0, 0, 0] = list(first_pixels.values())
    write_stored_adversarials(path, StoredAdversarials(np.array([*first_pixels], np.int64), images))
    return path


def record(distance, wrong=(), left_out=(), **more):
    images = len(distance)
    distance = np.array(distance, np.float32)
    return Record(
        key={"data": {"digest": "d", "start": 0, "stop": images}},
        broken=distance <= 0.5,
        distance=distance,
        evaluated=~np.isin(np.arange(images), left_out),
        clean_errors=np.isin(np.arange(images), wrong),
        no_answer=np.zeros(images, bool),
        info={},
        **more,
    )


#: Stored; broken, but not stored; stored, but not adversarial; not broken; not tried; misclassified without attack.
ROWS = record([0.2, 0.2, 0.2, np.inf, np.inf, 0], wrong=[5], left_out=[4])
LABELS = [0, 0, 0, 0, 0, 1]
IMAGES = {0: 0.5, 2: 0.35, 4: 0.5}


def test_a_class_is_told_where_it_is_known(tmp_path):
    found = from_stored(ROWS, network(LABELS), ITEM, stored(tmp_path / "a.npz", IMAGES))
    assert found.clean_class.tolist() == [0] * 6
    assert found.adversarial_class.tolist() == [1, UNKNOWN, UNKNOWN, 0, UNKNOWN, 0]


def test_what_a_record_tells_already_stays(tmp_path):
    told = np.array([2, UNKNOWN, 2, UNKNOWN, UNKNOWN, 0])
    before = replace(ROWS, clean_class=np.zeros(6, np.int64), adversarial_class=told)
    found = from_stored(before, network(LABELS), ITEM, stored(tmp_path / "a.npz", IMAGES))
    assert found.adversarial_class.tolist() == [2, UNKNOWN, 2, 0, UNKNOWN, 0]


@pytest.mark.parametrize(
    ("first_pixels", "width"), [({0: 0.5}, 3), ({-1: 0.5, 0: 0.5}, 2), ({0: 0.5, 6: 0.5}, 2)], ids=str
)
def test_images_of_another_size_or_place_tell_nothing(first_pixels, width, tmp_path):
    found = from_stored(ROWS, network(LABELS), ITEM, stored(tmp_path / "a.npz", first_pixels, width))
    assert found.adversarial_class.tolist() == [UNKNOWN, UNKNOWN, UNKNOWN, 0, UNKNOWN, 0]


def test_a_damaged_file_and_none_tell_nothing(tmp_path):
    path = tmp_path / "a.npz"
    missing = from_stored(ROWS, network(LABELS), ITEM, path)
    path.write_bytes(b"no images")
    damaged = from_stored(ROWS, network(LABELS), ITEM, path)
    for found in (missing, damaged):
        assert found.adversarial_class.tolist() == [UNKNOWN, UNKNOWN, UNKNOWN, 0, UNKNOWN, 0]


def test_a_stored_image_is_judged_as_it_is(tmp_path):
    """Another rounding to eight bits would make it 95/255, which is not adversarial."""
    asked_in_eight_bits = network([0], judging=Judging(eight_bit=True))
    found = from_stored(record([0.0744]), asked_in_eight_bits, ITEM, stored(tmp_path / "a.npz", {0: 0.3744}))
    assert found.adversarial_class.tolist() == [1]


def test_a_random_network_answers_the_same_whenever_it_is_asked(tmp_path):
    images = 64
    path = stored(tmp_path / "a.npz", dict.fromkeys(range(images), 0.31))
    random = network([1] * images, Steps(noise=0.13), Judging(verdict_passes=3))
    told = [from_stored(record([0.1] * images), random, ITEM, path).adversarial_class.tolist() for _ in range(2)]
    assert told[0] == told[1]
    assert len({*told[0]}) > 1


def test_only_images_that_were_tried_lack_a_class():
    assert lacks_classes(ROWS)
    told = np.array([1, 1, 1, 0, UNKNOWN, 0])
    assert not lacks_classes(replace(ROWS, clean_class=np.zeros(6, np.int64), adversarial_class=told))
    told[0] = UNKNOWN
    assert lacks_classes(replace(ROWS, clean_class=np.zeros(6, np.int64), adversarial_class=told))


def test_the_same_attack_made_once_more_tells_the_class_of_the_same_image_alone():
    """Of the first it is the same; the second is known, the third is farther, the fourth on the other side of ε."""
    before = record([0.2, 0.2, 0.2, 0.5], clean_class=np.zeros(4, np.int64))
    before = replace(before, adversarial_class=np.array([UNKNOWN, 1, UNKNOWN, UNKNOWN]))
    again = replace(before, adversarial_class=np.full(4, 2), distance=np.array([0.2, 0.2, 0.3, 0.5], np.float32))
    again = replace(again, broken=np.array([True, True, True, False]))
    assert from_record(before, again).adversarial_class.tolist() == [2, 1, UNKNOWN, UNKNOWN]
