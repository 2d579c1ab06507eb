"""Pages whose figures answer, and what they load: scripts and a charting library once, data where asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from benchmark import palette
from benchmark.ledger import Ledger
from benchmark.reporting.figure_data import board_file, board_script, network_file, network_script
from benchmark.reporting.html import pages_of, render
from benchmark.reporting.image_bits import bits_file, bits_script
from benchmark.reporting.leaderboards import Leaderboard
from benchmark.reporting.networks import NetworkPage
from benchmark.reporting.pages import ASSETS

#: The charting library: Apache ECharts, see docs/licences.md. Its licence goes with it wherever it is copied to.
LIBRARY, LICENCE = "echarts.min.js", "echarts.LICENSE.txt"
#: What draws figures, in the order in which one needs the other.
FIGURES = (
    "palette.js",
    "shares.js",
    "options.js",
    "lines.js",
    "points.js",
    "cells.js",
    "cohort.js",
    "taking.js",
    "frame.js",
)
#: What runs on each page; a network's page takes the library when a figure comes into sight.
PAGES = {
    "figures": (LIBRARY, *FIGURES, "figures-page.js"),
    "network": (*FIGURES, "network-page.js"),
    "union": ("palette.js", "shares.js", "recount.js", "taking.js", "frame.js", "union-page.js"),
}

#: A file of the site: its place, and its text.
File = tuple[str, str]


def interactive_files(
    boards: Sequence[Leaderboard], networks: Sequence[NetworkPage], ledger: Ledger
) -> Iterator[File]:
    """The pages of figures and of one's own union, with all that they and the networks' pages load."""
    yield "figures.html", render("figures.html", boards=boards, ledger=ledger, scripts=PAGES["figures"])
    yield "union.html", render("union.html", boards=boards, ledger=ledger, scripts=PAGES["union"])
    if not boards:
        return
    yield "assets/palette.js", palette_script()
    for name in sorted({LICENCE, *(name for names in PAGES.values() for name in names)} - {"palette.js"}):
        yield f"assets/{name}", (ASSETS / name).read_bytes().decode("utf-8")
    pages = pages_of(networks)
    for board in boards:
        yield board_file(board), board_script(board, pages)
        yield bits_file(board), bits_script(board)
    for network in networks:
        for result in network.results:
            yield network_file(result.evaluation), network_script(result, network)


def palette_script() -> str:
    """The colours, dashes and markers of `palette` for the scripts."""
    found = {
        "light": palette.LIGHT,
        "dark": palette.DARK,
        "dashes": palette.DASHES,
        "markers": list(palette.MARKERS.values()),
    }
    return f'"use strict";\nconst benchPalette = {json.dumps(found, separators=(",", ":"))};\n'
