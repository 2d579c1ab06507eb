"""A drawing as an SVG file of its own, to be shown where no page brings its colours: in Markdown, in a paper."""

from __future__ import annotations

import re
from collections.abc import Sequence

from markupsafe import Markup

from benchmark.charts.axes import COLOURS, LEFT, LETTER, LINE_HEIGHT, series

#: Colours of paper, words, quiet words, grid and series, by day and by night; those of the series are the pages'.
DAY = (
    "--paper:#fff;--ink:#222;--quiet:#666;--line:#ddd;"
    "--c0:#0b6e6e;--c1:#b3470f;--c2:#5b4bb3;--c3:#8a6d00;--c4:#a83267;--c5:#3a7d2c;--c6:#2468b8;--c7:#6b6b6b;"
)
NIGHT = (
    "--paper:#111;--ink:#eee;--quiet:#aaa;--line:#333;"
    "--c0:#5cc8c0;--c1:#ff9d66;--c2:#b3a5ff;--c3:#e3c341;--c4:#ff8fbd;--c5:#8fd47e;--c6:#7fb4ff;--c7:#b5b5b5;"
)
STYLE = (
    f"svg{{{DAY}font-family:system-ui,sans-serif;background:var(--paper)}}"
    f"@media(prefers-color-scheme:dark){{svg{{{NIGHT}}}}}"
    "text{fill:var(--quiet);font-size:11px}.level{stroke:var(--line)}.marker{stroke:var(--ink);stroke-dasharray:4 3}"
    ".line{fill:none;stroke:currentColor;stroke-width:2}.dashed{stroke-dasharray:7 5}"
    "circle,rect{fill:currentColor;fill-opacity:.8}.whisker{stroke:var(--ink)}"
    + "".join(f".{series(number)}{{color:var(--c{number})}}" for number in range(COLOURS))
)


def alone(figure: Markup, names: Sequence[str]) -> str:
    """The drawing in `figure` as a file, with its style and with the series' names above it.

    Args:
        figure: what `line_chart` or `bar_chart` gave.
        names: of its series, in their order.

    Raises:
        ValueError: there is no drawing in it.
    """
    found = re.search(r'<svg viewBox="0 0 (\d+) (\d+)"[^>]*>(.*)</svg>', str(figure), re.DOTALL)
    if not found:
        raise ValueError("there is no drawing in this figure")
    width, height = int(found[1]), int(found[2])
    legend, above = _legend(names, width)
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 -{0} {1} {2}" width="{1}" height="{2}">'
        "<style>{3}</style>{4}{5}</svg>\n"
    ).format(above, width, height + above, Markup(STYLE), Markup(found[3]), legend)


def _legend(names: Sequence[str], width: int) -> tuple[Markup, int]:
    """The names above the drawing, in as many lines as they need; and the pixels that takes."""
    places: list[tuple[float, int]] = []
    across, line = float(LEFT), 0
    for name in names:
        needed = 26 + LETTER * len(name)
        if across > LEFT and across + needed > width:
            across, line = float(LEFT), line + 1
        places.append((across, line))
        across += needed
    above = (line + 1) * (LINE_HEIGHT + 4) + 4 if names else 0
    drawn = Markup("").join(
        Markup(
            '<g class="{}"><rect x="{:.0f}" y="{}" width="10" height="10"/><text x="{:.0f}" y="{}">{}</text></g>'
        ).format(series(number), x, y - 9, x + 14, y, name)
        for number, (name, (x, row)) in enumerate(zip(names, places, strict=True))
        for y in (row * (LINE_HEIGHT + 4) + LINE_HEIGHT - above,)
    )
    return drawn, above
