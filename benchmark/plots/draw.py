"""Draws a `Plot` into a figure of matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from benchmark.plots.plot import Number, Plot, Series
from benchmark.plots.style import POINTS, look, shown, wide

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Points that are few enough to carry their names, lines whose bands can be told apart, cells that carry numbers.
NAMED, BANDS, NUMBERED = 14, 3, 16
_FAINT = 0.45
#: Points of what stands within a figure.
_SMALL = POINTS - 2


def draw(plot: Plot, figure: Figure) -> None:
    """The whole figure, with its legend; the caption is the paper's."""
    axes = figure.add_subplot()
    {"lines": _lines, "scatter": _scatter, "bars": _bars, "matrix": _matrix}[plot.kind](plot, axes)
    axes.set_xlabel(shown(plot.x))
    axes.set_ylabel(shown(plot.y))
    if plot.kind == "matrix":
        return
    if plot.x_range:
        axes.set_xlim(*plot.x_range)
    if plot.y_range:
        axes.set_ylim(*plot.y_range)
    if plot.x_ticks:
        axes.set_xticks(plot.x_ticks)
    elif plot.kind == "lines" and all(x == int(x) for series in plot.series for x in series.x):
        axes.locator_params(axis="x", integer=True)
    if legend := _legend(plot, figure.get_figwidth()):
        figure.legend(
            loc="outside lower center", ncols=legend.columns, handlelength=legend.handle, fontsize=legend.points,
            handletextpad=_SIGN, columnspacing=_APART, borderpad=_EDGE,
        )  # fmt: skip


def height(plot: Plot, width: float) -> float:
    """Inches, for a figure that is `width` inches wide: of the drawing, and of its legend below."""
    if plot.kind == "matrix":
        return min(1.4 * width, 1.1 + 0.19 * len(plot.rows))
    legend = _legend(plot, width)
    turned = 0.5 if plot.kind == "bars" else 0.0
    return 0.4 * width + 1.0 + turned + (0.022 * legend.points * legend.lines if legend else 0.0)


#: In heights of a legend's letters: between a sign and its name, between columns, and beside the outermost.
_SIGN, _APART, _EDGE = 0.6, 1.2, 0.4
#: Lines that it may have before its letters become smaller.
_LINES = 3


@dataclass(frozen=True)
class _Legend:
    """Of so many columns and lines, its letters so many points high, its signs so many letters wide."""

    columns: int
    lines: int
    points: float
    handle: float


def _legend(plot: Plot, width: float) -> _Legend | None:
    """As low as it can be: as many columns as fit beside each other, in smaller letters where names are many."""
    names = [shown(series.name) for series in plot.series if series.name]
    if len(names) < 2:
        return None
    handle = 2.6 if plot.kind == "lines" else 1.0
    column = handle + _SIGN + max(map(wide, names)) + _APART
    for points in (POINTS, _SMALL):
        fitting = int((72 * width / points - 2 * _EDGE + _APART) / column)
        columns = max(1, min(len(names), fitting))
        found = _Legend(columns, -(-len(names) // columns), points, handle)
        if fitting and found.lines <= _LINES:
            break
    return found


def _lines(plot: Plot, axes: Axes) -> None:
    for number, series in enumerate(plot.series):
        style = look(number)
        about: dict[str, Any] = {"color": style.color, "linestyle": style.linestyle, "label": shown(series.name)}
        if series.is_faint:
            about["alpha"] = _FAINT
        if not series.is_stairs and len(series.x) <= 20:
            about["marker"] = style.marker
        if series.is_stairs:
            axes.step(series.x, series.y, where="post", **about)
        else:
            axes.plot(series.x, series.y, **about)
        if series.low and series.is_stairs and len(plot.series) <= BANDS:
            low, high = _known(series.low, series.y), _known(series.high, series.y)
            axes.fill_between(series.x, low, high, step="post", color=style.color, alpha=0.15, linewidth=0)
        elif series.low and not series.is_stairs:
            _whiskers(axes, series, style.color)
    for place in plot.markers:
        axes.axvline(place, color="#666666", linewidth=0.7, linestyle=":")


def _scatter(plot: Plot, axes: Axes) -> None:
    if plot.front:
        axes.plot(*zip(*plot.front, strict=True), color="#888888", linewidth=0.8, zorder=1)
    for number, series in enumerate(plot.series):
        style = look(number)
        _whiskers(axes, series, style.color)
        axes.plot(
            series.x, series.y, linestyle="", marker=style.marker, color=style.color, label=shown(series.name),
            alpha=_FAINT if series.is_faint else 1.0, zorder=3,
        )  # fmt: skip
    if plot.x_range:  # what is named must know where it is
        axes.set_xlim(*plot.x_range)
    if plot.y_range:
        axes.set_ylim(*plot.y_range)
    points = [(x, y, name) for each in plot.series for x, y, name in zip(each.x, each.y, each.labels, strict=False)]
    if len(points) <= NAMED:
        _name(axes, points)


def _name(axes: Axes, points: Sequence[tuple[float, float, str]]) -> None:
    """Names at a corner of their points, off the whiskers, else beside, above or below; none over something else."""
    figure = cast("Figure", axes.get_figure())
    figure.draw_without_rendering()
    unit = figure.dpi / 72
    places = [tuple(axes.transData.transform((x, y)) / unit) for x, y, _ in points]
    taken = [(x - 3, x + 3, y - 3, y + 3) for x, y in places]
    edge = axes.get_window_extent()
    for number, ((x, y), point) in enumerate(zip(places, points, strict=True)):
        text = shown(point[2])
        width, height = len(text) * 0.55 * _SMALL, _SMALL + 1
        right, middle, left_of = 3.0, -width / 2, -3 - width
        above, beside, below = 1.5, -height / 2, -1.5 - height
        corners = [(left, bottom) for bottom in (above, below) for left in (right, left_of)]
        sides = [(right + 2, beside), (left_of - 2, beside), (middle, above + 2.5), (middle, below - 2.5)]
        for left, bottom in (*corners, *sides):
            box = (x + left, x + left + width, y + bottom, y + bottom + height)
            is_inside = box[0] * unit > edge.x0 and box[1] * unit < edge.x1 and box[2] * unit > edge.y0
            others = [other for place, other in enumerate(taken) if place != number]
            if is_inside and not any(_overlap(box, other) for other in others):
                taken.append(box)
                axes.annotate(
                    text, point[:2], xytext=(left, bottom), textcoords="offset points", fontsize=_SMALL, va="bottom"
                )
                break


def _overlap(one: Sequence[float], other: Sequence[float]) -> bool:
    return one[0] < other[1] and other[0] < one[1] and one[2] < other[3] and other[2] < one[3]


def _bars(plot: Plot, axes: Axes) -> None:
    width = 0.8 / max(1, len(plot.series))
    for number, series in enumerate(plot.series):
        beside = (number - (len(plot.series) - 1) / 2) * width
        moved = series.model_copy(update={"x": tuple(x + beside for x in series.x)})
        hatch = ("", "////", "....", "xxxx", "\\\\\\\\", "----", "++++", "oooo")[number % 8]
        axes.bar(
            moved.x, moved.y, width, color=look(number).color, label=shown(series.name), hatch=hatch,
            edgecolor="white", linewidth=0.4,
        )  # fmt: skip
        _whiskers(axes, moved, "#333333")
    axes.set_xticks(range(len(plot.columns)), list(map(shown, plot.columns)), rotation=30, ha="right")
    axes.grid(axis="x", visible=False)


def _matrix(plot: Plot, axes: Axes) -> None:
    values = [[float("nan") if value is None else value for value in row] for row in plot.values]
    axes.imshow(values, cmap="Blues", vmin=0, vmax=100, aspect="auto")
    axes.set_xticks(range(len(plot.columns)), list(map(shown, plot.columns)), rotation=90)
    axes.set_yticks(range(len(plot.rows)), list(map(shown, plot.rows)))
    axes.grid(visible=False)
    if len(plot.columns) > NUMBERED:
        axes.tick_params(axis="x", labelsize=_SMALL)
    figure = cast("Figure", axes.get_figure())
    figure.draw_without_rendering()  # names leave more or less room to the numbers, of which "100" is the longest
    room = axes.get_window_extent().width * 72 / figure.dpi / max(1, len(plot.columns))
    size = max(1.0, min(_SMALL, room / 2.2))
    for row, line in enumerate(plot.values):
        for column, value in enumerate(line):
            colour = "white" if value is not None and value > 60 else "black"
            text = "–" if value is None else f"{value:.0f}"
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=size)


def _whiskers(axes: Axes, series: Series, colour: str) -> None:
    style: dict[str, Any] = {"color": colour, "linewidth": 0.7, "alpha": 0.6, "zorder": 2}
    for x, low, high in zip(series.x, series.low, series.high, strict=False):
        if low is not None and high is not None:
            axes.plot((x, x), (low, high), **style)
    for y, left, right in zip(series.y, series.left, series.right, strict=False):
        if left is not None and right is not None:
            axes.plot((left, right), (y, y), **style)


def _known(values: Sequence[Number], instead: Sequence[float]) -> list[float]:
    return [other if value is None else value for value, other in zip(values, instead, strict=True)]
