"""How long jobs will take: what the same job took here before, else its passes, at the speed of a probe here.

What nobody can know is unknown, and said with its reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Any

import torch

from benchmark.attacks import Attack
from benchmark.attacks.adapters.autoattack_passes import gradients_and_answers
from benchmark.data import Dataset, load
from benchmark.errors import BadInput
from benchmark.evaluation import load_suite
from benchmark.evaluation.cost import items_of, search_passes_of
from benchmark.evaluation.suite import Suite, SuiteItem
from benchmark.hardware import describe, resolve_device, resolve_precision
from benchmark.ledger import Evaluation
from benchmark.methods.method import BoundMethod
from benchmark.models import build, load_model
from benchmark.models.skeletons import skeleton
from benchmark.moved import look_up
from benchmark.planning.jobs import EvaluationQuery, Job
from benchmark.planning.networks import PlannedNetwork, TrainingRun
from benchmark.planning.setting import Setting
from benchmark.planning.speed import Speed, measure, own_work
from benchmark.recipes.recipe import Recipe
from benchmark.suites.files import fitting
from benchmark.training.decision import decide, registered_name
from benchmark.training.identity import card_facts, differences, facts, make_identity
from benchmark.training.passes import Passes, passes_of_training

#: How many images a pass of an evaluation has.
ATTACKED_AT_ONCE = 256

#: Norms in whose balls the own work of our attacks is that of a step of PGD, or little beside the network's.
BALLS = ("linf", "l2", "l1", "l0")

#: What two runs may differ in and still take the same time.
NO_MATTER = ("seed", "teachers", "data", "version", "dataset")


@dataclass(frozen=True)
class Estimate:
    """Seconds a job will take, and what that is based on; None where nothing is known, and why."""

    seconds: float | None
    basis: str


@dataclass
class TimeEstimate:
    """Estimates for the jobs of a setting.

    Attributes:
        evaluations: all of the ledger; their costs and their networks' histories are what was measured.
        setting: where the jobs run.
        device: on which device.
        speeds: by what a network is called, an architecture or the source of a published network, and its precision,
            as far as looked up.
    """

    evaluations: Iterable[Evaluation]
    setting: Setting
    device: str = "auto"
    speeds: dict[tuple[str, str], Speed] = field(default_factory=dict)
    _attacked: dict[tuple[str, str], list[Suite]] = field(default_factory=dict)
    _worked: dict[tuple[Attack, str], float] = field(default_factory=dict)

    def estimate(self, job: Job) -> Estimate:
        """How long `job` will take, after those that were asked for before: an attack is made once."""
        try:
            if job.query:
                return self._evaluation(job, job.query)
            return self._training(job.network.training) if job.network.training else Estimate(None, "")
        except BadInput as error:
            return Estimate(None, str(error))

    def _training(self, training: TrainingRun) -> Estimate:
        recipe, bound = self._decided(training)
        wanted = self.setting.precision if self.setting.precision != "auto" else recipe.precision
        precision = resolve_precision(wanted, self._device)
        for card in self._cards:
            if self._is_like(card, training, recipe, bound, precision):
                return Estimate(seconds_of(card), f"duration of an earlier run ({card['name']})")
        return Estimate(
            self._learning_seconds(training, recipe, bound, precision),
            "passes counted, speed from a short probe here",
        )

    def _learning_seconds(self, training: TrainingRun, recipe: Recipe, bound: BoundMethod, precision: str) -> float:
        validation = self.data.validation
        passes = passes_of_training(bound, recipe, len(self.data.train), len(validation) if validation else 0)
        own = self._speed(training.architecture, precision, recipe.batch_size)
        seconds = sum(own.of(each) for each in passes.members)
        for teacher, each in zip(training.teachers, passes.teachers, strict=True):
            seconds += self._speed_of(teacher, precision, recipe.batch_size).of(each)
        return seconds

    def _is_like(
        self, card: dict[str, Any], training: TrainingRun, recipe: Recipe, bound: BoundMethod, precision: str
    ) -> bool:
        """Whether the network of `card` was trained here, and so: all that its time depends on is as asked."""
        if (card.get("extra") or {}).get("hardware") != describe(self._device):
            return False
        if card.get("dataset") != training.dataset:
            return False
        asked = make_identity(
            registered_name(training.method),
            bound,
            recipe,
            training.architecture,
            data="",
            teachers=(),
            seed=training.seed,
            precision=precision,
            inner=training.inner,
            outer=training.outer,
        )
        theirs = {key: value for key, value in card_facts(card).items() if key not in NO_MATTER}
        if differences(theirs, facts(asked)):
            return False
        return bool(not training.teachers or self._taught_alike(card, training))

    def _taught_alike(self, card: dict[str, Any], training: TrainingRun) -> bool:
        """Whether its teachers, as far as the ledger knows them, are as large as those asked for."""
        known = {each["digest"]: each for each in self._all_cards}
        taught = [known.get(said.get("digest")) for said in (card.get("extra") or {}).get("lineage") or ()]
        asked = [each.training.architecture if each.training else each.name for each in training.teachers]
        return [each and (each.get("architecture") or each.get("name")) for each in taught] == asked

    def _evaluation(self, job: Job, query: EvaluationQuery) -> Estimate:
        suite = load_suite(query.suite, self.setting.preset, fitting(self.setting.radii, query.suite).of(self.data))
        images = self.setting.images or min(suite.images, len(self.data.test))
        training = job.network.training
        architecture = training.architecture if training else ""
        # What is crafted on a network to be tried on others is kept image by image, and made for that.
        before = self._attacked.setdefault((job.network.name, query.mode), []) if query.source is None else []
        passes = search_passes_of(suite, before, self.data.num_classes, prod(self.data.shape))
        before.append(suite)
        if not passes.weight:
            return Estimate(0.0, "all its attacks are made by the evaluations above")
        whole = search_passes_of(suite, (), self.data.num_classes, prod(self.data.shape))
        share = passes.weight / whole.weight
        for found in self.evaluations:
            if self._is_like_evaluation(found, suite, query, architecture or job.network.name, bool(training)):
                spent = sum(outcome.costs.get("seconds", 0.0) for outcome in found.outcomes)
                return Estimate(share * spent * images / len(found.clean_errors), f"measured on {found.name}")
        precision = resolve_precision(self.setting.precision, self._device)
        speed = self._speed_of(job.network, precision, ATTACKED_AT_ONCE, learns=False)
        network = speed.of(Passes(forwards=sum(passes), backwards=passes.gradients))
        seconds = images * (network + sum(map(self._own_work, items_of(suite, before[:-1]))))
        return Estimate(seconds, "passes counted, speed from a short probe here")

    def _own_work(self, item: SuiteItem) -> float:
        """Seconds that an attack which no ball describes, or a library's, takes for one image beside its passes."""
        norm = item.threat.norm
        if norm in BALLS and gradients_and_answers(item.attack, norm, self.data.num_classes) is None:
            return 0.0
        if (item.attack, norm) not in self._worked:
            self._worked[item.attack, norm] = own_work(
                item.attack, item.threat, self.data.shape, self.data.num_classes, self._device
            )
        return self._worked[item.attack, norm] * item.restarts

    def _is_like_evaluation(
        self, found: Evaluation, suite: Suite, query: EvaluationQuery, network: str, is_trained: bool
    ) -> bool:
        same = (found.suite["name"], found.suite["preset"], found.mode) == (suite.name, suite.preset, query.mode)
        of = found.model.get("architecture") if is_trained else found.model.get("name")
        here = not found.hardware or found.hardware == (describe(self._device),)
        return same and of == network and here and (found.crafted_on is None) == (query.source is None)

    def _speed_of(self, network: PlannedNetwork, precision: str, batch: int, learns: bool = True) -> Speed:
        if network.training:
            return self._speed(network.training.architecture, precision, batch)
        source = network.source or network.name
        if (source, precision) not in self.speeds:
            module = skeleton(source)
            if module is None:
                trusts = self.setting.trust_remote_code
                module = load_model(source, trust_remote_code=trusts).model()
            self.speeds[source, precision] = self._measure(module, precision, batch, learns=False)
        return self.speeds[source, precision]

    def _speed(self, architecture: str, precision: str, batch: int) -> Speed:
        if (architecture, precision) not in self.speeds:
            data = self.data
            module = build(architecture, num_classes=data.num_classes, shape=data.shape, mean=data.mean, std=data.std)
            self.speeds[architecture, precision] = self._measure(module, precision, batch, learns=True)
        return self.speeds[architecture, precision]

    def _measure(self, module: torch.nn.Module, precision: str, batch: int, learns: bool) -> Speed:
        return measure(
            module,
            self.data.shape,
            self.data.num_classes,
            device=self._device,
            precision=precision,
            batch=batch,
            learns=learns,
        )

    def _decided(self, training: TrainingRun) -> tuple[Recipe, BoundMethod]:
        replaced = training.inner, training.outer, self.setting.radii
        return decide(
            training.method, self.data, training.architecture, training.recipe, training.settings, *replaced
        )

    @cached_property
    def data(self) -> Dataset:
        """The setting's dataset.

        Raises:
            BadInput: it is not here.
        """
        return load(self.setting.dataset, data_dir=self.setting.data_dir)

    @cached_property
    def _device(self) -> torch.device:
        return resolve_device(self.device)

    @cached_property
    def _all_cards(self) -> list[dict[str, Any]]:
        return list({found.model["digest"]: found.model for found in self.evaluations}.values())

    @cached_property
    def _cards(self) -> list[dict[str, Any]]:
        """What is known about networks whose training was timed."""
        return [card for card in self._all_cards if card.get("history") and (card.get("recipe") or {}).get("name")]


def seconds_of(card: dict[str, Any]) -> float:
    """How long a network's training took, without its validation."""
    told = (row.get("seconds") for row in card["history"])
    return sum(float(seconds) for seconds in told if isinstance(seconds, int | float) and seconds > 0)


def __getattr__(name: str) -> object:
    return look_up(__name__, name)
