"""Radii as people write them: 8/255 rather than 0.0313725, and never 8 where 8/255 is meant."""

from __future__ import annotations

import math
import re
from numbers import Real
from typing import Annotated, Any

from pydantic import BeforeValidator

from benchmark.errors import BadInput, short, unknown

NORMS = ("linf", "l2", "l1", "l0")

#: Threats without a ball: ε is the strength in the parameters of one kind of change, stated by the attack that
#: makes it. Of a candidate only the box can be checked; its distance is the largest change of a value.
PARAMETRIC = ("fog", "gabor", "elastic", "snow", "jpeg", "spatial", "corruption")

#: What eight decimals, as papers print fractions, and float32 lose of a number.
_DECIMALS, _SINGLE = 5e-9, 6e-8
#: Numbers that come as words, as YAML takes them.
_FRACTION = re.compile(r"([0-9]+(?:\.[0-9]*)?) */ *([0-9]+(?:\.[0-9]*)?)")
_DECIMAL = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?[eE][-+]?[0-9]+|[0-9]*\.[0-9]+)")


def read_number(value: Any) -> Any:
    """The number that "8/255", "0.03" or "1e-3" stands for; whatever else it is, `value` itself.

    Wherever a length in pixels is read, a radius or a step, it passes through here.
    """
    if not isinstance(value, str):
        return value
    fraction = _FRACTION.fullmatch(value.strip())
    if fraction and float(fraction[2]):
        return float(fraction[1]) / float(fraction[2])
    return float(value) if _DECIMAL.fullmatch(value.strip()) else value


#: A length in pixels in a schema: a number or a fraction.
Length = Annotated[float, BeforeValidator(read_number)]


def read_radius(norm: str, epsilon: Any) -> float:
    """The radius of a threat in `norm`, which may be written as a fraction.

    Raises:
        BadInput: an unknown norm, no positive number, or a radius that holds every image whatever its size.
    """
    if norm not in NORMS and norm not in PARAMETRIC:
        raise unknown("norm", norm, (*NORMS, *PARAMETRIC))
    radius = read_number(epsilon)
    is_number = isinstance(radius, Real)
    if not is_number or not 0 < radius < float("inf"):
        raise BadInput(f"epsilon of a threat must be a positive number, not {short(radius)}")
    if problem := too_large(norm, radius):
        raise BadInput(problem)
    return radius


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


def too_large(norm: str, epsilon: float, shape: tuple[int, ...] | None = None) -> str:
    """What is wrong with a radius whose ball holds every image, and what may have been meant; "" if nothing is.

    Args:
        norm: "linf", "l2", "l1" or "l0"; the strengths of other threats are never too large.
        shape: of an image; None if it is not known yet, so that only linf can be judged.
    """
    return _beyond(f"a radius of {epsilon:g} in {norm} holds every image", norm, epsilon, shape)


def too_long(norm: str, step: float, shape: tuple[int, ...] | None = None) -> str:
    """What is wrong with a step that leads past every image, as `too_large` says it of a radius."""
    return _beyond(f"a step of {step:g} in {norm} leads past every image", norm, step, shape)


def _beyond(finding: str, norm: str, epsilon: float, shape: tuple[int, ...] | None) -> str:
    values = math.prod(shape or ())
    widest = {"linf": 1.0, "l2": math.sqrt(values), "l1": values, "l0": values}.get(norm, math.inf)
    if norm == "linf" and epsilon >= 1:
        reason = "values lie in [0, 1]"
    elif shape and norm != "linf" and epsilon > widest:
        size = "×".join(map(str, shape))
        reason = f"a {size} image has {values} values" + (
            f", so that none is farther than {widest:g}" if norm == "l2" else ""
        )
    else:
        return ""
    meant = "" if norm == "l0" or epsilon / 255 >= widest else f"; did you mean {epsilon:g}/255?"
    return f"{finding}, since {reason}{meant}"
