"""A star in a table stands: the number is significantly higher than all lower ones, of which there are some."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.papers.marks import Candidate, marks


def made(*counts: int, images: int = 100) -> Candidate:
    """Robust on the first so many images, with each of several seeds."""
    by_seed = np.stack([(np.arange(images) < count).astype(float) for count in counts])
    return Candidate(round(100 * by_seed.mean(), 1), by_seed)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((80, 50, 20), ["best", "second", ""]),
        ((20, 80, 50), ["", "best", "second"]),
        ((80, 79, 20), ["", "second", ""]),
        ((80, 50, 49), ["best", "", ""]),
        ((80, 80, 20), ["best", "best", ""]),
        ((80, 40), ["best", ""]),
        ((80, 79, 78), ["", "", ""]),
        ((80,), [""]),
        ((80, 80), ["", ""]),
    ],
)
def test_only_what_stands_is_marked(counts: tuple[int, ...], expected: list[str]) -> None:
    assert marks([made(count) for count in counts]) == expected


def test_who_takes_no_part_has_no_mark() -> None:
    assert marks([None, made(80), None, made(40)]) == ["", "best", "", ""]
    assert marks([None, None]) == ["", ""]
    assert marks([]) == []


def test_seeds_that_differ_more_than_methods_leave_no_mark() -> None:
    """By the images alone 80 of 100 beat 60; two seeds 15 points apart say nothing of the kind."""
    assert marks([made(79, 80, 81), made(59, 60, 61)]) == ["best", ""]
    assert marks([made(65, 80, 95), made(45, 60, 75)]) == ["", ""]


def test_where_one_side_has_a_single_seed_the_images_decide() -> None:
    assert marks([made(65, 80, 95), made(30)]) == ["best", ""]


def test_shares_too_fine_to_be_of_seeds_and_threats_are_not_marked() -> None:
    odd = Candidate(50.0, np.full((1, 100), np.sqrt(0.25) + 1e-3))
    assert marks([odd, made(10)]) == ["", ""]
