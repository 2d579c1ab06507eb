"""What a call does of a paper's work: what is missing, checked, and of that its part, dealt out by what it costs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from benchmark.data import load
from benchmark.errors import BadInput
from benchmark.papers.radii import check_radii
from benchmark.papers.schema import Paper
from benchmark.papers.setting import PaperSetting
from benchmark.papers.work import Work, plan_work
from benchmark.parts import WHOLE, Part, deal
from benchmark.planning.effort import costs_of
from benchmark.planning.jobs import JobList
from benchmark.planning.ledger_index import LedgerIndex

#: A zoo without any checkpoint.
NOWHERE = Path("/dev/null/zoo")


@dataclass(frozen=True)
class Planner:
    """Plans what is to be done of `paper`.

    Attributes:
        paper, zoo: what, and where checkpoints are.
        part: of all jobs; those who do the others divide alike, whatever each has done already.
        download: whether data may be fetched to know how much there is of it.
        note: told about checkpoints that are there and are none of these networks.
    """

    paper: Paper
    zoo: Path
    part: Part = WHOLE
    download: bool = False
    note: Callable[[str], None] = lambda message: None

    def works(
        self,
        keys: Collection[str],
        settings: Sequence[PaperSetting],
        index: LedgerIndex,
        only: Collection[str] = (),
    ) -> list[Work]:
        """What is missing for the tables `keys`, of this part; arguments as those of `plan_work`.

        Raises:
            BadInput: a suite or a training lacks a radius.
        """
        works = plan_work(self.paper, keys, settings, index, self.zoo, only, self.note)
        for work in works:
            check_radii(self.paper, work.keys, work.setting, work.jobs)
        if self.part == WHOLE:
            return works
        everything = plan_work(self.paper, keys, settings, LedgerIndex([]), NOWHERE, only)
        return share_of(works, everything, self.part, self.download)


def share_of(works: Sequence[Work], everything: Sequence[Work], part: Part, download: bool = False) -> list[Work]:
    """Of the jobs of `works` those that are in `part`; `everything` is to be done where nothing is done yet."""
    costs: dict[tuple[str, str], float] = {}
    for work in everything:
        setting = work.setting
        with suppress(BadInput):  # whoever needs it says what is wrong with it
            load(setting.dataset, data_dir=setting.data_dir, download=download)
        costs |= {(setting.dataset, family): cost for family, cost in costs_of(work.jobs.jobs, setting).items()}
    dealt = deal(costs, part.of)

    def own(work: Work) -> JobList:
        place = work.setting.dataset
        return JobList([job for job in work.jobs.jobs if dealt[place, job.family] == part.number])

    return [replace(work, jobs=own(work)) for work in works]
