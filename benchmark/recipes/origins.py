"""Where each value of a run's recipe was written, so that a mistake is told with its place."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

#: What the caller's settings are called: the option that all of them can be given by.
CALLER = "--set"


class Origins:
    """Where each value of a recipe was written: "quick.yaml:12", or "--set lr" for the caller's settings.

    Args:
        lines: gives "file:line" of the value at a path of keys in the file, or of the nearest one around it.
        values: what the file states for the run before anything is changed, by the fields of a recipe.
        scale: whose row of radii that has.
    """

    def __init__(self, lines: Callable[..., str], values: Mapping[str, Any], scale: str) -> None:
        self._lines, self._values, self._scale = lines, values, scale
        self._changed: dict[str, str] = {}

    def changed(self, key: str, *path: Hashable) -> None:
        """The value at the dotted `key` was written over by that at `path` of the file, or by the caller's."""
        self._changed[key] = self._lines(*path) if path else f"{CALLER} {key}"

    def of(self, place: Sequence[str | int]) -> str:
        """Where the value at `place` of the recipe, or the nearest one around it, was written."""
        parts = [str(part) for part in place]
        prefixes = [".".join(parts[:end]) for end in range(len(parts), 0, -1)]
        for prefix in prefixes:
            if prefix in self._changed:
                return self._changed[prefix]
        if not self._states(place):
            for prefix in prefixes:
                inner = [where for key, where in self._changed.items() if key.startswith(f"{prefix}.")]
                if inner:
                    return inner[-1]
        in_row = parts[:1] == ["threats"]
        return self._lines("threats", self._scale, *place[1:]) if in_row else self._lines(*place)

    def _states(self, place: Sequence[str | int]) -> bool:
        """Whether the file has a value at that very place that no change has gone into."""
        value: Any = self._values
        for part in place:
            if not isinstance(value, Mapping) or part not in value:
                return False
            value = value[part]
        return not any(key.startswith(".".join(map(str, place)) + ".") for key in self._changed)
