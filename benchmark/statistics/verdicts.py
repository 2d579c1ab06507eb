"""What an interval of a difference says: one of four things."""

from __future__ import annotations

from typing import Literal

#: Of the first network against the second.
Verdict = Literal["better", "worse", "equivalent", "undetermined"]


def verdict(low: float, high: float, better: bool | None, margin: float | None = None) -> Verdict:
    """Better or worse where the difference stands, else equivalent where it is certain to be small.

    Equivalence is two one-sided tests (Schuirmann 1987, Journal of Pharmacokinetics and Biopharmaceutics 15:657): the
    difference is more than -margin, and it is less than +margin. Both hold where the whole interval lies within. Of a
    95 % interval each of them is at 2.5 %, half the level of the difference's test, as guidelines for trials have it
    (ICH E9, section 3.5).

    Args:
        low, high: the interval of first - second.
        better: whether the first stands out as better, the second does (False), or neither (None).
        margin: differences of less than that do not matter, as was said before the results were known; None where
            nobody has said so: then nothing is equivalent.
    """
    if better is not None:
        return "better" if better else "worse"
    return "equivalent" if margin is not None and -margin < low and high < margin else "undetermined"
