"""Several values for one setting, and the arithmetic behind the dots of "0.1,0.2,...,0.9"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from benchmark.documents import parse_yaml
from benchmark.errors import BadInput, short

#: Stands for the values between its neighbours.
DOTS = "..."

#: Values of one setting; more of them are a slip of the keys.
MOST = 1000


def parse_values(set: Mapping[str, Any] | Sequence[str] | None) -> dict[str, list[Any]]:
    """The values to try for each setting, in the order given, dots expanded and repetitions left out.

    Args:
        set: settings by name, a list standing for several values; or "key=value,value" strings read as YAML. A value
            that is a list itself stands in brackets of its own: "norms=[linf,l2],[linf]".

    Raises:
        BadInput: a string without a key or a value, a setting that is given twice, dots that lead nowhere.
    """
    if isinstance(set, Mapping):
        found = {key: value if isinstance(value, list) else [value] for key, value in set.items()}
    else:
        found = {}
        for item in set or ():
            key, values = _parse(item)
            if key in found:
                raise BadInput(f"--set {key} is given twice; write all of its values behind one {key}=")
            found[key] = values
    for key, values in found.items():
        if not values:
            raise BadInput(f"--set {key}: there is no value; write it as key=value or key=value,value")
    return {key: _once(expand(key, values)) for key, values in found.items()}


def expand(key: str, values: Sequence[Any]) -> list[Any]:
    """`values` with what the dots stand for: [0.1, 0.2, "...", 0.5] → [0.1, 0.2, 0.3, 0.4, 0.5].

    The two values before the dots give the step, the one behind them is the last.

    Raises:
        BadInput: neighbours of the dots are missing or are no numbers, the steps don't meet the last value, or there
            would be more than `MOST` values.
    """
    expanded: list[Any] = []
    for position, value in enumerate(values):
        if value != DOTS:
            expanded.append(value)
            continue
        ends = [_number(each) for each in (*values[max(position - 2, 0) : position], *values[position + 1 :][:1])]
        if len(ends) != 3 or position < 2 or None in ends:
            raise BadInput(f"--set {key}: dots stand between numbers, two before and one behind: 0.1,0.2,...,0.9")
        expanded += _between(key, *ends)  # type: ignore[arg-type]
    if len(expanded) > MOST:
        raise BadInput(f"--set {key}: {len(expanded):,} values, {MOST:,} are the most")
    return expanded


def _between(key: str, first: Decimal, second: Decimal, last: Decimal) -> list[float | int]:
    """What lies between `second` and `last` in steps of `second` − `first`."""
    step, way = second - first, last - second
    steps = way / step if step else Decimal(0)
    if steps < 1 or steps != int(steps):
        raise BadInput(f"--set {key}: from {second} on, steps of {step} don't end at {last}")
    if steps > MOST:
        raise BadInput(f"--set {key}: {int(steps) + 2:,} values, {MOST:,} are the most")
    between = [second + step * n for n in range(1, int(steps))]
    is_whole = all(end == int(end) and end.as_tuple().exponent == 0 for end in (first, second, last))
    return [int(value) if is_whole else float(value) for value in between]


def _number(value: Any) -> Decimal | None:
    """`value` as it is written in decimals; None if it is no finite number."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < Decimal("1e12") else None


def _parse(item: str) -> tuple[str, list[Any]]:
    key, equals, text = item.partition("=")
    if not key.strip() or not equals:
        raise BadInput(f"--set {item!r}: write it as key=value or key=value,value, e.g. alpha=0.1,0.2,...,0.9")
    try:
        values = parse_yaml(f"[{text}]", "--set")[0]
    except BadInput as error:
        raise BadInput(
            f"--set {key.strip()}: can't read the values {short(text)}; separate them by commas"
        ) from error
    # YAML takes 1e-3 for a word.
    return key.strip(), [float(value) if isinstance(value, str) and _number(value) else value for value in values]


def _once(values: Sequence[Any]) -> list[Any]:
    kept: list[Any] = []
    for value in values:
        if value not in kept:
            kept.append(value)
    return kept
