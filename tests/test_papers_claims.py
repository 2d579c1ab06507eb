"""Claims: supported, contradicted, undetermined, not measured."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from papers_ledger import file_evaluation
from scipy.special import ndtr

from benchmark.papers import load_paper
from benchmark.papers.cells import TableCell
from benchmark.papers.claim import Claim
from benchmark.papers.claim_judging import try_part
from benchmark.papers.claim_parts import comparisons
from benchmark.papers.claims import ClaimVerdict, check_claims, corrected, judged, tallies, tally_words
from benchmark.papers.grid import make_grids
from benchmark.papers.html import page
from benchmark.papers.networks import find_network
from benchmark.papers.published import Published
from benchmark.papers.setting import make_setting
from benchmark.planning.ledger_index import LedgerIndex
from benchmark.statistics.score import histogram, score_interval


def claim(**options) -> Claim:
    return Claim(**{"text": "a beats b", "exhibit": "1", "left": "a", "right": "b", "column": "c", **options})


def judge(said: Claim, left: np.ndarray, right: np.ndarray, is_paired: bool = False) -> ClaimVerdict:
    """The verdict on a claim of two numbers, were it the only one."""
    cells = [
        TableCell(by_seed=np.atleast_2d(side), trainings=frozenset({"one"} if is_paired else {str(n)}))
        for n, side in enumerate((left, right))
    ]
    return judged(said, None, [try_part(part) for part in comparisons(said, ("a", "b", "c"), *cells)])


def flags(right: int, of: int = 1000) -> np.ndarray:
    return (np.arange(of) < right).astype(float)


@pytest.mark.parametrize(
    ("left", "right", "relation", "expected"),
    [
        (600, 500, "above", "supported"),
        (500, 600, "above", "contradicted"),
        (500, 500, "above", "undetermined"),
        (503, 500, "above", "undetermined"),
        (500, 600, "below", "supported"),
        (600, 500, "below", "contradicted"),
        (500, 501, "close", "supported"),
        (500, 600, "close", "contradicted"),
        (500, 510, "close", "undetermined"),
    ],
)
def test_answers(left: int, right: int, relation: str, expected: str) -> None:
    assert judge(claim(relation=relation), flags(left), flags(right)).answer == expected


def test_the_interval_is_that_of_a_paired_difference() -> None:
    """Where the same images stand on both sides, only those that differ count."""
    verdict = judge(claim(), flags(550), flags(500))
    share = 0.05
    assert verdict.difference == pytest.approx(5.0)
    assert (verdict.high - verdict.low) / 2 == pytest.approx(196 * (share * (1 - share) / 1000) ** 0.5, rel=0.1)
    assert verdict.p == pytest.approx(2 * ndtr(-(50**0.5)))
    assert str(verdict) == f"supported, +5.0 ({verdict.low:+.1f} to {verdict.high:+.1f}), p < 0.0001"
    low, high = score_interval(histogram(flags(550), flags(500)), 1.959964)
    assert (verdict.low, verdict.high) == pytest.approx((100 * low[0], 100 * high[0]), abs=1e-4)


def test_shares_that_are_no_flags_are_tested_too() -> None:
    thirds = flags(700) * 2 / 3
    assert judge(claim(), thirds, thirds * 0.5).answer == "supported"
    assert judge(claim(), thirds, thirds[::-1]).answer == "undetermined"


def test_claims_are_looked_up_in_the_ledger(tmp_path: Path) -> None:
    paper = load_paper("mat")
    setting = make_setting(paper, "digits", images=200)
    for run, broken in (("at", {"pgd-20": 80, "pgd-100": 100, "pgd-1000": 100}), ("mat/h1", 60)):
        network = find_network(paper, run, setting, "small-cnn", 0)
        file_evaluation(tmp_path, network, setting, "kd-defences", broken, images=200)
    grids = {key: make_grids(paper, key, setting, LedgerIndex.open(tmp_path), Published({})) for key in ("3", "4")}
    said = [claim(text=name, exhibit="3", left=name, right="AT", column="PGD-100") for name in ("MAT-h1", "MAT-h2")]
    verdicts = {verdict.claim.text: verdict for verdict in check_claims([*paper.claims, *said], grids)}
    assert len(verdicts) == len(paper.claims) + 2
    assert verdicts["MAT-h1"].answer == "supported"
    assert verdicts["MAT-h1"].difference == pytest.approx(20)
    assert verdicts["MAT-h2"].answer == "not measured"
    same = verdicts[
        "more than 100 steps hardly matter on MAT (h1)"
    ]  # on 200 images, too few to know it within a point
    assert (same.difference, same.answer) == (0, "undetermined")
    assert same.high == pytest.approx(-same.low)
    assert 1.5 < same.high < 2.5
    assert verdicts["20 steps are weaker than 100 on MAT (h1)"].answer == "undetermined"
    assert str(verdicts["MAT-MAX is best against the union of all attacks"]) == "not measured"
    every = {key: grids.get(key, []) for key in paper.exhibits}
    html = page(paper, [setting], every, Published({}), list(verdicts.values()), "bench paper mat")
    answers = [verdict.answer for verdict in verdicts.values()]
    shown = re.findall(r"<b>(\d+)</b> ([a-z ]+)<", html)
    told = tallies(verdicts.values())
    assert shown == [(str(count), answer) for family in ("paper", "sanity") for answer, count in told[family].items()]
    assert set(told["sanity"]) == {"undetermined", "not measured"}
    assert "Claims of the paper:" in html
    assert html.count("Our own checks</h2>") == 1
    checks = html.split("Our own checks</h2>")[1].split("</section>")[0]
    assert "20 steps are weaker" in checks
    assert "about these checkpoints" in html
    assert html.count('<span class="span') == len(answers) - sum(
        verdict.difference is None for verdict in verdicts.values()
    )
    assert "+20.0<small>" in html
    assert "±" not in html  # which is a standard deviation over seeds, and there is one


def test_a_claim_is_checked_in_every_panel(tmp_path: Path) -> None:
    paper = load_paper("mat")
    setting = make_setting(paper, "cifar10", images=100)
    for architecture, broken in (("resnet18", 20), ("wrn-34-10", 80)):
        for run, more in (("at", 0), ("mat/h1", -15 if broken == 20 else 15)):
            network = find_network(paper, run, setting, architecture, 0)
            file_evaluation(tmp_path, network, setting, "kd-defences", broken + more, images=100)
    grids = {"3": make_grids(paper, "3", setting, LedgerIndex.open(tmp_path), Published({}))}
    said = claim(exhibit="3", left="MAT-h1", right="AT", column="PGD-20")
    found = [(v.grid.panel.architecture, v.answer) for v in check_claims([said], grids)]
    assert found == [("resnet18", "supported"), ("wrn-34-10", "contradicted")]


def test_p_is_corrected_within_each_family_and_decides() -> None:
    """Two of one family at 3 % don't stand together; one that is alone in its family does."""
    one, other = flags(1000), flags(1000)
    one[:18], other[18:25] = 0, 0  # 7 against 18 of 25 discordant images: p = 0.043
    found = [
        judge(claim(family=family, text=text), other, one)
        for family, text in (("paper", "a"), ("paper", "b"), ("sanity", "c"))
    ]
    assert [verdict.answer for verdict in found] == ["supported"] * 3
    first, second, sanity = corrected(found)
    assert (first.answer, second.answer, sanity.answer) == ("undetermined", "undetermined", "supported")
    assert first.p_corrected == pytest.approx(2 * first.p)
    assert sanity.p_corrected == sanity.p
    assert tally_words(tallies([first, second, sanity])) == [
        "claims of the paper: 2 undetermined",
        "our own checks: 1 supported",
    ]


def test_of_nothing_measured_no_comparison_is_counted() -> None:
    verdict = ClaimVerdict(claim(left="a", right="b"), None, parts=(None, None))
    assert verdict.tally == "none of its comparisons is measured"


def test_what_was_not_measured_makes_no_claim_harder() -> None:
    verdict = judge(claim(), flags(600), flags(500))
    missing = replace(verdict, p=None, decisive=None, answer="not measured")
    assert corrected([missing, verdict, missing])[1].p_corrected == verdict.p


def test_a_close_claim_is_two_one_sided_tests() -> None:
    """Its p is below 5 % just where the whole 95 % interval lies on one side of the margin."""
    for right in range(470, 531, 2):
        one, other = flags(500), flags(right)
        verdict = judge(claim(relation="close", margin=1.5), one, other)
        low, high = (100 * float(end[0]) for end in score_interval(histogram(one, other), 1.959964))
        expected = (
            "supported"
            if low > -1.5 and high < 1.5
            else "contradicted"
            if low > 1.5 or high < -1.5
            else "undetermined"
        )
        assert verdict.answer == expected
        assert (verdict.p < 0.05) == (expected != "undetermined")


def test_images_that_all_agree_are_not_enough_for_close() -> None:
    """It said +0.0 ± 0.0, close, of twenty images."""
    assert judge(claim(relation="close"), flags(10, 20), flags(10, 20)).answer == "undetermined"
    assert judge(claim(relation="close"), flags(500), flags(500)).answer == "supported"
    every = judge(claim(), flags(5000, 5000), flags(0, 5000))
    assert 0 < every.p < 1e-300
    assert (every.answer, every.p_words) == ("supported", "< 0.0001")


def test_shares_of_no_known_parts_are_tested_by_their_spread() -> None:
    values = np.random.default_rng(0).random(500)
    verdict = judge(claim(), values, values - 0.01)
    assert verdict.answer == "supported"
    assert judge(claim(), values, values[::-1]).answer == "undetermined"


def seeds(accuracies: Sequence[float], of: int = 2000) -> np.ndarray:
    """S×N flags: easy images are right at every seed."""
    return np.stack([flags(round(of * accuracy), of) for accuracy in accuracies])


def test_seeds_that_disagree_leave_a_claim_open() -> None:
    """The images alone would settle it, as they did: 4 points on 2,000 images. The seeds' spread is as large."""
    left, right = seeds((0.60, 0.52, 0.56)), seeds((0.50, 0.56, 0.50))
    assert judge(claim(), left.mean(0), right.mean(0)).answer == "supported"
    verdict = judge(claim(), left, right)
    assert (verdict.answer, verdict.seeds) == ("undetermined", 3)
    assert "more seeds would help more" in verdict.advice
    assert judge(claim(), seeds((0.60, 0.61, 0.605)), right).answer == "supported"


def test_a_claim_about_one_method_under_two_attacks_is_paired_by_seed() -> None:
    left, right = seeds((0.60, 0.50, 0.55)), seeds((0.57, 0.47, 0.52))
    assert judge(claim(), left, right).answer == "undetermined"
    assert judge(claim(), left, right, is_paired=True).answer == "supported"


def test_seeds_of_a_paper_are_compared_as_methods(tmp_path: Path) -> None:
    paper = load_paper("mat")
    setting = make_setting(paper, "digits", images=200, seeds=(0, 1, 2))
    for seed, (at, mat) in enumerate(((100, 60), (66, 96), (90, 62))):
        for run, broken in (("at", at), ("mat/h1", {"pgd-20": mat - 20, "pgd-100": mat, "pgd-1000": mat})):
            network = find_network(paper, run, setting, "small-cnn", seed)
            file_evaluation(tmp_path, network, setting, "kd-defences", broken, images=200)
    grids = {"3": make_grids(paper, "3", setting, LedgerIndex.open(tmp_path), Published({}))}
    said = claim(exhibit="3", left="MAT-h1", right="AT", column="PGD-100")
    found = {verdict.claim.text: verdict for verdict in check_claims([*paper.claims, said], grids)}
    beats = found["a beats b"]
    assert (beats.answer, beats.seeds) == ("undetermined", 3)
    assert beats.difference == pytest.approx(100 * (256 - 218) / 600)
    steps = found["20 steps are weaker than 100 on MAT (h1)"]  # the same networks on both sides
    assert (steps.answer, steps.difference) == ("supported", pytest.approx(10))
    every = {key: grids.get(key, []) for key in paper.exhibits}
    html = page(paper, [setting], every, Published({}), list(found.values()), "bench paper mat")
    assert "about the methods: 3 training seeds of each" in html
    assert "about these checkpoints" not in html


def test_sanity_checks_are_told_apart_in_every_shipped_paper() -> None:
    """What compares two attacks on one network says nothing about a method; each sentence has its place."""
    for name in ("mat", "mmard", "cat", "robust-union"):
        claims = load_paper(name).claims
        assert not [each.text for each in claims if each.row and each.family == "paper"], name
        assert not [each.text for each in claims if bool(each.place) != (each.family == "paper")], name
