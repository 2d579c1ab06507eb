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


def read_own_networks(paper: Paper, asked: Sequence[str] | Mapping[str, str | Path]) -> OwnNetworks:
    """The networks by what they take the place of, from words such as "at-msd=zoo/msd.pt".

    A file is told by its content from now on: a result counts only if it is of these very weights.

    Raises:
        BadInput: a word is no such pair, the paper has no such run, or the file is no checkpoint.
    """
    pairs = asked.items() if isinstance(asked, Mapping) else [_pair(word) for word in asked]
    found: dict[str, PlannedNetwork] = {}
    for reference, source in pairs:
        run, _ = split_run(reference)
        if run not in paper.runs:
            raise unknown("run", run, paper.runs, f"paper {paper.name}, --network")
        if reference in found:
            raise BadInput(f"--network {reference} is given twice")
        found[reference] = _network(str(source))
    return tuple(found.items())


def _pair(word: str) -> tuple[str, str]:
    reference, is_pair, source = word.partition("=")
    if not (reference and is_pair and source):
        raise BadInput(f"--network {word}: name a run of the paper and its network, such as at-msd=zoo/msd.pt")
    return reference, source


def _network(source: str) -> PlannedNetwork:
    if source.partition(":")[0] in SOURCES and ":" in source:
        return PlannedNetwork(source)
    checkpoint = load_checkpoint(source)
    return PlannedNetwork(Path(source).stem, source=source, digest=checkpoint.digest)
