"""The public function of the reporting package: a ledger in, a folder of pages and tables out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmark.analysis.labels import labels_of
from benchmark.arguments import checked_arguments
from benchmark.errors import notice
from benchmark.ledger import Ledger
from benchmark.ledger.marker import check_apart
from benchmark.own.trust import trusts
from benchmark.reporting.formats import check_format, write
from benchmark.reporting.leaderboards import Leaderboard, leaderboards
from benchmark.reporting.selection import only
from benchmark.storage import check_writable


@trusts
@checked_arguments
def report(
    networks: Sequence[Any] | Any = None,
    *,
    results: str | Path = "results",
    out: str | Path = "reports",
    format: str = "html",
    rank_masked: bool = False,
    tell: Callable[[list[Leaderboard]], object] = lambda boards: None,
    trust_remote_code: bool = False,
) -> Path:
    """Write what the ledger says, as a function of the ledger and of nothing else.

    Damaged files are excluded, with a warning.

    "html" is the whole site: `index.html` with the leaderboards, a page for each network and suite, a glossary, and
    the numbers behind every table and figure as CSV and LaTeX. "figures" is a folder of figures for a paper, those of
    the papers' pages below `out` among them.

    Args:
        networks: only these, one or several: evaluations as `benchmark.evaluate` returns them, networks as
            `benchmark.compare` takes them, and folders of results, whose whole content is meant. None for all that is
            in `results`.
        results: the folder of the ledger; one that does not exist gives a page that says how to fill it.
        out: the folder to write to.
        format: "html", "csv", "latex", "figures", "markdown", "parquet" or "robustbench-json".
        rank_masked: whether networks with strong signs of gradient masking have a rank among the others.
        tell: gets the leaderboards when they are written.
        trust_remote_code: as for `benchmark.compare`.

    Returns:
        The path of what to look at first.

    Raises:
        BadInput: the ledger was written by another version, the folder can't be written or holds
            records, there is no such format,
            parquet is asked for without pyarrow, figures without matplotlib, or robustbench-json where nothing was
            measured as RobustBench does.
    """
    check_format(format)
    ledger = Ledger.open(results) if networks is None else only(networks, Ledger.open(results))
    check_apart(out, ledger.folder)
    folder = check_writable(out)
    evaluations = ledger.evaluations()
    found = leaderboards(evaluations, rank_masked, labels_of([*evaluations, *ledger.transfers()]))
    page = write(format, found, ledger, folder)
    tell(found)
    ledger.tell()
    if not found and not any((ledger.folder / "transfers").glob("*.json")):
        notice(f"there are no results in {ledger.folder}, so that the tables are empty; bench evaluate makes some")
    return page
