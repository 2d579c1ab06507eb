"""Under --deterministic a paper's tables and a sweep say which checkpoints and results were made without it."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from papers_ledger import file_evaluation, write_toy

from benchmark import sweep
from benchmark.errors import Notice
from benchmark.papers import load_paper, paper
from benchmark.papers.networks import find_network
from benchmark.papers.setting import make_setting


def notices(verb, *given: object, **more: object) -> str:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        verb(*given, progress=False, **more)
    return " ".join(str(each.message) for each in caught if issubclass(each.category, Notice))


def test_a_paper_says_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy = write_toy(tmp_path, monkeypatch)
    loaded = load_paper(toy)
    setting = make_setting(loaded, "digits")
    for run in ("natural", "ard"):
        network = find_network(loaded, run, setting, "small-cnn", 0)
        file_evaluation(Path("results"), network, setting, "smoke", 5, images=20, scale="digits")
    told = notices(paper, toy, only=["Nature", "ARD"], deterministic=True)
    assert "natural-epochs-1" in told
    assert "results were made earlier without --deterministic" in told
    assert "without --deterministic" not in notices(paper, toy, only=["Nature", "ARD"])


def test_a_sweep_says_it(tmp_path: Path) -> None:
    settings = ["epochs=1", "batch_size=500", "validation.images=20", "validation.steps=1", "lr=0.01,0.02"]
    asked = {
        "method": "natural", "set": settings, "zoo": tmp_path / "zoo", "out": tmp_path / "out", "device": "cpu",
    }  # fmt: skip
    assert "--deterministic" not in notices(sweep, **asked)
    told = notices(sweep, **asked, deterministic=True)
    assert told.count("trained, or begun, earlier without --deterministic") == 1
    assert "natural-" in told
