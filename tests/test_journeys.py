"""docs/journeys.py, the notebook of all ways to bring one's own, runs as it stands there and ends in pages."""

from __future__ import annotations

import csv
import importlib.util
import runpy
import warnings
from pathlib import Path

import pytest

from benchmark.ledger import load_results

SCRIPT = Path(__file__).parent.parent / "docs" / "journeys.py"

#: The files of other programs, by what their checkpoints are called, and what is found in each.
FOREIGN = {
    "kuangliu": "resnet20",
    "trades": "wrn-16-8",
    "awp": "resnet20",
    "robust_union": "preact-resnet18",
    "robustbench": "resnet20",
    "madrylab": "resnet20",
    "torchvision": "resnet18",
    "names": "resnet20",
}


@pytest.mark.usefixtures("one_thread")
def test_every_journey_ends_in_a_page(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of torch.jit, for which there is no other way to such files
        shown = runpy.run_path(str(SCRIPT))
    assert {each.checkpoint.name: each.checkpoint.architecture for each in shown["imported"]} == FOREIGN
    normalised = {each.checkpoint.name: (each.checkpoint.mean, each.checkpoint.std) for each in shown["imported"]}
    assert normalised["robustbench"] == normalised["madrylab"] == ((pytest.approx(0.3),), (pytest.approx(0.4),))
    said = capsys.readouterr().out
    assert ("hf: is skipped" in said) is (importlib.util.find_spec("transformers") is None)
    assert (shown["distance"][shown["success"]] <= 8 / 255 + 1e-6).all()

    found = load_results("results")
    assert not [each.name for each in found if each.failures]
    own = {"my-network", "torchscript:scripted.pt", "own-loop", "kuangliu-at", "noisy"}
    assert {each.name for each in found} >= own | FOREIGN.keys()
    assert {each.suite["name"] for each in found} == {"short", "brighten", "darken"}
    (noisy,) = (each for each in found if each.name == "noisy")
    assert noisy.judging["draws"] == 4
    pages = [page.read_text() for page in Path("reports").rglob("*.html")]
    assert all(any(name in page for page in pages) for name in own)
    with Path("reports/leaderboard.csv").open() as file:
        (tuned,) = (row for row in csv.DictReader(file) if row["model"] == "kuangliu-at")
    assert tuned["init"].startswith("kuangliu (")
    assert tuned["weights"].startswith("averaged, ema 0.9")
    assert tuned["extra_data"].startswith("npz:generated.npz")
    (page,) = Path("reports/models").glob("kuangliu-at*.html")
    assert all(word in page.read_text() for word in ("kuangliu", "ema 0.9", "npz:generated.npz"))
