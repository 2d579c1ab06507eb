"""What there is to do for a paper, on one dataset or several, and on parts of them that some figures are about."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.papers.job_list import make_job_list
from benchmark.papers.schema import Paper
from benchmark.papers.setting import PaperSetting
from benchmark.planning.jobs import JobList
from benchmark.planning.ledger_index import LedgerIndex


@dataclass(frozen=True)
class Work:
    """The jobs of some tables and figures in one setting."""

    setting: PaperSetting
    keys: tuple[str, ...]
    jobs: JobList


def plan_work(
    paper: Paper,
    keys: Collection[str],
    settings: Sequence[PaperSetting],
    index: LedgerIndex,
    zoo: Path,
    only: Collection[str] = (),
    note: Callable[[str], None] = lambda message: None,
) -> list[Work]:
    """What is missing for the tables and figures `keys` in each setting; arguments as those of `make_job_list`."""
    found = []
    for setting in settings:
        by_setting: dict[PaperSetting, list[str]] = {}
        for key in keys:
            by_setting.setdefault(setting.of(paper.exhibits[key]), []).append(key)
        for own, some in by_setting.items():
            found.append(Work(own, tuple(some), make_job_list(paper, some, own, index, zoo, only, note)))
    return found
