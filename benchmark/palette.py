"""The colours, dashes and markers that tell series apart, in pages, in drawings of their own and in other programs.

Eight hues in the order of Okabe and Ito (https://jfly.uni-koeln.de/color/), moved as little as it takes for every two
of a set to differ by 14 at least (CIEDE2000) for an eye with all cones and for one that lacks a kind of them
(protanopia, deuteranopia, tritanopia as Machado, Oliveira and Fernandes 2009 simulate them), and for each to stand
out from the paper by 3 to 1 at least (WCAG 2.1, 1.4.11). Colour is never all: lines have a dash or a marker, too.
"""

from __future__ import annotations

#: On light paper: blue, orange, green, pink, olive, sky blue, ink, purple.
LIGHT = ("#0050a6", "#dd6100", "#01816f", "#c07b99", "#929367", "#139ad8", "#222222", "#7a1f5c")
#: The same on dark paper.
DARK = ("#2b85ff", "#f18533", "#05ba85", "#d99ebe", "#f0e442", "#76e7ff", "#f7f6f4", "#b05a9a")
#: How lines are dashed: pixels drawn and left out by turns, () for a solid one.
DASHES: tuple[tuple[int, ...], ...] = (
    (), (8, 4), (2, 3), (9, 3, 2, 3), (14, 4), (5, 2), (9, 3, 2, 3, 2, 3), (3, 6),
)  # fmt: skip
#: Markers of points by matplotlib's names, each as the outline (SVG) that pages draw.
MARKERS = {
    "o": "M10 5A5 5 0 1 1 0 5A5 5 0 1 1 10 5Z",
    "s": "M0.5 0.5H9.5V9.5H0.5Z",
    "^": "M5 0L10 9H0Z",
    "D": "M5 0L10 5L5 10L0 5Z",
    "v": "M0 1H10L5 10Z",
    "P": "M3.3 0H6.7V3.3H10V6.7H6.7V10H3.3V6.7H0V3.3H3.3Z",
    "X": "M2 0L5 3L8 0L10 2L7 5L10 8L8 10L5 7L2 10L0 8L3 5L0 2Z",
    "*": "M5 0L6.2 3.5H10L7 5.8L8 9.5L5 7.3L2 9.5L3 5.8L0 3.5H3.8Z",
}
#: In a legend, a piece of the line.
SWATCH = ".swatch{display:inline-block;width:28px;height:8px;margin-right:.35em;vertical-align:middle}"
#: Series that can be told apart; more of them begin again.
SERIES = len(LIGHT)


def series(number: int) -> str:
    """The class that gives the series of that number its colour."""
    return f"series-{number % SERIES}"


def dash(number: int) -> str:
    """The class that dashes the line of the series of that number."""
    return f"dash-{coding(number)}"


def coding(number: int) -> int:
    """The place of the dash and marker of a series: colours that begin again have others beside them."""
    return (number + number // SERIES) % SERIES


def variables(colours: tuple[str, ...]) -> str:
    """The colours as CSS calls them: "--c0:#0050a6;--c1:..."."""
    return "".join(f"--c{number}:{colour};" for number, colour in enumerate(colours))


def classes() -> str:
    """The style sheet of `series` and `dash`, for where the `variables` are."""
    colours = (f".{series(number)}{{color:var(--c{number})}}" for number in range(SERIES))
    dashes = (
        f".{dash(number)}{{stroke-dasharray:{' '.join(map(str, lengths))}}}"
        for number, lengths in enumerate(DASHES)
        if lengths
    )
    return "".join([*colours, *dashes])


def stylesheet() -> str:
    """All of it for a page that follows the reader's light or dark."""
    night = f"@media(prefers-color-scheme:dark){{:root{{{variables(DARK)}}}}}"
    return f":root{{{variables(LIGHT)}}}{night}{classes()}{SWATCH}"
