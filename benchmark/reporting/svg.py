"""Charts as inline SVG, drawn here so that pages need no script for them. Every word in them is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor, log10

from markupsafe import Markup

LEFT, RIGHT, TOP, BOTTOM = 46, 14, 12, 44
#: Series whose colours can be told apart; more of them begin again.
COLOURS = 8
#: Points of a scatter that are few enough to write their names beside them, and pixels a name needs.
NAMED, NAME_HEIGHT, LETTER = 14, 13, 6.2


@dataclass(frozen=True)
class Line:
    """One line: its name, and its points (x, y) by rising x.

    Attributes:
        is_stairs: keeps each y until the next x.
        is_dashed: drawn so, for what is no measurement.
    """

    name: str
    points: Sequence[tuple[float, float]]
    is_stairs: bool = False
    is_dashed: bool = False


@dataclass(frozen=True)
class Marker:
    """An x to point out by a dashed line: its place and its name; with `y`, a dot there."""

    x: float
    name: str
    y: float | None = None


@dataclass(frozen=True)
class Point:
    """One point of a scatter: its place, its name, where a click leads, and a name for scripts to find it by.

    One that `is_masked` is drawn paler, and said to be.
    """

    x: float
    y: float
    name: str
    link: str
    key: str
    is_masked: bool = False


@dataclass(frozen=True)
class Axis:
    """An axis from `low` to `high`, with what it shows in words."""

    title: str
    low: float
    high: float

    def ticks(self) -> list[float]:
        """Round numbers within the axis, three to seven of them."""
        room = self.high - self.low
        size = 10.0 ** floor(log10(room))
        step = next(step for step in (size / 5, size / 2, size, 2 * size) if room / step <= 6.01)
        first, last = ceil(self.low / step - 1e-9), floor(self.high / step + 1e-9)
        return [round(number * step, 12) for number in range(first, last + 1)]


@dataclass(frozen=True)
class Canvas:
    """Where values lie in a drawing, in pixels."""

    x: Axis
    y: Axis
    width: int
    height: int

    def across(self, value: float) -> float:
        """The pixel of an x."""
        return LEFT + (self.width - LEFT - RIGHT) * (value - self.x.low) / (self.x.high - self.x.low)

    def down(self, value: float) -> float:
        """The pixel of a y."""
        return TOP + (self.height - TOP - BOTTOM) * (self.y.high - value) / (self.y.high - self.y.low)

    def frame(self) -> Markup:
        """Grid lines, their numbers and the axes' titles."""
        floor, right = self.height - BOTTOM, self.width - RIGHT
        parts = [
            Markup(
                '<line class="level" x1="{}" x2="{}" y1="{y:.1f}" y2="{y:.1f}"/>'
                '<text x="{}" y="{:.1f}" text-anchor="end">{:g}</text>'
            ).format(LEFT, right, LEFT - 6, self.down(tick) + 4, tick, y=self.down(tick))
            for tick in self.y.ticks()
        ]
        parts += [
            Markup('<text x="{:.1f}" y="{}" text-anchor="middle">{:g}</text>').format(
                self.across(tick), floor + 16, tick
            )
            for tick in self.x.ticks()
        ]
        titles = Markup(
            '<text x="{:.0f}" y="{}" text-anchor="middle">{}</text>'
            '<text transform="translate(11 {:.0f}) rotate(-90)" text-anchor="middle">{}</text>'
        ).format((LEFT + right) / 2, self.height - 8, self.x.title, (TOP + floor) / 2, self.y.title)
        return Markup("").join([*parts, titles])


def line_chart(
    title: str,
    lines: Sequence[Line],
    x: Axis,
    y: Axis,
    markers: Sequence[Marker] = (),
    note: str = "",
    width: int = 420,
) -> Markup:
    """Lines over a common x.

    Args:
        title: what is to be seen, in words.
        lines: at most `COLOURS` that a reader shall tell apart.
        x, y: the axes; lines are drawn as far as these reach.
        markers: what to point out.
        note: what more there is to say.
    """
    canvas = Canvas(x, y, width, 250)
    parts = [canvas.frame()]
    for number, line in enumerate(lines):
        parts.append(
            Markup('<path class="line{} series-{}" d="{}"><title>{}</title></path>').format(
                " dashed" if line.is_dashed else "", number % COLOURS, _path(line, canvas), line.name
            )
        )
    parts += [_mark(marker, number, canvas) for number, marker in enumerate(markers)]
    said = "; ".join(f"{line.name} from {_place(line.points[0])} to {_place(line.points[-1])}" for line in lines)
    legend = [
        Markup('<span><i class="series-{}"></i>{}</span>').format(number % COLOURS, line.name)
        for number, line in enumerate(lines)
    ]
    caption = Markup("<figcaption>{}{}{}</figcaption>").format(
        Markup("<b>{}</b> ").format(title), Markup("").join(legend) if len(legend) > 1 else "", note
    )
    return Markup("<figure>{}{}</figure>").format(_svg(title, said, parts, width, 250), caption)


def _mark(marker: Marker, number: int, canvas: Canvas) -> Markup:
    """The marker with its name at the top, each of several a line lower."""
    place = canvas.across(marker.x)
    is_far = place > canvas.width * 0.7
    line = Markup(
        '<line class="marker" x1="{x:.1f}" x2="{x:.1f}" y1="{}" y2="{}"/>'
        '<text x="{:.1f}" y="{}" text-anchor="{}">{}</text>'
    ).format(
        TOP,
        canvas.height - BOTTOM,
        place + (-5 if is_far else 5),
        TOP + 10 + NAME_HEIGHT * number,
        "end" if is_far else "start",
        marker.name,
        x=place,
    )
    if marker.y is None:
        return line
    dot = Markup('<circle cx="{:.1f}" cy="{:.1f}" r="4"><title>{:.1f} at {}</title></circle>')
    return line + dot.format(place, canvas.down(marker.y), marker.y, marker.name)


def scatter(title: str, points: Sequence[Point], x: Axis, y: Axis, width: int = 720, height: int = 380) -> Markup:
    """Points that lead somewhere; few of them carry their names, all say them when pointed at."""
    canvas = Canvas(x, y, width, height)
    places = [(canvas.across(point.x), canvas.down(point.y)) for point in points]
    names = _names(points, places, width) if len(points) <= NAMED else [Markup("")] * len(points)
    marks = [
        Markup(
            '<a href="{}" data-network="{}"{}><circle cx="{:.1f}" cy="{:.1f}" r="5"><title>{}: {} {:.1f}, {} {:.1f}{}'
            "</title></circle>{}</a>"
        ).format(
            point.link,
            point.key,
            Markup(' class="masked"') if point.is_masked else "",
            *(*place, point.name, x.title, point.x, y.title, point.y),
            ", possible gradient masking" if point.is_masked else "",
            name,
        )
        for point, place, name in zip(points, places, names, strict=True)
    ]
    said = f"{len(points)} networks; the numbers are in the table."
    return _svg(title, said, [canvas.frame(), Markup('<g class="points">'), *marks, Markup("</g>")], width, height)


def _names(points: Sequence[Point], places: Sequence[tuple[float, float]], width: int) -> list[Markup]:
    """Names beside, above or below their points; "" where each of these would cover something else."""
    taken = [(across - 6, across + 6, down) for across, down in places]
    return [_name(point.name, place, width, taken) for point, place in zip(points, places, strict=True)]


def _name(name: str, place: tuple[float, float], width: int, taken: list[tuple[float, float, float]]) -> Markup:
    across, down = place
    text = name if len(name) <= 28 else name[:27] + "…"
    room = len(text) * LETTER
    for start, middle in (
        (across + 9, down),
        (across - 9 - room, down),
        (across - room / 2, down - NAME_HEIGHT),
        (across - room / 2, down + NAME_HEIGHT),
    ):
        others = [box for box in taken if box != (across - 6, across + 6, down)]
        is_free = all(
            right < start or left > start + room or abs(y - middle) > NAME_HEIGHT - 2 for left, right, y in others
        )
        if is_free and start > LEFT and start + room < width:
            taken.append((start, start + room, middle))
            return Markup('<text x="{:.1f}" y="{:.1f}" textLength="{:.0f}">{}</text>').format(
                start, middle + 4, room, text
            )
    return Markup("")


def _place(point: tuple[float, float]) -> str:
    return f"{point[1]:.3g} at {point[0]:.3g}"


def _path(line: Line, canvas: Canvas) -> str:
    """The drawing commands of a line."""
    corners = list(line.points)
    if line.is_stairs:
        corners = [corners[0], *(corner for one, two in pairwise(corners) for corner in ((two[0], one[1]), two))]
    return "M" + "L".join(f"{canvas.across(x):.1f} {canvas.down(y):.1f}" for x, y in corners)


def _svg(title: str, said: str, parts: Iterable[Markup], width: int, height: int) -> Markup:
    return Markup('<svg viewBox="0 0 {} {}" role="group"><title>{}</title><desc>{}</desc>{}</svg>').format(
        width, height, title, said, Markup("").join(parts)
    )
