"""Whether a paper's tables can have their radii on the data at hand, asked before anything is trained."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress

from benchmark.data import Dataset, load
from benchmark.errors import BadInput
from benchmark.evaluation import load_suite
from benchmark.papers.agenda import Agenda
from benchmark.papers.schema import Paper
from benchmark.papers.stage import Stage
from benchmark.recipes.threat_rows import TRAINED
from benchmark.suites.files import fitting, open_norms
from benchmark.training.plan import decide


def check_radii(paper: Paper, keys: Collection[str], stage: Stage, agenda: Agenda) -> None:
    """Raise `BadInput` if a suite or a training of the exhibits `keys` lacks a radius; all of them are named.

    Data that is not here yet has radii of its own, unless it is said by name where to take them.
    """
    suites = sorted(set(_suites(paper, keys, stage)))
    for norm, _ in stage.radii.own:
        if norm not in TRAINED and not any(norm in open_norms(suite) for suite in suites):
            raise BadInput(f"--epsilon {norm}: nothing in these tables takes a radius in {norm}")
    data: Dataset | None = None
    with suppress(BadInput):  # whoever needs it says what is wrong with it
        data = load(stage.dataset, data_dir=stage.data_dir)
    if data is None:
        return
    problems: dict[str, None] = {}
    for suite in suites:
        try:
            load_suite(suite, stage.preset, fitting(stage.radii, suite).of(data))
        except BadInput as error:
            problems[str(error)] = None
    for job in agenda.possible if not stage.radii.of(data).scale else ():
        training = job.network.training
        if job.trains and training:
            try:
                decide(
                    training.method,
                    data,
                    training.architecture,
                    training.recipe,
                    training.settings,
                    training.inner,
                    training.outer,
                    stage.radii,
                )
            except BadInput as error:
                problems[str(error)] = None
    if problems:
        raise BadInput("\n".join(problems))


def _suites(paper: Paper, keys: Collection[str], stage: Stage) -> Iterator[str]:
    """The suites of the exhibits that are measured here."""
    for key in keys:
        exhibit = paper.exhibits[key]
        if stage.panels(exhibit):
            yield from (column.suite or exhibit.suite for column in exhibit.columns)
