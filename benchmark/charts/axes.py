"""What all charts share: axes, the canvas that says where values lie, and the figure around a drawing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from markupsafe import Markup

from benchmark.palette import dash, series

#: Pixels beside, above and below what is drawn.
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 12, 44
#: Pixels that a line of words needs in height, and a letter in width.
LINE_HEIGHT, LETTER = 13, 6.2


@dataclass(frozen=True)
class Axis:
    """An axis from `low` to `high`, with what it shows in words, and where it is numbered if not at round numbers."""

    title: str
    low: float
    high: float
    at: tuple[float, ...] = ()

    def ticks(self) -> list[float]:
        """Where it is numbered: of round numbers three to seven."""
        if self.at:
            return list(self.at)
        room = self.high - self.low
        size = 10.0 ** floor(log10(room))
        step = next(step for step in (size / 5, size / 2, size, 2 * size) if room / step <= 6.01)
        first, last = ceil(self.low / step - 1e-9), floor(self.high / step + 1e-9)
        return [round(number * step, 12) for number in range(first, last + 1)]


@dataclass(frozen=True)
class Canvas:
    """Where values lie in a drawing, in pixels; `bottom` is the room below it for words."""

    x: Axis
    y: Axis
    width: int
    height: int
    bottom: int = BOTTOM

    @property
    def right(self) -> int:
        """The pixel where the x axis ends."""
        return self.width - RIGHT

    @property
    def floor(self) -> int:
        """The pixel where the y axis begins."""
        return self.height - self.bottom

    def across(self, value: float) -> float:
        """The pixel of an x."""
        return LEFT + (self.right - LEFT) * (value - self.x.low) / (self.x.high - self.x.low)

    def down(self, value: float) -> float:
        """The pixel of a y; what lies beyond the axis is drawn at its end."""
        inside = min(max(value, self.y.low), self.y.high)
        return TOP + (self.floor - TOP) * (self.y.high - inside) / (self.y.high - self.y.low)

    def frame(self) -> Markup:
        """Grid lines, the numbers of both axes and their titles."""
        numbers = self.labels([(self.across(tick), [f"{tick:g}"]) for tick in self.x.ticks()])
        return self.levels() + numbers + self.titles()

    def levels(self) -> Markup:
        """Grid lines with their numbers."""
        return Markup("").join(
            Markup(
                '<line class="level" x1="{}" x2="{}" y1="{y:.1f}" y2="{y:.1f}"/>'
                '<text x="{}" y="{:.1f}" text-anchor="end">{:g}</text>'
            ).format(LEFT, self.right, LEFT - 6, self.down(tick) + 4, tick, y=self.down(tick))
            for tick in self.y.ticks()
        )

    def titles(self) -> Markup:
        """The titles of the axes."""
        return Markup(
            '<text x="{:.0f}" y="{}" text-anchor="middle">{}</text>'
            '<text transform="translate(11 {:.0f}) rotate(-90)" text-anchor="middle">{}</text>'
        ).format((LEFT + self.right) / 2, self.height - 8, self.x.title, (TOP + self.floor) / 2, self.y.title)

    def labels(self, labels: Iterable[tuple[float, Sequence[str]]]) -> Markup:
        """Words below the x axis, each of several lines, in the middle of the pixel beside them."""
        return Markup("").join(
            Markup('<text x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(
                place, self.floor + 16 + LINE_HEIGHT * number, line
            )
            for place, lines in labels
            for number, line in enumerate(lines)
        )


@dataclass(frozen=True)
class Mark:
    """One measured value: its place, the ends of its interval, and what it is in words."""

    x: float
    y: float
    low: float
    high: float
    words: str

    def whisker(self, canvas: Canvas, across: float) -> Markup:
        """The interval as a line at the pixel `across`."""
        return Markup('<line class="whisker" x1="{x:.1f}" x2="{x:.1f}" y1="{:.1f}" y2="{:.1f}"/>').format(
            canvas.down(self.low), canvas.down(self.high), x=across
        )


def figure(
    drawing: Markup, names: Sequence[str], title: str = "", note: str = "", has_dashes: bool = False
) -> Markup:
    """A drawing with its title, a legend where there are several series, and what more there is to say.

    Args:
        drawing: of the series called `names`.
        has_dashes: whether dashes tell lines apart, so that the legend has to show them.
    """
    swatch = Markup("").join(
        Markup("<span>{}{}</span>").format(_swatch(number, has_dashes), name) for number, name in enumerate(names)
    )
    told = Markup("<b>{}</b> ").format(title) if title else Markup("")
    caption = Markup("<figcaption>{}{}{}</figcaption>").format(told, swatch if len(names) > 1 else "", note)
    return Markup("<figure>{}{}</figure>").format(drawing, caption)


def _swatch(number: int, is_line: bool) -> Markup:
    if not is_line:
        return Markup('<i class="{}"></i>').format(series(number))
    line = '<svg class="swatch" aria-hidden="true" width="28" height="8"><path class="line {} {}" d="M0 4H28"/></svg>'
    return Markup(line).format(dash(number), series(number))


def svg(title: str, said: str, parts: Iterable[Markup], width: int, height: int) -> Markup:
    """The drawing, with its title and what it shows for those who don't see it."""
    return Markup('<svg viewBox="0 0 {} {}" role="group"><title>{}</title><desc>{}</desc>{}</svg>').format(
        width, height, title, said, Markup("").join(parts)
    )
