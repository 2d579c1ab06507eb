"""The words of --set, read as plain values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from benchmark.documents import parse_yaml
from benchmark.errors import BadInput, short
from benchmark.given import plain

#: A number that YAML 1.1 takes for a text.
_SCIENTIFIC = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?[eE][+-]?[0-9]+")


def parse_settings(set: Mapping[str, Any] | Sequence[str] | None) -> dict[str, Any]:
    """Settings by name, from a mapping or from "key=value" strings whose values are read as YAML.

    `norms=linf,l1` is a list: a comma outside of brackets separates items.

    Raises:
        BadInput: a string without a key or a "=", a key that is given twice, or is no text.
    """
    if isinstance(set, Mapping):
        return named(set)
    settings: dict[str, Any] = {}
    for item in set or ():
        key, equals, text = item.partition("=")
        if not key.strip() or not equals:
            raise BadInput(f"--set {item!r}: write it as key=value, e.g. epochs=10 or alpha=0.3")
        if key.strip() in settings:
            raise BadInput(f"--set {key.strip()} is given twice; give it once")
        value = _value(text)
        settings[key.strip()] = _uniform([_value(part) for part in value.split(",")] if _is_list(value) else value)
    return settings


def named(set: Mapping[Any, Any]) -> dict[str, Any]:
    """Settings by name, their values as plain ones: a number of NumPy's is no other than Python's, 1.0 none than 1.

    Raises:
        BadInput: a key is no text.
    """
    if others := [key for key in set if not isinstance(key, str)]:
        raise BadInput(f"set: {short(others[0])} is no name of a setting; write it as in {{'epochs': 10}}")
    return {key: _uniform(plain(value)) for key, value in set.items()}


def _uniform(value: Any) -> Any:
    """Numbers in one way of writing them: 1.0 and 1e0 ask for the run that 1 asks for, which has one name."""
    if isinstance(value, dict):
        return {key: _uniform(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_uniform(item) for item in value]
    if isinstance(value, str) and _SCIENTIFIC.fullmatch(value):
        value = float(value)
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


def _value(text: str) -> Any:
    """The plain value that `text` spells in YAML; what is no YAML is itself."""
    try:
        return parse_yaml(text, "--set")[0]
    except BadInput:
        return text


def _is_list(value: Any) -> bool:
    return isinstance(value, str) and "," in value
