"""What a call does of a paper's work: what is missing, checked, and of that its part, dealt out by what it costs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from benchmark.data import load
from benchmark.errors import BadInput
from benchmark.papers.job_list import wanted_cells, with_bases
from benchmark.papers.radii import check_radii
from benchmark.papers.schema import Paper
from benchmark.papers.setting import PaperSetting
from benchmark.papers.work import Work, plan_work
from benchmark.parts import WHOLE, Part, deal
from benchmark.planning.effort import costs_of
from benchmark.planning.jobs import Job, JobList
from benchmark.planning.ledger_index import LedgerIndex
from benchmark.planning.networks import PlannedNetwork

#: A zoo without any checkpoint.
NOWHERE = Path("/dev/null/zoo")


@dataclass(frozen=True)
class Request:
    """Some tables and figures, and the labels of the rows to work for there; empty for all."""

    keys: tuple[str, ...]
    only: tuple[str, ...] = ()


@dataclass(frozen=True)
class Division:
    """Who does what of a paper, decided alike by all who do a part: whatever each has done, or knows, already.

    So it is dealt with the paper's own values. What takes a value that a figure chooses here goes to the part that
    has it with the paper's value, so that those who do not know the choice yet divide all else as those who do.

    Attributes:
        paper: which.
        requests, settings: all that the command asks for, and where.
        part: of that.
        download: whether data may be fetched to know how much there is of it.
    """

    paper: Paper
    requests: Sequence[Request]
    settings: Sequence[PaperSetting]
    part: Part = WHOLE
    download: bool = False

    def own(self, works: Sequence[Work], only: Collection[str] = ()) -> list[Work]:
        """Of the jobs of `works`, which are for the rows `only`, those that are in this part."""
        if self.part == WHOLE:
            return list(works)
        return [replace(work, jobs=JobList([*self._own(work, only)])) for work in works]

    def _own(self, work: Work, only: Collection[str]) -> Iterator[Job]:
        usual = self._usual_families(work, only) if work.setting.chosen else {}
        for job in work.jobs.jobs:
            own = (work.setting.dataset, job.family)
            dealt = self._dealt[own if own in self._dealt else (own[0], usual[job.family])]
            if dealt == self.part.number:
                yield job

    def _usual_families(self, work: Work, only: Collection[str]) -> dict[str, str]:
        """By the family of each network of `work` that of the one in its place with the paper's own values."""
        rows = with_bases(self.paper, work.keys, only)
        here, usual = (
            [*wanted_cells(self.paper, work.keys, setting, rows)]
            for setting in (work.setting, _as_published(work.setting))
        )
        found: dict[str, str] = {}
        for cell, other in zip(here, usual, strict=True):
            for one, instead in ((cell[2], other[2]), (cell[4], other[4])):
                if one and instead:
                    for family, usual_family in zip(_families(one), _families(instead), strict=False):
                        found.setdefault(family, usual_family)
        return found

    @cached_property
    def _dealt(self) -> dict[tuple[str, str], int]:
        """By dataset and family of jobs its part, as if nothing were done yet."""
        costs: dict[tuple[str, str], float] = {}
        settings = [_as_published(setting) for setting in self.settings]
        for request in self.requests:
            for work in plan_work(self.paper, request.keys, settings, LedgerIndex([]), NOWHERE, request.only):
                place = work.setting.dataset
                with suppress(BadInput):  # whoever needs it says what is wrong with it
                    load(place, data_dir=work.setting.data_dir, download=self.download)
                for family, cost in costs_of(work.jobs.jobs, work.setting).items():
                    costs[place, family] = costs.get((place, family), 0.0) + cost
        return deal(costs, self.part.of)


def _as_published(setting: PaperSetting) -> PaperSetting:
    return replace(setting, chosen=())


def _families(network: PlannedNetwork) -> Iterator[str]:
    """Of a network and all that it learns from, beginning with its own."""
    return (each.family for each in reversed([*network.lineage()]))


@dataclass(frozen=True)
class Planner:
    """Plans what is to be done of `paper`.

    Attributes:
        paper, zoo: what, and where checkpoints are.
        division: which part of all jobs.
        note: told about checkpoints that are there and are none of these networks.
    """

    paper: Paper
    zoo: Path
    division: Division
    note: Callable[[str], None] = lambda message: None

    def works(self, request: Request, settings: Sequence[PaperSetting], index: LedgerIndex) -> list[Work]:
        """What is missing for a request, of this part.

        Raises:
            BadInput: a suite or a training lacks a radius.
        """
        works = plan_work(self.paper, request.keys, settings, index, self.zoo, request.only, self.note)
        for work in works:
            check_radii(self.paper, work.keys, work.setting, work.jobs)
        return self.division.own(works, request.only)
