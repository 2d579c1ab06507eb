"""A reader's own union of attacks: what the page computes from bits is what the package computes from the ledger."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from page_scripts import run_scripts
from synthetic import WORKED_ATTACKS, add_evaluation

from benchmark.analysis import aggregate
from benchmark.analysis.paired import scores
from benchmark.ledger import Evaluation, Ledger
from benchmark.reporting.image_bits import bits_script
from benchmark.reporting.leaderboards import Leaderboard, leaderboards
from benchmark.statistics.ravg_interval import mean_interval
from benchmark.statistics.wilson import wilson

RECOUNT = (
    "given[0].map(([board, threats, attacks]) => { const bits = benchData[`${board}-images`];"
    "return Object.fromEntries(benchRecount.unpack(bits).map((network) => [network.key,"
    " benchRecount.recount(network, bits, { threats, attacks: new Set(attacks) })])); })"
)


def recount(boards: list[Leaderboard], cases: list[tuple[str, list[int], list[int]]]) -> list[dict[str, Any]]:
    """What the page's script says of each case: a board, its threats and its attacks, by their places."""
    found = run_scripts(["shares.js", "recount.js"], RECOUNT, cases, before="".join(map(bits_script, boards)))
    assert isinstance(found, list)
    return found


def chosen(evaluation: Evaluation, threats: list[int], attacks: list[int]) -> Evaluation:
    """The evaluation as if its suite had had these attacks, and had counted these threats."""
    named = [list(evaluation.threats.values())[place] for place in threats]
    union = [{"norm": norm, "epsilon": epsilon} for norm, epsilon in named]
    outcomes = tuple(evaluation.outcomes[place] for place in attacks)
    return replace(evaluation, outcomes=outcomes, suite={**evaluation.suite, "union": union})


def expected(evaluation: Evaluation, threats: list[int], attacks: list[int]) -> dict[str, Any]:
    """Values with their intervals, as the package has them."""
    own, images = chosen(evaluation, threats, attacks), len(evaluation.clean_errors)
    clean = aggregate.clean_accuracy(evaluation)
    worst, average = (aggregate.r_worst(own), aggregate.r_avg(own)) if own.union else (None, None)
    shares = scores(own, "ravg") if average is not None else None
    return {
        "clean": [clean, *wilson(clean * images, images)],
        "worst": None if worst is None else [worst, *wilson(worst * images, images)],
        "average": None if shares is None else [average, *mean_interval(shares)],
    }


def random_attacks(generator: np.random.Generator, images: int) -> list[tuple[str, str, float, str, Any]]:
    """Seven attacks in three norms, one of two radii, and of two kinds."""

    def flags(level: float) -> Any:
        return (generator.random(images) < level).astype(float)

    def distances(scale: float) -> Any:
        found = generator.exponential(scale, images)
        return np.where(generator.random(images) < 0.2, np.inf, found)

    return [
        ("pgd-small", "linf", 4 / 255, "fixed-budget", flags(0.3)),
        ("ddn-small", "linf", 4 / 255, "minimum-norm", distances(0.03)),
        ("pgd-large", "linf", 8 / 255, "fixed-budget", flags(0.5)),
        ("fmn-large", "linf", 8 / 255, "minimum-norm", distances(0.03)),
        ("pgd", "l2", 0.5, "fixed-budget", flags(0.4)),
        ("ddn", "l2", 0.5, "minimum-norm", distances(0.6)),
        ("fog", "fog", 1.0, "fixed-budget", flags(0.2)),
    ]


@pytest.fixture(scope="module")
def boards(tmp_path_factory: pytest.TempPathFactory) -> list[Leaderboard]:
    """Networks on 203 images, which fill no whole byte; and six images, of one network with an attack that failed."""
    results = tmp_path_factory.mktemp("union") / "results"
    generator = np.random.default_rng(1)
    for name in ("a", "b", "__proto__"):
        add_evaluation(results, name, random_attacks(generator, 203), generator.random(203) < 0.15)
    add_evaluation(results, "none right", random_attacks(generator, 203), np.ones(203, bool))
    add_evaluation(results, "whole", dataset="mnist")
    add_evaluation(results, "failed", dataset="mnist", error="out of memory")
    return leaderboards(Ledger.open(results).evaluations())


def test_any_selection_has_the_packages_numbers(boards: list[Leaderboard]) -> None:
    generator = np.random.default_rng(2)
    cases: list[tuple[Leaderboard, list[int], list[int]]] = []
    for board in boards:
        threats, attacks = range(len(board.threats)), range(len(board.evaluations[0].outcomes))
        cases += [
            (board, [*threats], [*attacks]),
            (board, [], [*attacks]),
            (board, [*threats], []),
            (board, [0], [0]),
        ]
        for _ in range(40):
            picked = [[place for place in places if generator.random() < 0.6] for places in (threats, attacks)]
            cases.append((board, *picked))
    found = recount(boards, [(board.anchor, threats, attacks) for board, threats, attacks in cases])
    compared = 0
    for (board, threats, attacks), own in zip(cases, found, strict=True):
        for entry in board.entries:
            wanted, got = expected(entry.evaluation, threats, attacks), own[entry.id[:16]]
            for metric, values in wanted.items():
                assert (got[metric] is None) == (values is None), (threats, attacks, metric)
                assert values is None or got[metric] == pytest.approx(values, abs=1e-9), (threats, attacks, metric)
                compared += values is not None
    assert compared > 500


def test_the_suites_own_union_has_the_leaderboards_numbers(boards: list[Leaderboard]) -> None:
    for board in boards:
        threats = [place for place, name in enumerate(board.threats) if name in board.union]
        ((found),) = recount([board], [(board.anchor, threats, [*range(len(board.evaluations[0].outcomes))])])
        for entry in board.entries:
            for metric, own in (("worst", entry.r_worst), ("average", entry.r_avg), ("clean", entry.clean)):
                assert found[entry.id[:16]][metric] == (None if own is None else pytest.approx(list(own), abs=1e-9))


def test_a_smaller_radius_counts_under_a_larger_one(tmp_path: Path) -> None:
    attacks = [
        ("near", "linf", 0.1, "fixed-budget", [1.0, 0, 0, 0]),
        ("far", "linf", 0.2, "fixed-budget", [0.0, 1, 0, 0]),
    ]
    add_evaluation(tmp_path / "results", "a", attacks, (False,) * 4)
    (board,) = leaderboards(Ledger.open(tmp_path / "results").evaluations())
    found = recount([board], [(board.anchor, [1], [0, 1]), (board.anchor, [1], [1]), (board.anchor, [1], [0])])
    key = board.entries[0].id[:16]
    assert [each[key]["worst"] and each[key]["worst"][0] for each in found] == [0.5, 0.75, None]


def test_a_network_is_a_few_letters_for_each_attack(tmp_path: Path) -> None:
    """1,000 networks × 30 attacks × 1,000 images come to about 5 MB: a network and attack are 168 letters."""
    images, attacks = 1000, 30
    names = [(f"a{place}", "linf", 0.03, "fixed-budget", np.zeros(images)) for place in range(attacks)]
    sizes = []
    for number in range(2):
        add_evaluation(tmp_path / "results", f"n{number}", names, (False,) * images)
        (board,) = leaderboards(Ledger.open(tmp_path / "results").evaluations())
        sizes.append(len(bits_script(board)))
    assert 30 * 125 * 4 / 3 < sizes[1] - sizes[0] < 5400


def test_worked_example_by_hand(tmp_path: Path) -> None:
    """Six images, the first wrong: fgsm breaks one more, pgd another; ddn reaches two within 0.5, s&p one at 12."""
    add_evaluation(tmp_path / "results", "at", WORKED_ATTACKS)
    (board,) = leaderboards(Ledger.open(tmp_path / "results").evaluations())
    key = board.entries[0].id[:16]
    cases = [([0], [0]), ([0], [0, 1]), ([0, 1], [0, 1, 2]), ([0, 1, 2], [0, 1, 2, 3])]
    found = recount([board], [(board.anchor, *case) for case in cases])
    assert [each[key]["right"] for each in found] == [4, 3, 2, 1]
    assert found[2][key]["average"][0] == pytest.approx((3 / 6 + 3 / 6) / 2)
