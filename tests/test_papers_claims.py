"""Claims: yes, no, unclear, not measured."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from papers_ledger import file_evaluation

from benchmark.papers import load_paper
from benchmark.papers.claims import check_claims, judge
from benchmark.papers.grid import make_grids
from benchmark.papers.html import page
from benchmark.papers.networks import find_network
from benchmark.papers.published import Published
from benchmark.papers.schema import Claim
from benchmark.papers.setting import make_setting
from benchmark.planning.ledger_index import LedgerIndex


def claim(**options) -> Claim:
    return Claim(**{"text": "a beats b", "exhibit": "1", "left": "a", "right": "b", "column": "c", **options})


def flags(right: int, of: int = 1000) -> np.ndarray:
    return (np.arange(of) < right).astype(float)


@pytest.mark.parametrize(
    ("left", "right", "relation", "expected"),
    [
        (600, 500, "above", "yes"),
        (500, 600, "above", "no"),
        (500, 500, "above", "unclear"),
        (503, 500, "above", "unclear"),
        (500, 600, "below", "yes"),
        (600, 500, "below", "no"),
        (500, 501, "close", "yes"),
        (500, 600, "close", "no"),
        (500, 510, "close", "unclear"),
    ],
)
def test_answers(left: int, right: int, relation: str, expected: str) -> None:
    assert judge(claim(relation=relation), None, flags(left), flags(right)).answer == expected


def test_the_interval_is_that_of_a_paired_difference() -> None:
    """Where the same images stand on both sides, only those that differ count."""
    verdict = judge(claim(), None, flags(550), flags(500))
    share = 0.05
    assert verdict.difference == pytest.approx(5.0)
    assert verdict.half_width == pytest.approx(196 * (share * (1 - share) / 1000) ** 0.5, rel=0.1)
    assert verdict.p == pytest.approx(2 * 0.5**50)
    assert str(verdict) == f"yes, +5.0 ± {verdict.half_width:.1f}"


def test_shares_that_are_no_flags_are_tested_by_bootstrap() -> None:
    thirds = flags(700) * 2 / 3
    assert judge(claim(), None, thirds, thirds * 0.5).answer == "yes"
    assert judge(claim(), None, thirds, thirds[::-1]).answer == "unclear"


def test_claims_are_looked_up_in_the_ledger(tmp_path: Path) -> None:
    paper = load_paper("mat")
    setting = make_setting(paper, "digits", images=200)
    for run, broken in (("at", {"pgd-20": 80, "pgd-100": 100, "pgd-1000": 100}), ("mat/h1", 60)):
        network = find_network(paper, run, setting, "small-cnn", 0)
        file_evaluation(tmp_path, network, setting, "kd-defences", broken, images=200)
    grids = {key: make_grids(paper, key, setting, LedgerIndex.open(tmp_path), Published({})) for key in ("3", "4")}
    verdicts = {verdict.claim.text: verdict for verdict in check_claims(paper.claims, grids)}
    assert len(verdicts) == len(paper.claims)
    assert verdicts["MAT (h1) beats AT under PGD-100"].answer == "yes"
    assert verdicts["MAT (h1) beats AT under PGD-100"].difference == pytest.approx(20)
    assert verdicts["MAT (h2) beats AT under PGD-100"].answer == "not measured"
    assert verdicts["more than 100 steps hardly matter on MAT (h1)"].answer == "yes"
    assert verdicts["20 steps are weaker than 100 on MAT (h1)"].answer == "unclear"
    assert verdicts["MAT-MAX beats AT-MAX in Rworst"].answer == "not measured"
    assert str(verdicts["MAT-MAX beats AT-MAX in Rworst"]) == "not measured"
    every = {key: grids.get(key, []) for key in paper.exhibits}
    html = page(paper, setting, every, Published({}), list(verdicts.values()), "bench paper mat")
    answers = [verdict.answer for verdict in verdicts.values()]
    assert re.findall(r"<b>(\d+)</b> ([a-z ]+)<", html) == [
        (str(answers.count(answer)), answer) for answer in ("yes", "unclear", "not measured")
    ]
    assert html.count('<span class="span') == len(answers) - answers.count("not measured")
    assert "+20.0 ± " in html


def test_a_claim_is_checked_in_every_panel(tmp_path: Path) -> None:
    paper = load_paper("mat")
    setting = make_setting(paper, "cifar10", images=100)
    for architecture, broken in (("resnet18", 20), ("wrn-34-10", 80)):
        for run, more in (("at", 0), ("mat/h1", -15 if broken == 20 else 15)):
            network = find_network(paper, run, setting, architecture, 0)
            file_evaluation(tmp_path, network, setting, "kd-defences", broken + more, images=100)
    grids = {"3": make_grids(paper, "3", setting, LedgerIndex.open(tmp_path), Published({}))}
    found = [(v.grid.panel.architecture, v.answer) for v in check_claims(paper.claims[:1], grids)]
    assert found == [("resnet18", "yes"), ("wrn-34-10", "no")]
