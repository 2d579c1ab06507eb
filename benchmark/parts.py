"""Part i of n of some work: who does what, decided alike by all who do a part, whatever is done already."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from heapq import heapify, heapreplace
from typing import TypeVar

from benchmark.errors import BadInput, short
from benchmark.storage import digest

#: More parts than anybody has machines.
MOST = 100_000

K = TypeVar("K", str, tuple[str, str])


@dataclass(frozen=True)
class Part:
    """One of several parts that have nothing in common and together are all of it.

    Attributes:
        number: which, from 1.
        of: how many there are.
    """

    number: int
    of: int

    def has(self, family: str, place: int = 0) -> bool:
        """Whether something is in this part.

        Args:
            family: the identity of what it belongs to; where a family begins is as good as random.
            place: its place in the family, whose members are dealt out in turn.
        """
        return (int(digest(family)[:8], 16) + place) % self.of == self.number - 1

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


#: All of it.
WHOLE = Part(1, 1)


def read_part(text: str | Part | None) -> Part:
    """The part that "2/8" stands for; all of it for None.

    Raises:
        BadInput: it is no part.
    """
    if text is None or isinstance(text, Part):
        return text or WHOLE
    match = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", str(text).strip())
    number, of = map(int, match.groups()) if match else (0, 0)
    if not 1 <= number <= of <= MOST:
        why = f": parts are numbered from 1 to {of}" if 1 <= of <= MOST else f": there are from 1 to {MOST:,} parts"
        why = why if match else ""
        raise BadInput(f"--part takes which of how many, such as 2/8, not {short(str(text))}{why}")
    return Part(number, of)


def deal(costs: Mapping[K, float], parts: int) -> dict[K, int]:
    """Which of so many parts, from 1, each piece of work is in: the costliest first, to the part with least so far.

    No part is ahead of another one by more than its last piece (Graham 1969, SIAM Journal on Applied Mathematics 17,
    416–429). Who knows the same costs deals alike, in whatever order they come.
    """
    loads = [(0.0, 0, number) for number in range(1, parts + 1)]
    heapify(loads)
    dealt: dict[K, int] = {}
    for key in sorted(costs, key=lambda key: (-costs[key], key)):
        load, pieces, number = loads[0]
        dealt[key] = number
        heapreplace(loads, (load + costs[key], pieces + 1, number))
    return dealt
