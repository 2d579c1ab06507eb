"""Lines over a common x."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from benchmark.charts.axes import LINE_HEIGHT, TOP, Axis, Canvas, Mark, figure, svg
from benchmark.palette import dash, series


@dataclass(frozen=True)
class Line:
    """One line: its name, and its points (x, y) by rising x.

    Attributes:
        is_stairs: keeps each y until the next x.
        is_dashed: drawn so, for what is no measurement.
        marks: points to draw with their intervals.
    """

    name: str
    points: Sequence[tuple[float, float]]
    is_stairs: bool = False
    is_dashed: bool = False
    marks: Sequence[Mark] = ()


@dataclass(frozen=True)
class Marker:
    """An x to point out by a dashed line: its place and its name; with `y`, a dot there."""

    x: float
    name: str
    y: float | None = None


def line_chart(
    title: str,
    lines: Sequence[Line],
    x: Axis,
    y: Axis,
    markers: Sequence[Marker] = (),
    note: str = "",
    width: int = 420,
    height: int = 250,
    is_titled: bool = True,
) -> Markup:
    """Lines over a common x.

    Args:
        title: what is to be seen, in words.
        lines: at most `palette.SERIES` that a reader shall tell apart; where none `is_dashed`,
            each has a dash of its own.
        x, y: the axes; lines are drawn as far as these reach.
        markers: what to point out.
        note: what more there is to say.
        width, height: in pixels of the drawing.
        is_titled: whether the title stands below the drawing, too.
    """
    canvas = Canvas(x, y, width, height)
    parts = [canvas.frame()]
    is_told_by_dash = len(lines) > 1 and not any(line.is_dashed for line in lines)
    parts += [_line(line, number, canvas, is_told_by_dash) for number, line in enumerate(lines)]
    parts += [_marker(marker, number, canvas) for number, marker in enumerate(markers)]
    said = "; ".join(
        f"{line.name} from {_place(line.points[0])} to {_place(line.points[-1])}" for line in lines if line.points
    )
    names = [line.name for line in lines]
    drawing = svg(title, said, parts, width, height)
    return figure(drawing, names, title if is_titled else "", note, has_dashes=is_told_by_dash)


def _line(line: Line, number: int, canvas: Canvas, is_told_by_dash: bool) -> Markup:
    if not line.points:
        return Markup("")
    if len(line.points) == 1 and not line.marks:  # a path of one point is invisible
        x, y = line.points[0]
        return Markup('<circle class="point {}" cx="{:.1f}" cy="{:.1f}" r="3"><title>{}</title></circle>').format(
            series(number), canvas.across(x), canvas.down(y), line.name
        )
    dashed = f" {dash(number)}" if is_told_by_dash else " dashed" if line.is_dashed else ""
    drawn = Markup('<path class="line{} {}" d="{}"><title>{}</title></path>').format(
        dashed, series(number), _path(line, canvas), line.name
    )
    if not line.marks:
        return drawn
    marks = [
        Markup('<circle cx="{:.1f}" cy="{:.1f}" r="4"><title>{}</title></circle>{}').format(
            canvas.across(mark.x), canvas.down(mark.y), mark.words, mark.whisker(canvas, canvas.across(mark.x))
        )
        for mark in line.marks
    ]
    return Markup('<g class="{}">{}{}</g>').format(series(number), drawn, Markup("").join(marks))


def _marker(marker: Marker, number: int, canvas: Canvas) -> Markup:
    """The marker with its name at the top, each of several a line lower."""
    place = canvas.across(marker.x)
    is_far = place > canvas.width * 0.7
    line = Markup(
        '<line class="marker" x1="{x:.1f}" x2="{x:.1f}" y1="{}" y2="{}"/>'
        '<text x="{:.1f}" y="{}" text-anchor="{}">{}</text>'
    ).format(
        TOP,
        canvas.floor,
        place + (-5 if is_far else 5),
        TOP + 10 + LINE_HEIGHT * number,
        "end" if is_far else "start",
        marker.name,
        x=place,
    )
    if marker.y is None:
        return line
    dot = Markup('<circle cx="{:.1f}" cy="{:.1f}" r="4"><title>{:.1f} at {}</title></circle>')
    return line + dot.format(place, canvas.down(marker.y), marker.y, marker.name)


def _place(point: tuple[float, float]) -> str:
    return f"{point[1]:.3g} at {point[0]:.3g}"


def _path(line: Line, canvas: Canvas) -> str:
    """The drawing commands of a line."""
    corners = list(line.points)
    if line.is_stairs:
        corners = [corners[0], *(corner for one, two in pairwise(corners) for corner in ((two[0], one[1]), two))]
    return "M" + "L".join(f"{canvas.across(x):.1f} {canvas.down(y):.1f}" for x, y in corners)
