"""What the caller wants, checked as a whole before anything is computed."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from benchmark.engines import Means
from benchmark.errors import BadInput, unknown
from benchmark.evaluation import objects, opening
from benchmark.evaluation import target as targets
from benchmark.evaluation.complaints import Complaints
from benchmark.evaluation.image_size import viewed
from benchmark.evaluation.judging import SINGLE, Judging, read_judging
from benchmark.evaluation.network_card import card as card_of
from benchmark.evaluation.plan import MODES, Plan
from benchmark.evaluation.setup_notes import about_classes, about_order, in_network
from benchmark.evaluation.suite import load_suite
from benchmark.evaluation.target import Target
from benchmark.given import Given, as_file
from benchmark.hardware import resolve_device, resolve_precision
from benchmark.ledger.ledger import FOLDERS, Ledger
from benchmark.ledger.manifests import filed
from benchmark.ledger.record import SHARD
from benchmark.limits import ARRAYS
from benchmark.models import (
    Arranged,
    arranged,
    outputs_for,
    read_classes,
    storable,
)
from benchmark.models.class_order import as_spelt
from benchmark.moved import look_up
from benchmark.noise import seed_problem
from benchmark.scales import Epsilon, Radii, read_radii
from benchmark.storage import check_writable
from benchmark.suites.files import Preset, read_suite_file


class Planned(NamedTuple):
    """What there is to do.

    Attributes:
        plans: by the source of the network, each once.
        ledger: where results go.
        unfit: why some of the networks can't be evaluated, a message each.
    """

    plans: dict[str, Plan]
    ledger: Ledger
    unfit: list[str]


@dataclass(frozen=True)
class EvaluationRequest:
    """How networks shall be evaluated; the fields are the arguments of `evaluate` of the same names.

    Attributes:
        means: what attacks run on.
    """

    suite: Given
    preset: str = "standard"
    n: int | None = None
    mode: str = "complete"
    seed: int = 0
    device: str = "auto"
    precision: str = "auto"
    means: Means = field(default_factory=lambda: Means(1))
    time_limit: float | None = None
    results: str | Path = "results"
    save_adversarial: bool = False
    add_classes: bool = False
    dataset: str | None = None
    resize: int | str | None = None
    crop: int | None = None
    scale: str | None = None
    epsilon: Epsilon | None = None
    data_dir: str | Path | None = None
    download: bool = False
    trust_remote_code: bool = False
    compile: bool = False
    classes: str | Path | Sequence[str] | None = None
    stochastic: int | None = None
    verdict_passes: int | None = None
    eight_bit: bool = False
    deterministic: bool = False

    def plans(self, sources: Sequence[str | Path]) -> Planned:
        """What evaluating `sources` takes.

        Raises:
            BadInput: all that can be found wrong without attacking the networks, unless it is the fault of some of
                the networks alone.
        """
        with as_file(self.suite, "suite") as suite:
            return dataclasses.replace(self, suite=suite)._plans(sources, suite)

    def _plans(self, sources: Sequence[str | Path], suite: str | Path) -> Planned:
        complaints = Complaints()
        if not sources:
            complaints.messages.append("there is no network to evaluate; name one or more, e.g. zoo/*.pt")
        if self.mode not in MODES:
            complaints.messages.append(str(unknown("mode", self.mode, MODES)))
        complaints.messages += self.means.problems()
        if self.time_limit is not None and not 0 < self.time_limit < float("inf"):
            complaints.messages.append(f"time_limit must be a positive number of seconds, not {self.time_limit}")
        if problem := seed_problem(self.seed):
            complaints.messages.append(problem)
        device, precision = "cpu", "fp32"
        with complaints.noted():
            found = resolve_device(self.means.planning_device(self.device))
            device, precision = str(found), resolve_precision(self.precision, found)
        with complaints.noted():
            self.means.gpus(device)
        judging = SINGLE
        with complaints.noted():
            judging = read_judging(self.stochastic, self.verdict_passes, self.eight_bit)
        radii: Radii | None = None
        with complaints.noted():
            radii = read_radii(self.scale, self.epsilon)
        ledger = Ledger(self.results)
        with complaints.noted():
            ledger = Ledger.open(check_writable(self.results, *FOLDERS), create=True)
        classes: tuple[str, ...] = ()
        if self.classes is not None:
            with complaints.noted():
                classes = read_classes(self.classes)
        targets.forget()  # data and networks may have changed since this process last looked
        plans = {}
        for source in dict.fromkeys(map(str, sources)) if radii is not None else ():
            with complaints.noted(source):
                plans[source] = self._plan(source, suite, device, precision, ledger, radii, classes, judging)
        complaints.raise_all()
        return Planned(plans, ledger, complaints.unfit)

    def _images_needed(self, suite: str | Path) -> int | None:
        """How many test images are used at most."""
        if self.n is not None:
            return self.n if self.n >= 1 else None
        file = read_suite_file(suite).content
        return file.presets.get(self.preset, Preset()).images or file.images

    def _plan(
        self,
        source: str,
        named: str | Path,
        device: str,
        precision: str,
        ledger: Ledger,
        radii: Radii,
        classes: Sequence[str],
        judging: Judging,
    ) -> Plan:
        loaded = targets.open_network(source, self.download, self.trust_remote_code)
        name = self.dataset or loaded.dataset
        if not name:
            raise BadInput(
                f"{source} does not say what it was trained on; name the images to try it on: --dataset digits, "
                'or in Python dataset="digits" (bench list datasets)'
            )
        name, seen = viewed(name, self.resize, self.crop, loaded)
        data_dir = str(self.data_dir) if self.data_dir is not None else None
        needed = self._images_needed(named)
        dataset = targets.dataset_of(name, data_dir, self.download, needed)
        counted = opening.classes_of(loaded, dataset)
        dataset = dataset.widened(counted)
        loaded.check_fits(dataset)
        suite = load_suite(named, self.preset, radii.of(dataset))
        suite.check_fits(dataset.shape)
        available = len(dataset.test)
        names = storable(dataset.class_names)
        classes = as_spelt(classes, names)
        outputs = outputs_for(loaded, names, dataset.name, classes)
        network = arranged(loaded, outputs)
        notes = [*filter(None, [seen]), *dataset.notes, *about_order(outputs, names, classes)]
        if suite.scale != radii.of(dataset).scale:
            notes.append(f"radii: of the only row of the suite {suite.name}, {suite.scale}; {dataset.name} has none")
        if self.n is not None and not 1 <= self.n <= available:
            raise BadInput(
                f"n must be from 1 to {available}, the number of test images of {dataset.name}, not {self.n}"
            )
        if self.n is None and suite.images > available:
            notes.append(f"the suite asks for {suite.images} images; {dataset.name} has {available}, all were used")
        notes += about_classes(dataset, min(self.n or suite.images, available))
        target = Target(
            source=source,
            network=network.digest,
            dataset=name,
            data_dir=data_dir,
            data=dataset.digest,
            device=device,
            precision=precision,
            trust_remote_code=self.trust_remote_code,
            compile=self.compile,
            contents=network.digest,
            outputs=network.outputs if isinstance(network, Arranged) else (),
            images=needed,
            classes=counted,
            data_is_object=objects.dataset_is_held(name),
            judging=judging,
            deterministic=self.deterministic,
        )
        card = card_of(network)
        if isinstance(network, Arranged):
            card |= {"stands_for": in_network(outputs, names)}
        answers = targets.answers_of(network, dataset, target)
        if answers.are_probabilities:
            target = dataclasses.replace(target, last_layer=targets.last_layer_of(network, dataset, target))
        if target.last_layer:
            card |= {"last_layer": target.last_layer}
        identity = ledger.identify(network.digest, dataset.digest, answers)
        if identity != network.digest:
            card |= {"digest": identity, "contents": network.digest}
            notes.append(
                "another network that is made of the same but answers otherwise was evaluated before; "
                "their results are kept apart"
            )
        plan = Plan(
            target=dataclasses.replace(target, network=identity, answers=answers),
            card=card,
            suite=suite.first(self.n or min(suite.images, available)),
            mode=self.mode,
            seed=self.seed,
            save_adversarial=self.save_adversarial,
            add_classes=self.add_classes,
            notes=tuple(notes),
        )
        if self.mode in MODES and not seed_problem(self.seed):  # else it is told already
            check_fileable(plan)
        return plan


def check_fileable(plan: Plan) -> None:
    """Refuse what could not be filed once all attacks are done, or not be read again.

    Raises:
        BadInput: it is too large, or what the network or the suite tells has no sense.
    """
    filed(plan.promised())
    if plan.save_adversarial:
        images = min(SHARD, plan.suite.images)
        numbers = math.prod(targets.images_of(plan.target).shape)
        size = images * (4 * numbers + 8)  # each as float32, and its position
        if size > ARRAYS:
            raise BadInput(
                f"the adversarial images of {images} images of {plan.target.dataset} would take {size:,} bytes, "
                f"{ARRAYS:,} are the most; leave --save-adversarial out, or take fewer with --n"
            )


def __getattr__(name: str) -> object:
    return look_up(__name__, name)
