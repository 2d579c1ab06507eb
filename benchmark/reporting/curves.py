"""Security curves as a network's page draws them: solid where they are measured, dashed where they are a bound."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from benchmark.analysis.curves import Curve
from benchmark.charts import Axis, Line, Marker, line_chart
from benchmark.radii import format_radius
from benchmark.reporting.text import percent

#: Radii at which a curve is drawn; its data has every step.
RADII = 160
#: How far a curve is drawn, in radii of the suite: one that is measured, and an upper bound.
BEYOND, BARELY_BEYOND = 2.0, 1.15


def draw(curve: Curve) -> Markup:
    """The curve, with the suite's own accuracies as dots at its radii."""
    area = curve.area()
    radii = drawn_radii(curve)
    points = [(float(x), float(y)) for x, y in zip(radii, 100 * curve.accuracy(radii), strict=True)]
    name = kind(curve) if area is None else f"area up to ε {percent(area)}%"
    return line_chart(
        f"{curve.norm}, {name}",
        [Line(f"robust accuracy, {kind(curve)}", points, is_stairs=True, is_dashed=area is None)],
        Axis(f"ε in {curve.norm}", 0, float(radii[-1])),
        Axis("robust %", 0, 100),
        [
            Marker(radius, f"ε = {format_radius(curve.norm, radius)}", 100 * accuracy)
            for radius, accuracy in zip(curve.radii, curve.accuracies, strict=True)
        ],
        _note(curve),
    )


def drawn_radii(curve: Curve) -> NDArray[np.float64]:
    """Where it is drawn: evenly apart from 0, farther where it is measured."""
    return np.linspace(0, (BEYOND if curve.is_measured else BARELY_BEYOND) * curve.epsilon, RADII)


def kind(curve: Curve) -> str:
    """What the curve is, in words."""
    return "measured" if curve.is_measured else "upper bound"


def _note(curve: Curve) -> str:
    """Who searched, or why that is not enough; and where the suite's own attacks broke less."""
    names = ", ".join(curve.searched_by)
    if not names:
        told = "no minimum-norm attack in this norm was run on every image"
    elif not curve.is_measured:
        told = f"{names} fail within ε on {curve.missed} images on which other attacks succeed, or at every ε"
    else:
        told = f"distances from {names}"
    lower = [
        f"{percent(found)}% at {format_radius(curve.norm, radius)}, this suite’s attacks alone {percent(own)}%"
        for radius, own in zip(curve.radii, curve.accuracies, strict=True)
        if (found := float(curve.accuracy(radius))) < own
    ]
    return "; ".join([told, *lower])
