"""Other readings of a paper: what it leaves open, done otherwise, by a word of the caller's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmark.errors import BadInput, unknown
from benchmark.papers.schema import NoteByReading, Paper, TableOrFigure


def read_variants(asked: Sequence[str] | Mapping[str, str]) -> dict[str, str]:
    """The readings by what they are readings of, from words such as "baselines=own".

    Raises:
        BadInput: a word is no such pair, or something is read twice.
    """
    if isinstance(asked, Mapping):
        return dict(asked)
    found: dict[str, str] = {}
    for word in asked:
        what, is_pair, reading = word.partition("=")
        if not (what and is_pair and reading):
            raise BadInput(f"--variant {word}: name what is read otherwise, and how, such as baselines=own")
        if what in found:
            raise BadInput(f"--variant {what} is given twice")
        found[what] = reading
    return found


def with_variants(paper: Paper, asked: Mapping[str, str]) -> tuple[Paper, list[str]]:
    """`paper` with the runs and notes of these readings, and what they do otherwise, a phrase each.

    Raises:
        BadInput: the paper has no such reading.
    """
    runs, told = dict(paper.runs), []
    for what, reading in asked.items():
        if what not in paper.variants:
            raise unknown("variant", what, paper.variants, f"paper {paper.name}")
        readings = paper.variants[what]
        if reading not in readings:
            raise unknown(f"reading of {what}", reading, readings, f"paper {paper.name}")
        runs |= readings[reading].runs
        told.append(readings[reading].about)
    exhibits = {key: _told(table, asked) for key, table in paper.exhibits.items()}
    return paper.model_copy(update={"runs": runs, "exhibits": exhibits}), told


def _told(table: TableOrFigure, asked: Mapping[str, str]) -> TableOrFigure:
    """`table` with what its notes say by these readings."""
    notes = [each.by(asked) if isinstance(each, NoteByReading) else each for each in table.notes]
    return table.model_copy(update={"notes": notes})
