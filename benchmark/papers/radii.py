"""Whether a paper's tables can have their radii on the data at hand, asked before anything is trained."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress

from benchmark.data import Dataset, load
from benchmark.errors import BadInput
from benchmark.evaluation import load_suite
from benchmark.papers.schema import Paper
from benchmark.papers.setting import PaperSetting
from benchmark.planning.jobs import JobList
from benchmark.recipes.threat_rows import TRAINED
from benchmark.suites.files import fitting, open_norms
from benchmark.training.decision import decide


def check_radii(paper: Paper, keys: Collection[str], setting: PaperSetting, jobs: JobList) -> None:
    """Raise `BadInput` if a suite or a training of the tables `keys` lacks a radius; all of them are named.

    Data that is not here yet has radii of its own, unless it is said by name where to take them.
    """
    suites = sorted(set(_suites(paper, keys, setting)))
    for norm, _ in setting.radii.own:
        if norm not in TRAINED and not any(norm in open_norms(suite) for suite in suites):
            raise BadInput(f"--epsilon {norm}: nothing in these tables takes a radius in {norm}")
    data: Dataset | None = None
    with suppress(BadInput):  # whoever needs it says what is wrong with it
        data = load(setting.dataset, data_dir=setting.data_dir)
    if data is None:
        return
    problems: dict[str, None] = {}
    for suite in suites:
        try:
            load_suite(suite, setting.preset, fitting(setting.radii, suite).of(data))
        except BadInput as error:
            problems[str(error)] = None
    for job in jobs.possible if not setting.radii.of(data).scale else ():
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
                    setting.radii,
                )
            except BadInput as error:
                problems[str(error)] = None
    if problems:
        raise BadInput("\n".join(problems))


def _suites(paper: Paper, keys: Collection[str], setting: PaperSetting) -> Iterator[str]:
    """The suites of the tables and figures that are measured here."""
    for key in keys:
        table = paper.exhibits[key]
        if setting.panels(table):
            yield from (column.suite or table.suite for column in table.columns)
