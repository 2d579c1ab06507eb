"""Charts as inline SVG, for every page: no script draws them, every word in them is escaped."""

from __future__ import annotations

from benchmark.charts.axes import Axis, Mark
from benchmark.charts.bars import Bars, bar_chart
from benchmark.charts.lines import Line, Marker, line_chart
from benchmark.charts.matrix import matrix
from benchmark.charts.scatter import Point, scatter

__all__ = [
    "Axis",
    "Bars",
    "Line",
    "Mark",
    "Marker",
    "Point",
    "bar_chart",
    "line_chart",
    "matrix",
    "scatter",
]
