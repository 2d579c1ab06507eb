"""What pages and tables say of how a network was made: extra data, what it began with, averaged weights."""

from __future__ import annotations

import pytest

from benchmark.card import Card, misfit
from benchmark.reporting import provenance
from benchmark.reporting.reproduce import training_command

TOLD = {"name": "npz:1m.npz", "digest": "d" * 64, "images": 1_000_000, "share": 0.7, "test_images": 3}
BEGUN = {"source": "at", "digest": "0123456789abcdef" * 4}
CARD = {
    "name": "mine",
    "method": "at",
    "network": "",
    "architecture": "small-cnn",
    "dataset": "digits",
    "seed": 0,
    "recipe": {"name": "quick", "ema": 0.999, "init_head": "new"},
    "extra": {"title": "t", "extra_data": TOLD, "init": BEGUN, "inits": [BEGUN], "changes": {"ema": 0.999}},
}


def test_a_card_says_what_was_done():
    assert misfit(Card, CARD) is None
    assert provenance.extra_data(CARD) == "npz:1m.npz: 1.0 M images, 70% of each batch, 3 of them test images"
    assert provenance.begun_from(CARD) == "at (0123456789abcdef), with a new last layer"
    assert provenance.weights(CARD) == "averaged, ema 0.999"
    assert provenance.weights({"recipe": {"name": "quick"}}) == "as trained"


def test_the_command_says_it_again():
    command = training_command(CARD)
    for words in ("--init zoo/at.pt", "--extra-data npz:1m.npz", "--set ema=0.999"):
        assert words in command


@pytest.mark.parametrize("extra", [None, [], {"init": "at", "extra_data": 3}, {"init": [], "extra_data": []}])
def test_a_card_may_say_anything(extra):
    card = {**CARD, "extra": extra, "recipe": []}
    assert (provenance.extra_data(card), provenance.begun_from(card), provenance.weights(card)) == ("", "", "")
