"""What a user is told when the input was bad: one message, no traceback, exit code 2."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class BadInput(Exception):
    """The input was bad. The message says what was wrong, where, and what to do about it."""


def nearest(name: str, choices: Iterable[str], limit: int = 3) -> list[str]:
    """Up to `limit` of the `choices` closest in spelling to `name`, best first; beginnings count nearly as wholes."""
    wanted = str(name).lower()

    def likeness(choice: str) -> float:
        whole, beginning = choice.lower(), choice.lower()[: max(len(wanted), 3)]
        return max(_ratio(wanted, whole), 0.95 * _ratio(wanted, beginning))

    scored = sorted(((likeness(choice), choice) for choice in choices), key=lambda pair: (-pair[0], pair[1]))
    return [choice for score, choice in scored[:limit] if score >= 0.6]


def _ratio(a: str, b: str) -> float:
    return difflib.SequenceMatcher(None, a, b).ratio()


def unknown(kind: str, name: str, choices: Iterable[str], where: str = "") -> BadInput:
    """The error for a name that nobody registered, with the names it may have meant."""
    choices = sorted(choices)
    close = nearest(name, choices)
    hint = f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(choices) or 'none'}"
    return BadInput(f"{where + ': ' if where else ''}unknown {kind} {name!r}; {hint}")
