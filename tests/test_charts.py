"""Charts are true to scale, and a name in them is only a name."""

from __future__ import annotations

import re

from benchmark.charts import Axis, Bars, Line, Mark, Point, bar_chart, line_chart, scatter


def test_axes_have_round_ticks() -> None:
    assert Axis("", 0, 100).ticks() == [0, 20, 40, 60, 80, 100]
    assert Axis("", 0, 0.24).ticks() == [0, 0.05, 0.1, 0.15, 0.2]
    assert Axis("", 93, 101).ticks() == [94, 96, 98, 100]


def test_charts_escape_and_are_true_to_scale() -> None:
    axis = Axis("<x>", 0, 10)
    chart = str(line_chart("<t>", [Line("<l>", [(0, 0), (10, 10)], is_stairs=True)], axis, axis))
    assert "<l>" not in chart
    assert "<x>" not in chart
    # From the lower left corner along the floor, then up to the upper right one.
    assert 'd="M46.0 206.0L406.0 206.0L406.0 12.0"' in chart
    points = [Point(5, 5, "<b>", "models/x.html", "key")]
    drawn = str(scatter("", points, axis, axis))
    assert '<circle cx="376.0" cy="174.0"' in drawn
    assert "&lt;b&gt;</text>" in drawn
    assert "<b>" not in drawn


def test_bars_rise_to_their_values_and_whiskers_span_their_intervals() -> None:
    """200 pixels for 100 percent: from 244 up to 44."""
    bars = [Bars("<a>", [Mark(0, 50, 25, 100, "<w>")]), Bars("b", [Mark(0, 100, 90, 130, ""), Mark(1, 0, 0, 0, "")])]
    drawn = str(bar_chart("<t>", ["<g>", "two"], bars, Axis("y", 0, 100), "note", width=460, height=268))
    assert re.findall(r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"', drawn) == [
        ("66.0", "112.0", "80.0", "100.0"),
        ("146.0", "12.0", "80.0", "200.0"),
        ("346.0", "212.0", "80.0", "0.0"),
    ]
    whiskers = re.findall(r'class="whisker" x1="([\d.]+)" x2="[\d.]+" y1="([\d.]+)" y2="([\d.]+)"', drawn)
    assert whiskers == [("106.0", "162.0", "12.0"), ("186.0", "32.0", "12.0"), ("386.0", "212.0", "212.0")]
    assert not re.search("<[atwg]>", drawn)
    assert drawn.endswith('<i class="series-1"></i>b</span>note</figcaption></figure>')


def test_points_of_a_line_have_their_intervals() -> None:
    line = Line("l", [(0, 0), (10, 5)], marks=[Mark(10, 5, 0, 10, "half")])
    drawn = str(line_chart("t", [line], Axis("x", 0, 10, at=(0, 10)), Axis("y", 0, 10), is_titled=False))
    assert '<circle cx="406.0" cy="109.0" r="4"><title>half</title></circle>' in drawn
    assert 'class="whisker" x1="406.0" x2="406.0" y1="206.0" y2="12.0"' in drawn
    assert re.findall(r'text-anchor="middle">(\d+)</text>', drawn) == ["0", "10"]
    assert "<b>t</b>" not in drawn
    assert "NaN" not in str(line_chart("t", [Line("empty", [])], Axis("x", 0, 1), Axis("y", 0, 1)))


def test_a_line_of_one_point_is_seen() -> None:
    """`bench decide` may know after its first look; a path of one point shows nothing."""
    drawn = str(line_chart("t", [Line("l", [(5, 5)])], Axis("x", 0, 10), Axis("y", 0, 10)))
    assert '<circle class="point series-0" cx="226.0" cy="109.0" r="3">' in drawn
    assert "<path" not in drawn
