"""A results folder in which one network was evaluated, and ways to forge what it says."""

from __future__ import annotations

import contextlib
import dataclasses
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from evaluation_toys import save, write_suite

from benchmark import cli
from benchmark.evaluation import evaluate
from benchmark.evaluation.verification import Recheck, verify
from benchmark.ledger.ledger import Ledger
from benchmark.ledger.record import Record

STRONG = "  - {attack: pgd, norm: linf, label: strong, parameters: {steps: 5, relative_step_size: 0.3}}\n"
FAR = "  - {attack: ddn, norm: l2, label: far, parameters: {steps: 20}}\n"


class Folder:
    """A results folder in which one network was evaluated, whose records can be forged."""

    def __init__(self, home: Path, attacks: str, **options) -> None:
        self.network, self.results = save(home), home / "results"
        self.options = {
            "results": self.results,
            "precision": "fp32",
            "progress": False,
            "save_adversarial": True,
            **options,
        }
        (self.evaluation,) = evaluate(self.network, suite=write_suite(home, attacks), **self.options)
        self.ledger = Ledger.open(self.results)

    def record(self, label: str) -> Record:
        (name,) = self.evaluation.outcome(label).records
        found = self.ledger.read(self.evaluation.model["digest"], name)
        assert found is not None
        return found

    def images(self, label: str) -> Path:
        return self.ledger.stored_adversarials_path(self.evaluation.model["digest"], self.record(label).digest)

    def sample_images(self, label: str) -> Path:
        return self.ledger.sample_images_path(self.evaluation.model["digest"], self.record(label).digest)

    def forge(self, label: str, rows: np.ndarray, **values: object) -> None:
        """Change a record's arrays in these rows, under a right checksum; predicted classes, which tell, it lacks."""
        found = self.record(label)
        changed = {name: getattr(found, name).copy() for name in values}
        for name, value in values.items():
            changed[name][rows] = value
        self.ledger.write(dataclasses.replace(found, **{"clean_class": None, "adversarial_class": None, **changed}))

    def verify(self, **options) -> dict[str, Recheck]:
        return {found.label: found for found in verify(self.results, self.network, **options)}


def broken(folder: Folder, label: str) -> np.ndarray:
    found = folder.record(label)
    rows = np.flatnonzero(np.isfinite(found.distance) & ~found.clean_errors)
    assert len(rows) > 1
    return rows


def first(rows: Sequence[int], count: int) -> str:
    return ", ".join(map(str, rows[:count]))


def bench_of(folder: Folder, *words: object):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as end:
        cli.main(["verify", str(folder.results), str(folder.network), *map(str, words)])
    return end.value.code or 0, out.getvalue(), err.getvalue()
