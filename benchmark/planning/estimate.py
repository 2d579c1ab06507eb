"""How long jobs will take: from what the same or a like job took before, else from a short probe on this machine."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import torch

from benchmark.data import Dataset, load
from benchmark.errors import BadInput
from benchmark.evaluation import load_suite
from benchmark.evaluation.cost import passes_of
from benchmark.ledger import Evaluation
from benchmark.methods.method import BoundMethod
from benchmark.methods.objectives import mmard
from benchmark.models import build
from benchmark.moved import look_up
from benchmark.planning.jobs import EvaluationQuery, Job
from benchmark.planning.networks import TrainingRun
from benchmark.planning.setting import Setting
from benchmark.recipes.recipe import Recipe
from benchmark.scales import UNSAID, Radii
from benchmark.suites.files import fitting
from benchmark.training.plan import decide

#: How long the probe looks, in seconds, and on how many images at once.
PROBE_SECONDS, PROBE_IMAGES = 0.5, 64


@dataclass(frozen=True)
class Estimate:
    """Seconds a job will take, and what that is based on; None where nothing is known."""

    seconds: float | None
    basis: str


@dataclass
class TimeEstimate:
    """Estimates for the jobs of a setting.

    Attributes:
        evaluations: all of the ledger; their costs and their networks' histories are what was measured.
        setting: where the jobs run.
        speeds: seconds for one image's gradient, by architecture and dataset, as far as looked up.
    """

    evaluations: Iterable[Evaluation]
    setting: Setting
    speeds: dict[tuple[str, str], Estimate] = field(default_factory=dict)

    def estimate(self, job: Job) -> Estimate:
        """How long `job` will take."""
        try:
            if job.query:
                return self._evaluation(job, job.query)
            return self._training(job.network.training) if job.network.training else Estimate(None, "")
        except BadInput as error:
            return Estimate(None, f"no estimate: {error}")

    def _training(self, training: TrainingRun) -> Estimate:
        for card in self._cards:
            if job_of(card) == (training.method, training.architecture, training.dataset, training.recipe):
                return Estimate(seconds_of(card), f"duration of an earlier run ({card['name']})")
        speed = self._speed(training.architecture, training.dataset)
        seconds = gradients_of(training, self.data, self.setting.radii) * (speed.seconds or 0.0)
        for teacher in training.teachers:
            if teacher.training:
                passes = teacher_passes_of(training, self.data, self.setting.radii)
                seconds += passes * (self._speed(teacher.training.architecture, training.dataset).seconds or 0.0)
        return Estimate(seconds, speed.basis)

    def _evaluation(self, job: Job, query: EvaluationQuery) -> Estimate:
        suite = load_suite(query.suite, self.setting.preset, fitting(self.setting.radii, query.suite).of(self.data))
        images = self.setting.images or min(suite.images, len(self.data.test))
        training = job.network.training
        architecture = training.architecture if training else ""
        for found in self.evaluations:
            if (found.suite["name"], found.suite["preset"]) == (suite.name, suite.preset) and found.model.get(
                "architecture"
            ) == architecture:
                spent = sum(outcome.costs.get("seconds", 0.0) for outcome in found.outcomes)
                return Estimate(spent * images / len(found.clean_errors), f"measured on {found.name}")
        speed = self._speed(architecture or "resnet18", self.setting.dataset)
        return Estimate(passes_of(suite) * images * (speed.seconds or 0.0), speed.basis)

    def _speed(self, architecture: str, dataset: str) -> Estimate:
        """Seconds for one image's gradient: from a recorded training of the same network, else from a probe."""
        if (architecture, dataset) not in self.speeds:
            for card in self._cards:
                method, of, on, recipe = job_of(card)
                if (of, on) == (architecture, dataset):
                    like = TrainingRun("", method, on, of, recipe, 0)
                    seconds = seconds_of(card) / gradients_of(like, self.data, self.setting.radii)
                    self.speeds[architecture, dataset] = Estimate(
                        seconds, f"from the recorded speed of {card['name']}"
                    )
                    break
            else:
                self.speeds[architecture, dataset] = Estimate(
                    probe(architecture, self.data), "from a short probe here"
                )
        return self.speeds[architecture, dataset]

    @cached_property
    def data(self) -> Dataset:
        """The setting's dataset.

        Raises:
            BadInput: it is not here.
        """
        return load(self.setting.dataset, data_dir=self.setting.data_dir)

    @cached_property
    def _cards(self) -> list[dict[str, Any]]:
        """What is known about networks whose training was timed."""
        cards = {found.model["digest"]: found.model for found in self.evaluations}
        return [card for card in cards.values() if card.get("history") and (card.get("recipe") or {}).get("name")]


def job_of(card: dict[str, Any]) -> tuple[str, str, str, str]:
    """(method, architecture, dataset, recipe) of a network's training."""
    return card["method"], card["architecture"], card["dataset"], card["recipe"]["name"]


def seconds_of(card: dict[str, Any]) -> float:
    """How long a network's training took, without its validation."""
    told = (row.get("seconds") for row in card["history"])
    return sum(float(seconds) for seconds in told if isinstance(seconds, int | float) and seconds > 0)


def gradients_of(training: TrainingRun, data: Dataset, radii: Radii = UNSAID) -> float:
    """How many images' gradients a training computes: those of its attacks, and one per image and network.

    Raises:
        BadInput: its method or recipe is unknown.
    """
    recipe, bound = _decided(training, data, radii)
    total = 0
    for member in bound.cohort.members:
        norms = (member.norm,) if member.norm else bound.inner.norms
        is_attacked = member.attacked and bound.inner.objective is not None
        total += 1 + sum(recipe.threats[norm].steps for norm in norms if norm in recipe.threats) * is_attacked
    return float(total * recipe.epochs * len(data.train))


def teacher_passes_of(training: TrainingRun, data: Dataset, radii: Radii = UNSAID) -> float:
    """How often a training asks each teacher, a pass forward counting as half a gradient."""
    recipe, bound = _decided(training, data, radii)
    objective = bound.inner.objective
    is_asked_in_every_step = isinstance(objective, partial) and objective.func is mmard
    steps = recipe.threats["linf"].steps if is_asked_in_every_step else 0.5
    return float(steps * recipe.epochs * len(data.train))


def _decided(training: TrainingRun, data: Dataset, radii: Radii) -> tuple[Recipe, BoundMethod]:
    replaced = training.inner, training.outer, radii
    return decide(training.method, data, training.architecture, training.recipe, training.settings, *replaced)


def probe(architecture: str, data: Dataset) -> float:
    """Seconds that the gradient of one image takes here, with random weights.

    It is the best of many tries by the clock of this thread, so that what others compute meanwhile does not count.
    """
    network = build(architecture, num_classes=data.num_classes, shape=data.shape, mean=data.mean, std=data.std)
    network.eval().requires_grad_(False)
    x = torch.rand(PROBE_IMAGES, *data.shape)

    def once() -> None:
        leaf = x.clone().requires_grad_()
        network(leaf).logsumexp(1).sum().backward()

    once()
    tries: list[float] = []
    end = time.perf_counter() + PROBE_SECONDS
    while not tries or time.perf_counter() < end:
        start = time.thread_time()
        once()
        tries.append(time.thread_time() - start)
    return min(tries) / PROBE_IMAGES


def __getattr__(name: str) -> object:
    return look_up(__name__, name)
