"""What a preset leaves out of a suite, said where its numbers are shown."""

from __future__ import annotations

from functools import lru_cache

from benchmark.errors import BadInput
from benchmark.evaluation import SuiteItem, load_suite
from benchmark.papers.schema import TableOrFigure
from benchmark.suites.files import suite_scales


def abridged(table: TableOrFigure, preset: str, scale: str) -> list[str]:
    """In words, each attack behind `table` that `preset` changes: "PGD-1000: steps 300 instead of 1000".

    Args:
        table: what is shown.
        preset: of all its suites.
        scale: whose row of radii the suites use; the first they have, if not this one.
    """
    found: list[str] = []
    for column in table.columns:
        for label, change in _changes(column.suite or table.suite, preset, scale):
            is_shown = label == column.attack or (column.attack is None and column.metric != "clean")
            line = f"{column.label if column.attack else label}: {change}"
            if is_shown and line not in found:
                found.append(line)
    return found


@lru_cache(maxsize=64)
def _changes(suite: str, preset: str, scale: str) -> tuple[tuple[str, str], ...]:
    scales = suite_scales(suite)
    try:
        whole, short = (load_suite(suite, name, scale) for name in ("standard", preset))
    except BadInput:  # no such row, or one that leaves norms to the caller: what a preset changes is the same in all
        try:
            whole, short = (load_suite(suite, name, scales[0]) for name in ("standard", preset))
        except BadInput:  # the preset is none of this suite's
            return ()
    own = {item.label: item for item in short.items}
    return tuple(
        (item.label, ", ".join(words) if item.label in own else "omitted")
        for item in whole.items
        if item.label not in own or (words := _differences(item, own[item.label]))
    )


def _differences(whole: SuiteItem, short: SuiteItem) -> list[str]:
    full, less = ({**item.attack.told(item.threat.norm), "restarts": item.restarts} for item in (whole, short))
    return [
        f"{name.replace('_', ' ')} {less[name]} instead of {full[name]}"
        for name in full
        if less.get(name) != full[name]
    ]
