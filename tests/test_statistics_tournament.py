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
    assert (tournament.best, tournament.unbeaten) == (1, (1,))


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


@pytest.mark.parametrize(("networks", "goal", "tests"), [(4, "best", 3), (4, "order", 12), (2, "best", 2)])
def test_the_level_is_shared_by_all_that_may_be_said(networks: int, goal: str, tests: int) -> None:
    """The best of four is better than three; in their order each of six pairs may go either way."""
    assert Tournament(networks, 100, 0.01, 0.06, goal).level == pytest.approx(0.06 / tests)
    assert Tournament(networks, 100, 0.01, 0.06).level == Tournament(networks, 100, 0.01, 0.06, "best").level


@pytest.mark.parametrize("goal", ["best", "order"])
def test_of_each_pair_the_images_and_the_mean_difference_are_told(goal: str) -> None:
    values = flags([0.5, 0.55, 0.45], 400, 7)
    tournament = Tournament(3, 400, 0.01, 0.05, goal)
    for start, end in ((0, 20), (20, 30)):
        tournament.take([row[start:end] for row in values])
        assert tournament.drawn == end
        assert set(tournament.pairs) == {(0, 1), (0, 2), (1, 2)}
        for (i, j), state in tournament.pairs.items():
            assert (state.first, state.second, state.images) == (i, j, end)
            assert state.mean == pytest.approx((values[i] - values[j])[:end].mean())
    with pytest.raises(ValueError, match="zip"):
        tournament.take([values[0, :5], values[1, :5]])


def test_a_pair_that_is_settled_takes_no_further_images() -> None:
    values = flags([0.05, 0.9, 0.85], 600, 2)
    tournament = play(values, "order", margin=0.0)
    assert tournament.pairs[0, 1].images < tournament.pairs[1, 2].images <= 600


def test_the_best_goes_on_without_a_network_that_fails() -> None:
    tournament = Tournament(3, 100, 0.01, 0.05)
    tournament.withdraw(1)
    assert (tournament.active, tournament.unbeaten, tournament.best) == ((0, 2), (0, 2), None)
    assert not tournament.is_over
    tournament.withdraw(0)
    assert (tournament.active, tournament.best, tournament.unbeaten) == ((), 2, (2,))
    assert tournament.is_over


def test_an_order_goes_on_without_a_network_that_fails() -> None:
    tournament = Tournament(3, 100, 0.01, 0.05, "order")
    tournament.withdraw(1)
    assert (tournament.active, tournament.unbeaten, tournament.best) == ((0, 2), (0, 2), None)
    tournament.withdraw(2)
    assert tournament.is_over


@pytest.mark.parametrize("turn", [0, 1, 2])
def test_of_networks_that_are_as_good_the_one_that_is_ahead_is_the_best(turn: int) -> None:
    """Whatever its number is: within the margin all are, and one of them has an image more than the next."""
    images = 200
    values = np.zeros((3, images))
    values[0, :100], values[1, :102], values[2, :101] = 1, 1, 1
    values = np.roll(values[:, np.random.default_rng(0).permutation(images)], turn, axis=0)
    best = (1 + turn) % 3
    order = play(values, "order", margin=0.05, block=images)
    assert {state.verdict for state in order.pairs.values()} == {"equivalent"}
    assert (order.best, order.unbeaten) == (best, (0, 1, 2))
    assert play(values, "best", margin=0.0).best == best
    early = play(values, "best", margin=0.3, block=5)
    assert early.drawn < images
    sums = values[:, : early.drawn].sum(1)
    assert early.best is not None
    assert sums[early.best] == sums.max()


def test_after_all_images_the_first_of_the_highest_is_the_best() -> None:
    values = np.tile(flags([0.5], 40, 3), (3, 1))
    values[0] = 0
    tournament = play(values, "best", margin=0.0, block=40)
    assert (tournament.best, tournament.unbeaten) == (1, (1, 2))


@pytest.mark.parametrize("turn", [0, 1])
def test_who_is_beaten_is_out_whatever_its_number(turn: int) -> None:
    values = np.roll(flags([0.05, 0.9, 0.88], 600, 5), turn, axis=0)
    tournament = Tournament(3, 600, 0.0, 0.05)
    tournament.take(list(values[:, :100]))
    assert tournament.active == tuple(sorted({1 + turn, (2 + turn) % 3}))
