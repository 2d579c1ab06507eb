"""How radii are written and read."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.radii import format_radius
from benchmark.threats import Threat


@pytest.mark.parametrize(
    ("norm", "epsilon", "text"),
    [
        ("linf", 8 / 255, "8/255"),
        ("linf", float(np.float32(8 / 255)), "8/255"),
        ("linf", 0.03137255, "8/255"),
        ("linf", 0.00784314, "2/255"),
        ("linf", 0.0313725, "0.0313725"),
        ("linf", 0.031, "0.031"),
        ("linf", 0.2, "0.2"),
        ("linf", float(np.float32(0.2)), "0.2"),
        ("linf", 0.5 / 255, "0.00196078"),
        ("l2", 0.50196078, "128/255"),
        ("l2", 0.5, "0.5"),
        ("l1", 2000 / 255, "2000/255"),
        ("l1", 12, "12"),
        ("l0", 8, "8"),
        ("fog", 128 / 255, "0.501961"),
    ],
)
def test_radii_are_written_as_people_write_them(norm, epsilon, text):
    assert format_radius(norm, epsilon) == text
    assert str(Threat(norm, epsilon)) == f"{norm} {text}"


def test_a_fraction_stands_for_every_grey_level_that_no_short_decimal_writes():
    for norm in ("linf", "l2", "l1"):
        written = [format_radius(norm, level / 255) for level in range(1, 1000)]
        assert written == [f"{n / 255:g}" if n % 51 == 0 else f"{n}/255" for n in range(1, 1000)]
