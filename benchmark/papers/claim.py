"""A sentence of a paper as data: which numbers it compares, and how they have to stand for it to be true.

    claims:
      - {text: A beats B, place: abstract, exhibit: "2", left: [A1, A2], right: B, column: [FGSM, PGD-100]}
      - {text: A is best, exhibit: "2", relation: best, left: A, column: AA}
      - {text: it falls with the size, exhibit: "5", relation: order, rows: [small, medium, large], column: AA}
      - {text: 0.6 is best, exhibit: figure-3, relation: peak, series: h1, peak: 0.6, column: PGD-20}

A sentence is true if all its comparisons are: one for each left, right and column.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from benchmark.documents import Schema
from benchmark.storage import digest

Relation = Literal["above", "below", "close", "differs", "disagrees", "best", "order", "rises", "falls", "peak"]
Family = Literal["paper", "sanity"]


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else [] if value is None else value


#: One label, or several.
Labels = Annotated[list[str], BeforeValidator(_as_list)]

#: Relations of the sides `left` and `right`, and of a list of `rows`.
OF_SIDES, OF_ROWS = ("above", "below", "close", "differs", "disagrees"), ("order", "rises", "falls", "peak")


class Claim(Schema):
    """What the paper says: in this table or figure, these numbers stand in `relation` to one another.

    Attributes:
        id: what it is called whatever its words are, and never again anything else; one that has none is called by
            what it compares.
        text: in words.
        place: where the paper says it, e.g. "abstract".
        exhibit: where the numbers stand; `right_exhibit`, where those of `right` do, if elsewhere.
        left, right: rows, compared in each `column`; or columns, compared in each `row`.
        pairs: instead of `left` and `right`, each of the one with its own other.
        rows: what an order or a trend is over; or `series`, of a figure, all of whose rows it is over.
        relation: of every left to every right: "above", "below", "close" (at most `margin` percentage points apart),
            "differs" (each alone is right on more than `margin` percent of all images) or "disagrees" (they predict
            different classes for more than `margin` percent of them, right or wrong; in the column that the exhibit
            names as its `confusion`). "best": `left` is above all other rows, or those of `right`. Of `rows`:
            "order", each above the next; "rises" and "falls", the slope of a line through them; "peak", rising up to
            `peak` and falling from there.
        gain: by how many points at least a side is above the other; negative for "at most so many below".
        margin: of "close", "differs" and "disagrees", in percentage points.
        peak: the place of the maximum, in the unit of the rows' `x`.
        dataset, architecture: what the sentence is about, if not about all panels; where they are named, it is looked
            up nowhere else.
        family: "paper" for what the paper says; "sanity" for our own checks of what should hold whatever a paper is
            about, such as more steps being stronger. Each family's p values are corrected for its own number.
    """

    id: str = Field(default="", pattern=r"^([a-z0-9]+(-[a-z0-9]+)*)?$", max_length=60)
    text: str
    place: str = ""
    exhibit: str
    right_exhibit: str | None = None
    left: Labels = Field(default_factory=list)
    right: Labels = Field(default_factory=list)
    pairs: list[Annotated[list[str], Field(min_length=2, max_length=2)]] = Field(default_factory=list)
    rows: list[str] = Field(default_factory=list)
    series: str = ""
    column: Labels = Field(default_factory=list)
    row: Labels = Field(default_factory=list)
    relation: Relation = "above"
    gain: float = Field(default=0.0, gt=-100, lt=100)
    margin: float = Field(default=1.0, gt=0, lt=100)
    peak: float | None = None
    dataset: Labels = Field(default_factory=list)
    architecture: Labels = Field(default_factory=list)
    family: Family = "paper"

    @model_validator(mode="before")
    @classmethod
    def _called(cls, data: Any) -> Any:
        """With an id of what is compared, of which no word of its text is part."""
        if isinstance(data, dict) and not data.get("id"):
            compared = sorted((str(key), repr(data[key])) for key in data if key not in ("id", "text", "place"))
            return {**data, "id": digest(compared)[:12]}
        return data

    @model_validator(mode="after")
    def _is_whole(self) -> Claim:
        if bool(self.column) == bool(self.row):
            raise ValueError("a claim compares rows in a column, or columns in a row: name one of them")
        if self.relation in OF_ROWS:
            self._is_over_rows()
        elif self.rows or self.series or self.peak is not None:
            raise ValueError(f"only {', '.join(OF_ROWS)} have rows, and peak has a peak: {self.relation} has sides")
        elif self.relation == "best":
            if not self.left or self.pairs or self.row:
                raise ValueError("the best of a column is `left`")
        elif bool(self.pairs) == bool(self.left and self.right) or (self.pairs and (self.left or self.right)):
            raise ValueError("name both left and right, or pairs")
        if self.right_exhibit is not None and (self.row or self.relation in OF_ROWS):
            raise ValueError("right_exhibit is where the rows of `right` stand")
        if self.gain and self.relation not in ("above", "below", "best"):
            raise ValueError(f"{self.relation} has no gain")
        return self

    def _is_over_rows(self) -> None:
        if self.left or self.right or self.pairs or self.row:
            raise ValueError(f"{self.relation} is of `rows` in a column, and of no left and right")
        least = 3 if self.relation == "peak" else 2
        if self.series and (self.rows or self.relation == "order"):
            raise ValueError("a trend is over rows or over a series, and an order over rows")
        if not self.series and len(set(self.rows)) < max(least, len(self.rows)):
            raise ValueError(f"{self.relation} takes at least {least} different rows")
        if (self.peak is not None) != (self.relation == "peak"):
            raise ValueError("name the peak of a peak, and of nothing else")

    @property
    def sides(self) -> list[tuple[str, str]]:
        """Every left with every right that it is compared with; of "best" without `right`, none."""
        if self.pairs:
            return [(left, right) for left, right in self.pairs]
        return [(left, right) for left in self.left for right in self.right if left != right]

    def named(self) -> Iterator[tuple[Literal["row", "column", "series"], str, str]]:
        """("row", "column" or "series", what it is called, the exhibit that has it) of all that it names."""
        if self.series:
            yield "series", self.series, self.exhibit
        sides: Literal["row", "column"] = "column" if self.row else "row"
        for left, right in self.pairs:
            yield sides, left, self.exhibit
            yield sides, right, self.right_exhibit or self.exhibit
        for label in (*self.left, *self.rows):
            yield sides, label, self.exhibit
        for label in self.right:
            yield sides, label, self.right_exhibit or self.exhibit
        for label in self.row:
            yield "row", label, self.exhibit
        for label in self.column:
            yield "column", label, self.exhibit
            if self.right_exhibit is not None:
                yield "column", label, self.right_exhibit
