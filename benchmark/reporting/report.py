"""The public door of the reporting room: a ledger in, a folder of pages and tables out."""

from __future__ import annotations

from pathlib import Path

from benchmark.evaluation import Ledger
from benchmark.reporting.html import index_page
from benchmark.reporting.tables import attacks_frame, boards, leaderboard_frame
from benchmark.storage import write_atomic


def report(*, results: str | Path = "results", out: str | Path = "reports") -> Path:
    """Write `index.html`, `leaderboard.csv` and `attacks.csv`: a function of the ledger and of nothing else.

    Args:
        results: the folder of the ledger; one that does not exist gives a page that says how to fill it.
        out: the folder to write to.

    Returns:
        The path of the page.

    Raises:
        BadInput: the ledger was written by another version, or the folder can't be written.
    """
    ledger = Ledger.open(results)
    found = boards(ledger.evaluations())
    out = Path(out)
    write_atomic(out / "leaderboard.csv", leaderboard_frame(found).to_csv(index=False))
    write_atomic(out / "attacks.csv", attacks_frame(found).to_csv(index=False))
    return write_atomic(out / "index.html", index_page(found, ledger))
