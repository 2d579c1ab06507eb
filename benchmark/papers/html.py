"""A paper as one page that opens from disk: every name escaped, nothing fetched, nothing run."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from benchmark.papers.abridged import abridged
from benchmark.papers.cells import TableCell
from benchmark.papers.choice import choose
from benchmark.papers.claim_printed import printed_numbers
from benchmark.papers.claims import FAMILIES, ClaimVerdict, tallies, target_words
from benchmark.papers.disagreement import MOST, disagreements, unclassed
from benchmark.papers.epochs import courses, draw_courses
from benchmark.papers.grid import TableGrid, TableLine, printed_grids
from benchmark.papers.method_tables import cells
from benchmark.papers.overlap import overlap
from benchmark.papers.published import Published
from benchmark.papers.schema import Paper, TableOrFigure
from benchmark.papers.setting import PaperSetting
from benchmark.papers.titles import file_of, title_of
from benchmark.papers.typeset import measured_marks, printed_marks, row_title, typeset
from benchmark.planning.chart import draw
from benchmark.reporting.pages import site_environment
from benchmark.reporting.text import signed

TEMPLATES = Path(__file__).parent / "templates"


def page(
    paper: Paper,
    settings: Sequence[PaperSetting],
    grids: Mapping[str, Sequence[TableGrid]],
    published: Published,
    verdicts: Sequence[ClaimVerdict],
    command: str,
    failures: Sequence[str] = (),
    root: str | None = None,
) -> str:
    """The HTML of all tables and figures of `paper` in `settings`, which differ in their datasets.

    Args:
        paper, settings: what is shown.
        grids: by table or figure, its measured panels.
        published: what the paper prints.
        verdicts: on its claims.
        command: what makes what is missing, without the options that choose a part.
        failures: what went wrong in this run.
        root: the way to the leaderboard's folder, seen from the page, if there is one.
    """
    templates = site_environment(TEMPLATES)
    templates.filters.update(percent=_percent, signed=_signed, note=_note, typeset=typeset)
    templates.tests["missing"] = _is_missing
    templates.globals.update(command_for=lambda key, row: f"{command} --table {key} --only {shlex.quote(row)}")
    printed = {key: printed_grids(paper, key, published) for key in paper.exhibits}
    return templates.get_template("paper.html").render(
        paper=paper,
        setting=settings[0],
        settings=settings,
        datasets=" and ".join(setting.dataset for setting in settings),
        grids=grids,
        printed=printed,
        said={claim.id: printed_numbers(claim, printed) for claim in paper.claims},
        drawings={key: [draw(grid.plain) for grid in found] for key, found in grids.items()},
        verdicts=verdicts,
        families=FAMILIES,
        tallies=tallies(verdicts),
        target_words=target_words,
        reach=_reach(verdicts),
        command=command,
        failures=failures,
        root=root,
        abridged={key: _abridged(table, settings) for key, table in paper.exhibits.items()},
        method_rows={key: cells(table) for key, table in paper.method_tables.items()},
        choices={
            key: [choose(paper, grid) if grid.table.choice and grid.measured else None for grid in found]
            for key, found in grids.items()
        },
        overlap=overlap,
        disagreements=disagreements,
        unclassed=unclassed,
        most_pairs=MOST,
        courses=courses,
        draw_courses=draw_courses,
        measured_marks=measured_marks,
        printed_marks=printed_marks,
        row_title=row_title,
        title_of=title_of,
        file_of=file_of,
    )


def _abridged(table: TableOrFigure, settings: Sequence[PaperSetting]) -> list[str]:
    lines = (line for setting in settings for line in abridged(table, setting.preset, setting.dataset))
    return list(dict.fromkeys(lines))


def _reach(verdicts: Sequence[ClaimVerdict]) -> float:
    """Where the scale of differences ends: three times the usual one, so that a single large one hides no other."""
    found = [max(abs(each.low or 0), abs(each.high or 0)) for each in verdicts if each.difference is not None]
    return min(max(found), 3 * median(found)) or 1.0 if found else 1.0


def _percent(fraction: float, decimals: int) -> str:
    return f"{100 * fraction:.{decimals}f}"


def _signed(points: float, decimals: int) -> str:
    """1.25 -> "+1.3", −1.25 -> "−1.3"."""
    return signed(points, decimals).replace("-", "−")


def _note(cell: TableCell) -> str:
    return cell.printed.note if cell.printed else ""


def _is_missing(line: TableLine) -> bool:
    """Whether no cell of the row has a value, all for the same reason."""
    return all(cell.value is None for cell in line.cells) and len({cell.reason for cell in line.cells}) == 1
