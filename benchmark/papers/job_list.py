"""What is still to be done for the tables of a paper."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.moved import look_up
from benchmark.papers.cells import scores
from benchmark.papers.networks import find_network
from benchmark.papers.schema import Paper, TableColumn
from benchmark.papers.setting import PaperSetting
from benchmark.planning.jobs import EvaluationQuery, Job, JobList, missing_trainings
from benchmark.planning.ledger_index import LedgerIndex
from benchmark.planning.networks import PlannedNetwork
from benchmark.planning.runs import Zoo


def make_job_list(
    paper: Paper,
    keys: Collection[str],
    setting: PaperSetting,
    index: LedgerIndex,
    zoo: Path,
    only: Collection[str] = (),
    note: Callable[[str], None] = lambda message: None,
) -> JobList:
    """What is missing for the tables and figures `keys`.

    Args:
        paper, keys, setting: what is asked for.
        index: what the ledger has already.
        zoo: where checkpoints are.
        only: labels of the rows to work for, with those that they are compared with or average; empty for all.
        note: told about checkpoints that are there and are none of these networks.
    """
    evaluations = [*_evaluations(paper, keys, setting, index, with_bases(paper, keys, only))]
    needed = ((network, job.rows) for job in evaluations for network in job.lineage())
    return JobList([*missing_trainings(needed, Zoo(zoo, index.runs(setting), note)), *evaluations])


def with_bases(paper: Paper, keys: Collection[str], only: Collection[str]) -> set[str]:
    """The rows `only`, with those that they are compared with or average."""
    wanted = set(only)
    found: set[str] = set()
    while wanted - found:
        found |= wanted
        for key in keys:
            for row in paper.exhibits[key].rows:
                if row.label in found:
                    wanted |= {*row.mean_of, *([row.gains_over] if row.gains_over else [])}
    return found


@dataclass
class _Wanted:
    """What the cells of all tables together ask about one network."""

    network: PlannedNetwork
    query: EvaluationQuery
    rows: str
    columns: list[TableColumn] = field(default_factory=list)

    def is_known(self, index: LedgerIndex, setting: PaperSetting) -> bool:
        found = index.find(self.network, self.query, setting)
        return found is not None and all(scores(found, column) is not None for column in self.columns)


def _evaluations(
    paper: Paper, keys: Collection[str], setting: PaperSetting, index: LedgerIndex, only: Collection[str]
) -> Iterator[Job]:
    """The evaluations that are missing; what is crafted on one network is tried on all its targets in one job."""
    wanted: dict[tuple[PlannedNetwork, str, PlannedNetwork | None], _Wanted] = {}
    for key, row, network, column, source in wanted_cells(paper, keys, setting, only):
        table = paper.exhibits[key]
        suite = column.suite or table.suite
        first = _Wanted(network, EvaluationQuery(suite, table.mode, source), f"{key}/{row}")
        each = wanted.setdefault((network, suite, source), first)
        if table.mode == "complete":
            each.query = EvaluationQuery(suite, "complete", source)
        each.columns.append(column)
    crafted: dict[tuple[PlannedNetwork, str, str | None], list[_Wanted]] = {}
    for each in wanted.values():
        if each.is_known(index, setting):
            continue
        if each.query.source:
            obstacle = each.query.source.obstacle() or each.network.obstacle()
            crafted.setdefault((each.query.source, each.query.suite, obstacle), []).append(each)
        else:
            yield Job(each.network, each.query, each.rows, obstacle=each.network.obstacle())
    for (source, _, obstacle), group in crafted.items():
        yield Job(source, group[0].query, group[0].rows, tuple(each.network for each in group), obstacle)


def wanted_cells(
    paper: Paper, keys: Collection[str], setting: PaperSetting, only: Collection[str]
) -> Iterator[tuple[str, str, PlannedNetwork, TableColumn, PlannedNetwork | None]]:
    """(table, row, network, column, source) of every cell that is asked for and has a network."""
    for key in keys:
        table = paper.exhibits[key]
        for panel in setting.panels(table):
            for row in table.rows:
                asked = (panel.rows is None or row.label in panel.rows) and (not only or row.label in only)
                for seed in setting.seeds if row.run and asked else ():
                    network = find_network(paper, str(row.run), setting, panel.architecture, seed, row.network)
                    for column in table.columns if network else ():
                        source = column.source and find_network(
                            paper, column.source, setting, panel.architecture, seed
                        )
                        if network:
                            yield key, row.label, network, column, source or None


def __getattr__(name: str) -> object:
    return look_up(__name__, name)
