"""What tables say is what the ledger holds, and what is not comparable never shares a column."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from synthetic import WORKED_ATTACKS, add_evaluation

import benchmark
from benchmark.ledger import load_results
from benchmark.reporting import attacks_frame, leaderboard_frame, leaderboard_rows, leaderboards
from benchmark.reporting.references import best_known, clean, references
from benchmark.statistics.wilson import wilson


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return tmp_path / "results"


def test_worked_example(results: Path) -> None:
    """The six images whose accuracies are known from hand."""
    add_evaluation(results)
    (board,) = leaderboards(load_results(results))
    (row,) = leaderboard_rows([board])
    expected = {"clean": 5 / 6, "linf": 3 / 6, "l2": 3 / 6, "l1": 4 / 6, "r_avg": 5 / 9, "r_worst": 1 / 6}
    assert {name: row[name] for name in expected} == pytest.approx(expected)
    assert {attack["attack"]: attack["accuracy"] for attack in board.entries[0].attacks} == pytest.approx(
        {"fgsm": 4 / 6, "pgd": 4 / 6, "ddn": 3 / 6, "s&p": 4 / 6}
    )
    assert (row["forwards"], row["backwards"], row["seconds"]) == (4000, 1600, 6.0)


def test_intervals_enclose_their_accuracy(results: Path) -> None:
    add_evaluation(results)
    (board,) = leaderboards(load_results(results))
    (row,) = leaderboard_rows([board])
    for name in ("clean", *board.norms, "r_avg", "r_worst"):
        assert row[f"{name}_low"] < row[name] < row[f"{name}_high"]
    # Wilson's interval of 1 in 6, computed by hand: (1/6 + z²/12 ± z·√(5/216 + z²/144)) / (1 + z²/6) with z = 1.96.
    assert (row["r_worst_low"], row["r_worst_high"]) == pytest.approx((0.0301, 0.5635), abs=1e-4)


def test_ravgs_interval_is_from_its_own_variance(results: Path) -> None:
    """An image that withstands one threat of three adds a third, which varies less than a flag would."""
    attacks = [
        (norm, norm, 0.5, "fixed-budget", [float(image % 3 != place) for image in range(450)])
        for place, norm in enumerate(("linf", "l2", "l1"))
    ]
    add_evaluation(results, attacks=attacks, clean_errors=(False,) * 450)
    (row,) = leaderboard_rows(leaderboards(load_results(results)))
    assert row["r_avg"] == pytest.approx(1 / 3)
    width = row["r_avg_high"] - row["r_avg_low"]
    assert 0 < width < 0.01  # each image adds just a third; of 450 flags it would be 0.087


def test_median_distance_is_for_minimal_attacks_only(results: Path) -> None:
    add_evaluation(results)
    (board,) = leaderboards(load_results(results))
    medians = {attack["attack"]: attack["median_distance"] for attack in board.entries[0].attacks}
    assert medians["fgsm"] is None
    assert medians["ddn"] == pytest.approx(0.51)  # of those classified correctly: 0.49, 0.5, 0.51, 0.7 and ∞


def test_pages_tables_and_frames_have_one_median_distance(results: Path) -> None:
    """Of the images that are classified correctly; ∞ where half of them or more have no adversarial."""
    inf = np.inf
    attacks = [
        ("pgd", "l2", 0.5, "fixed-budget", (0, 1, 1, 1, 1, 1)),
        ("ddn", "l2", 0.5, "minimum-norm", (0, 0.7, 0.5, 0.51, 0.49, inf)),
        ("fmn", "l2", 0.5, "minimum-norm", (0, 0.7, 0.4, inf, inf, inf)),
        ("cw", "l2", 0.5, "minimum-norm", (0, inf, inf, inf, inf, 0.2)),
    ]
    add_evaluation(results, attacks=attacks)
    frame = benchmark.results.load(results).set_index("attack")["median_distance"]
    (board,) = leaderboards(load_results(results))
    tables = {attack["attack"]: attack["median_distance"] for attack in board.entries[0].attacks}
    assert frame.isna()["pgd"]
    assert tables["pgd"] is None
    for label, median in (("ddn", 0.51), ("fmn", inf), ("cw", inf)):
        assert tables[label] == frame[label] == pytest.approx(median)
    folder = benchmark.report(results=results, out=results.parent / "reports").parent
    csv = pd.read_csv(folder / "models" / "at.csv").set_index("attack")["median_distance"]
    assert csv["ddn"] == pytest.approx(0.51)
    assert csv["fmn"] == inf
    page = (folder / "models" / "at.html").read_text(encoding="utf-8")
    assert '<td class="number">0.51</td>' in page
    assert page.count('<td class="number">∞</td>') == 2


@pytest.mark.parametrize(
    "difference",
    [
        {"dataset": "mnist"},
        {"mode": "worst-case"},
        {"preset": "standard"},
        {"suite": "smoke"},
        {"attacks": WORKED_ATTACKS[:3]},
        {"attacks": (*WORKED_ATTACKS[:3], ("s&p", "l1", 13.0, "minimum-norm", (0, 40, np.inf, 12, 13, 12.5)))},
    ],
    ids=["dataset", "mode", "preset", "suite", "attacks", "radius"],
)
def test_what_differs_gets_its_own_board(results: Path, difference: dict[str, object]) -> None:
    add_evaluation(results, "a")
    add_evaluation(results, "b")
    add_evaluation(results, "c", **difference)  # type: ignore[arg-type]
    found = [sorted(entry.name for entry in board.entries) for board in leaderboards(load_results(results))]
    assert sorted(found) == [["a", "b"], ["c"]]
    assert len({board.anchor for board in leaderboards(load_results(results))}) == 2


def test_other_test_images_get_their_own_board(results: Path) -> None:
    add_evaluation(results, "a")
    fewer = tuple((*attack[:4], attack[4][:5]) for attack in WORKED_ATTACKS)
    add_evaluation(results, "b", fewer, (True, False, False, False, False))
    assert len(leaderboards(load_results(results))) == 2


def test_networks_are_sorted_by_value_and_have_the_ranks_that_are_possible(results: Path) -> None:
    """Of forty images ten more is a difference, one more is none."""

    def attacks(broken: int) -> list[tuple[str, str, float, str, list[float]]]:
        return [("pgd", "linf", 0.03, "fixed-budget", [1.0] * broken + [0.0] * (40 - broken))]

    for name, broken in (("best", 5), ("nearly", 6), ("worse", 16)):
        add_evaluation(results, name, attacks(broken), (False,) * 40)
    (board,) = leaderboards(load_results(results))
    assert [(str(entry.rank), entry.name) for entry in board.entries] == [
        ("1–2", "best"),
        ("1–2", "nearly"),
        ("3", "worse"),
    ]


def test_masking_is_flagged_with_its_evidence(results: Path) -> None:
    """FGSM that breaks twenty images where forty steps break none."""
    attacks = [
        ("fgsm", "linf", 0.03, "fixed-budget", [1.0] * 20 + [0.0] * 20),
        ("pgd", "linf", 0.03, "fixed-budget", [0.0] * 40),
    ]
    add_evaluation(results, "masked", attacks, (False,) * 40)
    (board,) = leaderboards(load_results(results))
    assert [flag.name for flag in board.entries[0].flags] == ["one-step attack beats iterative attacks"]
    (masking,) = leaderboard_frame([board])["masking"]
    assert "fgsm succeeded on 20 of 40 images" in masking


def test_a_failed_attack_proves_nothing(results: Path) -> None:
    """Neither its own accuracy nor any that depends on it is known; the network has no rank and comes last."""
    add_evaluation(results, "a", error="ValueError: bad")
    add_evaluation(results, "b")
    (board,) = leaderboards(load_results(results))
    whole, failed = leaderboard_rows([board])
    assert (whole["model"], failed["model"]) == ("b", "a")
    assert [failed[name] for name in ("rank", "l1", "r_avg", "r_worst")] == [None] * 4
    assert failed["linf"] == 0.5
    assert "s&p failed: ValueError: bad" in failed["notes"]


def test_frames_hold_every_row(results: Path) -> None:
    add_evaluation(results, "a")
    add_evaluation(results, "b", mode="worst-case")
    found = leaderboards(load_results(results))
    networks, attacks = leaderboard_frame(found), attacks_frame(found)
    assert list(networks["model"]) == ["a", "b"]
    assert len(attacks) == 2 * len(WORKED_ATTACKS)
    assert set(attacks["evaluation"]) == set(networks["evaluation"])
    assert attacks["records"].str.fullmatch(r"[0-9a-f]{64}").all()
    assert networks["rank_low"].dtype == pd.Int64Dtype()


def test_worst_case_accuracies_are_of_what_was_left(results: Path) -> None:
    """An attack that was tried on three images and broke one has 2 of 3, which is no accuracy of the network."""
    left = (*WORKED_ATTACKS[:3], ("s&p", "l1", 12.0, "minimum-norm", (np.nan, np.nan, np.nan, 12, 13, np.inf)))
    add_evaluation(results, attacks=left, mode="worst-case")
    (board,) = leaderboards(load_results(results))
    last = board.entries[0].attacks[-1]
    assert (last["images_tried"], last["accuracy"]) == (3, pytest.approx(2 / 3))
    assert last["median_distance"] is None, "of the images that it was not tried on, nothing is known"
    assert board.entries[0].attacks[2]["median_distance"] == pytest.approx(0.51), "ddn was the first in its norm"


def test_published_accuracies_have_wilsons_interval() -> None:
    """Of 10,000 images; RobustBench evaluates ImageNet on 5,000."""
    for dataset, images in (("cifar10", 10_000), ("imagenet", 5000)):
        entry = references(dataset)[0]
        found = best_known(entry, "linf", {"linf": (entry.norm, entry.radius)})
        assert found is not None
        assert (found.low, found.high) == pytest.approx(wilson(images * entry.best_known, images))
        assert clean(entry).low < entry.clean < clean(entry).high
