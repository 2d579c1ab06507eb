"""What a user is told when the input was bad: one message, no traceback, exit code 2."""

from __future__ import annotations

import difflib
import traceback
import unicodedata
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

#: No name is longer; what is, is cut off in messages.
LONGEST = 100
#: How many names a message lists, and how many mistakes.
MOST, MISTAKES = 100, 20

#: What code of somebody else may raise, a network's forward pass for one: its sys.exit() would end the program with a
#: code of its own choice, without a word and before anything is filed.
FOREIGN = (Exception, SystemExit)


class BadInput(Exception):
    """The input was bad. The message says what was wrong, where, and what to do about it."""


class UnfitNetwork(BadInput):
    """One network can't be evaluated, whatever else was asked for: it stops no other's evaluation."""


class PartlyFailed(BadInput):
    """A part of what was asked for could not be done; the rest was.

    Attributes:
        failures: what failed, with the reason, a sentence each.
        done: what was done: what would have been returned, but for the failed parts.
    """

    def __init__(self, failures: Sequence[str], done: list[Any]) -> None:
        super().__init__("\n".join(failures))
        self.failures, self.done = list(failures), done


class Notice(UserWarning):
    """Something that a person should know and that is no reason to stop."""


def notice(message: str) -> None:
    """Say `message`: in a program as a warning, which it may catch; on the command line as a line of its own."""
    warnings.warn(message, Notice, stacklevel=3)


def first_line(error: BaseException) -> str:
    """The first line of what `error` says, or what kind of error it is if it says nothing: for a message's reason."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def reason(error: BaseException) -> str:
    """What kind of error it is with the first line of what it says or, if it says nothing, where it was raised.

    Of `BadInput` the sentence alone: it was written for people.
    """
    if isinstance(error, BadInput) and str(error).strip():
        return first_line(error)
    kind = type(error).__name__
    if str(error).strip():
        return f"{kind}: {first_line(error)}"
    frames = traceback.extract_tb(error.__traceback__)
    return f"{kind} at {Path(frames[-1].filename).name}:{frames[-1].lineno}: {frames[-1].line}" if frames else kind


def printable(text: str) -> str:
    r"""`text` without what a terminal would obey instead of showing it: an escape character appears as `\x1b`.

    Names from files may hold such characters, and the marks that turn the direction of writing around.
    """
    return "".join(
        character.encode("unicode_escape").decode() if _is_command(character) else character for character in text
    )


def _is_command(character: str) -> bool:
    turns = "\u202a" <= character <= "\u202e" or "\u2066" <= character <= "\u2069"
    return turns or (unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\t")


def nearest(name: str, choices: Iterable[str], limit: int = 3) -> list[str]:
    """Up to `limit` of the `choices` closest in spelling to `name`, best first; beginnings count nearly as wholes."""
    wanted = str(name).lower()
    if len(wanted) > LONGEST:
        return []

    def likeness(choice: str) -> float:
        whole, beginning = choice.lower(), choice.lower()[: max(len(wanted), 3)]
        return max(_ratio(wanted, whole), 0.95 * _ratio(wanted, beginning))

    scored = sorted(((likeness(choice), choice) for choice in choices), key=lambda pair: (-pair[0], pair[1]))
    return [choice for score, choice in scored[:limit] if score >= 0.6]


def _ratio(a: str, b: str) -> float:
    return difflib.SequenceMatcher(None, a, b).ratio()


def unknown(kind: str, name: str, choices: Iterable[str], where: str = "") -> BadInput:
    """The error for a name that nobody registered, with the names it may have meant."""
    choices = sorted(set(choices))
    close = nearest(name, choices)
    known = ", ".join(choices[:MOST]) + (f" and {len(choices) - MOST} more" if len(choices) > MOST else "")
    hint = f"did you mean {' or '.join(close)}?" if close else f"known: {known or 'none'}"
    return BadInput(f"{where + ': ' if where else ''}unknown {kind} {short(name)}; {hint}")


def several(mistakes: Iterable[str], more: int = 0) -> str:
    """One message of several, each on a line of its own: the first few, and how many `more` there are."""
    lines = [*dict.fromkeys(mistakes)]
    more += max(len(lines) - MISTAKES, 0)
    return "\n".join([*lines[:MISTAKES], *([f"and {more:,} mistakes more"] if more > 0 else [])])


def short(value: object) -> str:
    """The repr of `value`, cut off where a message would drown in it."""
    text = repr(value if not isinstance(value, str) else value[: 2 * LONGEST])
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
