"""Radii as people write them: 8/255 rather than 0.0313725."""

from __future__ import annotations

#: What eight decimals, as papers print fractions, and float32 lose of a number.
_DECIMALS, _SINGLE = 5e-9, 6e-8


def format_radius(norm: str, epsilon: float) -> str:
    """`epsilon` as people write it: "8/255" for whole grey levels in linf, l2 and l1, else up to six digits.

    A number that a short decimal writes as well stays one: 0.2, which is 51/255, is "0.2", and 12 in l1 "12".
    """
    levels = round(255 * epsilon)
    is_short = abs(float(f"{epsilon:.4g}") - epsilon) <= _SINGLE * epsilon
    is_fraction = abs(levels / 255 - epsilon) <= _DECIMALS + _SINGLE * epsilon
    if norm in ("linf", "l2", "l1") and levels and is_fraction and not is_short:
        return f"{levels}/255"
    return f"{epsilon:g}"
