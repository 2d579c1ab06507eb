"""Code that was written for version 0.1.0 finds every module where it was, and is told where it is now."""

from __future__ import annotations

import importlib
import subprocess
import sys
import warnings

import pytest

from benchmark.moved import MOVED, NAMES


@pytest.mark.parametrize(("old", "new"), MOVED.items())
def test_an_old_name_is_the_same_module(old, new):
    here = importlib.import_module(f"benchmark.{new}")
    spec = here.__spec__
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # the package that it was in may have moved, too
        importlib.import_module(f"benchmark.{old}".rpartition(".")[0])
    sys.modules.pop(f"benchmark.{old}", None)
    with pytest.warns(FutureWarning, match=rf"^benchmark\.{old} is benchmark\.{new} now"):
        there = importlib.import_module(f"benchmark.{old}")
    assert there is here
    assert here.__spec__ is spec
    assert here.__name__ == f"benchmark.{new}"


@pytest.mark.parametrize(("package", "name"), [(package, name) for package, names in NAMES.items() for name in names])
def test_what_a_package_had_at_its_top_is_there(package, name):
    module, _, now = NAMES[package][name].partition(":")
    with pytest.warns(FutureWarning, match=f"^benchmark.{package}.{name} is benchmark.{module}.{now} now"):
        found = getattr(importlib.import_module(f"benchmark.{package}"), name)
    assert found is getattr(importlib.import_module(f"benchmark.{module}"), now)


def test_what_never_was_is_not_there():
    with pytest.raises(ImportError):
        importlib.import_module("benchmark.evaluation.nothing")
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        importlib.import_module("benchmark.evaluation").nothing  # noqa: B018


def test_a_program_of_version_0_1_0_runs():
    code = """
from benchmark.evaluation import Ledger, load_results
from benchmark.evaluation.specimens import Specimens, read_specimens
from benchmark.evaluation.subject import Subject
from benchmark.training import objectives
from benchmark.training.outer.alone import trades
import benchmark.attacks.cw
assert benchmark.attacks.cw.CW.__module__ == "benchmark.attacks.white_box.cw"
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
