"""The simulations of docs/statistics.md: what they make up is what they say, and the page shows what they found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmark.statistics.wilson import wilson

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def simulations():
    import simulations

    return simulations


def test_made_up_networks_have_their_accuracies_and_differ_on_so_many_images(simulations) -> None:
    generator = np.random.default_rng(0)
    first, second = simulations.draw(simulations.TWINS, 2, 20_000, generator)
    assert first.mean() == pytest.approx(0.5, abs=0.015)
    assert (first != second).mean() == pytest.approx(0.064, abs=0.01)  # arccos(0.98) / π
    first, second = simulations.draw(simulations.ALIKE, 2, 20_000, generator)
    assert (first != second).mean() == pytest.approx(1 / 3, abs=0.015)
    shares = simulations.draw(simulations.ALIKE, 1, 20_000, generator, threats=3)
    assert shares.mean() == pytest.approx(0.5, abs=0.015)
    assert set(np.rint(3 * shares[0])) == {0, 1, 2, 3}


def test_true_ranks_count_who_is_better(simulations) -> None:
    assert simulations.true_ranks(simulations.BOARD.accuracy(10)).tolist() == [1, 1, 1, 4, 5, 5, 5, 5, 5, 10]


def test_a_cell_is_computed_and_tells_its_uncertainty(simulations) -> None:
    cell = next(simulations.cells())._replace(runs=5)
    cell = cell._replace(simulate=lambda generator: {"shown": np.array([1.0, 0.0, 1.0]), "none": np.array([np.nan])})
    (line,) = simulations.compute(cell)
    assert (line["what"], line["value"]) == ("shown", "0.6667")
    assert float(line["low"]) < 0.6667 < float(line["high"])


def test_the_page_shows_the_committed_figures(simulations) -> None:
    text = simulations.PAGE.read_text(encoding="utf-8")
    assert "\n".join(simulations.tables()) in text


def test_the_error_rates_that_the_page_promises(simulations) -> None:
    """By the committed figures: what is called real by mistake is at most 5 %, but for the chance of the runs."""

    def ends(line):
        return wilson(float(line["value"]) * int(line["runs"]), int(line["runs"]), confidence=0.999)

    lines = simulations.done()
    wrong = [line for line in lines if line["what"] in ("any false difference, now", "picked, now")]
    assert len(wrong) > 20
    assert all(ends(line)[0] <= 0.05 for line in wrong)
    right = [line for line in lines if line["what"] in ("interval holds the truth, now", "every rank set right, now")]
    assert all(ends(line)[1] >= 0.95 for line in right)
    equivalent = [line for line in lines if line["what"] == "called equivalent, now"]
    assert equivalent
    assert all(ends(line)[0] <= 0.025 for line in equivalent)
    assert all(float(line["value"]) == 0 for line in lines if line["what"] == "interval and p disagree, now")
