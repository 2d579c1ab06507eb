"""Writes docs/papers.md: every exhibit of the papers, what it is beside the printed one, and how the claims come out.

.venv/bin/python scripts/papers.py
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from benchmark.papers import PAPERS, load_paper
from benchmark.papers.claim_printed import printed_numbers
from benchmark.papers.grid import printed_grids
from benchmark.papers.published import Published, load_published, place_of
from benchmark.papers.schema import Paper, TableOrFigure
from benchmark.papers.titles import title_of
from benchmark.papers.variants import with_variants

ROOT = Path(__file__).parents[1]
HEAD = Path(__file__).parent / "heads" / "papers.md"
SAMPLES = ROOT / "reports" / "digits"


def papers_page() -> str:
    """docs/papers.md."""
    lines = [HEAD.read_text(encoding="utf-8").rstrip()]
    for name in PAPERS.names():
        paper, _ = with_variants(load_paper(name), {})
        lines += [
            "",
            f"## {name}",
            "",
            f"{paper.title} ({paper.source}).",
            "",
            *_exhibits(paper, load_published(name)),
        ]
        lines += [*_variants(paper), "", *_claims(paper, load_published(name))]
    return "\n".join(lines) + "\n"


def _exhibits(paper: Paper, published: Published) -> Iterator[str]:
    yield _line(["Exhibit", "Shows", "Suite", "Rows", "Printed numbers", "What is read how, and what differs"])
    yield _line(["---"] * 6)
    for key, table in paper.exhibits.items():
        found = sum(_printed(key, table, published))
        suites = dict.fromkeys(column.suite or table.suite for column in table.columns)
        attacks = ", ".join(f"`{suite}`" for suite in suites)
        known = [row.label for row in table.rows if not row.run and not row.mean_of]
        notes = [*map(str, table.notes), *([f"Printed only: {', '.join(known)}."] if known else [])]
        rows = str(len(table.rows))
        yield _line(
            [title_of(key), table.title, attacks, rows, str(found) if found else "none: drawn", " ".join(notes)]
        )
    for key, plain in paper.method_tables.items():
        yield _line([title_of(key), plain.title, "", str(len(plain.rows)), "none: words", " ".join(plain.notes)])


def _printed(key: str, table: TableOrFigure, published: Published) -> Iterator[bool]:
    """Of each cell, and of its gain, whether the paper prints a number there."""
    for panel in table.panels:
        for row in table.rows:
            for column in table.columns if panel.rows is None or row.label in panel.rows else ():
                place = place_of(key, panel, row, column)
                yield published.find(place) is not None
                yield published.find(place, is_gain=True) is not None


def _variants(paper: Paper) -> Iterator[str]:
    if paper.variants:
        yield ""
        yield "Other readings:"
        yield ""
    for what, readings in paper.variants.items():
        for reading, variant in readings.items():
            yield f"* `--variant {what}={reading}`: {variant.about}."


def _claims(paper: Paper, published: Published) -> Iterator[str]:
    """Each sentence beside the paper's own numbers, and what became of it in the sample on the digits."""
    path = SAMPLES / paper.name / "claims.csv"
    found = list(csv.DictReader(path.open(encoding="utf-8", newline=""))) if path.exists() else []
    results = {row["id"]: row for row in found if row["family"] == "paper"}
    counts = Counter(row["answer"] for row in results.values())
    said = ", ".join(f"{number} {answer}" for answer, number in counts.items())
    yield (
        f"Claims of the paper: {said} on the digits."
        if results
        else "Claims of the paper, which no sample tries yet:"
    )
    printed = {key: printed_grids(paper, key, published) for key in paper.exhibits}
    yield ""
    yield _line(["The paper says", "where", "by its own numbers", "on the digits"])
    yield _line(["---"] * 4)
    for claim in paper.claims:
        if claim.family == "paper":
            row = results.get(claim.id, {})
            place = f"{claim.place}; {title_of(claim.exhibit)}"
            yield _line([claim.text, place, str(printed_numbers(claim, printed)), _result(row)])


def _result(row: dict[str, str]) -> str:
    answer = row.get("answer", "")
    if not row.get("difference"):
        return answer
    low, difference, high = (f"{float(row[key]):+.1f}" for key in ("low", "difference", "high"))
    by = f"{row['decisive']}: " if row["decisive"] else ""
    return f"**{answer}**: {by}{difference} ({low} to {high})"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '‖').replace(chr(10), ' ') for cell in cells)} |"


if __name__ == "__main__":
    (ROOT / "docs" / "papers.md").write_text(papers_page(), encoding="utf-8")
