"""Where each setting of a recipe comes from: the paper, a file of its authors' code, or this project."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from benchmark.recipes.recipe import RecipeFile, is_recipe_key

#: Mappings that are one setting, since their keys depend on a name.
WHOLE = ("schedule",)


@dataclass(frozen=True)
class Stated:
    """A setting as a recipe writes it down.

    Attributes:
        value: what it says.
        source: where that comes from, "paper, section 3.1", "code, owner/repository file" or "ours".
    """

    value: Any
    source: str

    @property
    def kind(self) -> str:
        """ "paper", "code" or "ours"."""
        return self.source.partition(",")[0]


def stated(file: RecipeFile, method: str, architecture: str, dataset: str, scale: str) -> dict[str, Stated]:
    """All that `file` says of a run, by dotted names: fields of the recipe and hyper-parameters of the method."""
    found = {key: Stated(value, file.source) for key, value in _flat(file.model_extra or {})}
    found |= {key: Stated(value, file.source) for key, value in _flat(file.threats.get(scale, {}), "threats.")}
    for override in file.overrides:
        if override.matches(method, architecture, dataset, scale):
            found |= {key: Stated(value, override.source or file.source) for key, value in _flat(override.set)}
    return found


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        name = f"{prefix}{key}"
        inside = isinstance(value, Mapping) and name not in WHOLE and is_recipe_key(name)
        if inside:
            yield from _flat(value, f"{name}.")
        else:
            yield name, value
