"""Which numbers of a column are bold or underlined: the highest and the second highest as they are shown."""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.latex import Mark

#: What the marks of a table mean, for its caption; and a star beside one.
MARKS = "Bold and underlined are the highest and the second highest of a column"
STARS = (
    "a star marks those that are significantly higher than all lower ones "
    "(paired tests on the same images, 5% level, corrected for all pairs)"
)


def best_two(shown: Sequence[float | None]) -> list[Mark]:
    """The mark of each number of a column, as it is printed; None takes no part, equal ones share a mark.

    Where all are equal none is marked. It says nothing about chance: that is for a star.
    """
    values = sorted({value for value in shown if value is not None}, reverse=True)
    marks: dict[float | None, Mark] = {}
    if len(values) > 1:
        marks = {values[0]: "best", values[1]: "second"}
    return [marks.get(value, "") for value in shown]
