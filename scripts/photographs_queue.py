"""The runs of photographs_runs.yaml: what they are, how far each is, and one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from photographs_records import Records
from pictures import smaller_tree
from pydantic import Field, model_validator

import benchmark
from benchmark.cache import cache_root
from benchmark.data import Dataset, Split, load
from benchmark.data.orders import stratified
from benchmark.documents import Schema, read_document
from benchmark.models import load_checkpoint
from benchmark.recipes.recipe import RECIPES
from benchmark.training.decision import decide
from benchmark.training.passes import passes_of_training
from benchmark.training.state import begun, state_path

HERE = Path(__file__).parent

RUNS = HERE / "photographs_runs.yaml"

#: What cards and tables call the recipe beside this file, and the pictures.
RECIPE, DATA = "photographs", "cifar10-small"


class Run(Schema):
    """One training: `bench train` with these arguments."""

    name: str
    method: str
    set: dict[str, Any] = Field(default_factory=dict)
    arch: str | None = None
    teacher: str | None = None
    seed: int = 0

    @property
    def full_name(self) -> str:
        """With the seed, as the reports' statistics expect it."""
        return f"{self.name}-seed-{self.seed}"


class Images(Schema):
    """Pictures of each class at most: to train on, to select checkpoints by, to attack."""

    train: int = Field(ge=1)
    held_out: int = Field(ge=1)
    test: int = Field(ge=1)


class Claim(Schema):
    """That the method `first` is above `second` by a metric; both are names of checkpoints without the seed."""

    first: str
    second: str
    metric: str


class Runs(Schema):
    """The file photographs_runs.yaml."""

    arch: str
    images: Images
    unattacked: list[str] = Field(default_factory=list)
    union: list[str] = Field(default_factory=list)
    union_images: int = Field(default=2000, ge=1)
    transfer: list[str] = Field(default_factory=list)
    claims: list[Claim] = Field(default_factory=list)
    runs: list[Run]

    @model_validator(mode="after")
    def _in_order(self) -> Runs:
        known: set[str] = set()
        for run in self.runs:
            if run.full_name in known:
                raise ValueError(f"{run.full_name} is there twice")
            if run.teacher and f"{run.teacher}-seed-{run.seed}" not in known:
                raise ValueError(f"{run.full_name} has the teacher {run.teacher}, which is not trained before it")
            known.add(run.full_name)
        return self


class Queue:
    """All runs, in a folder.

    Args:
        pictures: CIFAR-10 as a folder or an archive, see `pictures.picture_tree`.
        work: the folder: checkpoints in zoo/, the ledger in results/.
        records: where what is measured is kept; a run of which it is needs no weights any more.
        runs: the YAML file.
        recipe: the YAML file.
        settings: changes of the recipe for all runs, to try things out.
    """

    def __init__(
        self,
        pictures: str,
        work: Path,
        records: Path,
        runs: Path = RUNS,
        recipe: Path = HERE / "photographs_recipe.yaml",
        settings: dict[str, Any] | None = None,
    ) -> None:
        self.content = read_document(runs, Runs).content
        self.pictures, self.work, self.recipe, self.settings = pictures, work, recipe, settings or {}
        self.records = Records(records)

    @property
    def zoo(self) -> Path:
        return self.work / "zoo"

    @cached_property
    def data(self) -> Dataset:
        """The pictures, under a name without any machine's paths.

        More are held out than usual: the best epoch is not told apart from the others by a few hundred images.
        """
        asked = self.content.images
        both = asked.train + asked.held_out
        loaded = load(f"folder:{smaller_tree(self.pictures, cache_root(), {'train': both, 'test': asked.test})}")
        parts = loaded.train, loaded.validation
        images, labels = (torch.cat([getattr(part, name) for part in parts]) for name in ("images", "labels"))
        training, held_out = stratified(labels, asked.held_out / both)
        published = Split(images, labels)
        return replace(loaded, name=DATA, scale="cifar10", train=published[training], validation=published[held_out])

    def train(self, run: Run) -> list[Path]:
        """The checkpoints of `run`; what is there is not made again, and what is begun is gone on with."""
        teachers = [self.zoo / f"{run.teacher}-seed-{run.seed}.pt"] if run.teacher else []
        with RECIPES.lent(RECIPE, self.recipe):
            return benchmark.train(
                run.method,
                dataset=self.data,
                arch=run.arch or self.content.arch,
                recipe=RECIPE,
                set={**self.settings, **run.set},
                teacher=teachers,
                seed=run.seed,
                out=self.zoo,
                name=run.full_name,
                device="cpu",
                resume=None,
            )

    def paths(self, run: Run) -> list[Path]:
        """Its checkpoints: of the networks in their order the best ones; there may be none of them yet."""
        found = self.zoo.glob(f"{run.full_name}*.pt")
        mine = [path for path in found if path.stem == run.full_name or path.stem.startswith(f"{run.full_name}-")]
        return sorted(mine)

    def is_trained(self, run: Run) -> bool:
        """Whether its checkpoints are there: they are written when all is done."""
        return bool(self.paths(run))

    def attacked(self, run: Run) -> list[Path]:
        """The checkpoints of `run` that are to be attacked."""
        return [p for p in self.paths(run) if not any(fnmatch(p.stem, each) for each in self.content.unattacked)]

    def is_measured(self, run: Run) -> bool:
        """Whether all attacks on its networks are done and kept."""
        return self.records.has(run.full_name)

    def is_needed(self, run: Run) -> bool:
        """Whether its weights are still to be made: for attacks on them, or for a student."""
        students = (other for other in self.content.runs if (other.teacher, other.seed) == (run.name, run.seed))
        open_runs = [run, *students]
        return not self.is_trained(run) and not all(self.is_measured(each) for each in open_runs)

    def state(self, run: Run) -> Path:
        """Where training keeps what it needs to go on."""
        return state_path(self.zoo, run.full_name)

    def epochs(self, run: Run) -> int:
        """How many epochs of an unfinished run are behind."""
        found = begun(self.state(run), strict=False)
        return found.epoch if found else 0

    def gradients(self, run: Run) -> float:
        """Images' gradients of the training, in those of the usual network."""
        arch, teacher = run.arch or self.content.arch, self._teacher(run)
        with RECIPES.lent(RECIPE, self.recipe):
            recipe, bound = decide(run.method, self.data, arch, RECIPE, {**self.settings, **run.set})
        passes = passes_of_training(bound, recipe, len(self.data.train), len(self.data.validation))
        total = sum(sum(each.counts) for each in passes.members) * WEIGHTS.get(arch, 1.0)
        if teacher:
            total += sum(sum(each.counts) for each in passes.teachers) * WEIGHTS.get(teacher.arch or "", 1.0)
        return total / 2  # forwards and backwards

    def hours(self) -> Iterator[tuple[Run, float, float | None]]:
        """Each run, the share of it that is done, and the hours that the rest takes at the speed so far."""
        measured = [(self.gradients(run), seconds) for run in self.content.runs if (seconds := self.seconds(run))]
        rate = sum(s for _, s in measured) / sum(g for g, _ in measured) / 3600 if measured else None
        for run in self.content.runs:
            share = 1.0 if self.is_trained(run) or self.is_measured(run) else self.epochs(run) / self._epochs(run)
            left = None if rate is None else rate * self.gradients(run) * (1 - share)
            yield run, share, left

    def seconds(self, run: Run) -> float | None:
        """What its training took; None while it is not finished."""
        paths = self.paths(run)
        if paths:
            return float(load_checkpoint(paths[0]).extra["seconds"])
        kept = next(self.records.evaluations([run.full_name]), None)
        return kept and float(kept.model["extra"]["seconds"])

    def _epochs(self, run: Run) -> int:
        with RECIPES.lent(RECIPE, self.recipe):
            arch, settings = run.arch or self.content.arch, {**self.settings, **run.set}
            return decide(run.method, self.data, arch, RECIPE, settings)[0].epochs

    def _teacher(self, run: Run) -> Run | None:
        return next((r for r in self.content.runs if r.name == run.teacher and r.seed == run.seed), None)


#: What a gradient costs in those of resnet10-slim, measured on a core with AVX-512.
WEIGHTS = {"resnet10-slim-x2": 2.7}
