"""A suite's attacks as tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from benchmark.reporting.entries import Row
from benchmark.reporting.leaderboards import Leaderboard
from benchmark.reporting.text import setting, threat
from benchmark.scales import radii_said


def suite_rows(board: Leaderboard) -> Iterator[Row]:
    """A row per attack of the leaderboard's suite, with all that determines its numbers."""
    told = ("label", "norm", "epsilon", "restarts", "kind", "source", "paper")
    for item in board.evaluations[0].suite["items"]:
        attack = {"attack": item["attack"]["name"], "parameters": parameters(item["attack"], str)}
        yield {name: item[name] for name in told} | attack


def sentences(board: Leaderboard) -> list[str]:
    """What the leaderboard's suite ran, in words; every number is one of the evaluations shown."""
    items = board.evaluations[0].suite["items"]
    attacks = f"{len(items)} attacks run" if len(items) > 1 else "One attack runs"
    threats = [threat(*own) for own in board.threats.values()]
    told = [f"{attacks} under {_listed(threats)} on the first {board.images} {board.what} of {board.dataset}."]
    suite = board.evaluations[0].suite
    if given := radii_said(suite.get("scale", ""), suite.get("radii")).told():
        told.append(f"The radii are {given}.")
    most = max(item["restarts"] for item in items)
    if most > 1:
        told.append(
            f"Randomised attacks are run with up to {most} restarts, as listed in the table; an image counts as "
            "broken if any restart succeeds."
        )
    if board.mode != "complete":
        told.append(
            "Each attack is run on the images on which no earlier attack under the same threat succeeded, and on "
            f"{board.evaluations[0].common.sum()} images that all attacks see."
        )
    if len(threats) > 1:
        counted = _listed([threat(*board.threats[name]) for name in board.union])
        whole = set(board.union) == set(board.threats)
        told.append(f"Ravg and Rworst count {'all of these threats' if whole else counted}.")
    return told


def _listed(words: Sequence[str]) -> str:
    """["a", "b", "c"] → "a, b and c"."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]])) if words else "none"


def parameters(attack: Mapping[str, Any], said: Callable[[object], str] = setting) -> str:
    """{"name": "pgd", "steps": 40, "step_size": None} → "steps=40, step_size=none"; data files say every digit."""
    told = {name: value for name, value in attack.items() if name not in ("name", "version", "noise")}
    return ", ".join(f"{name}={said(value)}" for name, value in told.items())
