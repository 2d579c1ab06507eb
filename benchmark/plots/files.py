"""The folder of figures: each in two widths and three formats, and the lines that put them into a paper."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path

from benchmark.latex import apart, prose, slug
from benchmark.plots.draw import draw, height
from benchmark.plots.plot import Plot
from benchmark.plots.style import WIDTHS, check_matplotlib, render
from benchmark.storage import safe_name, write_atomic

NEEDS = r"""% Goes into a paper as it is, or figure by figure. Needs in the preamble
%   \usepackage{graphicx}
%   \graphicspath{{figures/}}   the folder of this file
"""


def write_plots(plots: Iterable[Plot], out: Path) -> Path:
    """Write all `plots` to the folder `out`.

    Returns:
        The file of LaTeX that shows them, in the width of one column; `two-columns` has the others.

    Raises:
        BadInput: matplotlib is absent, or the folder can't be written.
    """
    check_matplotlib()
    told = [NEEDS]
    found = list(plots)
    for plot, key in zip(found, apart(plot.key for plot in found), strict=True):
        name = safe_name(key, 110)
        for width, inches in WIDTHS.items():
            for ending, content in render(partial(draw, plot), inches, height(plot, inches)).items():
                write_atomic(out / width / f"{name}.{ending}", content)
        told.append(_figure(plot, key, name))
    return write_atomic(out / "figures.tex", "\n".join(told))


def _figure(plot: Plot, key: str, name: str) -> str:
    return "\n".join(
        [
            r"\begin{figure}[t]",
            r"\centering",
            rf"\includegraphics{{one-column/{name}.pdf}}",
            rf"\caption{{{prose(plot.caption)}}}",
            rf"\label{{fig:{slug(key)}}}",
            r"\end{figure}",
            "",
        ]
    )
