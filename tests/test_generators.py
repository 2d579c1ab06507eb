"""Two who draw from the global generators neither see nor move each other's stream."""

from __future__ import annotations

import contextlib
import random

import numpy as np
import torch

from benchmark.generators import OwnGenerators


def draws() -> tuple[float, float, float]:
    return float(torch.rand(())), float(np.random.rand()), random.random()  # noqa: NPY002


def seed(number: int) -> None:
    torch.manual_seed(number)
    np.random.seed(number)  # noqa: NPY002
    random.seed(number)


def test_an_owner_starts_where_the_seed_says():
    with OwnGenerators(5):
        first = draws()
    with OwnGenerators(6):
        assert draws() != first
        seed(5)
        assert draws() == first


def test_nothing_outside_moves_whatever_happens_within():
    seed(1)
    expected = draws(), draws()
    seed(1)
    found = draws()
    with contextlib.suppress(ZeroDivisionError), OwnGenerators(6):
        seed(7)
        1 / (draws()[0] * 0)
    assert (found, draws()) == expected


def test_an_owner_goes_on_where_it_was_left():
    own = OwnGenerators(3)
    with own:
        together = draws(), draws()
    own = OwnGenerators(3)
    with own:
        first = draws()
    draws()
    with own:
        assert (first, draws()) == together


def test_entries_may_be_nested():
    outer, inner = OwnGenerators(1), OwnGenerators(2)
    with OwnGenerators(1):
        expected = draws(), draws()
    with outer:
        first = draws()
        with inner:
            draws()
        assert (first, draws()) == expected
