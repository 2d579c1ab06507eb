"""What a user is told when the input was bad: one message, no traceback, exit code 2."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class BadInput(Exception):
    """The input was bad. The message says what was wrong, where, and what to do about it."""


def nearest(name: str, choices: Iterable[str], limit: int = 3) -> list[str]:
    """Up to `limit` of the `choices` closest in spelling to `name`, best first."""
    by_folded = {choice.lower(): choice for choice in choices}
    close = difflib.get_close_matches(str(name).lower(), by_folded, n=limit, cutoff=0.5)
    return [by_folded[folded] for folded in close]


def unknown(kind: str, name: str, choices: Iterable[str], where: str = "") -> BadInput:
    """The error for a name that nobody registered, with the names it may have meant."""
    choices = sorted(choices)
    close = nearest(name, choices)
    hint = f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(choices) or 'none'}"
    return BadInput(f"{where + ': ' if where else ''}unknown {kind} {name!r}; {hint}")
