"""Several networks: the best, or all in order, with errors bounded for all that is said together."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.statistics.tournament import Tournament


def play(values: np.ndarray, goal: str, margin: float = 0.01, alpha: float = 0.05, block: int = 20) -> Tournament:
    """A tournament of networks (rows) on images (columns), until it is over."""
    images = values.shape[1]
    tournament = Tournament(len(values), images, margin, alpha, goal)
    for start in range(0, images, block):
        tournament.take([values[network, start : start + block] for network in tournament.active])
        if tournament.is_over:
            break
    return tournament


def flags(accuracies: list[float], images: int, seed: int) -> np.ndarray:
    """Flags with exactly these means, in random order, each network's apart from the others'."""
    generator = np.random.default_rng(seed)
    rows = [generator.permutation(np.arange(images) < round(share * images)) for share in accuracies]
    return np.array(rows, float)


def test_the_best_of_several_is_found_before_all_images_are_used() -> None:
    tournament = play(flags([0.2, 0.3, 0.7, 0.4], 600, 0), "best")
    assert tournament.best == 2
    assert tournament.drawn < 300


def test_networks_that_are_out_are_not_attacked_further() -> None:
    values = flags([0.1, 0.7, 0.66], 600, 1)
    tournament, seen = Tournament(3, 600, 0.0, 0.05, "best"), []
    for start in range(0, 600, 20):
        seen.append(tournament.active)
        tournament.take([values[network, start : start + 20] for network in tournament.active])
        if tournament.is_over:
            break
    assert seen[0] == (0, 1, 2)
    assert seen[-1] == (1, 2)


def test_the_best_within_the_margin_leaves_others_unbeaten() -> None:
    tournament = play(flags([0.52, 0.5, 0.1], 1000, 4), "best", margin=0.2)
    assert tournament.drawn < 1000
    assert tournament.unbeaten == (0, 1)  # nobody knows which of these is better, and nobody needed to
    assert play(flags([0.1, 0.9, 0.2], 600, 0), "best").unbeaten == (1,)
    assert play(flags([0.3, 0.3], 100, 0), "order", margin=0.0).unbeaten == (0, 1)


def test_the_order_settles_every_pair() -> None:
    tournament = play(flags([0.1, 0.8, 0.45], 600, 2), "order")
    verdicts = {pair: state.verdict for pair, state in tournament.pairs.items()}
    assert verdicts == {(0, 1): "worse", (0, 2): "worse", (1, 2): "better"}
    assert tournament.best == 1


def test_equal_networks_are_equivalent_once_all_images_are_used() -> None:
    values = np.tile(flags([0.5], 100, 3), (3, 1))
    order = play(values, "order")
    assert {state.verdict for state in order.pairs.values()} == {"equivalent"}
    assert play(values, "best").best in (0, 1, 2)


def test_two_networks_are_always_put_in_order() -> None:
    assert Tournament(2, 100, 0.01, 0.05, "best").level == pytest.approx(0.025)


def test_a_network_that_fails_leaves_the_level_as_it_was() -> None:
    tournament = Tournament(3, 100, 0.01, 0.05, "order")
    level = tournament.level
    tournament.withdraw(1)
    assert tournament.level == level
    assert set(tournament.pairs) == {(0, 2)}
    assert tournament.active == (0, 2)
    left = Tournament(2, 100, 0.01, 0.05)
    left.withdraw(0)
    assert left.is_over


@pytest.mark.parametrize("goal", ["best", "order"])
def test_anything_false_is_said_in_five_percent_at_most(goal: str) -> None:
    runs, false = 80, 0
    for seed in range(runs):
        tournament = play(flags([0.5, 0.5, 0.5, 0.46], 60, seed), goal, margin=0.005)
        truth = [30, 30, 30, 28]
        if goal == "best":
            false += tournament.best == 3
        else:
            false += any(
                (state.verdict == "better" and truth[i] <= truth[j])
                or (state.verdict == "worse" and truth[i] >= truth[j])
                or (state.verdict == "equivalent" and truth[i] != truth[j])
                for (i, j), state in tournament.pairs.items()
            )  # fmt: skip
    assert false / runs <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / runs)
