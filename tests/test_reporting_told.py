"""What reports say of a network's method: from its card, where training wrote it, and without loading torch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from synthetic import add_evaluation

import benchmark
from benchmark.methods.formulas import formula_of
from benchmark.methods.table import METHODS
from benchmark.reporting import told

ROOT = Path(__file__).parent.parent
EXTRA = {
    "title": "A method of tomorrow",
    "paper": "Someone 2030",
    "attack": {"climbs": "what is climbed"},
    "minimises": "what is minimised",
    "changes": {"epochs": 7},
}


def test_a_card_speaks_for_itself():
    card = {"name": "mine", "method": "of-tomorrow", "extra": EXTRA}
    assert told.was_trained_here(card)
    assert told.title(card) == "A method of tomorrow"
    assert told.paper(card) == "Someone 2030"
    assert told.formulas(card) == {"inner objective": "what is climbed", "outer objective": "what is minimised"}
    assert told.changes(card) == {"epochs": 7}


def test_for_a_card_of_version_0_1_0_this_version_speaks():
    card = {"name": "mine", "method": "trades", "extra": {}}
    trades = METHODS.get("trades")
    assert told.was_trained_here(card)
    assert (told.title(card), told.paper(card)) == (trades.title, trades.paper)
    assert told.formulas(card)["outer objective"] == formula_of(trades.outer)


def test_of_an_unknown_method_nothing_is_made_up():
    for card in ({"name": "x", "method": "external", "extra": {}}, {"name": "x", "method": "gone", "extra": None}):
        assert not told.was_trained_here(card)
        assert (told.title(card), told.paper(card), told.formulas(card)) == (card["method"], "", {})


def test_training_writes_what_reports_say(tmp_path):
    settings = {"epochs": 1, "batch_size": 256, "validation.images": 50, "validation.steps": 1}
    (path,) = benchmark.train("trades", set={**settings, "beta": 3.0}, out=tmp_path, name="t", progress=False)
    extra = benchmark.load_model(path).extra
    assert (extra["title"], extra["paper"]) == (METHODS.get("trades").title, METHODS.get("trades").paper)
    assert extra["changes"] == {**settings, "beta": 3.0}


@pytest.mark.parametrize(("card", "loads"), [({"method": "at", "extra": EXTRA}, False), ({"method": "at"}, True)])
def test_a_report_needs_torch_only_for_old_cards(tmp_path, card, loads):
    add_evaluation(tmp_path / "results", "mine", card=card)
    code = "import sys, benchmark; benchmark.report(results='results', out='out'); print('torch' in sys.modules)"
    place = {"cwd": tmp_path, "env": {**os.environ, "PYTHONPATH": str(ROOT)}}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, **place)
    assert done.stdout.split()[-1] == str(loads)
    (page,) = (tmp_path / "out" / "models").glob("*.html")
    assert ("A method of tomorrow" in page.read_text(encoding="utf-8")) is not loads
