"""Bars in groups."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from benchmark.charts.axes import LEFT, LETTER, Axis, Canvas, Mark, figure, svg
from benchmark.palette import series

#: The part of a group's room that stays empty between it and the next, and the fewest letters in a line of its name.
GAP, FEWEST_LETTERS = 0.2, 6


@dataclass(frozen=True)
class Bars:
    """The bars of one colour: their name, and a mark each; its `x` is the place of its group, counted from 0."""

    name: str
    marks: Sequence[Mark]


def bar_chart(
    title: str,
    groups: Sequence[str],
    bars: Sequence[Bars],
    y: Axis,
    note: str = "",
    width: int = 640,
    height: int = 300,
) -> Markup:
    """A group of bars for each of `groups`, by their names, with the intervals of the values.

    Args:
        title: what is to be seen, in words; not shown beside the drawing.
        groups: the names of the groups.
        bars: what stands in each group, beside each other.
        y: the axis that bars rise along, from its lowest value.
        note: what more there is to say.
        width, height: in pixels of the drawing.
    """
    canvas = Canvas(Axis("", 0, len(groups)), y, width, height, bottom=56)
    room = canvas.across(1) - LEFT
    names = [textwrap.wrap(name, max(FEWEST_LETTERS, int(room / LETTER))) for name in groups]
    labels = canvas.labels((canvas.across(place + 0.5), lines) for place, lines in enumerate(names))
    drawn = [
        Markup('<g class="{}">{}</g>').format(
            series(number), Markup("").join(_bar(mark, number, len(bars), canvas) for mark in own.marks)
        )
        for number, own in enumerate(bars)
    ]
    said = "The numbers are in the table."
    drawing = svg(title, said, [canvas.levels(), labels, canvas.titles(), *drawn], width, height)
    return figure(drawing, [own.name for own in bars], note=note)


def _bar(mark: Mark, number: int, bars: int, canvas: Canvas) -> Markup:
    room = canvas.across(1) - canvas.across(0)
    width = room * (1 - GAP) / bars
    left, top = canvas.across(mark.x + GAP / 2) + number * width, canvas.down(mark.y)
    bar = Markup('<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"><title>{}</title></rect>').format(
        left, top, width, canvas.floor - top, mark.words
    )
    return bar + mark.whisker(canvas, left + width / 2)
