"""The best of several is worth less than it looks: held by how often the corrected interval is right."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import chi2, norm, t

from benchmark.statistics import selection
from benchmark.statistics.mcnemar import mcnemar
from benchmark.statistics.ravg_interval import equivalent_flags, mean_interval
from benchmark.statistics.seeds import compare_methods
from benchmark.statistics.selection import select
from benchmark.statistics.wilson import wilson


def flags(generator: np.random.Generator, accuracies: np.ndarray, images: int, seeds: int = 1) -> list[np.ndarray]:
    """S×N flags of each candidate: half of the images are as easy for one as for the other."""
    common = generator.random(images)
    own = generator.random((len(accuracies), seeds, images))
    level = np.where(generator.random(images) < 0.5, common, own)
    return [(row < accuracy).astype(float) for row, accuracy in zip(level, accuracies, strict=True)]


@pytest.fixture
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rough answers will do where hundreds are averaged."""
    monkeypatch.setattr(selection, "RESAMPLES", 60)
    monkeypatch.setattr(selection, "DRAWS", 2000)


@pytest.mark.usefixtures("few_draws")
def test_a_choice_between_equals_costs_what_it_adds() -> None:
    """Of nine equal candidates the best looks 4 points better than it is, and Wilson's interval misses."""
    generator = np.random.default_rng(1)
    truth, rounds = np.full(9, 0.6), 150
    optimism, corrected, before, after, false = 0.0, 0.0, 0, 0, 0
    for _ in range(rounds):
        found = select(flags(generator, truth, 134))
        optimism += (found.value - 0.6) / rounds
        corrected += (found.corrected - 0.6) / rounds
        low, high = wilson(found.value * 134, 134)
        before += low <= 0.6 <= high
        after += found.low <= 0.6 <= found.high
        false += found.p < 0.05
    assert optimism > 0.03
    assert abs(corrected) < 0.012
    assert before / rounds < 0.9
    assert after / rounds > 0.95 - 3 * (0.05 * 0.95 / rounds) ** 0.5
    assert false / rounds < 0.05 + 3 * (0.05 * 0.95 / rounds) ** 0.5


def test_a_clear_winner_costs_little() -> None:
    generator = np.random.default_rng(2)
    found = select(flags(generator, np.array([0.3, 0.8, 0.4]), 500))
    assert (found.chosen, found.runner_up) == (1, 2)
    assert found.corrected == pytest.approx(found.value, abs=0.01)
    assert 0 < found.p < 1e-6


def test_p_is_mcnemars_against_the_one_that_is_hardest_to_beat() -> None:
    one, other, third = (np.zeros((1, 60)) for _ in range(3))
    one[:, :40], other[:, 5:38], third[:, 30:60] = 1, 1, 1
    found = select([third, one, other])
    assert (found.chosen, found.runner_up) == (1, 2)
    assert found.difference == pytest.approx(7 / 60)
    assert found.p == pytest.approx(max(mcnemar(7, 0), mcnemar(30, 20)))


def test_of_equals_the_first_is_chosen_and_none_is_better() -> None:
    found = select([np.ones((1, 30))] * 3)
    assert (found.chosen, found.value, found.p) == (0, 1.0, 1.0)
    assert 0.8 < found.low < found.corrected <= found.high == 1.0


def test_candidates_that_agree_on_every_image_cost_nothing() -> None:
    """Then there is nothing to choose, and the interval is that of one."""
    row = (np.arange(400) < 260).astype(float)[None]
    found = select([row, row, row])
    assert (found.low, found.high) == pytest.approx(mean_interval(row[0]), abs=3e-3)


def test_shares_are_as_good_as_flags() -> None:
    generator = np.random.default_rng(4)
    found = select([generator.integers(0, 4, (1, 300)) / 3 for _ in range(4)])
    assert found.low < found.corrected <= found.value < found.high
    assert 0 < found.p <= 1


def is_wilsons(end: float, value: float, quantile: float, flags: float, within: float = 0.03) -> bool:
    """Whether `end` is one of the interval's ends: there the value is just so many standard errors away.

    `within`: what the draws of the largest error may add, as a share.
    """
    return abs(value - end) == pytest.approx(quantile * sqrt(end * (1 - end) / flags), rel=within)


@pytest.mark.parametrize(("others", "quantile"), [(0, norm.ppf(0.975)), (1, norm.ppf(0.975**0.5))])
def test_the_lower_end_holds_for_all_candidates_at_once(others: int, quantile: float) -> None:
    """Two that have nothing in common are two chances to be lucky; what is the same twice is one."""
    first, second = (np.tile(row, 100).astype(float)[None] for row in ([1, 1, 0, 0], [1, 0, 1, 0]))
    found = select([first, second if others else first], 0)
    assert found.value == 0.5
    assert is_wilsons(found.low, 0.5, quantile, 400)
    assert is_wilsons(found.high, 0.5, norm.ppf(0.975), 400)


def test_whom_the_caller_chose_is_judged() -> None:
    row = (np.arange(100) < 60).astype(float)[None]
    found = select([row, row, row], 2)
    assert (found.chosen, found.runner_up) == (2, 0)


def test_the_upper_end_over_few_seeds_by_hand() -> None:
    """Student's t with the freedom of seeds and images, and a variance for the seeds' sake that all share."""
    table = np.array([[[1, 1, 1, 0, 1.0], [1, 0, 1, 0, 0]], [[0, 1, 1, 0, 0], [0, 1, 0, 0, 0]]])
    found = select(list(table), confidence=0.8)
    assert (found.chosen, found.value) == (0, pytest.approx(0.6))
    between = (np.var([0.8, 0.4], ddof=1) + np.var([0.4, 0.2], ddof=1)) / 2
    # What is left of each seed's image when the seed's and the image's own parts are taken off.
    rest = [arm - arm.mean(1)[:, None] - arm.mean(0) + arm.mean() for arm in table]
    of_seeds = (between - np.mean([(each**2).sum() / 4 for each in rest]) / 5) / 2
    assert of_seeds > 0
    per_image = np.array([1, 0.5, 1, 0, 0.5])
    of_images = per_image.var() / 5 + 1 / 25
    freedom = (of_seeds + of_images) ** 2 / (of_seeds**2 / 2 + of_images**2 / 4)
    quantile = t.ppf(0.9, freedom)
    flags = equivalent_flags(per_image, 0.6, quantile)
    assert is_wilsons(found.high, 0.6, quantile, 0.24 / (0.24 / flags + of_seeds), within=1e-9)


def test_the_lower_end_over_few_seeds_by_hand() -> None:
    """Beside a candidate with which it shares nothing: of two independent errors over one estimate of their size."""
    table = np.array([[[1, 1, 1, 0, 1.0], [1, 0, 1, 0, 0]], [[0, 0, 0, 0, 0], [0, 0, 0, 0, 0]]])
    found = select(list(table), confidence=0.8)
    rest = table[0] - table[0].mean(1)[:, None] - table[0].mean(0) + table[0].mean()
    of_seeds = (np.var([0.8, 0.4], ddof=1) - (rest**2).sum() / 4 / 5) / 2 / 2  # the mean over both candidates
    per_image = np.array([1, 0.5, 1, 0, 0.5])
    of_images = per_image.var() / 5 + 1 / 25
    freedom = (of_seeds + of_images) ** 2 / (of_seeds**2 / 2 + of_images**2 / 4)
    sizes = np.sqrt(chi2.ppf((np.arange(2000) + 0.5) / 2000, freedom) / freedom)
    quantile = brentq(lambda q: float((norm.cdf(q * sizes) ** 2).mean()) - 0.9, 0.1, 20)
    flags = equivalent_flags(per_image, 0.6, quantile)
    assert is_wilsons(found.low, 0.6, quantile, 0.24 / (0.24 / flags + of_seeds))


def test_p_of_shares_is_that_of_a_paired_t_test_with_two_images_more() -> None:
    one, other = np.array([[3, 2, 2, 0, 1, 3, 3, 2]]) / 3, np.array([[1, 2, 0, 1, 1, 2, 0, 1]]) / 3
    d = (one - other)[0]
    error = np.sqrt((((d - d.mean()) ** 2).sum() + 1) / 10 / 8)
    assert select([one, other]).p == pytest.approx(2 * t.sf(d.mean() / error, 7))


def test_p_over_seeds_is_that_of_the_methods() -> None:
    generator = np.random.default_rng(9)
    first, second = ((generator.random((2, 50)) < share).astype(float) for share in (0.7, 0.5))
    assert select([first, second]).p == compare_methods(first, second).p


@pytest.mark.usefixtures("few_draws")
def test_seeds_are_part_of_the_luck() -> None:
    """Where seeds differ by 5 points, 2,000 images alone would make too narrow an interval."""
    generator = np.random.default_rng(6)
    rounds, covered, by_images, corrected = 60, 0, 0, 0.0
    for _ in range(rounds):
        accuracies = 0.6 + 0.05 * generator.standard_normal((6, 3, 1))
        table = (generator.random((6, 3, 500)) < accuracies).astype(float)
        found = select(list(table))
        covered += found.low <= 0.6 <= found.high
        low, high = mean_interval(table[found.chosen].mean(0))
        by_images += low <= 0.6 <= high
        corrected += (found.corrected - 0.6) / rounds
    assert covered / rounds > 0.95 - 3 * (0.05 * 0.95 / rounds) ** 0.5
    assert by_images / rounds < 0.6
    assert abs(corrected) < 0.015


def test_the_same_draws_every_time() -> None:
    candidates = flags(np.random.default_rng(0), np.array([0.5, 0.55]), 100)
    assert select(candidates) == select(candidates)


@pytest.mark.parametrize("shapes", [[], [(1, 9)], [(1, 9), (1, 8)], [(1, 9), (2, 9)]])
def test_what_is_no_choice(shapes: list[tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match="two candidates"):
        select([np.ones(shape) for shape in shapes])


@pytest.mark.parametrize("images", [1, 2, 3])
def test_very_few_images(images: int) -> None:
    found = select([np.ones((1, images)), np.zeros((1, images))])
    assert 0 <= found.low <= found.corrected <= found.high <= 1
    assert (
        found.corrected == found.value == 1.0
    )  # whatever was not drawn says the same, and if all was drawn, all does
