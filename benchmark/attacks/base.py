"""What every attack is: a frozen bag of parameters that maps images to candidate adversarial images."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol

from torch import Tensor

from benchmark.errors import BadInput
from benchmark.noise import VERSION, Noise
from benchmark.own import files
from benchmark.parameters import read
from benchmark.threats import Threat


class Classifier(Protocol):
    """What an attack may ask of a network: logits that can be differentiated with respect to the input."""

    num_classes: int

    def __call__(self, x: Tensor) -> Tensor:
        """Logits, N×K float32, of images N×C×H×W in [0, 1]."""
        ...

    def confirm(self, x: Tensor, y: Tensor, broken: Tensor) -> Tensor:
        """The rows of `broken` (N bools) that full float32 precision agrees are misclassified."""
        ...

    def exact(self) -> AbstractContextManager[Classifier]:
        """A context within which every pass runs in full float32 precision."""
        ...


#: What a call gives: a point inside the ball, or the smallest perturbation found.
KINDS = ("fixed-budget", "minimum-norm")


@dataclass(frozen=True)
class Attack(ABC):
    """An attack: its fields are its parameters, and together with `name` and `version` its identity.

    Calling it gives one *candidate* per example, the best it found; whether the candidate counts is
    decided by the evaluation's verification alone. Where an attack finds nothing it returns the input
    or any point of the ball.

    Attributes:
        name: what suites and the ledger call it.
        kind: "fixed-budget" (returns a point inside the ball) or "minimum-norm" (returns the smallest perturbation
            found, whatever the radius).
        norms: the norms it supports.
        source: "own", or the library that it adapts.
        paper: where it was published.
        random: whether restarts with other noise can find something else.
        measure: the norm that it keeps its changes small in; None for that of the threat.
        gradient_free: whether it asks the network for logits or decisions only, never for a gradient.
        batch_independent: whether an example's result depends on nothing but itself and its noise.
        version: raised whenever the same parameters would give other results; old records are then re-run.
    """

    name: ClassVar[str]
    kind: ClassVar[str]
    norms: ClassVar[tuple[str, ...]]
    source: ClassVar[str] = "own"
    paper: ClassVar[str] = ""
    random: ClassVar[bool] = False
    gradient_free: ClassVar[bool] = False
    batch_independent: ClassVar[bool] = True
    measure: ClassVar[str | None] = None
    version: ClassVar[int] = 1

    #: Of an attack of one's own: the `FILE.py:NAME` or the name that it was asked for by, and the digest of its code.
    own: ClassVar[tuple[str, str] | None] = None

    def __post_init__(self) -> None:
        """Raises BadInput if a field is not what its type allows, see `benchmark.parameters`."""
        problems: list[str] = []
        given = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        for name, value in read(type(self), given, problems).items():
            object.__setattr__(self, name, value)
        if problems:
            raise BadInput(f"attack {self.name!r}: {'; '.join(problems)}")

    @abstractmethod
    def __call__(self, classifier: Classifier, x: Tensor, y: Tensor, threat: Threat, noise: Noise) -> Tensor:
        """Candidates for the images `x` (N×C×H×W in [0, 1]) with labels `y` (N): same shape, new tensor."""

    def identity(self) -> dict[str, Any]:
        """Name, version and every parameter as plain JSON values: what the ledger knows it by."""
        return {"name": self.name, "version": self.version, **dataclasses.asdict(self)}

    def uses_noise(self, norm: str) -> bool:
        """Whether what it finds under a threat in `norm` depends on numbers that its noise draws.

        A seed that it takes from the noise for a library does not count, see `noise.VERSION`. Unless an attack says
        otherwise it does: then no result of another version of the noise is ever taken for its own.
        """
        return True

    def told(self, norm: str) -> dict[str, Any]:
        """Its identity, the version of the noise if it draws, and of an attack of one's own what tells whose it is.

        That is the name that it was asked for by and the digest of its code; where its file lies is no part of it.

        Args:
            norm: of the threat that it works under.
        """
        told = self.identity() | ({"noise": VERSION} if self.uses_noise(norm) else {})
        if self.own is None:
            return told
        name, code = self.own
        return told | {"name": files.shown(name), "own_code": code}

    def check(self, threat: Threat, where: str = "") -> None:
        """Raises BadInput if this attack does not support `threat`."""
        if threat.norm not in self.norms:
            place = f"{where}: " if where else ""
            raise BadInput(
                f"{place}attack {self.name!r} does not support {threat.norm}; it supports {', '.join(self.norms)}"
            )


class Stage(NamedTuple):
    """How far an iterative attack has come: the number of steps made, and the images N×C×H×W that they led to."""

    steps: int
    images: Tensor


class Resumable(Attack):
    """An iterative attack that can go on where the same attack with fewer steps has ended."""

    @abstractmethod
    def head_start(self, shorter: Attack, precision: str) -> int:
        """How many of this attack's steps `shorter` makes, when both search in `precision`.

        Zero where they do not take the same path, or what `shorter` returns is not where it stands.
        """

    @abstractmethod
    def resume(
        self, classifier: Classifier, x: Tensor, y: Tensor, threat: Threat, noise: Noise, stage: Stage
    ) -> Tensor:
        """What calling it returns, given what the shorter attack has returned for the same arguments."""
