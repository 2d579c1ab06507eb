"""AutoAttack and its members, through pyautoattack."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import torch
from torch import Tensor

from benchmark.attacks.adapters.libraries import LibraryModel
from benchmark.attacks.base import Attack, Classifier
from benchmark.attacks.expectation import draws_of
from benchmark.attacks.objectives import is_wrong
from benchmark.errors import BadInput
from benchmark.generators import OwnGenerators
from benchmark.noise import Noise
from benchmark.parameters import Count, one_of
from benchmark.threats import Threat, column

logger = logging.getLogger(__name__)

MEMBERS = {"standard": ("apgd-ce", "apgd-t", "fab-t", "square"), "rand": ("apgd-ce", "apgd-dlr")}
_NORMS = {"linf": "Linf", "l2": "L2", "l1": "L1"}
#: The fewest classes with which a member's loss is defined.
_CLASSES_NEEDED = {"apgd-dlr": 3, "apgd-t": 4}
_PHASED = ("autoattack", "apgd-ce", "apgd-t")


@dataclass(frozen=True)
class _Adapted(Attack):
    """What AutoAttack and its members share. Results depend on the batch: the library seeds it as a whole."""

    kind: ClassVar[str] = "fixed-budget"
    version: ClassVar[int] = 2
    norms: ClassVar[tuple[str, ...]] = ("linf", "l2", "l1")
    source: ClassVar[str] = "pyautoattack"
    random: ClassVar[bool] = True
    batch_independent: ClassVar[bool] = False

    def uses_noise(self, norm: str) -> bool:
        return False  # the library does, from its own generators

    def check(self, threat: Threat, where: str = "") -> None:
        """Raises BadInput if this attack does not support `threat`, or has too few steps for it."""
        super().check(threat, where)
        # In l1 APGD divides its steps into phases with radii of their own.
        if threat.norm == "l1" and self.name in _PHASED and getattr(self, "steps", 2) < 2:
            raise BadInput(f"{where + ': ' if where else ''}attack {self.name!r} needs at least 2 steps under l1")

    def _run(
        self, classifier: Classifier, x: Tensor, y: Tensor, threat: Threat, noise: Noise, members: Sequence[str]
    ) -> Tensor:
        """The library's candidates; what was broken in low precision but not in float32 is attacked again there."""
        x_adv = self._search(classifier, x, y, threat, noise, members)
        with torch.no_grad():
            believed = is_wrong(classifier(x_adv), y)
        again = believed & ~classifier.confirm(x_adv, y, believed)
        if bool(again.any()):
            with classifier.exact():
                x_adv[again] = self._search(classifier, x[again], y[again], threat, noise.select(again), members)
        return x_adv

    def _search(
        self, classifier: Classifier, x: Tensor, y: Tensor, threat: Threat, noise: Noise, members: Sequence[str]
    ) -> Tensor:
        from pyautoattack import AutoAttack as Library

        possible = [name for name in members if classifier.num_classes >= _CLASSES_NEEDED.get(name, 2)]
        if not possible:
            return x.clone()
        variant = "rand" if "apgd-dlr" in members else "standard"
        seed = noise.seed()
        model = LibraryModel(classifier, x, threat)
        library = Library(
            model,
            norm=_NORMS[threat.norm],
            eps=threat.epsilon,
            version=variant,
            seed=seed,
            device=x.device,
        )
        library.attacks_to_run = possible
        self._configure(library, classifier.num_classes)
        if draws_of(classifier) > 1:
            library.apgd.eot_iter = library.apgd_targeted.eot_iter = draws_of(classifier)
        with OwnGenerators(seed, x.device), _library_warnings(), _tracing_kept():
            x_adv, _ = library.run_standard_evaluation(x.clone(), y.clone(), batch_size=len(x))
        # In l1 it may end outside the ball or the box, by up to 1e-6; NaN would be a candidate nobody can use.
        x_adv = torch.where(column(torch.isfinite(x_adv).flatten(1).all(1), x), x_adv.detach(), x)
        outside = ~threat.contains(x, x_adv)
        x_adv[outside] = threat.project(x[outside], x_adv[outside])
        return model.with_unanswered(x_adv, y)

    def _configure(self, library: Any, num_classes: int) -> None:
        for targeted in (library.apgd_targeted, library.fab):
            targeted.n_target_classes = min(targeted.n_target_classes, num_classes - 1)


@dataclass(frozen=True)
class AutoAttack(_Adapted):
    """AutoAttack (Croce & Hein 2020; l1: 2021), each member on what those before it left standing.

    "standard" is APGD-CE, targeted APGD-DLR, targeted FAB and Square; "rand", for networks that draw random
    numbers, is APGD-CE and APGD-DLR with 20 gradients averaged. With fewer than ten classes all wrong ones are
    targets; a member whose loss needs more classes than there are is left out (targeted DLR needs four, DLR
    three). A network that is evaluated as random (`--stochastic N`) gets "rand", with N gradients averaged. With
    other `steps` or `queries` than these it is not AutoAttack and must not be reported as it.

    Attributes:
        variant: "standard" or "rand".
        steps: iterations of APGD and FAB.
        queries: queries of Square.
    """

    variant: Annotated[str, one_of(MEMBERS)] = "standard"
    steps: Count = 100
    queries: Count = 5000

    name: ClassVar[str] = "autoattack"
    paper: ClassVar[str] = "Croce & Hein 2020, arXiv:2003.01690"

    def __call__(self, classifier: Classifier, x: Tensor, y: Tensor, threat: Threat, noise: Noise) -> Tensor:
        variant = "rand" if draws_of(classifier) > 1 else self.variant
        return self._run(classifier, x, y, threat, noise, MEMBERS[variant])

    def _configure(self, library: Any, num_classes: int) -> None:
        super()._configure(library, num_classes)
        _set_steps(library, self.steps)
        library.square.n_queries = self.queries


@dataclass(frozen=True)
class APGD(_Adapted):
    """APGD on the cross-entropy, with the restarts of AutoAttack: one, in l1 five.

    Attributes:
        steps: iterations.
    """

    steps: Count = 100

    name: ClassVar[str] = "apgd-ce"
    paper: ClassVar[str] = "Croce & Hein 2020, arXiv:2003.01690"

    def __call__(self, classifier: Classifier, x: Tensor, y: Tensor, threat: Threat, noise: Noise) -> Tensor:
        return self._run(classifier, x, y, threat, noise, (self.name,))

    def _configure(self, library: Any, num_classes: int) -> None:
        super()._configure(library, num_classes)
        _set_steps(library, self.steps)


@dataclass(frozen=True)
class TargetedAPGD(APGD):
    """APGD on the targeted DLR loss, one run for each of the nine (in l1 five) likeliest wrong classes.

    With fewer than four classes its loss is not defined; it then finds nothing.
    """

    name: ClassVar[str] = "apgd-t"


@dataclass(frozen=True)
class TargetedFAB(APGD):
    """Targeted FAB: the smallest perturbation towards each of the nine likeliest wrong classes, ε a filter only."""

    name: ClassVar[str] = "fab-t"
    random: ClassVar[bool] = False
    paper: ClassVar[str] = "Croce & Hein 2020, arXiv:1907.02044"


@dataclass(frozen=True)
class Square(_Adapted):
    """Square: random search over square patches, led by the margin alone.

    Attributes:
        queries: forward passes per image.
    """

    queries: Count = 5000

    name: ClassVar[str] = "square"
    paper: ClassVar[str] = "Andriushchenko et al. 2020, arXiv:1912.00049"
    gradient_free: ClassVar[bool] = True

    def __call__(self, classifier: Classifier, x: Tensor, y: Tensor, threat: Threat, noise: Noise) -> Tensor:
        return self._run(classifier, x, y, threat, noise, (self.name,))

    def _configure(self, library: Any, num_classes: int) -> None:
        super()._configure(library, num_classes)
        library.square.n_queries = self.queries


def _set_steps(library: Any, steps: int) -> None:
    library.fab.n_iter = steps
    for attack in (library.apgd, library.apgd_targeted):
        attack.n_iter = attack.n_iter_orig = steps
        # When APGD looks at its progress: after 22 % of the iterations, then ever sooner.
        attack.n_iter_2, attack.n_iter_min, attack.size_decr = (max(steps * p // 100, 1) for p in (22, 6, 3))


@contextmanager
def _library_warnings() -> Iterator[None]:
    """Within this context what the library warns of comes out of our log, each thing once."""
    theirs = logging.getLogger("auto-attack")
    heard: dict[str, None] = {}

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard[record.getMessage()] = None

    listener, propagate = Listener(logging.WARNING), theirs.propagate
    theirs.addHandler(listener)
    theirs.propagate = False
    try:
        yield
    finally:
        theirs.removeHandler(listener)
        theirs.propagate = propagate
        for message in heard:
            logger.warning("AutoAttack: %s", message)


@contextmanager
def _tracing_kept() -> Iterator[None]:
    """Within this context the library may set and drop trace functions; a debugger's is put back afterwards."""
    trace = sys.gettrace()
    try:
        yield
    finally:
        sys.settrace(trace)
