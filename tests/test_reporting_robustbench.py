"""What is exported as an entry of RobustBench is one; what is not is refused, with what it lacks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from synthetic import WORKED_ATTACKS, add_evaluation

import benchmark
from benchmark.attacks import make_attack
from benchmark.errors import BadInput

EIGHT = 8 / 255
STANDARD = make_attack("autoattack").identity()
IMAGES = 10_000


def flags(share: float, start: float = 0.0, images: int = IMAGES) -> np.ndarray:
    """The images from `start` on, as a share of all, that are hit: `share` of all."""
    place = np.arange(images) / images
    return ((place >= start) & (place < start + share)).astype(float)


def add(results: Path, name: str = "aa", attacks=None, images: int = IMAGES, **more) -> None:
    attacks = attacks or [("autoattack", "linf", EIGHT, "fixed-budget", flags(0.4, images=images))]
    wrong = flags(0.1, 0.9, images).astype(bool)
    settings = {
        "dataset": "cifar10",
        "suite": "autoattack",
        "preset": "standard",
        "identities": {"autoattack": STANDARD},
    }
    add_evaluation(results, name, attacks, wrong, **(settings | more))


def export(results: Path) -> Path:
    return benchmark.report(results=results, out=results.parent / "out", format="robustbench-json")


def test_an_entry_is_written_as_there(tmp_path: Path) -> None:
    add(tmp_path / "results")
    folder = export(tmp_path / "results")
    (path,) = folder.rglob("*.json")
    assert path.parent.relative_to(folder) == Path("cifar10/Linf")
    entry = json.loads(path.read_text())
    assert (entry["name"], entry["dataset"], entry["eps"]) == ("aa", "cifar10", "8/255")
    assert (entry["clean_acc"], entry["autoattack_acc"]) == ("90.00", "50.00")
    assert "external" not in entry
    assert (folder / "left-out.txt").read_text() == "nothing\n"


def test_other_attacks_that_broke_more_are_told_apart(tmp_path: Path) -> None:
    attacks = [
        ("autoattack", "linf", EIGHT, "fixed-budget", flags(0.4)),
        ("pgd", "linf", EIGHT, "fixed-budget", flags(0.1, 0.4)),
        ("weaker", "linf", EIGHT / 2, "fixed-budget", flags(0.05)),
    ]
    add(tmp_path / "results", attacks=attacks, union=[("linf", EIGHT)])
    (path,) = export(tmp_path / "results").rglob("*.json")
    entry = json.loads(path.read_text())
    assert (entry["autoattack_acc"], entry["external"]) == ("50.00", "40.00")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"dataset": "digits"}, "its images are those of digits, not of cifar10 or cifar100"),
        ({"images": 100}, "it is of the first 100 test images, not of all 10,000"),
        ({"precision": "bf16"}, "its attacks ran in bf16; evaluate with --precision fp32"),
        ({"attacks": [("pgd", "linf", EIGHT, "fixed-budget", flags(0.4))]}, "AutoAttack was not run"),
        ({"identities": {"autoattack": STANDARD | {"steps": 50}}}, "current standard version"),
        ({"identities": {"autoattack": STANDARD | {"variant": "rand"}}}, "current standard version"),
        ({"attacks": [("autoattack", "linf", 0.03, "fixed-budget", flags(0.4))]}, "at linf 8/255 or l2 0.5"),
        ({"attacks": [("autoattack", "l1", 12.0, "fixed-budget", flags(0.4))]}, "at linf 8/255 or l2 0.5"),
        ({"dataset": "cifar100", "attacks": [("autoattack", "l2", 0.5, "fixed-budget", flags(0.4))]}, "linf 8/255"),
        ({"error": "RuntimeError: it broke down"}, "did not complete on every image"),
        (
            {"attacks": [("autoattack", "linf", EIGHT, "fixed-budget", np.where(flags(0.2), np.nan, 0))]},
            "did not complete on every image",
        ),
    ],
)  # fmt: skip
def test_what_is_no_entry_is_refused_with_what_it_lacks(tmp_path: Path, more: dict, message: str) -> None:
    add(tmp_path / "results", **more)
    with pytest.raises(BadInput, match="nothing here was measured as RobustBench's entries are") as caught:
        export(tmp_path / "results")
    assert message in str(caught.value)
    assert "aa under autoattack (standard): " in str(caught.value)
    assert not list((tmp_path / "out").rglob("*")), "nothing is half-written"


def test_a_preset_that_shortens_nothing_but_the_name_is_one(tmp_path: Path) -> None:
    """What was run counts, not what it is called; a data set may be named with its folder."""
    add(tmp_path / "results", preset="mine", suite="mine", dataset="cifar10:images")
    (path,) = export(tmp_path / "results").rglob("*.json")
    assert json.loads(path.read_text())["dataset"] == "cifar10"


def test_beside_entries_the_others_are_left_out_and_named(tmp_path: Path) -> None:
    add(tmp_path / "results")
    add_evaluation(tmp_path / "results", "other", WORKED_ATTACKS)
    folder = export(tmp_path / "results")
    assert len(list(folder.rglob("*.json"))) == 1
    assert (folder / "left-out.txt").read_text().startswith("other under multi-perturbation (quick): its images are")


def test_of_nothing_there_is_no_entry(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there are no results"):
        export(tmp_path / "results")
