"""Writes docs/recipes.md: what the recipes `paper` and `as-code` say of each method, and where each value comes from.

.venv/bin/python scripts/recipes.py
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmark.methods.table import METHODS
from benchmark.methods.train_passes import in_words
from benchmark.recipes.provenance import Stated, stated
from benchmark.recipes.recipe import RecipeFile, load_recipe
from benchmark.storage import canonical_json

ROOT = Path(__file__).parents[1]
HEAD = Path(__file__).parent / "heads" / "recipes.md"

#: For whom a method's settings are shown, beyond ResNet-18 on CIFAR-10: what else is said is told in rows of its own.
USUAL = ("resnet18", "cifar10")
OTHERS = {", wide networks": ("wrn-34-10", "cifar10"), ", CIFAR-100": ("resnet18", "cifar100")}

#: The columns of the overview, each a setting or several.
OVERVIEW = {
    "rate": ("lr", "schedule"),
    "epochs": ("epochs",),
    "decay": ("weight_decay", "weight_decay_of"),
    "batch": ("batch_size",),
    "images": ("augmentation", "normalisation"),
    "radius and steps": ("threats",),
    "start": ("start",),
    "BN": ("bn",),
    "reduction": ("reduction",),
    "selection": ("validation",),
}
LETTERS = {"paper": "p", "code": "c", "ours": "o"}


def recipes_page() -> str:
    """docs/recipes.md."""
    files = {name: load_recipe(name) for name in ("paper", "as-code")}
    methods = METHODS.names()
    lines = [HEAD.read_text(encoding="utf-8"), _line(["Method", *OVERVIEW]), _line(["---"] * (len(OVERVIEW) + 1))]
    for method in methods:
        found = settings(files["paper"], method)
        lines.append(_line([f"[`{method}`](#{method})", *(_letters(found, keys) for keys in OVERVIEW.values())]))
    for method in methods:
        lines += ["", f"## {method}", "", *_section(method, files)]
    return "\n".join(lines) + "\n"


def settings(
    file: RecipeFile, method: str, architecture: str = USUAL[0], dataset: str = USUAL[1]
) -> dict[str, Stated]:
    """What `file` says of a method, without the radii of other norms and what all methods share."""
    norms = _norms(method)
    found = stated(file, method, architecture, dataset, "cifar10")
    return {
        key: one
        for key, one in found.items()
        if key not in ("optimizer", "momentum") and (not key.startswith("threats.") or key.split(".")[1] in norms)
    }


def _norms(method: str) -> set[str]:
    bound = METHODS.get(method).bind({}, method)
    own = {member.norm for member in bound.cohort.members if member.norm}
    return own | (set(bound.inner.norms) if bound.inner.objective else set())


def _section(method: str, files: Mapping[str, RecipeFile]) -> Iterator[str]:
    has_code = files["as-code"].is_for(method)
    by_paper = dict(_rows(files["paper"], method, {}))
    by_code = dict(_rows(files["as-code"], method, by_paper)) if has_code else {}
    yield _line(["Recipe", "From", "Settings"])
    yield _line(["---"] * 3)
    for name, rows in (("paper", by_paper), ("as-code", by_code)):
        groups: dict[tuple[str, str], list[str]] = {}
        for (where, key), one in rows.items():
            groups.setdefault((where, one.source), []).append(f"{key} {_value(one.value)}")
        for (where, source), told in groups.items():
            yield _line([f"`{name}`{where}", source, "; ".join(told)])
    if not has_code:
        yield _line(["`as-code`", "", "no code was found: refused"])
    told = in_words(method)
    if told:
        yield ""
        yield told


def _rows(
    file: RecipeFile, method: str, base: Mapping[tuple[str, str], Stated]
) -> Iterator[tuple[tuple[str, str], Stated]]:
    """What `file` says otherwise than `base`, by for whom it says it ("" for all) and setting."""
    usual = settings(file, method)
    for key, one in usual.items():
        if _differs(one, base.get(("", key))):
            yield ("", key), one
    for where, (architecture, dataset) in OTHERS.items():
        for key, one in settings(file, method, architecture, dataset).items():
            if _differs(one, usual.get(key)) and _differs(one, base.get((where, key))):
                yield (where, key), one


def _differs(one: Stated, other: Stated | None) -> bool:
    return other is None or canonical_json(one.value) != canonical_json(other.value)


def _letters(found: Mapping[str, Stated], keys: tuple[str, ...]) -> str:
    kinds = [one.kind for key, one in found.items() if any(key == k or key.startswith(f"{k}.") for k in keys)]
    return " ".join(LETTERS[kind] for kind in LETTERS if kind in kinds)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        name = value.get("name", "")
        rest = ", ".join(f"{key} {_value(item)}" for key, item in value.items() if key != "name")
        return f"{name}: {rest}" if rest else str(name)
    return canonical_json(value).replace('"', "").replace(",", ", ")


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    (ROOT / "docs" / "recipes.md").write_text(recipes_page(), encoding="utf-8")
