"""A paper's tables as files: tidy CSV, and JSON about the whole."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from benchmark.analysis.masking import MASKED
from benchmark.papers.claim_printed import PrintedNumbers
from benchmark.papers.claims import ClaimVerdict, tallies
from benchmark.papers.grid import TableGrid
from benchmark.papers.schema import Paper
from benchmark.papers.setting import PaperSetting
from benchmark.reporting.as_csv import CsvWriter

CSV_COLUMNS = (
    "exhibit", "dataset", "architecture", "row", "column", "percent", "low", "high", "spread", "images",
    "printed_percent", "difference", "gain", "printed_gain", "mark", "masked", "reason", "suite", "evaluations",
    "printed_note",
)  # fmt: skip

CLAIM_COLUMNS = (
    "id", "claim", "family", "place", "exhibit", "dataset", "architecture", "answer", "difference", "low", "high",
    "p", "p_corrected", "images", "seeds", "masked", "comparisons", "as_claimed", "decisive", "printed",
)  # fmt: skip


def to_csv(grids: Sequence[TableGrid]) -> str:
    """A row per cell: the measured value with its interval, the printed one, the difference where they compare."""
    file = io.StringIO()
    writer = CsvWriter(file)
    writer.writerow(CSV_COLUMNS)
    for grid in grids:
        for line in grid.lines:
            for column, cell in zip(grid.table.columns, line.cells, strict=True):
                about = (grid.key, grid.panel.dataset, grid.panel.architecture, line.row.label, column.label)
                shares = [
                    None if share is None else 100 * share for share in (cell.value, cell.low, cell.high, cell.spread)
                ]
                images = None if cell.scores is None else len(cell.scores)
                printed = [found.percent if found else None for found in (cell.printed, cell.printed_gain)]
                numbers = [*shares, images, printed[0], cell.difference, cell.gain, printed[1]]
                writer.writerow(
                    [
                        *about,
                        *("" if number is None else f"{number:.6g}" for number in numbers),
                        cell.mark,
                        MASKED if cell.is_masked else "",
                        cell.reason,
                        column.suite or grid.table.suite,
                        " ".join(cell.evaluations),
                        cell.printed.note if cell.printed else "",
                    ]
                )
    return file.getvalue()


def to_json(paper: Paper, settings: Sequence[PaperSetting], verdicts: Sequence[ClaimVerdict]) -> str:
    """What a list of papers' pages shows of this one."""
    counts = tallies(verdicts)
    about = {
        "name": paper.name,
        "title": paper.title,
        "source": paper.source,
        "dataset": " and ".join(setting.dataset for setting in settings),
        "images": settings[0].images,
        "claims": counts.get("paper", {}),
        "sanity": counts.get("sanity", {}),
    }
    return json.dumps(about, indent=1, ensure_ascii=False) + "\n"


def claims_csv(verdicts: Sequence[ClaimVerdict], printed: Mapping[str, PrintedNumbers] = MappingProxyType({})) -> str:
    """A row per claim and panel; `printed` is what the paper prints, by the claims' ids."""
    file = io.StringIO()
    writer = CsvWriter(file)
    writer.writerow(CLAIM_COLUMNS)
    for verdict in verdicts:
        panel = verdict.grid.panel if verdict.grid else None
        numbers = (verdict.difference, verdict.low, verdict.high, verdict.p, verdict.p_corrected)
        measured = verdict.difference is not None
        writer.writerow(
            [
                verdict.claim.id,
                verdict.claim.text,
                verdict.claim.family,
                verdict.claim.place,
                verdict.claim.exhibit,
                panel.dataset if panel else "",
                panel.architecture if panel else "",
                verdict.answer,
                *("" if number is None else f"{number:.4g}" for number in numbers),
                verdict.grid.images if verdict.grid and measured else "",
                verdict.seeds if measured else "",
                MASKED if verdict.is_masked else "",
                sum(part is not None for part in verdict.parts) if measured else "",
                sum(part.slack > 0 for part in verdict.parts if part) if measured else "",
                verdict.decisive.text if verdict.decisive else "",
                printed.get(verdict.claim.id, ""),
            ]
        )
    return file.getvalue()
