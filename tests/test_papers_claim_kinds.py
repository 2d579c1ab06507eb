"""Each kind of sentence, where it holds, where it does not, and where so many images can't tell."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from benchmark.errors import BadInput
from benchmark.papers import load_paper
from benchmark.papers.cells import ELSEWHERE, TableCell
from benchmark.papers.claim import Claim
from benchmark.papers.claim_judging import PartResult, together
from benchmark.papers.claim_printed import printed_numbers
from benchmark.papers.claims import check_claims
from benchmark.papers.files import PAPERS
from benchmark.papers.grid import TableGrid, TableLine, printed_grids
from benchmark.papers.published import Printed, load_published
from benchmark.papers.schema import Panel, PrintedAs, TableColumn, TableOrFigure, TableRow

N = 1000


def flags(right: int, start: int = 0) -> NDArray[np.float64]:
    """1×N: the first so many of the images from `start` on are right."""
    found = np.zeros((1, N))
    found[0, start : start + right] = 1
    return found


def table(
    cells: dict[str, TableCell], key: str = "1", dataset: str = "cifar10", architecture: str = "a"
) -> TableGrid:
    """A table of one column; rows named by numbers have them as x."""
    rows = [TableRow(label=label, run=label, x=float(label) if label[0].isdigit() else None) for label in cells]
    exhibit = TableOrFigure(title="", suite="", columns=[TableColumn(label="AA", attack="aa")], rows=rows)
    panel = Panel(dataset=dataset, architecture=architecture, published=PrintedAs(dataset="Data"))
    lines = tuple(TableLine(row, "", (cell,)) for row, cell in zip(rows, cells.values(), strict=True))
    return TableGrid(key, exhibit, panel, N, (), lines)


def measured(**right: int) -> TableGrid:
    return table(
        {label.lstrip("x").replace("_", "."): TableCell(by_seed=flags(count)) for label, count in right.items()}
    )


def answer(grid: TableGrid, *others: TableGrid, **said: object) -> str:
    grids: dict[str, list[TableGrid]] = {}
    for each in (grid, *others):
        grids.setdefault(each.key, []).append(each)
    claim = Claim(**{"text": "so", "exhibit": "1", "column": "AA", **said})
    return check_claims([claim], grids)[0].answer


@pytest.mark.parametrize(
    ("said", "right", "expected"),
    [
        ({"relation": "best", "left": "a"}, {"a": 600, "b": 500, "c": 550}, "supported"),
        ({"relation": "best", "left": "a"}, {"a": 600, "b": 500, "c": 599}, "undetermined"),
        ({"relation": "best", "left": "a"}, {"a": 600, "b": 500, "c": 650}, "contradicted"),
        ({"relation": "best", "left": ["a", "b"]}, {"a": 600, "b": 610, "c": 500}, "supported"),
        ({"relation": "order", "rows": ["a", "b", "c"]}, {"a": 600, "b": 560, "c": 500}, "supported"),
        ({"relation": "order", "rows": ["a", "b", "c"]}, {"a": 600, "b": 500, "c": 500}, "undetermined"),
        ({"relation": "order", "rows": ["a", "b", "c"]}, {"a": 600, "b": 500, "c": 560}, "contradicted"),
        ({"left": "a", "right": "b", "gain": 8}, {"a": 600, "b": 480}, "supported"),
        ({"left": "a", "right": "b", "gain": 8}, {"a": 600, "b": 520}, "undetermined"),
        ({"left": "a", "right": "b", "gain": 8}, {"a": 600, "b": 560}, "contradicted"),
        ({"left": "a", "right": "b", "gain": -2}, {"a": 600, "b": 602}, "supported"),
        ({"left": "a", "right": "b", "gain": -2}, {"a": 600, "b": 660}, "contradicted"),
        ({"relation": "below", "left": "a", "right": "b", "gain": 8}, {"a": 480, "b": 600}, "supported"),
        ({"pairs": [["a", "b"], ["c", "d"]]}, {"a": 600, "b": 500, "c": 600, "d": 500}, "supported"),
        ({"pairs": [["a", "b"], ["c", "d"]]}, {"a": 600, "b": 500, "c": 500, "d": 600}, "contradicted"),
        ({"relation": "rises", "rows": ["1", "2", "9"]}, {"x1": 500, "x2": 490, "x9": 600}, "supported"),
        ({"relation": "falls", "rows": ["1", "2", "9"]}, {"x1": 500, "x2": 490, "x9": 600}, "contradicted"),
        ({"relation": "falls", "rows": ["1", "2", "9"]}, {"x1": 500, "x2": 500, "x9": 500}, "undetermined"),
        ({"relation": "peak", "rows": ["1", "2", "3"], "peak": 2}, {"x1": 500, "x2": 600, "x3": 500}, "supported"),
        ({"relation": "peak", "rows": ["1", "2", "3"], "peak": 2}, {"x1": 500, "x2": 600, "x3": 650}, "contradicted"),
        ({"relation": "peak", "rows": ["1", "2", "3"], "peak": 2}, {"x1": 500, "x2": 600, "x3": 600}, "undetermined"),
        (
            {"relation": "peak", "rows": ["0.1", "0.4", "0.5", "0.9"], "peak": 0.45},
            {"x0_1": 500, "x0_4": 600, "x0_5": 600, "x0_9": 300},
            "supported",
        ),
    ],
)
def test_each_kind_has_three_answers(said: dict[str, object], right: dict[str, int], expected: str) -> None:
    assert answer(measured(**right), **said) == expected


def test_a_trend_may_be_over_a_series_of_a_figure() -> None:
    """The places of h1 in MAT's own file, of which 0.15 is one."""
    (peak,) = (claim for claim in load_paper("mat").claims if claim.relation == "peak" and "digits" in claim.dataset)
    shown = load_paper("mat").exhibits[peak.exhibit]
    rows = [row for row in shown.rows if row.series == "h1"]
    assert len(rows) > 3
    seeds = {row.label: flags(500 - round(450 * abs((row.x or 0) - 0.6))) for row in rows}
    lines = tuple(
        TableLine(row, "", tuple(TableCell(by_seed=seeds[row.label]) for _ in shown.columns)) for row in rows
    )
    grid = TableGrid(peak.exhibit, shown, Panel(dataset="digits", architecture="a"), N, (), lines)
    assert check_claims([peak], {peak.exhibit: [grid]})[0].answer == "supported"
    assert check_claims([peak.model_copy(update={"peak": 0.15})], {peak.exhibit: [grid]})[0].answer == "contradicted"


def test_images_that_one_side_alone_gets_right_are_counted_both_ways() -> None:
    """Two networks of the same accuracy may disagree on every image, and nested ones disagree one way only."""
    cells = {"a": flags(500), "b": flags(500, start=400), "c": flags(600), "d": flags(515, start=3)}
    grid = table({label: TableCell(by_seed=seeds) for label, seeds in cells.items()})
    assert answer(grid, relation="differs", left="a", right="b") == "supported"
    assert answer(grid, relation="differs", left="a", right="c") == "contradicted"  # a is right nowhere that c is not
    assert answer(grid, relation="differs", left="a", right="d") == "undetermined"


def test_the_other_side_may_stand_in_another_table() -> None:
    student = measured(student=520)
    near, far = (
        table({"teacher": TableCell(by_seed=flags(n))}, "2", architecture=a) for n, a in ((530, "b"), (900, "c"))
    )
    other = table({"teacher": TableCell(by_seed=flags(100))}, "2", dataset="cifar100")
    said = {"left": "student", "right": "teacher", "right_exhibit": "2", "gain": -5}
    assert answer(student, other, near, far, **said) == "supported"
    assert answer(student, other, far, near, **said) == "contradicted"
    assert answer(student, other, **said) == "not measured"


def test_what_is_missing_can_contradict_but_not_support() -> None:
    missing = TableCell(reason="not run")
    cells = {"a": TableCell(by_seed=flags(600)), "b": TableCell(by_seed=flags(500)), "c": missing}
    assert answer(table(cells), relation="best", left="a") == "not measured"
    assert answer(table({**cells, "c": TableCell(reason=ELSEWHERE)}), relation="best", left="a") == "supported"
    assert answer(table({**cells, "b": TableCell(by_seed=flags(700))}), relation="best", left="a") == "contradicted"


def test_sides_of_different_numbers_of_images_or_seeds() -> None:
    short = TableCell(by_seed=flags(600)[:, :900])
    assert answer(table({"a": short, "b": TableCell(by_seed=flags(500))}), left="a", right="b") == "not measured"
    three = TableCell(by_seed=np.concatenate([flags(600)] * 3))
    grid = table({"1": TableCell(by_seed=flags(500)), "2": three, "3": TableCell(by_seed=flags(500))})
    assert answer(grid, relation="peak", rows=["1", "2", "3"], peak=2) == "supported"


def part(p_for: float, p_against: float) -> PartResult:
    return PartResult("", 0.0, 0.0, 0.0, p_for, p_against, 1.0 if p_for < p_against else -1.0)


def test_all_are_needed_and_one_is_enough_against() -> None:
    """The largest p of those that agree; the smallest of those that don't, times how many there are."""
    assert together([part(0.01, 1), part(0.04, 1)]).p == 0.04
    found = together([part(0.001, 1), part(0.001, 1), part(1, 0.02)])
    assert (found.p, found.leaning) == (pytest.approx(0.06), "contradicted")
    assert together([part(0.01, 1), None]).leaning == "undetermined"
    assert together([None]).p is None


def test_no_more_than_the_level_is_said_wrongly_of_many_equal_networks() -> None:
    """36 comparisons of networks that are equally good: neither answer is given in more than 5% of draws."""
    chance = np.random.default_rng(0)
    wrong = 0
    for _ in range(20):
        seeds = (chance.random((5, 1, 300)) < 0.5).astype(float)
        grid = table({name: TableCell(by_seed=each) for name, each in zip("abcde", seeds, strict=True)})
        wrong += answer(grid, left=["a", "b"], right=["c", "d", "e"]) != "undetermined"
    assert wrong <= 5  # P(Binomial(20, 0.05) > 5) < 0.04%


@pytest.mark.parametrize(
    "said",
    [
        {"left": "a"},
        {"left": "a", "right": "b", "pairs": [["a", "b"]]},
        {"left": "a", "right": "b", "row": "c"},
        {"relation": "order", "rows": ["a"]},
        {"relation": "order", "rows": ["a", "a"]},
        {"relation": "peak", "rows": ["a", "b", "c"]},
        {"relation": "rises", "rows": ["a", "b"], "peak": 1.0},
        {"relation": "rises", "rows": ["a", "b"], "left": "a"},
        {"left": "a", "right": "b", "rows": ["a", "b"]},
        {"relation": "order", "series": "h1"},
        {"relation": "rises", "rows": ["a", "b"], "series": "h1"},
        {"relation": "close", "left": "a", "right": "b", "gain": 2},
        {"relation": "best"},
        {"left": "a", "right": "b", "gain": 100},
        {"left": "a", "right": "b", "margin": 0},
    ],
)
def test_a_claim_that_says_too_little_or_too_much_is_refused(said: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Claim(**{"text": "so", "exhibit": "1", "column": "AA", **said})


def test_printed_numbers_are_held_against_their_sentence() -> None:
    """An order is strict; what is "at least" holds at its end, whatever binary fractions make of it."""
    printed = {
        "1": [
            table(
                {
                    name: TableCell(printed=Printed(value))
                    for name, value in zip("abc", (50.3, 50.1, 50.1), strict=True)
                }
            )
        ]
    }

    def contradictions(**said: object) -> int:
        claim = Claim(**{"text": "so", "exhibit": "1", "column": "AA", **said})
        return len(printed_numbers(claim, printed).contradictions)

    assert contradictions(left="a", right="b") == 0
    assert contradictions(left="b", right="c") == 1
    assert contradictions(left="a", right="b", gain=0.2) == 0
    assert contradictions(left="a", right="b", gain=0.21) == 1
    assert contradictions(left="b", right="a", gain=-0.2) == 0
    assert contradictions(left="a", right="b", relation="close", margin=0.1) == 1
    assert contradictions(relation="order", rows=["a", "b", "c"]) == 1


@cache
def contradicted(name: str) -> dict[str, list[str]]:
    paper, published = load_paper(name), load_published(name)
    printed = {key: printed_grids(paper, key, published) for key in paper.exhibits}
    found = {claim.text: printed_numbers(claim, printed).contradictions for claim in paper.claims}
    return {text: [str(each) for each in those] for text, those in found.items() if those}


def test_where_a_papers_own_table_contradicts_its_sentence() -> None:
    """Read off the tables by hand: all else that is printed agrees."""
    mat = contradicted("mat")
    assert mat.pop("both networks of MAT withstand white-box attacks better than AT, TRADES and MART") == [
        "MAT-h2 − MART, FGSM: -0.04 (cifar100, wrn-34-10)"  # 41.36 and 41.40
    ]
    assert mat.pop("ARD, whose teacher is fixed, stays below ACT, whose networks learn together") == [
        "ACT − ARD, PGD-100: -1.06 (cifar10, wrn-34-10)",  # 50.65 and 51.71
        "ACT − ARD, PGD-1000: -1.10 (cifar10, wrn-34-10)",
    ]
    assert mat.pop("MAT keeps the clean accuracy of AT (read as at most 1 point below it)") == [
        "MAT-h1 − AT, Clean: -2.99 (cifar10, resnet18)",
        "MAT-h2 − AT, Clean: -2.30 (cifar10, resnet18)",
        "MAT-h1 − AT, Clean: -1.10 (cifar100, resnet18)",
        "MAT-h2 − AT, Clean: -1.18 (cifar100, resnet18)",
        "MAT-h1 − AT, Clean: -1.50 (cifar10, wrn-34-10)",
        "MAT-h2 − AT, Clean: -1.54 (cifar10, wrn-34-10)",
    ]
    assert mat == {}
    assert contradicted("mmard") == {
        "α = 1 is best under every attack": [
            "α = 1 − α = 0, FGSM: -0.32 (cifar10, resnet18)",  # 60.19 and 60.51
            "α = 1 − α = 0.5, FGSM: -0.36 (cifar10, resnet18)",
        ]
    }
    assert contradicted("cat") == contradicted("robust-union") == {}


def test_the_sentences_that_are_printed_are_looked_up_at_all() -> None:
    """36 comparisons in each of four panels, those that take another table, and gains that alone are printed."""
    counts = {}
    for name in ("mat", "mmard"):
        paper, published = load_paper(name), load_published(name)
        printed = {key: printed_grids(paper, key, published) for key in paper.exhibits}
        counts |= {claim.text: printed_numbers(claim, printed).comparisons for claim in paper.claims}
    assert counts["both networks of MAT withstand white-box attacks better than AT, TRADES and MART"] == 4 * 36
    assert counts["the student is within 0.29 points of its teacher on clean images"] == 1
    assert counts["the inner maximisation of MMARD helps ARD"] == 3
    assert counts["MMARD beats ARD and RSLAD with every teacher"] == 8


def test_a_label_that_no_row_has_is_named_with_its_line(tmp_path: Path) -> None:
    text = PAPERS.get("mmard").read_text(encoding="utf-8")
    for old, new, told in (
        ("rows: [ARD from M", "rows: [ARD from N", "unknown row 'ARD from N'; did you mean ARD from L or ARD from M"),
        ('right_exhibit: "2"', 'right_exhibit: "12"', "unknown exhibit '12'"),
        ("right: &taught-by teacher M", "right: &taught-by teacher Q", "unknown row 'teacher Q'"),
    ):
        assert old in text
        (tmp_path / "mine.yaml").write_text(text.replace(old, new), encoding="utf-8")
        with pytest.raises(BadInput, match=r"mine\.yaml:") as error:
            load_paper(str(tmp_path / "mine.yaml"))
        assert told in str(error.value)
