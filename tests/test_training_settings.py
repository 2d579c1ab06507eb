"""Settings as they are typed or handed over: which plain values they become."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from benchmark.errors import BadInput
from benchmark.experiments.values import parse_values
from benchmark.given import as_file
from benchmark.training.settings import parse_settings


def test_settings_as_the_command_line_writes_them():
    assert parse_settings(["a={", "b=[1, 2", "c=*x"]) == {"a": "{", "b": ["[1", 2], "c": "*x"}  # no YAML
    assert parse_settings(["a=1", "b=0.5", "c=true", "d=x,y", "e=[1, 2]", "f=linf"]) == {
        "a": 1,
        "b": 0.5,
        "c": True,
        "d": ["x", "y"],
        "e": [1, 2],
        "f": "linf",
    }


def test_a_setting_that_is_given_twice_is_refused():
    with pytest.raises(BadInput, match="--set lr is given twice; give it once"):
        parse_settings(["lr=0.1", "epochs=3", "lr =0.2"])


def test_a_number_is_one_however_it_is_written():
    """epochs=1.0 trained under another name what epochs=1 had trained already."""
    typed = parse_settings(["a=1.0", "b=[2.0, 0.5]", "c=3.0,x", "d={k: 4.0}", "e=1.0e+300", "f=.inf", "g=-0.0"])
    assert repr(typed) == repr(
        {"a": 1, "b": [2, 0.5], "c": [3, "x"], "d": {"k": 4}, "e": 1e300, "f": float("inf"), "g": 0}
    )
    assert repr(
        parse_settings(["a=1e1", "b=1e-4", "c=[1e2, -2E+1]", "d=1e-4,2.5e0", "e=e1", "f=1e", "g='1e1 px'"])
    ) == repr({"a": 10, "b": 0.0001, "c": [100, -20], "d": [0.0001, 2.5], "e": "e1", "f": "1e", "g": "1e1 px"})
    assert repr(parse_settings({"a": 1.0, "b": np.float64(2.0), "c": (3.0, 0.5), "d": True})) == repr(
        {"a": 1, "b": 2, "c": [3, 0.5], "d": True}
    )


def test_numbers_of_numpy_and_torch_are_plain_settings():
    """As where somebody loops over np.linspace(...): none of these could be filed."""
    given = {
        "epochs": np.int64(3),
        "lr": np.float32(0.5),
        "clip": torch.tensor(2.5),
        "norms": np.array(["linf", "l1"]),
    }
    found = parse_settings(given)
    assert found == {"epochs": 3, "lr": 0.5, "clip": 2.5, "norms": ["linf", "l1"]}
    assert [type(value) for value in found.values()] == [int, float, float, list]
    assert parse_values({"epochs": np.arange(1, 3), "lr": [np.float32(0.5)]}) == {"epochs": [1, 2], "lr": [0.5]}
    assert parse_values({"norms": ("linf", "l1")}) == {"norms": [["linf", "l1"]]}
    with pytest.raises(BadInput, match="set: 3 is no name of a setting"):
        parse_settings({3: 1})
    with as_file({"extends": "quick", "epochs": np.int64(1)}, "recipe") as path:
        assert "epochs: 1\n" in Path(path).read_text(encoding="utf-8")
