"""A column is one entry: every output shows it, by its name, heading and kind, and what it may not do is refused."""

from __future__ import annotations

import csv
import html
import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from synthetic import add_evaluation
from test_reporting_page import table_cells

import benchmark
from benchmark.analysis.ranks import RankSet
from benchmark.errors import BadInput
from benchmark.ledger import load_results
from benchmark.reporting import kinds, leaderboard_rows, leaderboards, plugged_columns, print_leaderboards
from benchmark.reporting.column import Column, Output
from benchmark.reporting.columns import columns
from benchmark.reporting.entries import Accuracy, Entry, Rank
from benchmark.reporting.html import _templates
from benchmark.reporting.kinds import Kind


def lost(entry: Entry) -> float | None:
    return None if entry.clean is None or entry.r_worst is None else entry.clean.value - entry.r_worst.value


LOST = Column("lost", "Lost, all attacks", "Clean accuracy minus Rworst <&>", lost, kinds.SHARE, "Accuracy")


@pytest.fixture
def results(tmp_path: Path) -> Path:
    add_evaluation(tmp_path / "results")
    return tmp_path / "results"


def plug(monkeypatch: pytest.MonkeyPatch, *added: object) -> None:
    """As if a package announced them."""
    monkeypatch.setattr(plugged_columns.COLUMNS, "_own", {str(number): each for number, each in enumerate(added)})
    plugged_columns._plugged.cache_clear()
    monkeypatch.setattr(plugged_columns, "_plugged", plugged_columns._plugged.__wrapped__)


def written(results: Path, format: str) -> str:
    return benchmark.report(results=results, out=results.parent / format, format=format).read_text(encoding="utf-8")


def headings(page: str) -> list[str]:
    table = page.split("<thead>", 1)[1].split("</thead>", 1)[0]
    return [html.unescape(found) for found in re.findall(r"<th[^>]*><span>(.*?)</span>", table)]


def test_one_entry_shows_in_every_output(
    results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of six images 5 are right and 1 is robust: 4/6 are lost."""
    plug(monkeypatch, LOST)
    index = written(results, "html")
    network = (results.parent / "html" / "models" / "at.html").read_text(encoding="utf-8")
    for page, heading in ((index, "digits under"), (network, "digits under")):
        place = headings(page.split(heading, 1)[1]).index("Lost, all attacks")
        assert table_cells(page, heading)[0][place] == ["66.7"]
        assert 'title="Clean accuracy minus Rworst &lt;&amp;&gt;"><span>Lost, all attacks</span>' in page
        assert "<b>Lost, all attacks</b> Clean accuracy minus Rworst &lt;&amp;&gt;." in page
    assert re.search(r'data-place="\d+" checked> Lost, all attacks</label>', index)
    (row,) = csv.DictReader(io.StringIO(written(results, "csv")))
    assert float(row["lost"]) == pytest.approx(4 / 6)
    latex, markdown = written(results, "latex"), written(results, "markdown")
    assert r"& {Lost, all attacks} \\" in latex
    assert r"& 66.7 \\" in latex
    assert "| Lost, all attacks |" in markdown
    assert "| 66.7 |" in markdown
    print_leaderboards(leaderboards(load_results(results)))
    above, head, line, *_ = capsys.readouterr().out.splitlines()[1:]
    assert above.rstrip().endswith("Lost")
    assert head.rstrip().endswith("all attacks")
    assert line.rstrip().endswith("66.7")


@pytest.mark.parametrize("output", list(Output)[:5])
def test_only_the_outputs_that_it_names_show_it(
    results: Path, monkeypatch: pytest.MonkeyPatch, output: Output
) -> None:
    plug(monkeypatch, replace(LOST, outputs=output))
    (board,) = leaderboards(load_results(results))
    assert [each for each in list(Output)[:5] if "lost" in [column.name for column in columns(board, each)]] == [
        output
    ]


def test_columns_have_one_order_everywhere(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What two outputs both show stands in the same order in both; a package may put its column before others."""
    plug(monkeypatch, replace(LOST, prominence=2))
    (board,) = leaderboards(load_results(results))
    shown = [[column.name for column in columns(board, output)] for output in list(Output)[:5]]
    for one in shown:
        for other in shown:
            assert [name for name in one if name in other] == [name for name in other if name in one]
    assert shown[0][:9] == ["rank", "model", "r_worst", "r_avg", "lost", "linf", "l2", "l1", "clean"]


def test_the_order_of_files_and_screens_is_that_of_the_columns(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As they come out, not as they are asked for."""
    (board,) = leaderboards(load_results(results))
    page = headings(written(results, "html").split("digits under", 1)[1])
    assert page == [column.label for column in columns(board, Output.PAGE)]
    words = written(results, "markdown").splitlines()[2].strip("| ").split(" | ")
    tex = next(line for line in written(results, "latex").splitlines() if line.startswith("{Rank}"))
    typeset = {"Rworst": r"$R_{\mathrm{worst}}$", "Ravg": r"$R_{\mathrm{avg}}$", "95% interval": r"95\% interval"}
    typeset |= {f"l{norm}": rf"$\ell_{sign}$" for norm, sign in (("inf", r"\infty"), ("2", "2"), ("1", "1"))}
    heads = [cell.removeprefix("{").removesuffix("}") for cell in tex.removesuffix(r" \\").split(" & ")]
    assert heads == [typeset.get(word, word) for word in words]
    assert words == ["Rank", "Network", "Rworst", "95% interval", "Ravg", "linf", "l2", "l1", "Clean", "Method"]
    print_leaderboards([board])
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("Rank"))
    assert line.replace("95% interval", "95%").split()[:9] == [word.removesuffix(" interval") for word in words[:9]]
    heading = written(results, "csv").splitlines()[0].split(",")
    names = [column.name for column in columns(board, Output.DATA)]
    assert [name for name in heading if name in names] == names


def test_data_files_give_each_value_once(results: Path) -> None:
    (board,) = leaderboards(load_results(results))
    (row,) = leaderboard_rows([board])
    filled = [name for column in columns(board, Output.DATA) for name in column.values(board.entries[0])]
    assert [*board.setting(), *filled] == list(row)


def test_every_column_says_what_it_is(results: Path) -> None:
    (board,) = leaderboards(load_results(results))
    every = columns(board, Output.ALL)
    assert len({column.name for column in every}) == len({column.label for column in every}) == len(every)
    assert all(column.about for column in every)


def test_what_explains_a_column_is_in_the_glossary_and_beside_its_heading(results: Path) -> None:
    """A button that a finger and a keyboard reach shows the text where the heading is, without any script."""
    index = written(results, "html")
    glossary = (results.parent / "html" / "glossary.html").read_text(encoding="utf-8")
    (board,) = leaderboards(load_results(results))
    for column in columns(board, Output.PAGE):
        (about,) = re.findall(
            rf'<button type="button" class="about" popovertarget="([^"]*)" aria-label="About {column.label}">', index
        )
        (told,) = re.findall(rf'<div popover id="{about}" class="explanation">(.*?)</div>', index)
        assert html.escape(column.about) in told
        assert not column.term or f'id="{column.term}"' in glossary
        assert bool(column.term) == ("glossary.html#" in told)


KINDS = {name: kind for name, kind in vars(kinds).items() if isinstance(kind, Kind)}
SAMPLES = {
    "RANK": Rank(RankSet(2, 2), RankSet(2, 2), RankSet(2, 3)),
    "ACCURACY": Accuracy(0.5, 0.4, 0.6),
    "INTERVAL": Accuracy(0.5, 0.4, 0.6),
}
SAMPLES |= {"NAME": "<at>", "TEXT": "<at>", "DATE": "2026-01-02T03:04:05"}


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_drawn_and_written(results: Path, name: str) -> None:
    (board,) = leaderboards(load_results(results))
    kind = KINDS[name]
    cell = _templates().get_template("cells.html").module.cell  # type: ignore[attr-defined]
    for value in (SAMPLES.get(name, 0.25), Rank() if name == "RANK" else None):
        drawn = str(
            cell(replace(LOST, kind=kind, value=lambda entry, value=value: value), board.entries[0], "x.html")
        )
        assert drawn.count("<td") + drawn.count("<th") == 1
        assert "<at>" not in drawn
        assert kind.text(value)
        assert "lost" in kind.values("lost", value)
    assert kind.text(Rank() if name == "RANK" else None) == "–"


@pytest.mark.parametrize(
    ("added", "said"),
    [
        ({"name": "clean"}, "a package adds a column with the name of another, 'clean'"),
        ({"name": "clean_low"}, "with the name of another, 'clean_low'"),
        ({"name": "l2"}, "with the name of another, 'l2'"),
        ({"name": "images"}, "with the name of another, 'images'"),
        ({"label": "Rworst"}, "with the heading of another, 'Rworst'"),
        (
            {"value": lambda entry: 1 / 0},
            "the column 'lost' of a package fails for the network at: .*division by zero",
        ),
        ({"value": lambda entry: "many"}, "the column 'lost' of a package fails for the network at: "),
        ({"kind": kinds.ACCURACY, "value": lambda entry: 0.5}, "the column 'lost' of a package fails"),
    ],
)
def test_what_a_package_may_not_add_is_refused(
    results: Path, monkeypatch: pytest.MonkeyPatch, added: dict[str, object], said: str
) -> None:
    plug(monkeypatch, replace(LOST, **added))  # type: ignore[arg-type]
    for format in ("csv", "latex", "html"):
        with pytest.raises(BadInput, match=said):
            written(results, format)
    assert not list(results.parent.glob("*/index.html"))


@pytest.mark.parametrize(
    ("thing", "said"),
    [
        ("Lost", "is no Column"),
        (replace(LOST, group="Loss"), "has the group 'Loss'; there are '', 'Accuracy'"),
        (replace(LOST, kind="share"), "a Kind and an Output"),
        (replace(LOST, value=1.0), "needs a function of an entry"),
    ],
)
def test_what_is_no_column_is_said(thing: object, said: str) -> None:
    assert said in plugged_columns._fault(thing)
