"""How figures for papers look: sizes, letters, colours; and files that are the same whenever they are written."""

from __future__ import annotations

import io
import logging
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from benchmark.errors import BadInput
from benchmark.palette import DASHES, LIGHT, MARKERS, SERIES, coding

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INSTALL = "pip install matplotlib"

#: Inches: of a column of a paper of two, and of both.
WIDTHS: Mapping[str, float] = {"one-column": 3.25, "two-columns": 6.75}
POINTS = 8
#: Of a name of more letters the middle is left out.
LONGEST = 40

#: The formats, each without what would make the same figure another file.
FORMATS: Mapping[str, Mapping[str, Any]] = {
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
}

_SETTINGS: Any = {
    "font.family": "DejaVu Sans",
    "font.size": POINTS,
    "axes.labelsize": POINTS,
    "axes.titlesize": POINTS,
    "xtick.labelsize": POINTS,
    "ytick.labelsize": POINTS,
    "legend.fontsize": POINTS,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.linewidth": 0.4,
    "grid.color": "#dddddd",
    "lines.linewidth": 1.2,
    "lines.markersize": 4,
    "legend.frameon": False,
    "pdf.fonttype": 42,  # TrueType: publishers refuse the other kind
    "ps.fonttype": 42,
    "svg.fonttype": "path",
    "svg.hashsalt": "benchmark",
    "savefig.dpi": 300,
    "figure.dpi": 100,
    "text.parse_math": False,  # a name may hold a dollar
    "text.usetex": False,
    "axes.unicode_minus": True,
}


@dataclass(frozen=True)
class Look:
    """What tells one series from another: its colour, and where that can't be seen its dash or marker."""

    color: str
    linestyle: Any
    marker: str


def look(number: int) -> Look:
    """Of the series of that number; colours that begin again have another dash and marker."""
    dash = DASHES[coding(number)]
    # The palette counts pixels; a line that is 1.2 points wide takes multiples of its width.
    linestyle = (0, tuple(length / 2.4 for length in dash)) if dash else "-"
    return Look(LIGHT[number % SERIES], linestyle, list(MARKERS)[coding(number)])


def check_matplotlib() -> None:
    """Raise `BadInput` if matplotlib is absent."""
    import importlib.util

    if importlib.util.find_spec("matplotlib") is None:
        raise BadInput(f"figures are drawn by matplotlib, which is not installed: {INSTALL}")


@contextmanager
def _drawing() -> Iterator[None]:
    """matplotlib as figures need it, whatever the caller's own settings are, which are put back."""
    import matplotlib

    log = logging.getLogger("matplotlib")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with matplotlib.rc_context():
            matplotlib.rcdefaults()
            matplotlib.rcParams.update(_SETTINGS)
            yield
    finally:
        log.setLevel(level)


def render(draw: Callable[[Figure], None], width: float, height: float) -> dict[str, bytes]:
    """The files of a figure by their endings.

    Args:
        draw: draws into an empty figure.
        width, height: in inches.
    """
    with _drawing():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(width, height), layout="constrained")
        draw(figure)
        files = {}
        for ending, metadata in FORMATS.items():
            file = io.BytesIO()
            figure.savefig(file, format=ending, metadata=dict(metadata))
            files[ending] = file.getvalue()
        return files


def shown(text: str) -> str:
    """A name as a figure can show it: what has no sign in its letters appears as its number.

    Of a long one beginning and end stay, since networks of one name differ in the digits at their ends.
    """
    plain = unicodedata.normalize("NFC", " ".join(str(text).split()))
    found = "".join(
        sign if sign.isprintable() and ord(sign) in _letters() else f"U+{ord(sign):04X}" for sign in plain
    )
    half = LONGEST // 2
    return found if len(found) <= LONGEST else f"{found[: half - 1]}…{found[-half:]}"


@lru_cache(maxsize=4096)
def wide(text: str) -> float:
    """How wide a text is, in heights of its letters, on a device that doesn't round them to its pixels."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    # Each is named, since the caller's own settings say what one is that is not.
    font = FontProperties(
        family="DejaVu Sans", style="normal", variant="normal", weight="normal", stretch="normal", size=1
    )
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(width)


@lru_cache(maxsize=1)
def _letters() -> frozenset[int]:
    from matplotlib.font_manager import FontProperties, findfont
    from matplotlib.ft2font import FT2Font

    known = FT2Font(findfont(FontProperties(family="DejaVu Sans"))).get_charmap()
    return frozenset(number for number in known if chr(number).isprintable())
