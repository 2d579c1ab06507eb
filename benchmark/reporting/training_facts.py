"""What a network's card says of its size, of its training, and of when its method was published.

Cards are untrusted: what has not the form that training writes says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isfinite
from typing import Any

from benchmark.reporting.told import paper


def parameters(card: Mapping[str, Any]) -> float | None:
    """How many numbers the network has learnt."""
    return _positive(card.get("numbers"))


def epochs(card: Mapping[str, Any]) -> float | None:
    """How often training went through its data; None where no recipe says so."""
    return _positive(_mapping(card, "recipe").get("epochs"))


def seconds(card: Mapping[str, Any]) -> float | None:
    """How long training took."""
    return _positive(_mapping(card, "extra").get("seconds"))


def teachers(card: Mapping[str, Any]) -> str:
    """The networks that training distilled from, by their names; "" for none."""
    found = _mapping(card, "extra").get("teachers")
    return ", ".join(map(str, found)) if isinstance(found, list | tuple) else ""


def year(card: Mapping[str, Any]) -> int | None:
    """When the method was published, of the words "Madry et al. 2018, arXiv:1706.06083"."""
    found = re.search(r"(?<![\d.:])(?:19|20)\d\d(?![\d.])", paper(card))
    return int(found[0]) if found else None


def _mapping(card: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = card.get(name)
    return found if isinstance(found, Mapping) else {}


def _positive(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number and isfinite(value) and value > 0 else None
