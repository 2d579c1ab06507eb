"""Networks that are made up, so that what is true of them is known: the flags that tests of differences are given."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Floats = NDArray[np.float64]


class Setting(NamedTuple):
    """How networks are made up: their accuracies, and what share of an image's difficulty they have in common."""

    name: str
    common: float
    accuracy: Callable[[int], Floats]


def equal(accuracy: float) -> Callable[[int], Floats]:
    return lambda networks: np.full(networks, accuracy)


def board(networks: int) -> Floats:
    """Accuracies as on a leaderboard: groups of equal networks, 3 in 10 of 0.5, 1 of 0.4, 5 of 0.2, 1 of 0.05."""
    if networks == 2:
        return np.array([0.5, 0.4])
    groups = np.repeat([0.5, 0.4, 0.2, 0.05], [3, 1, 5, 1])
    return np.repeat(groups, networks // 10)


ALIKE = Setting("equal, a third of the images differ", 0.5, equal(0.5))


TWINS = Setting("equal, 6 % of the images differ", 0.98, equal(0.5))


CLEAN = Setting("equal, accuracy 97 %", 0.7, equal(0.97))


BOARD = Setting("groups, as on a board", 0.5, board)


def draw(setting: Setting, networks: int, images: int, generator: np.random.Generator, threats: int = 1) -> Floats:
    """M×N means of flags under so many threats, which a network's own difficulty of an image has in common."""
    shared, own = generator.standard_normal(images), generator.standard_normal((networks, images, 1))
    if threats > 1:
        own = (own + generator.standard_normal((networks, images, threats))) / np.sqrt(2)
    hard = np.sqrt(setting.common) * shared[:, None] + np.sqrt(1 - setting.common) * own
    return np.asarray((hard < ndtri(setting.accuracy(networks))[:, None, None]).mean(2))
