"""Writes docs/suites.md: every suite that comes with the package, from its file.

.venv/bin/python scripts/suites_page.py
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from benchmark.evaluation.cost import passes_of
from benchmark.evaluation.suite import Suite, SuiteItem, load_suite
from benchmark.radii import format_radius, read_radius
from benchmark.suites.files import SUITES, SuiteFile, read_suite_file, suite_presets

ROOT = Path(__file__).parents[1]
PLACE = ROOT / "docs" / "suites.md"
HEAD = Path(__file__).parent / "heads" / "suites.md"


def page() -> str:
    """docs/suites.md."""
    names = SUITES.names()
    lines = [
        HEAD.read_text(encoding="utf-8").strip(),
        "",
        *_table(("Suite", "What it runs", "Attacks", "Images", "Passes")),
    ]
    lines += [_row(name) for name in names]
    for name in names:
        lines += ["", f"## {name}", "", *_section(name)]
    return "\n".join(lines) + "\n"


def _row(name: str) -> str:
    suite = _loaded(name, "standard")
    about = suite.description
    return _line((f"[`{name}`](#{name})", about, len(suite.items), f"{suite.images:,}", _passes(suite)))


def _passes(suite: Suite) -> str:
    """How many passes an image takes."""
    return f"{passes_of(suite):,.0f}"


@cache
def _loaded(name: str, preset: str) -> Suite:
    return load_suite(name, preset, next(iter(read_suite_file(name).content.epsilons), ""))


def _section(name: str) -> Iterator[str]:
    file, suite = read_suite_file(name).content, _loaded(name, "standard")
    yield f"{suite.description[0].upper()}{suite.description[1:]}. Version {suite.version}."
    yield ""
    for number, source in enumerate(suite.sources):
        yield f"* {'Source' if not number else 'and'}: {source}"
    yield f"* Ravg and Rworst count {_union(file)}"
    yield (
        f"* Equivalent within {suite.margin:g} point{'s' * (suite.margin != 1)}"
        if suite.margin
        else "* States no margin: `--margin` does"
    )
    yield ""
    yield from _table(("Label", "Attack", "Norm", "Radius", "Restarts", "Parameters that are not as usual"))
    yield from _attacks(file, suite)
    yield ""
    if any(file.epsilons.values()):
        norms = list(dict.fromkeys(norm for row in file.epsilons.values() for norm in row))
        yield from _table(("Radii for", *norms))
        for scale in file.epsilons:
            row = {
                norm: format_radius(norm, read_radius(norm, radius)) for norm, radius in file.epsilons[scale].items()
            }
            yield _line((f"`{scale}`", *(row.get(norm, "by `--epsilon`") for norm in norms)))
        yield ""
    yield from _table(("Preset", "Images", "Passes for each"))
    for preset in suite_presets(name):
        images = getattr(file.presets.get(preset), "images", None) or file.images
        yield _line((f"`{preset}`", f"{images:,}", _passes(_loaded(name, preset))))
    for preset in suite_presets(name):
        yield from _changes(file, preset)
    if suite.differences:
        yield ""
        yield "Where it differs from its sources:"
        yield ""
        yield from (f"* {each}" for each in suite.differences)


def _union(file: SuiteFile) -> str:
    if file.union is None or file.union == "all":
        return "all of its threats"
    told = (
        f"{scale}: " + ", ".join(f"{norm} {_plain(value)}" for norm, value in row.items())
        for scale, row in file.union.items()
    )
    return f"some of its threats ({'; '.join(told)})"


def _attacks(file: SuiteFile, suite: Suite) -> Iterator[str]:
    """A row for each attack, one for several in a row that differ by their radius alone, in one norm."""
    pairs = list(zip(file.attacks, suite.items, strict=True))
    for _, group in groupby(pairs, key=lambda pair: (pair[1].attack, pair[1].threat.norm, pair[1].restarts)):
        lines, items = zip(*group, strict=True)
        first, last = items[0], items[-1]
        label = f"`{first.label}`" if len(items) == 1 else f"`{first.label}` to `{last.label}`"
        radius = (
            "of the row"
            if lines[0].epsilon is None
            else ", ".join(dict.fromkeys(_plain(line.epsilon) for line in lines))
        )
        link = f"[`{first.attack.name}`](attacks.md#{first.attack.name})"
        yield _line((label, link, first.threat.norm, radius, first.restarts, _parameters(first)))


def _parameters(item: SuiteItem) -> str:
    values = ((field, getattr(item.attack, field.name)) for field in dataclasses.fields(item.attack))
    return "; ".join(f"{field.name} {_plain(value)}" for field, value in values if value != field.default)


def _changes(file: SuiteFile, preset: str) -> Iterator[str]:
    """What a preset sets for the attacks, those of one change in a row; nothing if it changes but the images."""
    change = file.presets.get(preset)
    if change is None or not (change.restarts or change.attacks):
        return
    yield ""
    yield from _table((f"In `{preset}`", "Restarts", "Parameters"))
    if change.restarts:
        yield _line(("those that have several and are not named below", change.restarts, ""))
    told: dict[tuple[object, str], list[str]] = {}
    for label, own in change.attacks.items():
        parameters = "; ".join(f"{name} {_plain(value)}" for name, value in own.parameters.items())
        told.setdefault((own.restarts or "", parameters), []).append(f"`{label}`")
    for (restarts, parameters), labels in told.items():
        yield _line((", ".join(labels), restarts, parameters))


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(each)}" for key, each in value.items())
    if isinstance(value, list | tuple):
        return f"({', '.join(map(_plain, value))})"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _table(names: Sequence[str]) -> list[str]:
    return [_line(names), _line(["---"] * len(names))]


def _line(cells: Sequence[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    PLACE.write_text(page(), encoding="utf-8")
