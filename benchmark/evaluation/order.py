"""What the caller wants, checked as a whole before anything is computed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from benchmark.attacks.objectives import is_wrong
from benchmark.errors import BadInput, unknown
from benchmark.evaluation import subject
from benchmark.evaluation.ledger import FOLDERS, Ledger
from benchmark.evaluation.plan import MODES, SHARD, Plan
from benchmark.evaluation.subject import Target
from benchmark.evaluation.suite import load_suite
from benchmark.evaluation.verify import exact_logits
from benchmark.hardware import resolve_device, resolve_precision
from benchmark.models import check_model, range_doubts
from benchmark.scales import Epsilon, Radii, read_radii
from benchmark.storage import check_writable


class Complaints:
    """What is wrong with the input, collected so that all of it can be said at once."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Within this context a BadInput is noted instead of raised."""
        try:
            yield
        except BadInput as error:
            self.messages.append(str(error))

    def raise_all(self) -> None:
        """Raises BadInput with everything that was noted, if anything was."""
        if self.messages:
            raise BadInput("\n".join(dict.fromkeys(self.messages)))


def named(networks: Sequence[str | Path] | str | Path) -> list[str | Path]:
    """One or several names of networks as a list.

    Raises:
        BadInput: something that is no name, such as a network itself, which no worker could load again.
    """
    one = isinstance(networks, str | Path) or callable(networks)
    names: list[str | Path] = [networks] if one else list(networks)  # type: ignore[arg-type,list-item]
    for name in names:
        if not isinstance(name, str | Path):
            kind = type(name).__name__
            raise BadInput(f"a network is named by a checkpoint's path or as python:MODULE:CALLABLE, not by a {kind}")
    return names


@dataclass(frozen=True)
class Order:
    """How networks shall be evaluated; the fields are the arguments of `evaluate` of the same names."""

    suite: str | Path
    preset: str = "full"
    n: int | None = None
    mode: str = "full"
    seed: int = 0
    device: str = "auto"
    precision: str = "auto"
    workers: int = 1
    time_limit: float | None = None
    results: str | Path = "results"
    keep: bool = False
    dataset: str | None = None
    scale: str | None = None
    epsilon: Epsilon | None = None
    root: str | Path | None = None
    download: bool = False
    trust: bool = False
    compile: bool = False

    def plans(self, sources: Sequence[str | Path]) -> tuple[list[Plan], Ledger]:
        """What evaluating `sources` takes, one plan for each, and the open ledger.

        Raises:
            BadInput: all that can be found wrong without running the networks.
        """
        complaints = Complaints()
        if not sources:
            complaints.messages.append("there is no network to evaluate; name one or more, e.g. zoo/*.pt")
        if self.mode not in MODES:
            complaints.messages.append(str(unknown("mode", self.mode, MODES)))
        if self.workers < 1:
            complaints.messages.append(f"workers must be 1 or more, not {self.workers}")
        if self.time_limit is not None and not 0 < self.time_limit < float("inf"):
            complaints.messages.append(f"time_limit must be a positive number of seconds, not {self.time_limit}")
        if not 0 <= self.seed < 2**63:
            complaints.messages.append(f"seed must be a number from 0 to 2^63 - 1, not {self.seed}")
        device, precision = "cpu", "fp32"
        with complaints.noted():
            device = str(resolve_device(self.device))
            precision = resolve_precision(self.precision, resolve_device(self.device))
        radii: Radii | None = None
        with complaints.noted():
            radii = read_radii(self.scale, self.epsilon)
        ledger = Ledger(self.results)
        with complaints.noted():
            ledger = Ledger.open(check_writable(self.results, *FOLDERS), create=True)
        subject.forget()  # data and networks may have changed since this process last looked
        plans = []
        for source in sources if radii is not None else ():
            with complaints.noted():
                plans.append(self._plan(str(source), device, precision, ledger, radii))
        complaints.raise_all()
        return plans, ledger

    def _plan(self, source: str, device: str, precision: str, ledger: Ledger, radii: Radii) -> Plan:
        network = subject.open_network(source, self.download, self.trust)
        name = self.dataset or network.dataset
        if not name:
            raise BadInput(
                f"{source} does not say what it was trained on; name the images to try it on: --dataset digits, "
                'or in Python dataset="digits" (bench list datasets)'
            )
        root = str(self.root) if self.root is not None else None
        dataset = subject.dataset_of(name, root, self.download)
        network.check_fits(dataset)
        suite = load_suite(self.suite, self.preset, radii.of(dataset))
        suite.check_fits(dataset.shape)
        available = len(dataset.test)
        notes = [*dataset.notes]
        if self.n is not None and not 1 <= self.n <= available:
            raise BadInput(
                f"n must be from 1 to {available}, the number of test images of {dataset.name}, not {self.n}"
            )
        if self.n is None and suite.images > available:
            notes.append(f"the suite asks for {suite.images} images; {dataset.name} has {available}, all were used")
        target = Target(
            source=source,
            network=network.digest,
            dataset=name,
            root=root,
            data=dataset.digest,
            device=device,
            precision=precision,
            trust=self.trust,
            compile=self.compile,
            contents=network.digest,
        )
        card = subject.card(network)
        answers = subject.answers_of(network, dataset, target)
        identity = ledger.identify(network.digest, dataset.digest, answers)
        if identity != network.digest:
            card |= {"digest": identity, "contents": network.digest}
            notes.append(
                "another network that is made of the same but answers otherwise was evaluated before; "
                "their results are kept apart"
            )
        return Plan(
            target=dataclasses.replace(target, network=identity, answers=answers),
            card=card,
            suite=suite.first(self.n or min(suite.images, available)),
            mode=self.mode,
            seed=self.seed,
            keep=self.keep,
            notes=tuple(notes),
        )


def checked(plans: Sequence[Plan]) -> list[Plan]:
    """The plans with notes on what is odd about their networks, and what these answer without attack.

    Raises:
        BadInput: networks that can't be evaluated, e.g. because they return NaN; all of them are named.
    """
    complaints, result = Complaints(), []
    for plan in plans:
        with complaints.noted():
            notes = (*plan.notes, *_oddities(plan))
            classes = subject.subject(plan.target).classes(plan.suite.images, SHARD)
            result.append(dataclasses.replace(plan, notes=notes, classes=classes))
    complaints.raise_all()
    return result


def _oddities(plan: Plan) -> list[str]:
    """What is odd about the network, asked for its answers to the first shard.

    Raises:
        BadInput: it can't be evaluated.
    """
    network = subject.subject(plan.target)
    classes = network.classifier.num_classes
    try:
        x, y = network.images(0, min(plan.suite.images, SHARD))
        odd = check_model(network.model, x, classes)
    except BadInput as error:
        raise BadInput(f"{plan.target.source}: {error}") from error

    def right(images: Tensor) -> Tensor:
        logits = exact_logits(network.model, images)
        return ~is_wrong(logits, y)

    return odd + range_doubts(right, x, y, classes)
