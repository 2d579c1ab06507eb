"""What a dry run says that a training costs and leaves."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from extended_runs import fit_in, planned, toy_network
from synthetic_training import content

from benchmark.training.extending import Source
from benchmark.training.outlook import outlook, state_bytes
from benchmark.training.state import Begun, kept_path, read_state


@pytest.fixture(scope="module", autouse=True)
def toy():
    with toy_network():
        yield


@pytest.fixture
def fit(tmp_path):
    return partial(fit_in, tmp_path)


def test_a_dry_run_says_what_an_extension_costs_and_writes_nothing(fit, tmp_path, capsys):
    fit(2, folder="nowhere", dry_run=True)
    assert not (tmp_path / "nowhere").exists()
    assert "mine: 2 epochs from the first one; its state stays in" in capsys.readouterr().out
    fit(2)
    before = content(tmp_path)
    fit(5, extend=True, dry_run=True)
    told = capsys.readouterr().out
    assert "mine: 3 epochs, after the 2 of mine; at their speed 0 s; its state stays in" in told
    assert content(tmp_path) == before
    fit(2, {"schedule": "cosine"}, folder="nowhere", dry_run=True)
    assert "it can't be extended later: schedule=cosine goes by the number of epochs" in capsys.readouterr().out
    fit(2, dry_run=True)
    assert "finished already" in capsys.readouterr().out


def test_the_time_that_is_said_is_that_of_the_epochs_to_come(tmp_path):
    """Three more at the 50 s that each of two took."""
    had = Source(tmp_path / "short.pt", Begun({}, 2, None, True, 100.0))
    told = outlook(planned(5), tmp_path, 0, had, False)
    assert told.startswith("mine: 3 epochs, after the 2 of short; at their speed 150 s; its state, about ")
    assert outlook(planned(5), tmp_path, 2, None, False).startswith("mine: 3 epochs, after the 2 that are finished; ")


def test_the_files_that_are_said_are_those_that_are_written(fit, tmp_path, capsys):
    fit(1, method="ramp", dry_run=True)
    told = capsys.readouterr().out.strip().rpartition("; writes ")[2]
    fit(1, method="ramp")
    assert told.split(", ") == sorted(map(str, (tmp_path / "zoo").glob("*.pt")))


@pytest.mark.parametrize("settings", [{}, {"ema": 0.9}, {"optimizer": "adamw", "lr": 0.01, "weight_decay": 0.0}])
def test_the_size_that_is_said_is_that_of_the_tensors(fit, tmp_path, settings):
    fit(1, settings, "ramp")

    def size(value):
        if isinstance(value, torch.Tensor):
            return value.nbytes
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
        return sum(map(size, inner))

    found = size(read_state(kept_path(tmp_path / "zoo", "mine")))
    assert found == pytest.approx(state_bytes(planned(1, settings, "ramp")), rel=0.1)
