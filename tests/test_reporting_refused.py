"""Successes that low precision claimed and float32 refused are reported for each attack."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from synthetic import WORKED_ATTACKS, add_evaluation

import benchmark
from benchmark.ledger import Ledger
from benchmark.reporting import attacks_frame, leaderboards
from benchmark.reporting.html import network_page
from benchmark.reporting.networks import network_pages

LABELS = [attack[0] for attack in WORKED_ATTACKS]


def page_of(results: Path, precision: str) -> str:
    """The network's page as if the search had been in that `precision`, the n-th attack with 11 + n refusals."""
    ledger = Ledger.open(results)
    (found,) = ledger.evaluations()
    outcomes = tuple(
        dataclasses.replace(outcome, costs=outcome.costs | {"disagreements": 11 + place})
        for place, outcome in enumerate(found.outcomes)
    )
    (network,) = network_pages(leaderboards([dataclasses.replace(found, precision=precision, outcomes=outcomes)]))
    return network_page(network, ledger)


def test_what_records_say_is_in_the_frames(tmp_path: Path) -> None:
    add_evaluation(tmp_path, info={"disagreements": 7})
    attacks = attacks_frame(leaderboards(Ledger.open(tmp_path).evaluations()))
    assert dict(zip(attacks["attack"], attacks["disagreements"], strict=True)) == dict.fromkeys(LABELS, 7)
    assert list(benchmark.results.load(tmp_path)["disagreements"]) == [7] * len(LABELS)


def test_a_page_about_low_precision_says_it_of_each_attack(tmp_path: Path) -> None:
    add_evaluation(tmp_path)
    table = page_of(tmp_path, "bf16").split('<table class="attacks">')[1].split("</table>")[0]
    heads = re.findall(r'<th scope="col"[^>]*>(.*?)</th>', table)
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in table.split("<tr>")[2:]]
    assert [row[heads.index("Unconfirmed")] for row in rows] == ["11", "12", "13", "14"]
    assert [len(row) for row in rows] == [len(heads)] * len(LABELS)


@pytest.mark.parametrize(("precision", "is_there"), [("bf16", True), ("fp32", False)])
def test_searches_in_float32_have_no_such_column(tmp_path: Path, precision: str, is_there: bool) -> None:
    add_evaluation(tmp_path)
    page = page_of(tmp_path, precision)
    assert (">Unconfirmed</th>" in page) == is_there
    assert ("“Unconfirmed”" in page) == is_there
