"""What networks are called beside each other: no two alike, whatever their names are."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

#: A network: its name, and the digest (hex) of what it computes.
Key = tuple[str, str]

#: How many more digits of a digest are shown as long as they don't tell networks apart.
DIGITS = 8


def key(card: Mapping[str, Any]) -> Key:
    """Which network a card is of."""
    return str(card["name"]), str(card.get("digest", ""))


def labels(networks: Iterable[Key]) -> dict[Key, str]:
    """For each network a label that no other has, nor one that looks like it.

    That is its name, as a rule; of several that are called alike each has as many digits of its digest behind it as
    it takes: "at (3f2a91c0)".
    """
    known = sorted(set(networks))
    shown = dict.fromkeys(known, 0)
    while True:
        found = {each: _label(*each, shown[each]) for each in known}
        alike = Counter(map(_seen, found.values()))
        clashing = [each for each in known if alike[_seen(found[each])] > 1 and shown[each] < len(each[1])]
        if not clashing:
            return found
        for each in clashing:
            shown[each] += DIGITS


def card_labels(cards: Iterable[Mapping[str, Any] | None]) -> dict[Key, str]:
    """`labels` of the networks that these cards are of."""
    return labels(key(card) for card in cards if card)


def _label(name: str, digest: str, digits: int) -> str:
    return f"{name} ({digest[:digits]})" if digits else name


def _seen(label: str) -> str:
    """What a reader sees of it: one spelling for letters that look the same, and nothing that can't be seen."""
    plain = "".join(sign for sign in unicodedata.normalize("NFKC", label) if sign.isprintable())
    return " ".join(plain.split())
