"""The simulations of seeds, choices and means: they run, know what is true, and the page shows what they found."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def simulation() -> ModuleType:
    spec = importlib.util.spec_from_file_location("simulate_seeds", ROOT / "perf" / "simulate_seeds.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_shows_what_was_computed(simulation: ModuleType) -> None:
    text = simulation.PAGE.read_text(encoding="utf-8")
    assert simulation.page(text) == text
    asked = {(question, setting) for question, setting, _, _ in simulation.tasks()}
    assert {(row["question"], row["setting"]) for row in simulation.read()} <= asked


def test_what_is_true_of_a_population_is_known(simulation: ModuleType) -> None:
    """A thousand trainings on a hundred images each: their accuracy and its spread are as they should be."""
    population = simulation.Population(0.6, 0.05)
    drawn = population.draw(np.random.default_rng(0), 2, 60, 4000, 0.1)
    error = (0.25 / 4000 + 0.05**2 / 60) ** 0.5
    assert drawn.mean((1, 2)) == pytest.approx(population.truth(2, 0.1), abs=4 * error)
    assert population.truth(2, 0.1)[0] - population.truth(2, 0.1)[1] == pytest.approx(0.1, abs=0.01)
    assert drawn[0].mean(1).std(ddof=1) == pytest.approx(0.05, rel=0.3)


def test_every_question_has_an_answer(simulation: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmark.statistics.selection.RESAMPLES", 20)
    monkeypatch.setattr("benchmark.statistics.selection.DRAWS", 200)
    generator = np.random.default_rng(0)
    assert set(simulation.methods(generator, 50, 3, 0.02, 5)) == {"before", "bootstrap", "welch", "now"}
    assert set(simulation.methods(generator, 50, 1, 0.02, 5)) == {"before"}
    assert 0 <= simulation.families(generator, 50, 3, 0.02, 3)["any wrong now"] <= 1
    assert simulation.best(generator, 3, 50, 2, 0.01, 4)["width now"] > 0
    assert simulation.ravg(generator, 50, (0.9, 0.5, 0.3), 5)["width now"] < 0.3


def test_what_was_computed_stands(simulation: ModuleType) -> None:
    """Now at most 5 % are wrong, and intervals hold in 95 %, within what so many rounds may be off."""
    for row in simulation.read():
        value, error = float(row["value"]), 4 * (0.05 * 0.95 / int(row["rounds"])) ** 0.5
        if row["measure"] in ("now", "any wrong now", "wrongly best"):
            assert value < 0.05 + error, row
        if row["measure"] == "coverage now":
            assert value > 0.95 - error, row
        if row["measure"] == "optimism now":
            assert -0.02 < value < 0.01, row  # a choice by fewer images or seeds is a little worse
