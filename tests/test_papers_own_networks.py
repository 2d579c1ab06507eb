"""Networks that somebody has already, such as the authors' files, take the places of a paper's trainings."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from fixed_networks import fixed
from papers_ledger import write_toy
from torch import nn

from benchmark.errors import BadInput
from benchmark.importing import import_checkpoint
from benchmark.models import load_model, save_checkpoint
from benchmark.papers import load_paper, paper
from benchmark.papers.own_networks import read_own_networks
from benchmark.papers.setting import make_setting


class Flatten(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.view(x.shape[0], -1)


def test_the_mnist_files_of_robust_union_are_taken_in_as_they_are(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    theirs = nn.Sequential(
        *(nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2, 2)),
        *(nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2, 2)),
        *(Flatten(), nn.Linear(7 * 7 * 64, 1024), nn.ReLU(), nn.Linear(1024, 10)),
    )
    torch.save(theirs.state_dict(), "msd.pth")
    found = import_checkpoint("msd.pth", dataset="mnist", normalization="none")
    assert found.checkpoint.architecture == "mnist-cnn"
    x = torch.rand(4, 1, 28, 28)
    with torch.no_grad():
        np.testing.assert_allclose(load_model(found.path).model()(x), theirs(x), atol=1e-5)
    setting = make_setting(load_paper("robust-union"), "mnist")
    panel = setting.panels(load_paper("robust-union").exhibits["mnist"])[0]
    assert panel.architecture == "mnist-cnn"


def test_a_network_of_the_callers_takes_the_place_of_a_training(tmp_path: Path, monkeypatch) -> None:
    """The results count if they are of the very weights, whatever the file is called."""
    toy = write_toy(tmp_path, monkeypatch)
    weights = tmp_path / "authors.pt"
    save_checkpoint(weights, fixed("natural"))
    result = paper(toy, network=[f"natural={weights}"], dry_run=True, only=["Nature"])
    assert [job["job"] for job in result.jobs] == ["evaluate authors under smoke"]
    result = paper(toy, network=[f"natural={weights}"], only=["Nature"], progress=False)
    assert result.failures == []
    rows = csv.DictReader((result.page.parent / "table-1.csv").open(encoding="utf-8"))
    assert [row["percent"] != "" for row in rows if row["row"] == "Nature"] == [True] * 3
    assert paper(toy, network=[f"natural={weights}"], dry_run=True, only=["Nature"]).jobs == []
    assert len(paper(toy, dry_run=True, only=["Nature"]).jobs) == 2
    for words, expected in (
        (["natural"], "name a run"),
        (["nature=x.pt"], "unknown network 'nature'"),
        ([f"natural={weights}"] * 2, "given twice"),
        (["natural=nowhere.pt"], "nowhere.pt"),
    ):
        with pytest.raises(BadInput, match=expected):
            paper(toy, network=words, dry_run=True)


@pytest.mark.parametrize(
    ("reference", "meant"),
    [("mat", "mat/h1 or mat/h2"), ("mat/h3", "mat/h1 or mat/h2"), ("at/h1", "known: at$"), ("act", "act/robust")],
)
def test_a_network_that_no_row_would_ask_for_is_refused(reference: str, meant: str) -> None:
    """Or a training would be done in its place, without a word."""
    with pytest.raises(BadInput, match=f"unknown network '{reference}'; .*{meant}"):
        read_own_networks(load_paper("mat"), {reference: "own.pt"}, ["digits"])


def test_a_network_of_one_of_several_datasets_takes_a_place_there_alone(tmp_path: Path) -> None:
    paths = {}
    for name in ("cifar10", "cifar100", "mnist"):
        paths[name] = tmp_path / f"{name}.pt"
        save_checkpoint(paths[name], replace(fixed("natural"), dataset=name))
    mat, both = load_paper("mat"), ["cifar10", "cifar100"]

    def placed(*names: str) -> dict[str, list[str]]:
        found = read_own_networks(mat, [f"at={paths[name]}" for name in names], both)
        return {dataset: [network.name for _, network in own] for dataset, own in found.items()}

    assert placed("cifar10") == {"cifar10": ["cifar10"], "cifar100": []}
    assert placed("cifar10", "cifar100") == {"cifar10": ["cifar10"], "cifar100": ["cifar100"]}
    assert placed("mnist") == {"cifar10": ["mnist"], "cifar100": ["mnist"]}  # it is said how well it does there
    with pytest.raises(BadInput, match="given twice for cifar10"):
        placed("cifar10", "mnist")
