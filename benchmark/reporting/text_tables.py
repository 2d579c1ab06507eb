"""Tables as Markdown, for a README. What was not measured is a dash."""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.reporting.column import Output
from benchmark.reporting.columns import columns
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
    return markdown(caption(board), *cells(board), words=_words(board))


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
