"""A network with strong signs of gradient masking has no rank but evidence one click away; nobody calls it best."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from papers_ledger import file_evaluation
from synthetic import add_evaluation
from test_experiments import figures, variant
from test_papers_table import PAPER, grids, network
from test_reporting_page import table_cells

import benchmark
from benchmark import cli
from benchmark.experiments.page import page as sweep_page
from benchmark.experiments.sweep import Sweep
from benchmark.experiments.table import make_lines, to_csv, to_grid
from benchmark.ledger import load_results
from benchmark.papers import load_paper
from benchmark.papers.claims import check_claims
from benchmark.papers.latex_tables import to_latex
from benchmark.papers.schema import Claim
from benchmark.papers.setting import make_setting
from benchmark.papers.text import claims_csv
from benchmark.papers.text import to_csv as paper_csv
from benchmark.reporting import leaderboard_frame, leaderboards, print_leaderboards, print_paired_tests
from benchmark.reporting.robustbench import _entry

IMAGES = 100


def attacks(pgd: int, fgsm: int = 0) -> list:
    def first(count: int) -> list[float]:
        return [1.0] * count + [0.0] * (IMAGES - count)

    return [
        ("fgsm", "linf", 0.03, "fixed-budget", first(fgsm)),
        ("pgd", "linf", 0.03, "fixed-budget", first(pgd)),
        ("pgd-l1", "l1", 12.0, "fixed-budget", first(10)),
    ]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """One network that is better than another, and one that only seems best: one step breaks more than forty."""
    folder = tmp_path / "results"
    for name, made in (("good", attacks(50)), ("poor", attacks(90)), ("best", attacks(0, fgsm=20))):
        add_evaluation(folder, name, made, (False,) * IMAGES)
    add_evaluation(folder, "broken", made, (False,) * IMAGES, error="it broke down")
    return folder


def test_it_has_no_rank_and_stands_below_those_that_have_one(results: Path) -> None:
    (board,) = leaderboards(load_results(results))
    assert [(entry.name, entry.rank.ranks, entry.is_masked) for entry in board.entries] == [
        ("good", (1, 1), False),
        ("poor", (2, 2), False),
        ("best", None, True),
        ("broken", None, True),
    ]
    assert board.entries[2].r_worst > board.entries[0].r_worst


def test_whoever_wants_it_ranked_gets_it_ranked(results: Path) -> None:
    (board,) = leaderboards(load_results(results), rank_masked=True)
    assert [(entry.name, entry.rank.ranks) for entry in board.entries] == [
        ("best", (1, 1)),
        ("good", (2, 2)),
        ("poor", (3, 3)),
        ("broken", None),
    ]


def test_a_weak_sign_is_shown_and_costs_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add_evaluation(tmp_path, "at", attacks(50), (False,) * IMAGES, info={"warnings": ["AutoAttack: beware"]})
    (board,) = leaderboards(load_results(tmp_path))
    (entry,) = board.entries
    assert (entry.rank.ranks, entry.is_masked, [flag.strength for flag in entry.flags]) == ((1, 1), False, ["weak"])
    print_leaderboards([board])
    assert "at: possible gradient masking (weak evidence): warning of an attack" in capsys.readouterr().out


def written(results: Path, format: str, **options: object) -> str:
    path = benchmark.report(results=results, out=results.parent / f"as-{format}", format=format, **options)  # type: ignore[arg-type]
    return path.read_text(encoding="utf-8")


def test_every_table_says_masked_in_the_place_of_the_rank(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = list(csv.DictReader(io.StringIO(written(results, "csv"))))
    assert [(row["model"], row["rank"]) for row in rows[:3]] == [("good", "1"), ("poor", "2"), ("best", "masked?")]
    assert "fgsm succeeded on 20 of 100 images" in rows[2]["masking"]
    assert r"{masked?} & best & 80.0 & " in written(results, "latex")
    assert "| masked? | best | 80.0 |" in written(results, "markdown")
    print_leaderboards(leaderboards(load_results(results)))
    said = capsys.readouterr().out
    assert re.search(r"masked\? +best +80\.0", said)
    assert "best: possible gradient masking (strong evidence): one-step attack beats iterative attacks: fgsm" in said
    assert said.index(" good ") < said.index(" poor ") < said.index(" best ")


def test_the_frame_keeps_numbers_for_ranks(results: Path) -> None:
    frame = leaderboard_frame(leaderboards(load_results(results)))
    assert frame["rank"].tolist()[:3] == ["1", "2", "masked?"]
    for end in ("rank_low", "rank_high"):
        assert frame[end].dtype == pd.Int64Dtype()
        assert frame[end].isna().tolist() == [False, False, True, True]
    assert frame["is_masked"].tolist() == [False, False, True, True]


def test_the_option_ranks_them_everywhere(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for format, line in (
        ("csv", ",1,1,1,True,best,"),
        ("latex", "1 & best & "),
        ("markdown", "| 1 | best | "),
    ):
        assert line in written(results, format, rank_masked=True)
    with pytest.raises(SystemExit) as end:
        cli.main(["report", "--results", str(results), "--out", str(results.parent / "cli"), "--rank-masked"])
    assert end.value.code == 0
    assert re.search(r"1 +best +80\.0", capsys.readouterr().out)
    page = (results.parent / "cli" / "index.html").read_text(encoding="utf-8")
    assert table_cells(page, "digits under multi-perturbation")[0][0] == ["1"]
    assert re.search(r'name="masked"[^>]* checked', page)


def test_tables_for_papers_name_whom_they_doubt_even_where_an_attack_failed(results: Path) -> None:
    told = "Strong evidence of gradient masking, so that bold, underlined and stars leave them out: best, broken."
    failed = "Attacks that failed, so that numbers are missing: broken."
    for format, name in (("latex", "leaderboard.tex"), ("markdown", "leaderboard.md")):
        written(results, format)
        text = (results.parent / f"as-{format}" / name).read_text(encoding="utf-8")
        assert told in text
        assert failed in text
        assert text.count("masked?") == 2
    attacks = (results.parent / "as-latex" / "attacks.tex").read_text(encoding="utf-8")
    assert r"\caption{broken, masked?, attacks failed: digits" in attacks
    assert r"\caption{good: digits" in attacks


def test_the_evidence_is_one_click_away(results: Path) -> None:
    page = written(results, "html")
    cells = table_cells(page, "digits under multi-perturbation")
    assert [row[0] for row in cells] == [["1"], ["2"], ["masked?"], ["masked?"]]
    (link,) = set(re.findall(r'<a class="masked" href="models/best.html#([^"]+)"', page))
    about = (results.parent / "as-html" / "models" / "best.html").read_text(encoding="utf-8")
    evidence = about.split(f'id="{link}"', 1)[1].split("<h3", 1)[0]
    assert "Strong evidence: one-step attack beats iterative attacks." in evidence
    assert "fgsm succeeded on 20 of 100 images, pgd together on 0" in evidence
    assert f'href="#{link}"' in about  # in the place of the rank there, too
    assert 'class="masked"' not in (results.parent / "as-html" / "models" / "good.html").read_text(encoding="utf-8")
    good = (results.parent / "as-html" / "models" / "good.html").read_text(encoding="utf-8")
    assert ">1 of 2</td>" in good


def test_the_switch_is_there_only_where_it_does_something(results: Path, tmp_path: Path) -> None:
    assert 'name="masked"' in written(results, "html")
    add_evaluation(tmp_path / "plain", "at", attacks(50), (False,) * IMAGES)
    assert 'name="masked"' not in written(tmp_path / "plain", "html")


def test_an_entry_for_robustbench_says_so(results: Path) -> None:
    footnotes = {found.name: _entry(found, found.outcomes[0])["footnote"] for found in load_results(results)}
    assert footnotes["best"].endswith("; possible gradient masking: one-step attack beats iterative attacks")
    assert "masking" not in footnotes["good"]


def test_a_comparison_says_that_the_better_one_may_be_masked(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found_tests = benchmark.compare(["best", "good", "poor"], results=results)
    (tests,) = found_tests
    found = {(pair.first, pair.second): pair.verdict for pair in tests.pairs if pair.comparison.metric == "rworst"}
    assert {frozenset(pair): verdict for pair, verdict in found.items()} == {
        frozenset(("best", "good")): "best is significantly better, but possible gradient masking",
        frozenset(("best", "poor")): "best is significantly better, but possible gradient masking",
        frozenset(("good", "poor")): "good is significantly better",
    }
    print_paired_tests(found_tests)
    assert (
        "best: possible gradient masking (strong evidence): one-step attack beats iterative attacks"
        in capsys.readouterr().out
    )


# Whoever else declares a best one.


def test_a_sweep_chooses_none_that_may_be_masked() -> None:
    masked = replace(figures(0.9), masked="zero or non-finite gradients")
    lines = make_lines(
        [
            (variant("a", lr=1), {0: [figures(0.4)], 1: [masked]}),
            (variant("b", lr=2), {0: [figures(0.5)], 1: [figures(0.5)]}),
        ]
    )
    assert [(line.verdict, line.masked) for line in lines] == [
        ("masked?", "zero or non-finite gradients"),
        ("chosen", ""),
    ]
    row = next(csv.DictReader(io.StringIO(to_csv(lines))))
    assert (row["chosen"], row["masked"]) == ("", "zero or non-finite gradients")
    about = {"about": "", "source": "", "command": "", "failures": []}
    page = sweep_page(lines, to_grid(lines, "title"), **about)  # type: ignore[arg-type]
    assert "strong evidence of gradient masking: zero or non-finite gradients" in page
    assert [row["chosen"] for row in Sweep(Path("page"), lines).rows()] == ["masked?", "chosen"]
    alone = make_lines([(variant("a", lr=1), {0: [masked]})])
    assert Sweep(Path("page"), alone).chosen is None


def test_a_paper_marks_none_that_may_be_masked(tmp_path: Path) -> None:
    (tmp_path / "paper.yaml").write_text(PAPER, encoding="utf-8")
    paper = load_paper(tmp_path / "paper.yaml")
    setting = make_setting(paper, "digits")
    for name, fgsm, pgd in (("at", 0, 50), ("mat/h1", 40, 10)):
        broken = {"fgsm-linf": fgsm, "pgd-linf": pgd, "ddn-l2": 40, "pgd-l1": 40}
        file_evaluation(tmp_path / "results", network(paper, setting, name), setting, "multi-perturbation", broken)
    (grid,) = grids(paper, "1", setting, tmp_path / "results")
    cells = {row: grid.cell(row, "linf") for row in ("AT", "MAT", "both")}
    assert {row: (cell.mark, cell.is_masked) for row, cell in cells.items()} == {  # type: ignore[union-attr]
        "AT": ("", False),
        "MAT": ("", True),
        "both": ("", True),
    }
    masked = [row["masked"] for row in csv.DictReader(io.StringIO(paper_csv([grid]))) if row["row"] == "MAT"]
    assert masked == ["", "masked?", "masked?", "masked?"]
    assert "masked?" in to_latex([grid], "caption", "label")
    claim = Claim(text="MAT beats AT", exhibit="1", left="MAT", right="AT", column="linf")
    (verdict,) = check_claims([claim], {"1": [grid]})
    assert str(verdict).endswith(", possible gradient masking")
    assert not any(cell.is_masked for cell in (grid.cell("MAT", "Clean"), grid.cell("both", "Clean")) if cell)
    assert ",masked?," in claims_csv([verdict]).splitlines()[1]
