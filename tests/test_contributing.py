"""The examples of CONTRIBUTING.md do what the text says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from evaluation_toys import save

import benchmark
from benchmark.models import load_checkpoint

TEXT = (Path(__file__).parent.parent / "CONTRIBUTING.md").read_text()


def example(heading: str, language: str) -> str:
    section = TEXT.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    (code,) = re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)
    return str(code)


def test_a_defence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry becomes a method that binds, shows its formulas and trains, given a loss of that name."""
    from benchmark.methods import outer
    from benchmark.methods import table as methods
    from benchmark.methods.formulas import formula_of

    scope = {**vars(methods), "outer": type("outer", (), {"my_at": outer.at})}
    (name, method), *_ = eval("{" + example("A defence", "python") + "}", scope).items()
    bound = method.bind({}, name)
    assert formula_of(bound.inner.objective) != "none"
    assert len(bound.cohort.members) == 1
    monkeypatch.setitem(methods.METHODS._own, name, method)
    settings = ["epochs=1", "batch_size=256", "threats.linf.steps=1", "validation.images=50", "validation.steps=1"]
    (path,) = benchmark.train(name, set=settings, out=tmp_path, progress=False)
    assert load_checkpoint(path).method == name


def test_an_attack() -> None:
    """The class is an attack as it stands, and its candidates are in the ball and the box."""
    from dataclasses import dataclass
    from typing import ClassVar

    from benchmark.attacks import Attack, Classifier
    from benchmark.noise import ExampleNoise, Noise
    from benchmark.threats import Threat

    scope = {
        "dataclass": dataclass,
        "ClassVar": ClassVar,
        "Attack": Attack,
        "Classifier": Classifier,
        "Tensor": torch.Tensor,
        "Threat": Threat,
        "Noise": Noise,
        "__name__": __name__,
    }
    exec(example("An attack", "python"), scope)
    attack, threat = scope["Shift"](), Threat("linf", 0.1)  # type: ignore[operator]
    attack.check(threat)
    assert attack.identity()["name"] == "shift"
    x, y = torch.rand(3, 1, 8, 8), torch.zeros(3, dtype=torch.int64)
    x_adv = attack(None, x, y, threat, ExampleNoise(0, range(3)))
    assert bool(threat.contains(x, x_adv).all())
    assert float((x_adv - x).max()) == pytest.approx(0.1)


def test_a_suite(tmp_path: Path) -> None:
    from benchmark.evaluation import load_suite

    path = tmp_path / "two-norms.yaml"
    path.write_text(example("A suite", "yaml"))
    suite = load_suite(path, scale="digits")
    assert [str(item.threat) for item in suite.items] == ["linf 0.12", "l2 0.6"]
    (found,) = benchmark.evaluate(save(tmp_path), suite=path, n=5, results=tmp_path / "results", progress=False)
    assert [outcome.complete for outcome in found.outcomes] == [True, True]
