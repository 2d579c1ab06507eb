"""The files of a paper's page: tables as CSV and LaTeX, claims, the page itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmark.papers import choice, disagreement, epochs, method_tables, overlap
from benchmark.papers.claim_printed import printed_numbers
from benchmark.papers.claims import ClaimVerdict
from benchmark.papers.grid import TableGrid, printed_grids
from benchmark.papers.html import page
from benchmark.papers.latex_tables import caption_of, methods_latex, printed_latex, to_latex
from benchmark.papers.published import Published
from benchmark.papers.schema import Paper
from benchmark.papers.setting import PaperSetting
from benchmark.papers.text import claims_csv, to_csv, to_json
from benchmark.papers.titles import file_of
from benchmark.planning.plot import plot_of
from benchmark.plots.plot import FILE, Plot
from benchmark.plots.plot import to_json as plots_json
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

    def label(key: str) -> str:
        return f"{paper.name}-{file_of(key)}-{datasets}"

    for key, panels in grids.items():
        if not panels:
            continue
        table, stem = paper.exhibits[key], target / file_of(key)
        caption = caption_of(paper, key, table.title, f", reproduced on {datasets}")
        write_atomic(stem.with_suffix(".csv"), to_csv(panels))
        write_atomic(stem.with_suffix(".tex"), to_latex(panels, caption, label(key)))
        if table.overlap:
            write_atomic(target / f"{stem.name}-overlap.csv", overlap.to_csv(panels))
        if table.confusion:
            write_atomic(target / f"{stem.name}-confusion.csv", disagreement.to_csv(panels))
        if table.epochs:
            write_atomic(target / f"{stem.name}-epochs.csv", epochs.to_csv(panels))
        if table.choice:
            write_atomic(target / f"{stem.name}-choice.csv", choice.to_csv(paper, panels))
    printed = {key: printed_grids(paper, key, published) for key in paper.exhibits}
    for key, panels in printed.items():
        if panels:
            caption = caption_of(paper, key, paper.exhibits[key].title, ", as printed")
            file = target / f"{file_of(key)}-printed.tex"
            write_atomic(file, printed_latex(panels, caption, f"{paper.name}-{file_of(key)}-printed"))
    said = {claim.id: printed_numbers(claim, printed) for claim in paper.claims}
    write_atomic(target / "claims.csv", claims_csv(verdicts, said))
    for key, methods in paper.method_tables.items():
        caption = caption_of(paper, key, methods.title, ", by the methods as they are defined here")
        write_atomic(target / f"{file_of(key)}.csv", method_tables.to_csv(methods))
        write_atomic(target / f"{file_of(key)}.tex", methods_latex(methods, caption, label(key)))
    plots = _plots(paper, grids)
    if plots or (target / FILE).exists():
        write_atomic(target / FILE, plots_json(plots))
    html = page(paper, settings, grids, published, verdicts, command, failures, site_root(target))
    write_atomic(target / "paper.json", to_json(paper, settings, verdicts))
    return write_atomic(target / "index.html", html)


def _plots(paper: Paper, grids: Mapping[str, Sequence[TableGrid]]) -> list[Plot]:
    """The figures as data: `bench report --format figures` draws them for a paper."""
    found = []
    for key, panels in grids.items():
        for panel in panels:
            where = f"{panel.panel.dataset}-{panel.panel.architecture}"
            caption = caption_of(paper, key, panel.table.title, f", reproduced on {where.replace('-', ', ', 1)}")
            stem = f"{paper.name}-{file_of(key)}-{where}"
            found.append(plot_of(panel.plain, stem, caption))
            if panel.table.epochs:
                found.append(epochs.plot_courses(panel, f"{stem}-epochs", caption))
    return [plot for plot in found if plot]
