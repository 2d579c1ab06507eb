"""Points that lead somewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from benchmark.charts.axes import LEFT, LETTER, LINE_HEIGHT, Axis, Canvas, svg

#: Points that are few enough to write their names beside them.
NAMED = 14


@dataclass(frozen=True)
class Point:
    """One point: its place, its name, where a click leads ("" for nowhere), and a name for scripts to find it by.

    One that `is_masked` is drawn paler, and said to be.
    """

    x: float
    y: float
    name: str
    link: str
    key: str
    is_masked: bool = False


def scatter(title: str, points: Sequence[Point], x: Axis, y: Axis, width: int = 720, height: int = 380) -> Markup:
    """Points that lead somewhere; few of them carry their names, all say them when pointed at."""
    canvas = Canvas(x, y, width, height)
    places = [(canvas.across(point.x), canvas.down(point.y)) for point in points]
    names = _names(points, places, width) if len(points) <= NAMED else [Markup("")] * len(points)
    marks = [
        Markup(
            '<a{} data-network="{}"{}><circle cx="{:.1f}" cy="{:.1f}" r="5"><title>{}: {} {:.1f}, {} {:.1f}{}'
            "</title></circle>{}</a>"
        ).format(
            Markup(' href="{}"').format(point.link) if point.link else "",
            point.key,
            Markup(' class="masked"') if point.is_masked else "",
            *(*place, point.name, x.title, point.x, y.title, point.y),
            ", possible gradient masking" if point.is_masked else "",
            name,
        )
        for point, place, name in zip(points, places, names, strict=True)
    ]
    said = f"{len(points)} networks; the numbers are in the table."
    return svg(title, said, [canvas.frame(), Markup('<g class="points">'), *marks, Markup("</g>")], width, height)


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
        (across - room / 2, down - LINE_HEIGHT),
        (across - room / 2, down + LINE_HEIGHT),
    ):
        others = [box for box in taken if box != (across - 6, across + 6, down)]
        is_free = all(
            right < start or left > start + room or abs(y - middle) > LINE_HEIGHT - 2 for left, right, y in others
        )
        if is_free and start > LEFT and start + room < width:
            taken.append((start, start + room, middle))
            return Markup('<text x="{:.1f}" y="{:.1f}" textLength="{:.0f}">{}</text>').format(
                start, middle + 4, room, text
            )
    return Markup("")
