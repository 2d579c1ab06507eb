"""What may stand behind a source's name: `python:mine:make?width=2&depth=[1,2]`, `timm:resnet18?weights=FILE`."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

from benchmark.errors import LONGEST, BadInput, short, unknown


def split_query(name: str) -> tuple[str, dict[str, Any]]:
    """The name, and the arguments behind its question mark: as JSON says them, and words where that is none.

    Raises:
        BadInput: an argument has no value, or is there twice.
    """
    name, _, query = name.partition("?")
    found: dict[str, Any] = {}
    for part in filter(None, query.split("&")):
        key, equals, text = part.partition("=")
        if not equals or not key.isidentifier():
            raise BadInput(
                f"{name}?{query[:LONGEST]}: {short(part)} is no argument; write them as NAME=VALUE&NAME=VALUE"
            )
        if key in found:
            raise BadInput(f"{name}?{query[:LONGEST]}: {key} is there twice; give it once")
        found[key] = _value(unquote(text))
    return name, found


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def check_arguments(source: str, given: dict[str, Any], known: tuple[str, ...]) -> None:
    """Refuse arguments that the source does not know.

    Raises:
        BadInput: naming the nearest that it knows.
    """
    for key in given:
        if key not in known:
            raise unknown("argument", key, known, source)
