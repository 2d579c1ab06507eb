"""Figures for papers: the numbers of the pages, whatever the names, the same file each time."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from synthetic import WORKED_ATTACKS, add_evaluation

import benchmark
from benchmark.errors import BadInput
from benchmark.ledger import Ledger
from benchmark.plots import files
from benchmark.plots.plot import FILE, Plot, Series, read, to_json
from benchmark.reporting.leaderboards import leaderboards
from benchmark.reporting.plots import LINES, _front, plots

HOSTILE = r"$\frac{ 100%_x \input{/etc/passwd} 模型 <b> " + "\x1b" + "n" * 60

drawn = pytest.mark.skipif(importlib.util.find_spec("matplotlib") is None, reason="matplotlib is not installed here")


@pytest.fixture
def results(tmp_path: Path) -> Path:
    add_evaluation(tmp_path / "results", HOSTILE)
    add_evaluation(tmp_path / "results", "at")
    return tmp_path / "results"


def made(results: Path, out: Path | None = None) -> dict[str, Plot]:
    boards = leaderboards(Ledger.open(results).evaluations())
    return {plot.key.split("-digits")[0]: plot for plot in plots(boards, out or results)}


def test_figures_show_the_numbers_of_the_leaderboard(results: Path) -> None:
    (board,) = leaderboards(Ledger.open(results).evaluations())
    found = made(results)
    assert {"clean-rworst", "attacks", *(f"curves-{norm}" for norm in board.norms)} <= set(found)
    scatter = found["clean-rworst"]
    points = {name: (x, y) for each in scatter.series for name, x, y in zip(each.labels, each.x, each.y, strict=True)}
    assert points == {
        entry.name: (100 * entry.clean.value, 100 * entry.r_worst.value)  # type: ignore[union-attr]
        for entry in board.entries
    }
    heat = found["attacks"]
    assert heat.columns == ("clean", *(attack[0] for attack in WORKED_ATTACKS), "Rworst")
    assert [row[1:-1] for row in heat.values] == [
        tuple(100 * attack["accuracy"] for attack in entry.attacks) for entry in board.entries
    ]
    for norm in board.norms:
        for series, entry in zip(found[f"curves-{norm}"].series, board.entries, strict=True):
            assert series.y[0] == 100 * entry.clean.value  # type: ignore[union-attr]
            assert series.name.startswith(entry.name)
            assert all(
                low <= y <= high and low < high  # type: ignore[operator]
                for low, y, high in zip(series.low, series.y, series.high, strict=True)
            )


def test_what_may_be_masked_is_pale_and_not_at_the_front(tmp_path: Path) -> None:
    """One step breaks what forty do not: the former only seems the better network."""
    for name, steps in {"masked": (20, 0), "honest": (0, 50)}.items():
        attacks = [
            (label, "linf", 0.03, "fixed-budget", [1.0] * count + [0.0] * (100 - count))
            for label, count in zip(("fgsm", "pgd"), steps, strict=True)
        ]
        add_evaluation(tmp_path, name, attacks, (False,) * 100)
    scatter = made(tmp_path)["clean-rworst"]
    assert {series.name: series.is_faint for series in scatter.series} == {"honest": False, "masked (masked?)": True}
    assert scatter.front == ((100.0, 50.0),)
    assert "Pale points may be too high" in scatter.caption


def test_curves_of_more_networks_than_can_be_told_apart_say_so(tmp_path: Path) -> None:
    for number in range(LINES + 1):
        add_evaluation(tmp_path, f"n{number}")
    (curves, *_) = [plot for key, plot in made(tmp_path).items() if key.startswith("curves")]
    assert len(curves.series) == LINES
    assert curves.caption.endswith(f"The first {LINES} networks of {LINES + 1} are shown.")


def test_the_front_has_what_no_other_beats() -> None:
    assert _front([(90, 50), (95, 40), (94, 30), (80, 50), (99, 2)]) == ((90, 50), (95, 40), (99, 2))
    assert _front([(1, 1)]) == ((1, 1),)
    assert _front([]) == ()


def test_papers_figures_are_read_from_beside_their_pages(results: Path) -> None:
    folder = results / "digits" / "toy"
    folder.mkdir(parents=True)
    plot = Plot(
        key="toy-figure-3", kind="lines", caption="A figure.", series=(Series(name="h1", x=(0, 1), y=(2, 3)),)
    )
    (folder / FILE).write_text(to_json([plot]), encoding="utf-8")
    assert read(folder / FILE) == (plot,)
    assert made(results)["toy-figure-3"] == plot


@pytest.mark.parametrize("text", ["", "[]", '{"plots": [{"key": 1}]}', '{"plots": 1e999}', "[" * 10000])
def test_a_file_that_holds_no_figures_is_left_out_with_a_word(results: Path, text: str) -> None:
    folder = results / "digits" / "toy"
    folder.mkdir(parents=True)
    (folder / FILE).write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match="holds no figures"):
        read(folder / FILE)
    with pytest.warns(match="holds no figures"):
        made(results)


def test_the_samples_hold_the_figures_of_their_tables() -> None:
    """Figure 3 of MAT is drawn over α on the axis of its numbers, Figure 2 as points with intervals."""
    folder = Path(__file__).parent.parent / "reports" / "digits" / "mat"
    second, third = read(folder / FILE)
    assert (second.kind, third.kind) == ("scatter", "lines")
    lines = (folder / "figure-2.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert [f"{series.x[0]:.6g}" for series in second.series] == [line.split(",")[5] for line in lines[::2]]
    assert third.x_ticks == (0.0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9)
    assert third.x == "α"
    assert third.y_range is not None
    assert third.y_range[0] > 0


def test_without_matplotlib_one_sentence_says_what_to_install(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "matplotlib" else found(name, *rest)
    )
    out = results.parent / "reports"
    with pytest.raises(BadInput, match="pip install matplotlib"):
        benchmark.report(results=results, out=out, format="figures")
    assert not out.exists()


def test_other_reports_do_not_load_matplotlib(results: Path) -> None:
    before = "matplotlib" in sys.modules
    benchmark.report(results=results, out=results.parent / "reports", format="csv")
    assert ("matplotlib" in sys.modules) == before


@drawn
def test_files_are_the_same_each_time_and_as_publishers_want_them(results: Path, tmp_path: Path) -> None:
    from benchmark.plots.files import write_plots
    from benchmark.plots.style import WIDTHS

    kinds = {plot.kind: plot for plot in made(results).values()}
    bars = Plot(
        key="bars", kind="bars", caption=HOSTILE, y="accuracy %", columns=("a", HOSTILE),
        series=(Series(name=HOSTILE, x=(0, 1), y=(50, 60), low=(40, None), high=(60, None)),) * 2,
    )  # fmt: skip
    shown = [*kinds.values(), bars]
    assert {plot.kind for plot in shown} == {"lines", "scatter", "matrix", "bars"}
    first, second = (write_plots(shown, tmp_path / name).parent for name in ("one", "two"))
    found = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert len(found) == 1 + len(shown) * len(WIDTHS) * 3
    for file in found:
        assert (first / file).read_bytes() == (second / file).read_bytes(), file
    for file in (path for path in found if path.suffix == ".pdf"):
        content = (first / file).read_bytes()
        assert b"/CreationDate" not in content
        assert b"/Type3" not in content
        assert b"/FontFile2" in content
        (width,) = re.findall(rb"/MediaBox \[ 0 0 ([0-9.]+) ", content)
        assert float(width) == pytest.approx(72 * WIDTHS[file.parts[0]], abs=0.5)
    for file in (path for path in found if path.suffix == ".svg"):
        text = (first / file).read_text(encoding="utf-8")
        assert "<script" not in text
        assert "<dc:date>" not in text
    told = (first / "figures.tex").read_text(encoding="utf-8")
    assert told.count(r"\label{fig:") == len(shown)
    assert r"\input{/etc" not in told


def test_two_figures_of_one_name_are_two_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as those of a paper whose page on one data set lies beside its page on two."""
    monkeypatch.setattr(files, "check_matplotlib", lambda: None)
    monkeypatch.setattr(files, "render", lambda *_: {"pdf": b"drawn"})
    series = (Series(name="only", x=(0, 1), y=(50, 60)),)
    shown = [Plot(key=key, kind="lines", caption="", series=series) for key in ("mat_1", "mat_1", "mat-1")]
    told = files.write_plots(shown, tmp_path).read_text(encoding="utf-8")
    names = re.findall(r"\\includegraphics\{(.*)\}", told)
    assert len(set(names)) == len(set(re.findall(r"\\label\{(.*)\}", told))) == 3
    assert all((tmp_path / name).exists() for name in names)


@drawn
def test_axes_are_those_of_the_plot() -> None:
    from matplotlib.figure import Figure

    from benchmark.plots.draw import draw

    series = Series(name="only", x=(1, 2, 3), y=(50, 60, 70))
    plot = Plot(
        key="l", kind="lines", caption="", x="α", series=(series,), x_range=(0, 4), y_range=(0, 100), x_ticks=(1, 3)
    )
    figure = Figure()
    draw(plot, figure)
    (axes,) = figure.axes
    assert (axes.get_xlim(), axes.get_ylim(), list(axes.get_xticks())) == ((0, 4), (0, 100), [1, 3])
    assert (axes.get_xlabel(), list(axes.lines[0].get_ydata())) == ("α", [50, 60, 70])


@drawn
def test_names_of_points_are_off_the_whiskers_and_inside_of_the_drawing() -> None:
    """A point in a corner has a name, too: it is the only thing that tells networks of one method apart."""
    from matplotlib.figure import Figure

    from benchmark.plots.draw import draw

    series = Series(
        name="mat", x=(30, 73), y=(0, 20), left=(20, 61), right=(43, 83), low=(0, 12), high=(6, 32),
        labels=("mat-epochs-3-h2", "mat-epochs-3-h1"),
    )  # fmt: skip
    plot = Plot(key="s", kind="scatter", caption="", series=(series,), x_range=(24, 80), y_range=(0, 24))
    figure = Figure(figsize=(3.25, 2.3), layout="constrained")
    draw(plot, figure)
    figure.draw_without_rendering()
    (axes,) = figure.axes
    assert {text.get_text() for text in axes.texts} == set(series.labels)
    lines = [line.get_window_extent() for line in axes.lines if line.get_label().startswith("_")]
    for text in axes.texts:
        box = text.get_window_extent()
        assert axes.get_window_extent().padded(1).contains(*box.min)
        assert not [line for line in lines if line.overlaps(box)]


@drawn
def test_a_figure_of_many_methods_is_no_higher_than_wide_and_each_looks_otherwise() -> None:
    """Seventeen took two columns of a legend, which was higher than the drawing, and two of them looked alike."""
    from benchmark.plots.draw import draw, height
    from benchmark.plots.style import look, render

    series = tuple(Series(name=f"a-method-{n:03}", x=(n,), y=(n,)) for n in range(17))
    plot = Plot(key="s", kind="scatter", caption="", series=series)
    assert len({(look(n).color, look(n).marker) for n in range(64)}) == 64
    outside = []

    def measured(figure: Any) -> None:
        draw(plot, figure)
        figure.draw_without_rendering()
        (legend,), (axes,) = figure.legends, figure.axes
        box, whole = legend.get_window_extent(), figure.bbox
        outside.append(box.x0 < whole.x0 or box.x1 > whole.x1 or box.y1 > axes.get_window_extent().y0)

    for width in (3.25, 6.75):
        assert height(plot, width) <= width
        render(measured, width, height(plot, width))
    assert outside == [False, False]


@drawn
@pytest.mark.parametrize("count", [2, 5, 17])
@pytest.mark.parametrize("letters", ["MMARD-WWW", "illili", "a-method-of-letters-as-usual", "M" * 40], ids=len)
def test_a_legend_is_no_wider_than_its_figure_whatever_its_letters(letters: str, count: int) -> None:
    """An M is three times an i wide; columns were counted as if all were alike."""
    from benchmark.plots.draw import draw, height
    from benchmark.plots.style import render

    series = tuple(Series(name=f"{letters[:37]}{n:03}", x=(0, 1), y=(n, n)) for n in range(count))
    plot = Plot(key="s", kind="lines", caption="", series=series)
    shares = []

    def measured(figure: Any) -> None:
        draw(plot, figure)
        figure.draw_without_rendering()
        (legend,) = figure.legends
        shares.append(legend.get_window_extent().width / figure.bbox.width)

    for width in (3.25, 6.75):
        render(measured, width, height(plot, width))
    assert max(shares) <= 1


@drawn
def test_numbers_of_a_matrix_fit_into_its_cells_beside_long_names() -> None:
    from benchmark.plots.draw import draw, height
    from benchmark.plots.style import render

    rows = tuple(f"{'x' * 33}{number}" for number in range(3))
    values = ((100.0,) * 6,) * 3
    plot = Plot(key="m", kind="matrix", caption="", rows=rows, columns=tuple("abcdef"), values=values)
    widths = []

    def measured(figure: Any) -> None:
        draw(plot, figure)
        figure.draw_without_rendering()
        (axes,) = figure.axes
        widths.extend(text.get_window_extent().width / axes.get_window_extent().width for text in axes.texts)

    render(measured, 3.25, height(plot, 3.25))
    assert len(widths) == 18
    assert max(widths) < 1 / 6


@drawn
def test_drawing_leaves_the_callers_settings_alone(tmp_path: Path) -> None:
    import matplotlib

    from benchmark.plots.files import write_plots

    before = dict(matplotlib.rcParams)
    plot = Plot(key="one", kind="lines", caption="", series=(Series(name="only", x=(0,), y=(50,)),))
    with matplotlib.rc_context({"font.size": 31, "text.usetex": False}):
        write_plots([plot], tmp_path)
        assert matplotlib.rcParams["font.size"] == 31
    assert dict(matplotlib.rcParams) == before


@drawn
def test_names_show_what_the_letters_have() -> None:
    from benchmark.plots.style import LONGEST, shown

    assert shown("mat-ℓ∞ $x$") == "mat-ℓ∞ $x$"
    assert shown("模\x1b") == "U+6A21U+001B"
    assert len(shown("n" * 99)) == LONGEST
    ends = [shown(f"{'n' * 99} ({digest})") for digest in ("3f2a91c0", "17d04b55")]
    assert [end[-11:] for end in ends] == [" (3f2a91c0)", " (17d04b55)"]
    assert json.loads(to_json([]))
