"""Several values for one setting, and the arithmetic behind the dots of "0.1,0.2,...,0.9"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from benchmark.documents import parse_yaml
from benchmark.errors import BadInput, short
from benchmark.radii import read_number
from benchmark.training.settings import named

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
        several = [key for key, value in set.items() if not isinstance(value, tuple)]  # a tuple is one value
        found = {
            key: value if isinstance(value, list) and key in several else [value] for key, value in named(set).items()
        }
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
    # YAML takes 1e-3 and 8/255 for words.
    spelt = {key: [read_number(value) for value in expand(key, values)] for key, values in found.items()}
    return {key: _once(values) for key, values in spelt.items()}


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
        ends = (*values[max(position - 2, 0) : position], *values[position + 1 :][:1])
        numbers = [number for number in map(_exact, ends) if number is not None]
        if position < 2 or len(numbers) != 3:
            raise BadInput(f"--set {key}: dots stand between numbers, two before and one behind: 0.1,0.2,...,0.9")
        between = _between(key, *numbers)
        is_whole = all(isinstance(end, int) for end in ends)
        expanded += [int(number) if is_whole else float(number) for number in between]
    if len(expanded) > MOST:
        raise BadInput(f"--set {key}: {len(expanded):,} values, {MOST:,} are the most")
    return expanded


def _between(key: str, first: Fraction, second: Fraction, last: Fraction) -> list[Fraction]:
    """What lies between `second` and `last` in steps of `second` − `first`."""
    step, way = second - first, last - second
    steps = way / step if step else Fraction(0)
    if steps < 1 or steps != int(steps):
        words = (f"{float(number):g}" for number in (second, step, last))
        raise BadInput("--set {}: from {} on, steps of {} don't end at {}".format(key, *words))
    if steps > MOST:
        raise BadInput(f"--set {key}: {int(steps) + 2:,} values, {MOST:,} are the most")
    return [second + step * n for n in range(1, int(steps))]


def _exact(value: Any) -> Fraction | None:
    """`value` as it is written, in decimals or as a fraction such as 8/255; None if it is no finite number."""
    above, slash, below = str(value).partition("/")
    number, divisor = _decimal(above), _decimal(below if slash else "1")
    return number / divisor if number is not None and divisor else None


def _decimal(text: str) -> Fraction | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    # 1e99999999 is quickly written, but not multiplied out.
    is_sane = number.is_finite() and -400 < int(number.as_tuple().exponent) <= number.adjusted() < 12
    return Fraction(number) if is_sane else None


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
    return key.strip(), values


def _once(values: Sequence[Any]) -> list[Any]:
    kept: list[Any] = []
    for value in values:
        if value not in kept:
            kept.append(value)
    return kept
