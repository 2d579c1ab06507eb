"""The colours of series are told apart by every eye, stand out from the paper, and are the same everywhere."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmark import palette
from benchmark.charts import Axis, Line, line_chart
from benchmark.charts.alone import alone

PACKAGE = Path(palette.__file__).parent

#: What each eye makes of linear RGB: Machado, Oliveira and Fernandes (2009), severity 1.
EYES = {
    "all cones": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]]
)
WHITE = np.array([0.95047, 1.0, 1.08883])
#: The papers of the pages.
PAPERS = {"light": ("#ffffff", "#fbfbf9"), "dark": ("#14181e", "#1b2129")}


def linear(colour: str) -> NDArray[np.float64]:
    """Linear RGB of a colour like "#0b6e6e"."""
    parts = np.array([int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def lab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """CIELAB of linear RGB, D65."""
    ratio = np.clip(rgb, 0, 1) @ TO_XYZ.T / WHITE
    bent = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * bent[1] - 16, 500 * (bent[0] - bent[1]), 200 * (bent[1] - bent[2])])


def difference(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """CIEDE2000 (Sharma, Wu and Dalal 2005) of two colours in CIELAB."""
    mean_chroma = (np.hypot(*one[1:]) + np.hypot(*other[1:])) / 2
    stretch = 1.5 - 0.5 * np.sqrt(mean_chroma**7 / (mean_chroma**7 + 25**7))
    (light1, a1, b1), (light2, a2, b2) = one, other
    chroma1, chroma2 = np.hypot(a1 * stretch, b1), np.hypot(a2 * stretch, b2)
    hue1, hue2 = np.degrees(np.arctan2(b1, a1 * stretch)) % 360, np.degrees(np.arctan2(b2, a2 * stretch)) % 360
    turn = (hue2 - hue1 + 180) % 360 - 180 if chroma1 * chroma2 else 0.0
    hue = (hue1 + turn / 2) % 360 if chroma1 * chroma2 else hue1 + hue2
    light, chroma = (light1 + light2) / 2, (chroma1 + chroma2) / 2
    cosines = [np.cos(np.radians(each)) for each in (hue - 30, 2 * hue, 3 * hue + 6, 4 * hue - 63)]
    spread = 1 + np.dot([-0.17, 0.24, 0.32, -0.2], cosines)
    by_light = (light2 - light1) / (1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2))
    by_chroma = (chroma2 - chroma1) / (1 + 0.045 * chroma)
    by_hue = 2 * np.sqrt(chroma1 * chroma2) * np.sin(np.radians(turn / 2)) / (1 + 0.015 * chroma * spread)
    angle = 60 * np.exp(-(((hue - 275) / 25) ** 2))
    rotated = -2 * np.sqrt(chroma**7 / (chroma**7 + 25**7)) * np.sin(np.radians(angle))
    return float(np.sqrt(by_light**2 + by_chroma**2 + by_hue**2 + rotated * by_chroma * by_hue))


@pytest.mark.parametrize(
    ("one", "other", "printed"),
    [
        ([50, 2.6772, -79.7751], [50, 0, -82.7485], 2.0425),
        ([50, 2.49, -0.001], [50, -2.49, 0.0011], 7.2195),
        ([60.2574, -34.0099, 36.2677], [60.4626, -34.1751, 39.4387], 1.2644),
        ([2.0776, 0.0795, -1.135], [0.9033, -0.0636, -0.5514], 0.9082),
    ],
)
def test_the_difference_is_that_of_the_papers_table(one: list[float], other: list[float], printed: float) -> None:
    """Pairs 1, 14, 17 and 34 of Sharma, Wu and Dalal's test data."""
    assert difference(np.array(one), np.array(other)) == pytest.approx(printed, abs=1e-4)


@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize("colours", [palette.LIGHT, palette.DARK], ids=["light", "dark"])
def test_every_eye_tells_all_pairs_apart(colours: tuple[str, ...], eye: str) -> None:
    seen = [lab(np.asarray(EYES[eye]) @ linear(colour)) for colour in colours]
    assert min(difference(one, other) for one, other in combinations(seen, 2)) > 13.9


@pytest.mark.parametrize(("colours", "papers"), [(palette.LIGHT, PAPERS["light"]), (palette.DARK, PAPERS["dark"])])
def test_every_colour_stands_out_from_the_paper(colours: tuple[str, ...], papers: tuple[str, ...]) -> None:
    weights = TO_XYZ[1]
    for colour in colours:
        for paper in papers:
            light, dark = sorted((float(linear(each) @ weights) for each in (colour, paper)), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 3, (colour, paper)
    style = (PACKAGE / "reporting" / "templates" / "style.css").read_text(encoding="utf-8")
    assert all(paper in style for paper in papers)


def test_dashes_and_markers_differ_as_well() -> None:
    assert len(set(palette.LIGHT)) == len(set(palette.DARK)) == palette.SERIES
    assert len(set(palette.DASHES)) == len(set(palette.MARKERS.values())) == palette.SERIES


def test_no_other_file_has_colours_of_series() -> None:
    """Every page and drawing takes them from the palette."""
    for path in PACKAGE.rglob("*"):
        if path.suffix in (".py", ".css", ".html") and path.name != "palette.py":
            assert not re.search(r"--c\d: *#|\.series-\d", path.read_text(encoding="utf-8")), path


def test_lines_are_told_apart_by_dashes_and_the_legend_shows_them() -> None:
    lines = [Line("a", [(0, 0), (1, 1)]), Line("b", [(0, 1), (1, 0)])]
    drawn = line_chart("t", lines, Axis("x", 0, 1), Axis("y", 0, 1))
    assert re.findall(r'<path class="line (dash-\d series-\d)"', str(drawn)) == [
        "dash-0 series-0", "dash-1 series-1", "dash-0 series-0", "dash-1 series-1",
    ]  # fmt: skip
    root = ElementTree.fromstring(alone(drawn, ["a", "b"]))
    paths = root.iter("{http://www.w3.org/2000/svg}path")
    assert sorted(path.attrib["class"] for path in paths) == sorted(
        ["line dash-0 series-0", "line dash-1 series-1"] * 2
    )
    bound = Line("c", [(0, 1), (1, 0)], is_dashed=True)
    assert "dash-1" not in line_chart("t", [*lines, bound], Axis("x", 0, 1), Axis("y", 0, 1))
