"""A figure as plain data: what is drawn, and the words beside it. Reads and writes as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from benchmark.errors import BadInput
from benchmark.storage import read_text

#: The file beside a paper's or a sweep's page that holds its figures.
FILE = "figures.json"

#: More than any figure can show.
_MOST = 5000

Number = float | None


class Frozen(BaseModel):
    """Plain data that stays as it is; NaN and infinity are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Series(Frozen):
    """What shares a colour.

    Attributes:
        name: in the legend.
        x, y: of its points; for bars x is the number of the group.
        low, high: ends of the intervals of y; () for none, None for a point without.
        left, right: the same of x.
        labels: beside the points; () for none.
        is_stairs: each y holds until the next x.
        is_faint: what is no measurement, or may be wrong.
    """

    name: str
    x: tuple[float, ...] = Field(max_length=_MOST)
    y: tuple[float, ...] = Field(max_length=_MOST)
    low: tuple[Number, ...] = ()
    high: tuple[Number, ...] = ()
    left: tuple[Number, ...] = ()
    right: tuple[Number, ...] = ()
    labels: tuple[str, ...] = ()
    is_stairs: bool = False
    is_faint: bool = False


class Plot(Frozen):
    """A figure.

    Attributes:
        key: the stem of its files, and the end of its label.
        kind: how it is drawn.
        caption: what it shows, in sentences.
        x, y: what the axes show; with `x_range` and `y_range`, their ends, and `x_ticks`, where x is numbered.
        series: of all kinds but "matrix".
        front: corners of a line through the points that no other one beats.
        markers: places on x to point out.
        rows, columns: of bars the groups (`columns`), of a matrix its sides.
        values: of a matrix, row by row, in percent; None for what was not measured.
    """

    key: str
    kind: Literal["lines", "scatter", "bars", "matrix"]
    caption: str
    x: str = ""
    y: str = ""
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    x_ticks: tuple[float, ...] = ()
    series: tuple[Series, ...] = Field(default=(), max_length=_MOST)
    front: tuple[tuple[float, float], ...] = ()
    markers: tuple[float, ...] = ()
    rows: tuple[str, ...] = Field(default=(), max_length=_MOST)
    columns: tuple[str, ...] = Field(default=(), max_length=_MOST)
    values: tuple[tuple[Number, ...], ...] = ()


class Plots(Frozen):
    """The figures of a page, as a file beside it holds them."""

    plots: tuple[Plot, ...]


def to_json(plots: Sequence[Plot]) -> str:
    """What `read` reads."""
    return Plots(plots=tuple(plots)).model_dump_json(indent=1, exclude_defaults=True) + "\n"


def read(path: Path) -> tuple[Plot, ...]:
    """The figures in the file at `path`.

    Raises:
        BadInput: it holds something else, or can't be read.
    """
    try:
        return Plots.model_validate_json(read_text(path)).plots
    except (ValidationError, FileNotFoundError, UnicodeError) as error:
        raise BadInput(f"{path} holds no figures: {str(error).splitlines()[0]}; run bench paper again") from error
