"""Several radii of one norm are several threats: how suites name them, what accuracies, tables and pages tell."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from evaluation_toys import evaluation, outcome, write_suite
from synthetic import WORKED_ATTACKS, add_evaluation

import benchmark
from benchmark.analysis.aggregate import norm_accuracy, r_avg, r_worst, robust
from benchmark.analysis.paired import compare, scores
from benchmark.errors import BadInput
from benchmark.evaluation import load_suite
from benchmark.evaluation.plan import Plan
from benchmark.evaluation.target import Target
from benchmark.ledger import load_results
from benchmark.ledger.evaluation import name_threats
from benchmark.reporting import leaderboard_rows, leaderboards, print_leaderboards
from benchmark.reporting.references import references, threat_of
from benchmark.reporting.text import percent
from benchmark.storage import digest

TWO_RADII = """\
  - {attack: fgsm, norm: linf, label: large, epsilon: 0.1}
  - {attack: fgsm, norm: linf, label: small, epsilon: 0.05}
  - {attack: pgd, norm: linf, label: large-pgd, epsilon: 0.1, parameters: {steps: 2}}
  - {attack: pgd, norm: l2}
"""


def union(folder: Path, head: str, attacks: str = TWO_RADII) -> list[str]:
    return [str(threat) for threat in load_suite(write_suite(folder, attacks, head=head), scale="digits").union]


def test_a_suite_names_the_threats_that_ravg_and_rworst_count(tmp_path: Path) -> None:
    assert union(tmp_path, "union: all\n") == ["linf 0.1", "linf 0.05", "l2 0.5"]
    assert union(tmp_path, "union: {digits: {l2: 0.5, linf: 0.05}}\n") == ["linf 0.05", "l2 0.5"]
    assert union(tmp_path, "union: {digits: {linf: [0.05, 0.1]}}\n") == ["linf 0.1", "linf 0.05"]
    one_each = "  - {attack: fgsm, norm: linf}\n  - {attack: pgd, norm: l2}\n"
    assert union(tmp_path, "", one_each) == ["linf 0.12", "l2 0.5"]
    assert union(tmp_path, "union: {digits: {l2: 0.5}}\n", one_each) == ["l2 0.5"]
    assert union(tmp_path, "union: {cifar10: {l2: 0.5}}\n", one_each) == ["linf 0.12", "l2 0.5"]


@pytest.mark.parametrize(
    ("head", "messages"),
    [
        ("", ["toy-suite.yaml:6: linf 0.1, linf 0.05 are threats of their own", "`union: all`", "{linf: 0.05, l2"]),
        ("union: {mnist: {linf: 0.1}}\n", ["toy-suite.yaml:4: linf 0.1, linf 0.05 are threats of their own"]),
        ("union: {digits: {linf: 0.2}}\n", ["toy-suite.yaml:4: no attack of the suite has linf 0.2", "linf 0.05"]),
        ("union: {digits: {linff: 0.1}}\n", ["toy-suite.yaml:4", "'linff'", "did you mean linf"]),
        ("union: {digits: {l1: 1.5}}\n", ["toy-suite.yaml:4", "'l1'"]),
        ("union: {digits: {}}\n", ["toy-suite.yaml:4: name at least one threat"]),
        ("union: every\n", ["toy-suite.yaml:4"]),
    ],
)
def test_a_suite_that_does_not_say_which_or_says_it_wrongly_is_refused(
    tmp_path: Path, head: str, messages: list[str]
) -> None:
    with pytest.raises(BadInput) as caught:
        load_suite(write_suite(tmp_path, TWO_RADII, head=head), scale="digits")
    for message in messages:
        assert message in str(caught.value)


def test_the_set_is_part_of_the_digest_only_where_it_leaves_threats_out(tmp_path: Path) -> None:
    """So that suites from before there was the key keep theirs."""
    suite = load_suite(write_suite(tmp_path, TWO_RADII, head="union: all\n"), scale="digits")
    assert suite.digest == digest({"items": [item.definition() for item in suite.items], "images": suite.images})
    heads = ["union: all\n", "union: {digits: {linf: 0.1, l2: 0.5}}\n", "union: {digits: {linf: 0.05, l2: 0.5}}\n"]
    digests = {load_suite(write_suite(tmp_path, TWO_RADII, head=head), scale="digits").digest for head in heads}
    assert len(digests) == len(heads)


def test_in_worst_case_mode_an_attack_sees_what_is_left_under_its_own_threat(tmp_path: Path) -> None:
    """What an attack within 0.1 broke may well withstand all within 0.05."""
    suite = load_suite(write_suite(tmp_path, TWO_RADII, head="union: all\n"), scale="digits")
    target = Target("a.pt", "network", "digits", None, "data", "cpu", "fp32")
    jobs = Plan(target, {"name": "a"}, suite, "worst-case", 0).jobs()
    assert [[item.label for item in job.items] for job in jobs] == [["large", "large-pgd"], ["small"], ["pgd-l2"]]


def test_names_of_threats() -> None:
    threats = [("linf", 4 / 255), ("l2", 0.5), ("linf", 8 / 255), ("fog", 128.0), ("l2", 0.5)]
    assert list(name_threats(threats)) == ["linf 4/255", "l2", "linf 8/255", "fog"]
    alike = [("linf", 8 / 255), ("linf", 0.031372549)]
    assert list(name_threats(alike).values()) == alike


#: Seven images, the first misclassified; distances at which a minimal attack finds the others, and who breaks them.
CLEAN_ERRORS = [1, 0, 0, 0, 0, 0, 0]
SMALL = outcome("pgd-4", "linf", [1, 1, 0, 0, 0, 0, 0], epsilon=0.1)
LARGE = outcome("pgd-8", "linf", [1, 0, 1, 1, 0, 0, 0], epsilon=0.6)
MINIMAL = outcome("fmn", "linf", None, [0, 9, 9, 0.08, 0.3, 0.7, np.inf], epsilon=0.1)
L2 = outcome("ddn", "l2", None, [0, 0.4, 9, 9, 9, 9, 0.4], epsilon=0.5)


def test_an_adversarial_counts_under_every_threat_that_it_lies_within() -> None:
    """Found within 0.1 it is one within 0.6, and one that was looked for within 0.6 may lie within 0.1."""
    found = evaluation(CLEAN_ERRORS, SMALL, LARGE, MINIMAL, L2)
    assert list(found.threats) == ["linf 0.1", "linf 0.6", "l2"]
    assert robust(found, "linf 0.1").tolist() == [0, 0, 1, 0, 1, 1, 1]  # pgd-4: 1, fmn: 3
    assert robust(found, "linf 0.6").tolist() == [0, 0, 0, 0, 0, 1, 1]  # and pgd-8: 2, 3, fmn: 4
    assert robust(found, "l2").tolist() == [0, 0, 1, 1, 1, 1, 0]
    assert robust(found, "linf") is None
    assert norm_accuracy(found, "linf 0.6") <= norm_accuracy(found, "linf 0.1")
    assert r_avg(found) == pytest.approx((4 + 2 + 4) / 21)
    assert r_worst(found) == pytest.approx(1 / 7)


def test_a_strength_is_no_radius() -> None:
    """The distance of a foggy image has nothing to do with how dense the fog is."""
    mild, strong = (outcome(f"fog-{e}", "fog", broken, epsilon=e) for e, broken in ((128, [1, 0]), (512, [0, 0])))
    found = evaluation([0, 0], mild, strong)
    assert [norm_accuracy(found, name) for name in ("fog 128", "fog 512")] == [0.5, 1.0]


def named(*threats: tuple[str, float]):
    found = evaluation(CLEAN_ERRORS, SMALL, LARGE, MINIMAL, L2)
    found.suite["union"] = [{"norm": norm, "epsilon": radius} for norm, radius in threats]
    return found


def test_ravg_and_rworst_are_over_the_set_that_the_suite_names() -> None:
    found = named(("linf", 0.1), ("l2", 0.5))
    assert found.union == ("linf 0.1", "l2")
    assert r_avg(found) == pytest.approx((4 + 4) / 14)
    assert r_worst(found) == pytest.approx(3 / 7)
    assert scores(found, "rworst").mean() == pytest.approx(r_worst(found))
    assert scores(found, "ravg").mean() == pytest.approx(r_avg(found))
    assert compare(found, named(("linf", 0.6)), "rworst").difference == pytest.approx(3 / 7 - 2 / 7)


def test_an_attack_that_failed_leaves_open_what_depends_on_its_own_threat() -> None:
    failed = outcome("pgd-8", "linf", [1, 0, 0, 0, 0, 0, 0], epsilon=0.6, errors=["it broke down"])
    found = evaluation(CLEAN_ERRORS, SMALL, failed, L2)
    assert norm_accuracy(found, "linf 0.6") is None
    assert norm_accuracy(found, "linf 0.1") == pytest.approx(5 / 7)
    assert r_worst(found) is None
    found.suite["union"] = [{"norm": "linf", "epsilon": 0.1}, {"norm": "l2", "epsilon": 0.5}]
    assert r_worst(found) == pytest.approx(4 / 7)


FOUR, EIGHT = 4 / 255, 8 / 255
SPREAD = (
    ("pgd-4", "linf", FOUR, "fixed-budget", (0, 1, 0, 0, 0, 0)),
    ("pgd-8", "linf", EIGHT, "fixed-budget", (0, 1, 1, 1, 0, 0)),
    WORKED_ATTACKS[2],
)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    for name in ("a", "b"):
        add_evaluation(tmp_path / "results", name, SPREAD, dataset="cifar10", union=[("linf", EIGHT), ("l2", 0.5)])
    return tmp_path / "results"


#: Of six images, the first misclassified: 1 broken within 4/255, 1 to 3 within 8/255, 2 and 4 in l2.
SHARES = {"linf 4/255": 4 / 6, "linf 8/255": 2 / 6, "l2": 3 / 6, "r_avg": (2 + 3) / 12, "r_worst": 1 / 6}


def test_a_column_each_in_every_table(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (board,) = leaderboards(load_results(results))
    row = next(leaderboard_rows([board]))
    assert {name: row[name] for name in SHARES} == pytest.approx(SHARES)
    assert board.bounds == ("linf ≤ 4/255 or 8/255", "l2 ≤ 0.5")
    shown = [percent(share) for share in SHARES.values()]
    print_leaderboards([board])
    head, line = capsys.readouterr().out.splitlines()[1:3]
    for name, share in zip(("linf 4/255", "linf 8/255"), shown, strict=False):
        start = head.index(name)
        assert line[start : start + len(name)].strip() == share
    for format in ("latex", "markdown"):
        text = benchmark.report(results=results, out=results.parent / format, format=format).read_text()
        plain = text.replace(r"$\ell_\infty$", "linf")
        table = [[cell.strip(" {}") for cell in re.split(r"[&|]", row)] for row in plain.splitlines()]
        (head_row,) = (row for row in table if "linf 4/255" in row)
        row = next(row for row in table if "a" in row)
        first = head_row.index("linf 4/255")
        assert row[first : first + 3] == shown[:3]
        assert [row[place] for place, head in enumerate(head_row) if "worst" in head] == shown[-1:]
    frame = pd.read_csv(benchmark.report(results=results, out=results.parent / "csv", format="csv"))
    assert frame[list(SHARES)].iloc[0].to_dict() == pytest.approx(SHARES)
    assert (frame["linf 4/255_low"] < frame["linf 4/255"]).all()


def test_the_page_has_a_column_each_and_tells_its_script_what_counts(results: Path) -> None:
    folder = benchmark.report(results=results, out=results.parent / "reports").parent
    page = (folder / "index.html").read_text(encoding="utf-8")
    heads = re.findall(r'<th scope="col"[^>]*><span>(.*?)</span>', page)
    assert [head for head in heads if head.startswith("l")] == ["linf 4/255", "linf 8/255", "l2"]
    told = {
        name: json.loads(html.unescape(re.search(rf'data-{name}="(.*?)"', page)[1]))  # type: ignore[index]
        for name in ("threats", "union")
    }
    assert told == {"threats": ["linf 4/255", "linf 8/255", "l2"], "union": ["linf 8/255", "l2"]}
    (script,) = (path.read_text() for path in list(folder.glob("per-image/*.js"))[:1])
    assert list(json.loads(script.split(" = ")[1].rstrip(";\n"))) == ["images", "clean", *told["threats"]]
    network = (folder / "models" / "a.html").read_text(encoding="utf-8")
    assert "linf ≤ 4/255</td>" in network
    assert "0.0313" not in network


def test_published_entries_stand_under_their_own_radius(results: Path) -> None:
    (board,) = leaderboards(load_results(results))
    entry = next(entry for entry in references("cifar10") if entry.norm == "linf" and entry.epsilon == "8/255")
    assert threat_of(entry, board.threats) == "linf 8/255"
    assert threat_of(entry, {"linf": ("linf", 0.1)}) == "linf"
    assert threat_of(entry, {"l2": ("l2", 0.5)}) is None


def test_results_from_before_the_key_count_all_threats(results: Path) -> None:
    add_evaluation(results, "old", SPREAD, dataset="cifar10", suite="older")
    old = next(found for found in load_results(results) if found.name == "old")
    assert old.union == tuple(old.threats)
