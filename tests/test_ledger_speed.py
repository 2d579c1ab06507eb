"""What keeps a large ledger quick: nothing is read twice, and shortcuts give the numbers of the long way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from benchmark.analysis.distances import is_reached, reached
from benchmark.ledger.classes import _read
from benchmark.statistics.all_pairs import _signed_sums, histograms
from benchmark.statistics.score import histogram


@dataclass
class Found:
    epsilon: float
    distance: np.ndarray
    broken: np.ndarray


@pytest.mark.parametrize("within", [0.05, 0.1, np.float64(np.float32(0.1)), 0.2, 8 / 255])
def test_what_is_reached_within_a_radius_is_what_its_distances_say(within):
    generator = np.random.default_rng(0)
    near = np.array([0.1, 0.05, 0.2, 0, np.inf, 8 / 255], np.float32)
    for epsilon in (0.1, 8 / 255):
        distance = np.concatenate([near, generator.uniform(0, 0.3, 100).astype(np.float32)])
        for broken in (distance <= epsilon, distance < epsilon, generator.integers(0, 2, len(distance)) > 0):
            outcome = Found(epsilon, distance, broken)
            assert np.array_equal(is_reached(outcome, within), reached(outcome) <= within)


@pytest.mark.parametrize("images", [1, 8, 13, 250])
def test_signs_are_the_bits_of_the_generator(images):
    centred = np.random.default_rng(1).normal(size=(3, images))
    (sums,) = _signed_sums(centred, 5, 7, 3)
    octets = np.random.default_rng(5).integers(0, 256, (7, -(-images // 8)), np.uint8)
    signs = 2 * np.unpackbits(octets, axis=1, count=images).astype(np.float32) - 1
    assert np.array_equal(sums, centred.astype(np.float32) @ signs.T)


@pytest.mark.parametrize("parts", [1, 2, 3, 4, 5])
def test_differences_of_all_pairs_are_counted_as_those_of_each(parts):
    generator = np.random.default_rng(2)
    table = np.mean([generator.integers(0, 2, (6, 300)) for _ in range(parts)], axis=0)
    one, other = np.triu_indices(6, k=1)
    pairs = [histogram(table[row], table[column], parts) for row, column in zip(one, other, strict=True)]
    assert np.array_equal(histograms(table, parts), pairs)


def test_labels_that_are_no_numbers_are_refused():
    assert _read("0 -1 12").tolist() == [0, -1, 12]
    for wrong in ("0 x 1", "0  1 2", "1.5 2"):
        with pytest.raises((ValueError, DeprecationWarning)):
            _read(wrong)
