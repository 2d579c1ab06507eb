"""A recipe's rows of radii where the caller gives some: those, with steps that stay the same part of them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from benchmark.errors import BadInput, unknown
from benchmark.radii import format_radius, read_number
from benchmark.scales import Radii

#: In which norms one can train.
TRAINED = ("linf", "l2", "l1")


def give(threats: dict[str, Any], radii: Radii, like: Mapping[str, Any]) -> None:
    """Put the caller's radii into `threats`, rows by norm as they are written down.

    A step stays the part of its radius that it was. A norm without a row gets that of `like`, turned to its radius.

    Raises:
        BadInput: a norm that nobody trains in.
    """
    for norm, radius in radii.own:
        if norm not in TRAINED:
            raise unknown("norm to train in", norm, TRAINED, "--epsilon")
        row = threats.setdefault(norm, {})
        if "epsilon" not in row:
            for key, value in copy.deepcopy(like.get(norm, {})).items():
                row.setdefault(key, value)
        old, step = read_number(row.get("epsilon")), read_number(row.get("step_size"))
        if _is_length(old) and _is_length(step):
            row["step_size"] = step * (radius / old)
        row["epsilon"] = radius


def check_given(threats: Mapping[str, Any], radii: Radii, where: str) -> None:
    """Raises BadInput if other settings say another radius than the caller's, or nothing says which steps to take."""
    for norm, radius in radii.own:
        row = threats.get(norm)
        if not isinstance(row, Mapping):
            continue
        if read_number(row.get("epsilon")) != radius:
            told = format_radius(norm, radius)
            raise BadInput(f"--epsilon {norm}={told} and --set threats.{norm}.epsilon differ; leave out one of them")
        lacking = [key for key in ("step_size", "steps") if key not in row]
        if lacking:
            settings = " ".join(f"threats.{norm}.{key}=..." for key in lacking)
            raise BadInput(
                f"{where}: nothing says how to climb to the radius in {norm} that --epsilon gives; "
                f"name a scale with --scale as well, or say --set {settings}"
            )


def _is_length(value: Any) -> bool:
    return isinstance(value, int | float) and value > 0
