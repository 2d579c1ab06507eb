"""What a loss or an objective computes is a value beside it: nothing is read out of a docstring."""

from __future__ import annotations

import subprocess
import sys
from functools import partial

import pytest

import benchmark
from benchmark.methods.formulas import formula, formula_of
from benchmark.methods.method import Method
from benchmark.methods.objectives import OBJECTIVES
from benchmark.methods.outer import OUTERS
from benchmark.methods.table import METHODS


@pytest.mark.parametrize(("name", "function"), [*OUTERS, *OBJECTIVES])
def test_every_loss_and_objective_says_what_it_computes(name, function):
    assert "without a formula" not in formula_of(function), name


def test_it_is_found_through_what_is_bound():
    @formula("x²")
    def square(x, power=2):
        return x**power

    assert formula_of(partial(partial(square, power=2), 3)) == "x²"
    assert formula_of(None) == "none"


def test_a_loss_without_one_trains_to_the_end_and_is_called_by_its_name(tmp_path, monkeypatch):
    def nameless(batch):
        return OUTERS.get("natural")(batch)

    like = METHODS.get("natural")
    monkeypatch.setitem(METHODS._own, "mine", Method("Mine", "", like.cohort, like.inner, nameless))
    (path,) = benchmark.train(
        "mine", set={"epochs": 1}, name="mine", out=tmp_path, progress=False, device="cpu", precision="fp32"
    )
    assert benchmark.load_model(path).extra["minimises"] == "nameless, without a formula"


@pytest.mark.slow
def test_methods_are_listed_where_python_leaves_docstrings_out():
    code = "import benchmark; print(dict((m['name'], m['outer']) for m in benchmark.list('methods'))['trades'])"
    done = subprocess.run([sys.executable, "-OO", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == formula_of(OUTERS.get("trades"))
