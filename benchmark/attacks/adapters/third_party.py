"""Any attack of Foolbox, torchattacks or adv-lib, named by where it is imported from."""

from __future__ import annotations

import importlib
import inspect
import logging
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any, ClassVar

from torch import Tensor

from benchmark.attacks.adapters.libraries import LibraryModel
from benchmark.attacks.base import Attack, Classifier
from benchmark.errors import BadInput, reason, unknown
from benchmark.generators import OwnGenerators
from benchmark.noise import Noise
from benchmark.threats import NORMS, Threat

#: The module an import path may begin with → the package's name on the registry.
LIBRARIES = {"foolbox": "foolbox", "torchattacks": "torchattacks", "adv_lib": "adv-lib"}
_RADIUS = ("eps", "epsilon", "ε")
#: Attacks that call something else so: adv-lib's trust region its first step.
_NO_RADIUS = ("tr",)

#: Parameters by which libraries log elsewhere: a suite, which may be an untrusted file, can't ask for that.
_WRITING = ("tensorboard", "callback")

#: Where torchattacks and adv-lib tell an attack's norm that has no parameter for it: in its description or its name.
_MEASURE = re.compile(r"Distance Measure : (L\w+)[ \t]*$", re.MULTILINE)
_ENDING = re.compile(r"_(linf|l2|l1|l0)$")

_LOG = logging.getLogger(__name__)


class ForeignFault(RuntimeError):
    """A library's attack broke down or returned something that can't be a candidate."""


@dataclass(frozen=True)
class Foreign(Attack):
    """An attack from another library, verified like our own; it always searches in float32.

    The threat's ε goes where the attack has a place for a radius, unless `parameters` fill it. Only the three
    libraries are open to import paths, since importing a module runs its code; other packages register
    their attacks through the entry point group `benchmark.attacks`.

    Attributes:
        path: "module:name", e.g. "foolbox.attacks:LinfPGD", "torchattacks:PGD" or "adv_lib.attacks:ddn".
        parameters: the library's own keyword arguments.
    """

    path: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    version: ClassVar[int] = 2
    random: ClassVar[bool] = True
    batch_independent: ClassVar[bool] = False

    def __post_init__(self) -> None:
        meant = {name: float(value) if value in ("inf", "-inf") else value for name, value in self.parameters.items()}
        object.__setattr__(self, "parameters", meant)
        accepted = inspect.signature(self._load()).parameters
        takes_any = any(p.kind is p.VAR_KEYWORD for p in accepted.values())
        own = [name for name in accepted if name not in ("model", "inputs", "labels", *_WRITING)]
        for name in self.parameters:
            if name in _WRITING:
                raise BadInput(f"{self.path}: {name!r} would write files or open connections; leave it out")
            if name not in own and not takes_any:
                raise unknown(f"parameter of attack {self.path!r}", name, own)
        given = {*self.parameters, self._radius()}
        lacking = [
            name
            for name in own
            if accepted[name].default is inspect.Parameter.empty
            and accepted[name].kind not in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
            and name not in given
        ]
        if lacking:
            raise BadInput(f"attack {self.path!r} can't do without its parameters {', '.join(lacking)}; state them")

    @property
    def name(self) -> str:  # type: ignore[override]
        return self.path

    @property
    def source(self) -> str:  # type: ignore[override]
        return LIBRARIES[self._library]

    @property
    def kind(self) -> str:  # type: ignore[override]
        if self._library == "foolbox":
            from foolbox.attacks.base import FixedEpsilonAttack

            attack = self._load()
            return (
                "fixed-budget"
                if inspect.isclass(attack) and issubclass(attack, FixedEpsilonAttack)
                else "minimum-norm"
            )
        return "fixed-budget" if self._radius() is not None else "minimum-norm"

    @property
    def norms(self) -> tuple[str, ...]:  # type: ignore[override]
        """What the radius is measured in, where the library tells; else all, for verification judges in any."""
        own = self._norm()
        return NORMS if own is None or self.kind == "minimum-norm" else (own,)

    @property
    def measure(self) -> str | None:  # type: ignore[override]
        """The norm that the attack keeps its changes small in, as far as its library tells."""
        return self._norm()

    def uses_noise(self, norm: str) -> bool:
        return False  # the library does, from its own generators

    def identity(self) -> dict[str, Any]:
        """The import path, the parameters given and the library's version."""
        try:
            library = f"{self.source} {version(self.source)}"
        except PackageNotFoundError:
            library = self.source
        # JSON has no infinity; the word is read as one again.
        told = {
            name: str(value) if value in (math.inf, -math.inf) else value for name, value in self.parameters.items()
        }
        return {"name": self.path, "version": self.version, "library": library, "parameters": told}

    def __call__(self, classifier: Classifier, x: Tensor, y: Tensor, threat: Threat, noise: Noise) -> Tensor:
        """Candidates for `x`.

        Raises:
            ForeignFault: the attack raised, or returned no tensor shaped like `x`.
        """
        own = self._norm()
        if own not in (None, threat.norm):
            _LOG.warning("%s looks for small changes in %s, but is judged in %s", self.path, own, threat.norm)
        with classifier.exact(), OwnGenerators(noise.seed(), x.device):
            model = LibraryModel(classifier, x, threat, within=self.kind == "fixed-budget")
            try:
                x_adv = self._run(model, x.clone(), y.clone(), threat)
            except Exception as error:
                raise ForeignFault(f"{self.path} raised {reason(error)}") from error
            if not isinstance(x_adv, Tensor) or x_adv.shape != x.shape:
                got = f"shape {tuple(x_adv.shape)}" if isinstance(x_adv, Tensor) else type(x_adv).__name__
                raise ForeignFault(f"{self.path} returned {got} for images of shape {tuple(x.shape)}")
            if x_adv.device != x.device:
                raise ForeignFault(f"{self.path} returned images on {x_adv.device} for images on {x.device}")
            return model.with_unanswered(x_adv.detach().to(x.dtype), y)

    def _run(self, model: LibraryModel, x: Tensor, y: Tensor, threat: Threat) -> Any:
        if self._library == "foolbox":
            import foolbox

            network = foolbox.PyTorchModel(model, bounds=(0, 1), device=x.device)
            radius = threat.epsilon if self.kind == "fixed-budget" else None
            return self._load()(**self.parameters)(network, x, y, epsilons=radius)[1]
        place = self._radius()
        parameters = {**({place: threat.epsilon} if place else {}), **self.parameters}
        if self._library == "torchattacks":
            return self._load()(model, **parameters)(x, y)
        return self._load()(model, x, y, **parameters)

    @property
    def _library(self) -> str:
        return self.path.split(":")[0].split(".")[0]

    def _radius(self) -> str | None:
        """The parameter that the attack takes its radius by, if it has one."""
        attack = self._load()
        if attack.__name__ in _NO_RADIUS:
            return None
        return next((name for name in _RADIUS if name in inspect.signature(attack).parameters), None)

    def _norm(self) -> str | None:
        """The norm that the attack keeps its changes small in, as far as its library tells."""
        attack = self._load()
        if self._library == "foolbox":
            try:
                return _spelled(attack(**self.parameters).distance.p)
            except Exception:  # it has no distance, or does not take the parameters; that it says when it is run
                return None
        accepted = inspect.signature(attack).parameters
        if "norm" in accepted:
            return _spelled(self.parameters.get("norm", accepted["norm"].default))
        told = _MEASURE.search(attack.__doc__ or "") or _ENDING.search(attack.__name__)
        return _spelled(told[1]) if told else None

    def _load(self) -> Callable[..., Any]:
        module, _, name = self.path.partition(":")
        if self._library not in LIBRARIES or not name.isidentifier():
            raise BadInput(
                f"attack {self.path!r} can't be imported from a suite; paths look like foolbox.attacks:LinfPGD "
                f"and begin with {', '.join(LIBRARIES)} (others: the entry point group benchmark.attacks)"
            )
        try:
            contents = vars(importlib.import_module(module))
        except ImportError as error:
            raise BadInput(f"attack {self.path!r} can't be imported: {error}; install {self.source}") from error
        attacks = {key: value for key, value in contents.items() if _is_attack(value, self._library)}
        if name not in attacks:
            raise unknown(f"attack of {module}", name, attacks)
        return attacks[name]


def _is_attack(thing: Any, library: str) -> bool:
    """Whether a module's content is one of the library's attacks: a class, in adv-lib a function."""
    kind = inspect.isfunction if library == "adv_lib" else inspect.isclass
    return kind(thing) and thing.__module__.split(".")[0] == library


def _spelled(norm: Any) -> str | None:
    """A library's word for a norm, such as "L2", 2.0 or inf, as ours; None for what we don't have."""
    word = f"l{norm:g}" if isinstance(norm, int | float) else str(norm).lower()
    return word if word in NORMS else None
