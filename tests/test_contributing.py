"""The examples of CONTRIBUTING.md do what the text says."""

from __future__ import annotations

import csv
import importlib
import re
from pathlib import Path
from types import ModuleType

import pytest
import torch
from evaluation_toys import save
from synthetic import WORKED_ATTACKS, add_evaluation

import benchmark
from benchmark.models import load_checkpoint

TEXT = (Path(__file__).parent.parent / "CONTRIBUTING.md").read_text()


def examples(heading: str, language: str) -> list[str]:
    section = TEXT.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


def imported(code: str, name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The `code` as the module `name`, in a file as a reader would make it."""
    (folder / f"{name}.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    return importlib.import_module(name)


def test_a_method(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry and its loss, complete with imports, become a method that binds, shows its formulas and trains."""
    from benchmark.methods import table as methods
    from benchmark.methods.formulas import formula_of

    entry, code = examples("A method", "python")
    scope = {**vars(methods), "outer": imported(code, "losses_of_my_paper", tmp_path, monkeypatch)}
    (name, method), *_ = eval("{" + entry + "}", scope).items()
    bound = method.bind({}, name)
    assert formula_of(bound.inner.objective) != "none"
    assert len(bound.cohort.members) == 1
    monkeypatch.setitem(methods.METHODS._own, name, method)
    settings = ["epochs=1", "batch_size=256", "threats.linf.steps=1", "validation.images=50", "validation.steps=1"]
    (path,) = benchmark.train(name, set=settings, out=tmp_path, progress=False)
    assert load_checkpoint(path).method == name


def test_an_attack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The class is an attack as it stands, and its candidates are in the ball and the box."""
    from benchmark.noise import ExampleNoise
    from benchmark.threats import Threat

    (code,) = examples("An attack", "python")
    attack, threat = imported(code, "an_attack_of_mine", tmp_path, monkeypatch).Shift(), Threat("linf", 0.1)
    attack.check(threat)
    assert attack.identity()["name"] == "shift"
    x, y = torch.rand(3, 1, 8, 8), torch.zeros(3, dtype=torch.int64)
    x_adv = attack(None, x, y, threat, ExampleNoise(0, range(3)))
    assert bool(threat.contains(x, x_adv).all())
    assert float((x_adv - x).max()) == pytest.approx(0.1)


def test_a_suite(tmp_path: Path) -> None:
    from benchmark.evaluation import load_suite

    path = tmp_path / "two-norms.yaml"
    path.write_text(examples("A suite", "yaml")[0])
    suite = load_suite(path, scale="digits")
    assert [str(item.threat) for item in suite.items] == ["linf 0.12", "l2 0.6"]
    (found,) = benchmark.evaluate(save(tmp_path), suite=path, n=5, results=tmp_path / "results", progress=False)
    assert [outcome.complete for outcome in found.outcomes] == [True, True]


def test_a_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry, put into the list, shows in tables and pages."""
    from benchmark.reporting import columns

    (entry,) = examples("A column of the leaderboards", "python")
    column = eval(entry, vars(columns))
    own = columns._own_columns
    monkeypatch.setattr(columns, "_own_columns", lambda board: [*own(board), column])
    add_evaluation(tmp_path / "results")
    page = benchmark.report(results=tmp_path / "results", out=tmp_path / "out")
    assert f'title="{column.about}"><span>{column.label}</span>' in page.read_text(encoding="utf-8")
    (row,) = csv.DictReader((tmp_path / "out" / "leaderboard.csv").open(encoding="utf-8"))
    assert row[column.name] == str(len(WORKED_ATTACKS))
