"""Tables as Markdown, for a README. What was not measured is a dash."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmark.reporting.column import Output
from benchmark.reporting.columns import columns
from benchmark.reporting.entries import Entry
from benchmark.reporting.leaderboards import Leaderboard

_MARKDOWN = str.maketrans({character: f"\\{character}" for character in "\\|`*_[]<>#~"})


def markdown(
    caption: str, heading: Sequence[str], rows: Sequence[Sequence[str]], words: int | Sequence[bool] = 1
) -> str:
    """A table under a heading, as GitHub reads it."""
    lines = [f"| {' | '.join(_markdown(cell) for cell in row)} |" for row in (heading, *rows)]
    rule = "|" + "".join(":--|" if each else "--:|" for each in _each(words, heading))
    return "\n".join([f"## {_markdown(caption)}", "", lines[0], rule, *lines[1:], ""])


def _each(words: int | Sequence[bool], heading: Sequence[str]) -> Sequence[bool]:
    """Whether each column holds words."""
    return [place < words for place in range(len(heading))] if isinstance(words, int) else words


def _markdown(text: str) -> str:
    """`text` as words of one line, of which none is a mark."""
    return " ".join(text.split()).translate(_MARKDOWN)


def leaderboard_markdown(board: Leaderboard) -> str:
    """A leaderboard for a README."""
    told = [
        f"{doubt.told}: {', '.join(map(_markdown, doubt.names))}{doubt.rest}.\n\n" for doubt in doubts(board.entries)
    ]
    return "\n".join([markdown(caption(board), *cells(board), words=_words(board)), *told]).removesuffix("\n")


#: So many names are told, and of more the others counted.
NAMED = 6


@dataclass(frozen=True)
class Doubt:
    """Why some numbers of a table are to be taken with care.

    Attributes:
        told: what is said of these networks.
        alone: the same in brackets, beside the name of one.
        names: what they are called, a few of them.
        rest: " and 3 others"; "" where all are named.
    """

    told: str
    alone: str
    names: Sequence[str]
    rest: str


def doubts(entries: Sequence[Entry]) -> list[Doubt]:
    """What a reader of a table has to know of networks: which may be masked, and of which an attack failed."""
    kinds = (
        (
            "Strong evidence of gradient masking, so that bold, underlined and stars leave them out",
            "masked?",
            "is_masked",
        ),
        ("Attacks that failed, so that numbers are missing", "attacks failed", "has_failed"),
    )
    found = ((told, alone, [entry.name for entry in entries if getattr(entry, kind)]) for told, alone, kind in kinds)
    return [Doubt(told, alone, *_few(names)) for told, alone, names in found if names]


def _few(names: Sequence[str]) -> tuple[Sequence[str], str]:
    """Those that are named, and how many others there are, if any: never a single one, which is as soon named."""
    if len(names) <= NAMED + 1:
        return names, ""
    return names[:NAMED], f" and {len(names) - NAMED} others"


def cells(board: Leaderboard) -> tuple[list[str], list[list[str]]]:
    """A leaderboard's heading and rows."""
    shown = columns(board, Output.TEXT)
    return [column.label for column in shown], [[column.text(entry) for column in shown] for entry in board.entries]


def caption(board: Leaderboard) -> str:
    """What the table is about."""
    told = f"{board.title}; accuracies in percent under {', '.join(board.bounds)}"
    return f"{told}; images: {board.shares}" if board.is_uneven else told


def _words(board: Leaderboard) -> list[bool]:
    return [not column.kind.is_number for column in columns(board, Output.TEXT)]
