"""A drawing as an SVG file of its own, to be shown where no page brings its colours: in Markdown, in a paper."""

from __future__ import annotations

import re
from collections.abc import Sequence

from markupsafe import Markup

from benchmark.charts.axes import LEFT, LETTER, LINE_HEIGHT
from benchmark.palette import DARK, LIGHT, classes, dash, series, variables

#: Colours of paper, words, quiet words, grid and series, by day and by night.
DAY = f"--paper:#fff;--ink:#222;--quiet:#666;--line:#ddd;{variables(LIGHT)}"
NIGHT = f"--paper:#111;--ink:#eee;--quiet:#aaa;--line:#333;{variables(DARK)}"
STYLE = (
    f"svg{{{DAY}font-family:system-ui,sans-serif;background:var(--paper)}}"
    f"@media(prefers-color-scheme:dark){{svg{{{NIGHT}}}}}"
    "text{fill:var(--quiet);font-size:11px}.level{stroke:var(--line)}.marker{stroke:var(--ink);stroke-dasharray:4 3}"
    ".line{fill:none;stroke:currentColor;stroke-width:2}.dashed{stroke-dasharray:7 5}"
    "circle,rect{fill:currentColor;fill-opacity:.8}.whisker{stroke:var(--ink)}" + classes()
)


def alone(figure: Markup, names: Sequence[str]) -> str:
    """The drawing in `figure` as a file, with its style and with the series' names above it.

    Args:
        figure: what `line_chart` or `bar_chart` gave.
        names: of its series, in their order.

    Raises:
        ValueError: there is no drawing in it.
    """
    found = re.search(r'<svg viewBox="0 0 (\d+) (\d+)"[^>]*>(.*?)</svg>', str(figure), re.DOTALL)
    if not found:
        raise ValueError("there is no drawing in this figure")
    width, height = int(found[1]), int(found[2])
    legend, above = _legend(names, width, "swatch" in str(figure))
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 -{0} {1} {2}" width="{1}" height="{2}">'
        "<style>{3}</style>{4}{5}</svg>\n"
    ).format(above, width, height + above, Markup(STYLE), Markup(found[3]), legend)


def _legend(names: Sequence[str], width: int, has_dashes: bool) -> tuple[Markup, int]:
    """The names above the drawing, in as many lines as they need; and the pixels that takes."""
    places: list[tuple[float, int]] = []
    across, line = float(LEFT), 0
    for name in names:
        needed = (44 if has_dashes else 26) + LETTER * len(name)
        if across > LEFT and across + needed > width:
            across, line = float(LEFT), line + 1
        places.append((across, line))
        across += needed
    above = (line + 1) * (LINE_HEIGHT + 4) + 4 if names else 0
    drawn = Markup("").join(
        Markup(
            '<g class="{}"><rect x="{:.0f}" y="{}" width="10" height="10"/><text x="{:.0f}" y="{}">{}</text></g>'
        ).format(series(number), x, y - 9, x + 14, y, name)
        if not has_dashes
        else Markup('<g><path class="line {} {}" d="M{:.0f} {}h28"/><text x="{:.0f}" y="{}">{}</text></g>').format(
            dash(number), series(number), x, y - 4, x + 32, y, name
        )
        for number, (name, (x, row)) in enumerate(zip(names, places, strict=True))
        for y in (row * (LINE_HEIGHT + 4) + LINE_HEIGHT - above,)
    )
    return drawn, above
