"""Suites and recipes that a caller gives as a mapping: written as the YAML file that they stand for."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from benchmark.errors import BadInput, first_line
from benchmark.storage import digest

#: What a suite or a recipe may be given as: a name, a file, or what stands in one.
Given = str | Path | Mapping[str, Any]


#: What a mapping may leave out, by kind; None for the file's name.
_USUAL: dict[str, dict[str, Any]] = {"suite": {"name": None, "version": 1, "epsilons": {}}}


@contextmanager
def as_file(given: Given, kind: str) -> Iterator[str | Path]:
    """Within this context a name or path itself, or the path of a file that holds the mapping.

    The file is called by its content, so that the same mapping has the same name wherever it is given.

    Args:
        given: a name, a path, or a mapping of plain values.
        kind: what it is, for messages: "suite".

    Raises:
        BadInput: it is something else, or holds what no file can.
    """
    if isinstance(given, str | Path):
        yield given
        return
    if not isinstance(given, Mapping):
        raise BadInput(
            f"{kind}: a {type(given).__name__} is no {kind}; give a name, a YAML file or a dict of its keys"
        )
    try:
        name = f"own-{digest(plain(given))[:8]}"
        filled = {key: name if value is None else value for key, value in _USUAL.get(kind, {}).items()}
        text = yaml.safe_dump({**filled, **plain(given)}, sort_keys=False, allow_unicode=True)
    except (yaml.YAMLError, TypeError, ValueError, RecursionError) as error:
        raise BadInput(f"the {kind} holds something that is no plain value: {first_line(error)}") from error
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        path = Path(folder, f"{name}.yaml")
        path.write_text(text, encoding="utf-8")
        yield path


def plain(value: Any) -> Any:
    """Mappings and lists of every kind as the plain ones; numbers and arrays of NumPy and torch as Python's."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):
        value = value.tolist()
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value
