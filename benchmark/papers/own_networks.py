"""Networks of the caller's in place of trainings: the authors' own files, or what was trained elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmark.errors import BadInput, unknown
from benchmark.models import load_checkpoint
from benchmark.models.sources import SOURCES
from benchmark.papers.schema import Paper, split_run
from benchmark.planning.networks import PlannedNetwork

#: ("run" or "run/network", what takes its place), in the order in which they were said.
OwnNetworks = tuple[tuple[str, PlannedNetwork], ...]


def read_own_networks(
    paper: Paper, asked: Sequence[str] | Mapping[str, str | Path], datasets: Sequence[str]
) -> dict[str, OwnNetworks]:
    """By dataset the networks with what they take the place of, from words such as "at-msd=zoo/msd.pt".

    A file is told by its content from now on: a result counts only if it is of these very weights. One that was
    trained on some of several `datasets` takes the place of a training on these alone.

    Raises:
        BadInput: a word is no such pair, the paper asks for no such network, or the file is no checkpoint.
    """
    pairs = asked.items() if isinstance(asked, Mapping) else [_pair(word) for word in asked]
    found: dict[str, dict[str, PlannedNetwork]] = {dataset: {} for dataset in datasets}
    places = _places(paper)
    for reference, source in pairs:
        if reference not in places:  # nothing would ask for it, and a training would be done all the same
            near = {each for each in places if split_run(each)[0] == split_run(reference)[0]}
            raise unknown("network", reference, near or places, f"paper {paper.name}, --network")
        network, trained_on = _network(str(source))
        for dataset in [each for each in datasets if each == trained_on] or datasets:
            if reference in found[dataset]:
                where = f" for {dataset}" if len(datasets) > 1 else ""
                raise BadInput(f"--network {reference} is given twice{where}")
            found[dataset][reference] = network
    return {dataset: tuple(own.items()) for dataset, own in found.items()}


def _places(paper: Paper) -> set[str]:
    """ "run", or "run/network" of several, of every network that a row, a column or a training asks for."""
    found = {teacher for run in paper.runs.values() for teacher in run.teachers}
    for table in paper.exhibits.values():
        found |= {column.source for column in table.columns if column.source}
        for row in table.rows:
            run, network = split_run(row.run or "")
            network = network or row.network
            found.add(f"{run}/{network}" if network else run)
    return found - {""}


def _pair(word: str) -> tuple[str, str]:
    reference, is_pair, source = word.partition("=")
    if not (reference and is_pair and source):
        raise BadInput(f"--network {word}: name a run of the paper and its network, such as at-msd=zoo/msd.pt")
    return reference, source


def _network(source: str) -> tuple[PlannedNetwork, str]:
    """The network, and the data that it was trained on, "" where that is not known."""
    if source.partition(":")[0] in SOURCES and ":" in source:
        return PlannedNetwork(source), ""
    checkpoint = load_checkpoint(source)
    network = PlannedNetwork(Path(source).stem, source=source, digest=checkpoint.digest)
    return network, checkpoint.dataset
