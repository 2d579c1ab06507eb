"""Tables as text: LaTeX for a manuscript, Markdown for a README. What was not measured is a dash in both."""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.latex import NEEDS, escape
from benchmark.reporting.tables import Board, rank_text
from benchmark.reporting.text import MISSING, percent

_MARKDOWN = str.maketrans({character: f"\\{character}" for character in "\\|`*_[]<>#~"})


def latex(caption: str, heading: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1) -> str:
    """A booktabs table; the first `words` columns hold words, the others numbers."""
    lines = [" & ".join(escape(cell) for cell in row) + r" \\" for row in (heading, *rows)]
    return "\n".join(
        [
            NEEDS,
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{escape(caption)}}}",
            rf"\begin{{tabular}}{{{'l' * words}{'r' * (len(heading) - words)}}}",
            r"\toprule",
            lines[0],
            r"\midrule",
            *lines[1:],
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def markdown(caption: str, heading: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1) -> str:
    """A table under a heading, as GitHub reads it."""
    lines = [f"| {' | '.join(_markdown(cell) for cell in row)} |" for row in (heading, *rows)]
    rule = f"|{':--|' * words}{'--:|' * (len(heading) - words)}"
    return "\n".join([f"## {_markdown(caption)}", "", lines[0], rule, *lines[1:], ""])


def _markdown(text: str) -> str:
    """`text` as words of one line, of which none is a mark."""
    return " ".join(text.split()).translate(_MARKDOWN)


def board_cells(board: Board) -> tuple[list[str], list[list[str]]]:
    """A leaderboard's heading and rows: two words, rank, accuracies in percent, and the interval of Rworst.

    Accuracies over classes follow where these are of unequal size.
    """
    heading = ["Network", "Method", "Rank", "Clean", *board.norm_columns, "Ravg", "Rworst", "95%"]
    heading += board.shown_balanced
    rows = []
    for row in board.networks:
        accuracies = [percent(row[name]) for name in ("clean", *board.norm_columns.values(), "r_avg", "r_worst")]
        low, high = percent(row["r_worst_low"]), percent(row["r_worst_high"])
        interval = MISSING if row["r_worst"] is None else f"{low}–{high}"
        over_classes = [percent(row[name]) for name in board.shown_balanced.values()]
        rows.append([row["model"], row["method"], rank_text(row), *accuracies, interval, *over_classes])
    return heading, rows


def board_caption(board: Board) -> str:
    """What the table is about."""
    told = f"{board.title}; accuracies in percent under {', '.join(board.threats)}"
    return f"{told}; images: {board.shares}" if board.shown_balanced else told
