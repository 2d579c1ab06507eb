"""Comparisons say what they are about: these checkpoints, or the methods whose seeds they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from seeded_networks import attack, card
from synthetic import add_evaluation

import benchmark
from benchmark.ledger import load_results
from benchmark.reporting import PairedTests, leaderboards, print_leaderboards, print_paired_tests
from benchmark.reporting.method_rows import HEADINGS, method_rows


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Three seeds of two methods and one of a third."""
    generous = {"at": (4, 10, 7), "trades": (22, 24, 20), "mart": (5,)}
    for method, broken in generous.items():
        for seed, count in enumerate(broken):
            name = f"{method}-seed-{seed}" if seed else method
            add_evaluation(tmp_path / "results", name, attack(range(count)), (False,) * 40, card=card(method, seed))
    return tmp_path / "results"


def compared(results: Path, *networks: str) -> PairedTests:
    (found,) = benchmark.compare(networks, results=results)
    return found


def names(method: str, seeds: Sequence[int] = (0, 1, 2)) -> list[str]:
    return [f"{method}-seed-{seed}" if seed else method for seed in seeds]


def test_one_seed_each_is_about_these_two_checkpoints(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = compared(results, "at", "trades")
    assert found.methods == ()
    print_paired_tests([found])
    said = " ".join(capsys.readouterr().out.split())
    assert "about these two checkpoints, not about the methods" in said
    assert "2 more training seeds of at were evaluated here" in said
    assert compared(results, "at", "mart").more_seeds == {"at": 2}


def test_several_seeds_are_one_row_and_about_the_methods(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = compared(results, *names("at"), *names("trades"))
    assert found.pairs == ()
    assert [(pair.first, pair.second) for pair in found.methods] == [("at", "trades")] * 4
    (rworst,) = (pair for pair in found.methods if pair.comparison.metric == "rworst")
    assert rworst.comparison.found.difference == pytest.approx(45 / 120)
    assert rworst.verdict == "at is significantly better"
    print_paired_tests([found])
    said = " ".join(capsys.readouterr().out.split())
    assert "methods, over training seeds and images" in said
    assert "with twice the seeds" in said
    assert "about these" not in said
    assert "more training seed" not in said


def test_a_method_of_one_seed_is_compared_by_its_checkpoint(results: Path) -> None:
    found = compared(results, *names("at"), *names("trades"), "mart")
    assert len(found.methods) == 4
    pairs = {frozenset((pair.first, pair.second)) for pair in found.pairs}
    assert pairs == {frozenset(("mart", other)) for other in (*names("at"), *names("trades"))}
    assert "these checkpoints" in " ".join(found.about)


def test_seeds_of_one_method_alone_are_compared_with_each_other(results: Path) -> None:
    found = compared(results, *names("at"))
    assert found.methods == ()
    assert len({(pair.first, pair.second) for pair in found.pairs}) == 3


def test_a_seed_that_may_be_masked_is_told(results: Path) -> None:
    """Zero gradients of one seed cast doubt on the method."""
    info = {"dead_gradients": 400, "backwards": 400}
    options = {"card": card("at", 3), "info": info}
    add_evaluation(results, "at-seed-3", attack(range(4)), (False,) * 40, **options)  # type: ignore[arg-type]
    found = compared(results, *names("at", (0, 1, 2, 3)), *names("trades"))
    masked = {entry.name for entry in found.board.entries if entry.is_masked}
    assert {pair.masked for pair in found.methods} == {(bool(masked), False)}


def test_all_methods_of_the_setting_are_the_family(results: Path) -> None:
    """Who names two of them has seen the third."""
    for seed in (1, 2):
        add_evaluation(results, f"mart-{seed}", attack(range(5 + seed)), (False,) * 40, card=card("mart", seed))
    whole = compared(results, *names("at"), *names("trades"))
    (planned,) = benchmark.compare([*names("at"), *names("trades")], results=results, planned=True)
    for seen, alone in zip(whole.methods, planned.methods, strict=True):
        assert seen.comparison.corrected >= alone.comparison.corrected == alone.comparison.found.p
        assert seen.comparison.found.half_width > alone.comparison.found.half_width


def test_seeds_of_a_method_are_one_row_of_a_leaderboard(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (board,) = leaderboards(load_results(results))
    at, trades = method_rows(board)  # mart has a single seed
    assert (at.label, at.seeds, trades.label) == ("at", (0, 1, 2), "trades")
    assert at.means["rworst"].value == pytest.approx(1 - 21 / 120)
    assert at.means["rworst"].low < at.means["rworst"].value < at.means["rworst"].high
    assert len(at.cells) == len(HEADINGS)
    print_leaderboards([board])
    said = " ".join(capsys.readouterr().out.split())
    assert "methods with several training seeds" in said
    page = benchmark.report(results=results, out=results.parent / "out").read_text(encoding="utf-8")
    assert page.count('<table class="methods">') == 1
    assert "0, 1, 2" in page
    assert "are of these checkpoints" in page


def test_without_several_seeds_there_are_no_rows_of_methods(tmp_path: Path) -> None:
    add_evaluation(tmp_path / "results", "at", attack(range(4)), (False,) * 40, card=card("at", 0))
    assert 'class="methods"' not in benchmark.report(results=tmp_path / "results", out=tmp_path / "out").read_text()


def test_what_a_methods_networks_are_called_is_escaped(tmp_path: Path) -> None:
    for seed in (0, 1):
        name = f"<script>alert(1)</script>-seed-{seed}"
        add_evaluation(tmp_path / "results", name, attack(range(4)), (False,) * 40, card=card("at", seed))
    page = benchmark.report(results=tmp_path / "results", out=tmp_path / "out").read_text(encoding="utf-8")
    assert 'class="methods"' in page
    assert "<script>alert" not in page
