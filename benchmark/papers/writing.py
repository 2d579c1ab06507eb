"""The files of a paper's page: tables as CSV and LaTeX, claims, the page itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmark.papers import choice, disagreement, epochs, overlap
from benchmark.papers.claim_printed import printed_numbers
from benchmark.papers.claims import ClaimVerdict
from benchmark.papers.grid import TableGrid, printed_grids
from benchmark.papers.html import page
from benchmark.papers.method_tables import files_of
from benchmark.papers.published import Published
from benchmark.papers.schema import Paper
from benchmark.papers.setting import PaperSetting
from benchmark.papers.text import claims_csv, to_csv, to_json, to_latex
from benchmark.papers.titles import file_of, title_of
from benchmark.reporting.pages import site_root
from benchmark.storage import write_atomic


def write_files(
    paper: Paper,
    settings: Sequence[PaperSetting],
    grids: Mapping[str, Sequence[TableGrid]],
    published: Published,
    verdicts: Sequence[ClaimVerdict],
    command: str,
    failures: Sequence[str],
    target: Path,
) -> Path:
    """Write the page of `paper` and all files beside it to the folder `target`; arguments as those of `html.page`."""
    datasets = " and ".join(setting.dataset for setting in settings)
    for key, panels in grids.items():
        if not panels:
            continue
        table, stem = paper.exhibits[key], target / file_of(key)
        caption = f"{title_of(key)} of {paper.name} on {datasets}: {table.title}."
        write_atomic(stem.with_suffix(".csv"), to_csv(panels))
        write_atomic(stem.with_suffix(".tex"), to_latex(panels, caption))
        if table.overlap:
            write_atomic(target / f"{stem.name}-overlap.csv", overlap.to_csv(panels))
        if table.confusion:
            write_atomic(target / f"{stem.name}-confusion.csv", disagreement.to_csv(panels))
        if table.epochs:
            write_atomic(target / f"{stem.name}-epochs.csv", epochs.to_csv(panels))
        if table.choice:
            write_atomic(target / f"{stem.name}-choice.csv", choice.to_csv(paper, panels))
    printed = {key: printed_grids(paper, key, published) for key in paper.exhibits}
    said = {claim.id: printed_numbers(claim, printed) for claim in paper.claims}
    write_atomic(target / "claims.csv", claims_csv(verdicts, said))
    for file, text in files_of(paper).items():
        write_atomic(target / file, text)
    html = page(paper, settings, grids, published, verdicts, command, failures, site_root(target))
    write_atomic(target / "paper.json", to_json(paper, settings, verdicts))
    return write_atomic(target / "index.html", html)
