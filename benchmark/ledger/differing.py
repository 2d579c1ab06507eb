"""What two files tell otherwise of one network or one evaluation, beside what decides its numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmark.errors import short

#: So many differences are named.
_FEW = 3

#: Of an evaluation, what is compared elsewhere or may be another by right: a network has the name it is given.
_APART = ("records", "sha256", "name")


class Told:
    """What files told of each network and each evaluation so far, and what others tell otherwise.

    Attributes:
        differing: a sentence for each pair of files.
    """

    def __init__(self) -> None:
        self.differing: list[str] = []
        self._first: dict[str, tuple[Path, Mapping[str, Any]]] = {}

    def add(self, path: Path, manifest: Mapping[str, Any]) -> None:
        """Compare the file of an evaluation with the first of its network, and with the first of its id."""
        card, rest = manifest["model"], {key: value for key, value in manifest.items() if key != "model"}
        self._compare(f"network {card['digest']}", path, card, "the network " + short(str(card.get("name", ""))))
        self._compare(f"evaluation {manifest['id']}", path, rest, f"the evaluation {short(manifest['id'])}")

    def _compare(self, key: str, path: Path, content: Mapping[str, Any], what: str) -> None:
        first, before = self._first.setdefault(key, (path, content))
        found = [f"{place} {short(one)} there, {short(other)} here" for place, one, other in pairs(before, content)]
        if found:
            more = f" and {len(found) - _FEW} more" if len(found) > _FEW else ""
            self.differing.append(
                f"{path} tells other things of {what} than {first}: {'; '.join(found[:_FEW])}{more}"
            )


def pairs(one: Any, other: Any, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Where two values differ in what both of them tell: the place in words, and both."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        both = one.keys() & other.keys()
        for key in sorted(both if place else both - {*_APART}):
            yield from pairs(one[key], other[key], f"{place}.{key}" if place else str(key))
    elif one != other:
        yield place, one, other
