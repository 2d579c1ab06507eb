"""What a network's card says of the method that trained it.

Training writes it there, so that no report has to load what the methods are made of, which takes seconds. Of the
cards of version 0.1.0, which lack it, this version's methods are asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmark.errors import BadInput


def was_trained_here(card: Mapping[str, Any]) -> bool:
    """Whether the method is one of this package or of a plug-in of it."""
    return bool(_extra(card).get("title")) or _is_known(card)


def title(card: Mapping[str, Any]) -> str:
    """The method's full name, or what the card calls it."""
    return str(_extra(card).get("title") or _of_method(card, "title") or card["method"])


def paper(card: Mapping[str, Any]) -> str:
    """Where the method comes from; "" for an unknown one."""
    extra = _extra(card)
    return str(extra.get("paper", "")) if extra.get("title") else _of_method(card, "paper")


def formulas(card: Mapping[str, Any]) -> dict[str, str]:
    """What training maximised over perturbations and minimised over weights."""
    extra = _extra(card)
    if "title" in extra and "minimises" in extra:
        attack = extra.get("attack")
        climbed = attack.get("climbs", "none") if isinstance(attack, dict) else "none"
        return {"inner objective": str(climbed), "outer objective": str(extra["minimises"])}
    if not _is_known(card):
        return {}
    from benchmark.methods.formulas import formula_of
    from benchmark.methods.overrides import bind_method

    try:
        bound = bind_method(card["method"], {}, str(card["name"]), extra.get("inner"), extra.get("outer"))
    except BadInput:  # another version's names
        return {}
    return {"inner objective": formula_of(bound.inner.objective), "outer objective": formula_of(bound.outer)}


def changes(card: Mapping[str, Any]) -> dict[str, Any]:
    """What the run did otherwise than its recipe and its method do by themselves, by dotted names."""
    told = _extra(card).get("changes")
    if isinstance(told, dict):
        return told
    from benchmark.training.changes import changes as changes_of

    return changes_of(card)


def _extra(card: Mapping[str, Any]) -> Mapping[str, Any]:
    extra = card.get("extra")
    return extra if isinstance(extra, dict) else {}


def _is_known(card: Mapping[str, Any]) -> bool:
    if card.get("method", "external") == "external":
        return False
    from benchmark.methods.table import METHODS

    return card["method"] in METHODS


def _of_method(card: Mapping[str, Any], what: str) -> str:
    if not _is_known(card):
        return ""
    from benchmark.methods.table import METHODS

    return str(getattr(METHODS.get(card["method"]), what))
