"""Settings under dotted keys, "threats.linf.epsilon", put into the nested values of a recipe."""

from __future__ import annotations

import copy
from typing import Any


def assign(values: dict[str, Any], key: str, value: Any) -> None:
    """Set the value at a dotted key; a mapping is merged into the one that is there, unless it has another name."""
    *path, last = key.split(".")
    for part in path:
        inner = values.setdefault(part, {})
        if not isinstance(inner, dict):  # the short form of a schedule
            inner = values[part] = {"name": inner}
        values = inner
    old = values.get(last)
    if isinstance(old, dict) and isinstance(value, dict) and old.get("name") == value.get("name", old.get("name")):
        for part, item in value.items():
            assign(old, part, item)
    else:
        values[last] = copy.deepcopy(value)
