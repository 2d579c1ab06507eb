"""The sentence that says which network is ahead, and whether it is known to be better: as the ranks have it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from synthetic import add_evaluation

import benchmark
from benchmark.ledger import load_results
from benchmark.reporting.lead import lead
from benchmark.reporting.leaderboards import leaderboards
from benchmark.reporting.terminal import print_leaderboards


def told(folder: Path, broken: dict[str, int], images: int = 100, failing: str = "") -> str:
    """Of networks that lose so many of the images each, the first ones."""
    for name, number in broken.items():
        values = (np.arange(images) < number).astype(float)
        attack = ("pgd", "linf", 0.03, "fixed-budget", values)
        error = "out of memory" if name == failing else None
        add_evaluation(folder, name, [attack], (False,) * images, error=error)
    return lead(leaderboards(load_results(folder))[0])


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        ({"a": 10}, ""),
        ({"a": 10, "b": 90}, "a. It is significantly better than b."),
        ({"a": 10, "b": 90, "c": 95}, "a. It is significantly better than all others."),
        ({"a": 10, "b": 10}, "a. It is not significantly better than b (corrected p 1)."),
        (
            {"a": 10, "b": 11, "c": 90},
            "a. It is significantly better than 1 network, but not than b (corrected p 1).",
        ),
        (
            {"a": 10, "b": 10, "c": 10, "d": 10, "e": 10, "f": 90, "g": 91},
            "a. It is significantly better than 2 networks, but not than 4 others, such as b (corrected p 1).",
        ),
    ],
)
def test_the_first_is_better_or_not_known_to_be(tmp_path: Path, broken: dict[str, int], expected: str) -> None:
    found = told(tmp_path, broken)
    assert re.sub(r"p 0\.\d+", "p 1", found) == (f"Highest Rworst: {expected}" if expected else "")


def test_a_network_without_a_value_takes_no_part(tmp_path: Path) -> None:
    assert told(tmp_path, {"a": 10, "b": 90, "c": 50}, failing="c").endswith("significantly better than b.")


def test_page_and_terminal_say_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sentence = told(tmp_path / "results", {"a": 10, "<b>": 90})
    page = benchmark.report(results=tmp_path / "results", out=tmp_path / "out").read_text(encoding="utf-8")
    assert sentence.replace("<b>", "&lt;b&gt;") in page
    print_leaderboards(leaderboards(load_results(tmp_path / "results")))
    assert sentence in " ".join(capsys.readouterr().out.split())


def test_a_network_under_two_names_counts_once(tmp_path: Path) -> None:
    """It is no rival of itself, and takes no rank from those that come after it."""
    flags = (np.arange(100) < 10).astype(float)
    for name, network, broken in (("a", "one", flags), ("again", "one", flags), ("b", "two", 1 - flags)):
        attack = ("pgd", "linf", 0.03, "fixed-budget", broken)
        add_evaluation(tmp_path, name, [attack], (False,) * 100, network=network)
    board = leaderboards(load_results(tmp_path))[0]
    assert {entry.name: str(entry.rank) for entry in board.entries} == {"a": "1", "again": "1", "b": "2"}
    assert lead(board) == "Highest Rworst: a. It is significantly better than b."


def test_a_network_under_two_attack_seeds_is_two_rows(tmp_path: Path) -> None:
    for seed in (0, 1):
        attack = ("pgd", "linf", 0.03, "fixed-budget", (np.arange(100) < 10).astype(float))
        add_evaluation(tmp_path, "a", [attack], (False,) * 100, seed=seed)
    board = leaderboards(load_results(tmp_path))[0]
    assert [str(entry.rank) for entry in board.entries] == ["1–2", "1–2"]
