"""What the reports write for papers: whole tables, marked by value, starred by test, names as words."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from command_line import bench
from latex_reader import labels, tables
from seeded_networks import attack, card
from synthetic import add_evaluation

import benchmark
from benchmark.experiments.measure import Measurement
from benchmark.experiments.table import make_lines, to_latex
from benchmark.experiments.variants import Variant
from benchmark.ledger import load_results
from benchmark.recipes.recipe import load_recipe
from benchmark.reporting import leaderboards
from benchmark.reporting.best import best_two
from benchmark.reporting.latex_tables import comparison_tables, leaderboard_table, methods_table

HOSTILE = r"100%_x \input{/etc/passwd} & 模"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Three seeds of two methods, and one network that is far behind them, with a name of its own.

    Elsewhere one network was attacked with two seeds, and another's name is the same to a label.
    """
    folder = tmp_path / "results"
    for method, broken in {"at": (4, 6, 5), "trades": (10, 12, 14)}.items():
        for seed, count in enumerate(broken):
            add_evaluation(folder, f"{method}-{seed}", attack(range(count)), (False,) * 40, card=card(method, seed))
    add_evaluation(folder, HOSTILE, attack(range(40)), (False,) * 40)
    pgd = ("pgd", "linf", 0.03, "fixed-budget", [1.0] * 3 + [0.0] * 37)
    add_evaluation(folder, "at-0", [pgd], (False,) * 40, crafted_on=HOSTILE)
    add_evaluation(folder, "other_net", attack(range(30)), (False,) * 40, seed=1, suite="other")
    add_evaluation(folder, "other_net", attack(range(31)), (False,) * 40, seed=2, suite="other")
    add_evaluation(folder, "other-net", attack(range(32)), (False,) * 40, seed=2, suite="other")
    return folder


def column(lines: list[list[str]], heading: str) -> list[str]:
    return [line[lines[0].index(heading)] for line in lines[1:]]


def test_all_files_of_a_report_are_whole_tables_with_labels_of_their_own(results: Path) -> None:
    page = benchmark.report(results=results, out=results.parent / "out", format="latex")
    files = sorted(page.parent.glob("*.tex"))
    assert [file.name for file in files] == ["attacks.tex", "leaderboard.tex", "suites.tex", "transfer.tex"]
    found = [label for file in files for label in labels(file.read_text(encoding="utf-8"))]
    assert len(found) == len(set(found)) == sum(len(tables(file.read_text(encoding="utf-8"))) for file in files)
    (lines,) = tables((page.parent / "transfer.tex").read_text(encoding="utf-8"))
    assert lines[-1][1:] == ["92.5"]  # 3 of 40 images that were made for another network
    assert all(r"\input{/" not in file.read_text(encoding="utf-8") for file in files)
    if shutil.which("pdflatex"):
        start = r"\documentclass{article}\usepackage{booktabs,graphicx}\begin{document}"
        body = "\n".join(file.read_text(encoding="utf-8") for file in files)
        (page.parent / "all.tex").write_text(f"{start}\n{body}\n\\end{{document}}", encoding="utf-8")
        command = ["pdflatex", "-halt-on-error", "-no-shell-escape", "-interaction=nonstopmode", "all.tex"]
        done = subprocess.run(command, cwd=page.parent, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout.decode("latin-1")[-2000:]


def test_a_leaderboard_is_marked_by_value_and_starred_by_test(results: Path) -> None:
    board = next(board for board in leaderboards(load_results(results)) if len(board.entries) > 1)
    (lines,) = tables(leaderboard_table(board))
    worst = column(lines, r"{$R_{\mathrm{worst}}$}")
    assert worst[:2] == [r"{\textbf{90.0}}", r"{\underline{87.5}}"]  # 36 and 35 of 40 images: not significant
    assert worst[2:] == ["85.0", "75.0", "70.0", "65.0", "0.0"]
    assert column(lines, "{Clean}") == ["100.0"] * 7  # of equal ones none is best
    assert lines[-1][1].startswith(r"100\%\_x \textbackslash{}input\{/etc/passwd\}")
    two = leaderboards([evaluation for evaluation in board.evaluations if evaluation.name in ("at-0", HOSTILE)])
    (lines,) = tables(leaderboard_table(two[0]))
    assert column(lines, r"{$R_{\mathrm{worst}}$}")[0] == r"{\textbf{90.0}\rlap{$^{*}$}}"


def test_methods_show_what_their_seeds_differ_by(results: Path) -> None:
    board = next(board for board in leaderboards(load_results(results)) if len(board.entries) > 1)
    (lines,) = tables(methods_table(board))
    assert [line[0] for line in lines[1:]] == ["at-0", "trades-0"]
    assert column(lines, "{Seeds}") == ["3", "3"]
    assert column(lines, r"{$R_{\mathrm{worst}}$}")[0].startswith(r"{\textbf{87.5} {\scriptsize$\pm$\,")
    assert methods_table(leaderboards(board.evaluations[:1])[0]) == ""


def test_comparisons_of_networks_and_of_methods(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = results.parent / "paper" / "comparison.tex"
    code, out, _ = bench(capsys, "compare", "at-0", HOSTILE, "--results", results, "--latex", path)
    assert code == 0
    assert "Written:" in out
    (lines,) = tables(path.read_text(encoding="utf-8"))
    assert column(lines, "{Difference}")[0] == "{+90.0}"
    low, high = map(float, column(lines, r"{95\% interval}")[0].strip("{}").split(" to "))
    assert 50 < low < 90 < high <= 100
    assert lines[1][2].startswith(r"100\%\_x")
    again = bench(capsys, "compare", "at-0", HOSTILE, "--results", results, "--latex", path)
    assert again[:2] == (code, out)
    for own in (b"\x80\x02 weights", b"\\documentclass{article}"):
        path.write_bytes(own)
        code, _, err = bench(capsys, "compare", "at-0", HOSTILE, "--results", results, "--latex", path)
        assert (code, path.read_bytes()) == (2, own)
        assert "is there already and is no file of such tables; it is not replaced" in err
    names = [f"{method}-{seed}" for method in ("at", "trades") for seed in range(3)]
    methods, *_ = comparison_tables(benchmark.compare(names, results=results))
    (lines,) = tables(methods)
    assert lines[1][1:3] == ["at-0", "trades-0"]


def test_a_sweep_is_a_table_of_its_lines() -> None:
    recipe, _ = load_recipe("quick").resolve("at", "small-cnn", "digits", "digits", {}, "quick")
    variants = [Variant("at", {"lr": value}, {"lr": value}, ("",), recipe) for value in (0.1, 0.2)]

    def measured(robust: float) -> list[Measurement]:
        right = (np.arange(200) < 200 * robust).astype(float)
        return [Measurement("", 0.9, robust, 200, Path("only.pt"), scores=right)]

    lines = make_lines([(variants[0], {0: measured(0.5)}), (variants[1], {0: measured(0.6)})])
    single = to_latex(lines, "lr_%", "So.")
    (shown,) = tables(single)
    assert [line[2] for line in shown[1::2]] == [r"{\underline{50.0}}", r"{\textbf{60.0}}"]
    assert shown[2][2] == r"{{\scriptsize 43.1--56.9}}"
    assert r"\caption{lr\_\%. So." in single
    several = make_lines([(variants[0], {0: measured(0.5), 1: measured(0.6)}), (variants[1], {0: measured(0.6)})])
    (shown,) = tables(to_latex(several[:1], "lr", "So."))
    assert shown[1][2] == r"{55.0 {\scriptsize$\pm$\,7.1}}"
    assert len(shown) == 2


@pytest.mark.parametrize(
    ("shown", "marks"),
    [
        ([], []),
        ([50.0], [""]),
        ([50.0, 50.0], ["", ""]),
        ([50.0, None, 60.0, 40.0], ["second", "", "best", ""]),
        ([60.0, 50.0, 60.0, 50.0], ["best", "second", "best", "second"]),
    ],
)
def test_the_two_highest_of_a_column(shown: list[float | None], marks: list[str]) -> None:
    assert best_two(shown) == marks
