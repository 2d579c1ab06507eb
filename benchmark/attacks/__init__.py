"""The attack battery: one projected-ascent engine, one file per further family, adapters to libraries."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

from benchmark.attacks.adapters.autoattack import APGD, AutoAttack, Square, TargetedAPGD, TargetedFAB
from benchmark.attacks.adapters.third_party import Foreign
from benchmark.attacks.base import KINDS, Attack, Classifier, Resumable, Stage
from benchmark.attacks.black_box.boundary import Boundary
from benchmark.attacks.black_box.hopskipjump import HopSkipJump
from benchmark.attacks.black_box.pointwise import Pointwise
from benchmark.attacks.black_box.random_noise import GaussianNoise, SaltAndPepper
from benchmark.attacks.black_box.spatial import Spatial
from benchmark.attacks.corruption import Corruption
from benchmark.attacks.last_layer import last_layer
from benchmark.attacks.prepared import PreparedClassifier, freeze, frozen
from benchmark.attacks.unforeseen import JPEG, Elastic, Fog, Gabor, Snow
from benchmark.attacks.white_box.cw import CW
from benchmark.attacks.white_box.ddn import DDN
from benchmark.attacks.white_box.deepfool import DeepFool
from benchmark.attacks.white_box.fmn import FMN
from benchmark.attacks.white_box.gradient import FGSM, MIM, PGD
from benchmark.errors import BadInput, unknown
from benchmark.models.reach import Reach
from benchmark.own import files
from benchmark.own.constants import constants_digest
from benchmark.own.trust import trusting
from benchmark.radii import read_number
from benchmark.registry import Registry
from benchmark.storage import digest

__all__ = [
    "ATTACKS",
    "Attack",
    "Classifier",
    "PreparedClassifier",
    "Resumable",
    "Stage",
    "check_current",
    "freeze",
    "frozen",
    "last_layer",
    "make_attack",
]


def _fault(thing: Any) -> str:
    """What keeps a plug-in from being an attack."""
    if not (isinstance(thing, type) and issubclass(thing, Attack)):
        return "is no subclass of benchmark.attacks.Attack"
    if thing.__abstractmethods__:
        return "lacks __call__"
    lacking = [name for name in ("name", "kind", "norms") if not hasattr(thing, name)]
    if lacking:
        return f"does not say its {', '.join(lacking)}"
    return "" if thing.kind in KINDS else f"has kind {thing.kind!r}, not {' or '.join(KINDS)}"


ATTACKS: Registry[type[Attack]] = Registry("attack", fault=_fault)
for _attack in (
    *(FGSM, PGD, MIM),
    *(DDN, CW, DeepFool, FMN),
    *(GaussianNoise, SaltAndPepper, Boundary, Pointwise, HopSkipJump),
    *(AutoAttack, APGD, TargetedAPGD, TargetedFAB, Square),
    *(Fog, Gabor, Elastic, Snow, JPEG),
    *(Spatial, Corruption),
):
    ATTACKS.add(_attack.name, _attack)


def make_attack(name: str, parameters: dict[str, Any] | None = None, where: str = "") -> Attack:
    """The attack called `name` with `parameters` (those left out keep their defaults).

    Args:
        name: a registered name, or an import path into a library we know (see `Foreign`).
        parameters: field values of the attack's dataclass; numbers may be fractions, such as "8/255".
        where: what to put in front of an error, e.g. a suite's file name and line.

    Raises:
        BadInput: unknown name or parameter (the nearest ones are offered), or a value that does not fit.
    """
    for key, value in (parameters or {}).items():
        if not _is_finite(read_number(value), or_infinite=":" in name):
            raise BadInput(f"{where}: parameter {key!r} of attack {name!r} must be finite".removeprefix(": "))
    if ":" in name and not files.is_spec(name):
        given = {key: read_number(value) for key, value in (parameters or {}).items()}
        return _at_place(lambda: Foreign(name, given), where)
    attack = ATTACKS.get(name, where)
    code = _code(name, attack)
    known = [field.name for field in dataclasses.fields(attack)]
    for key in parameters or {}:
        if key not in known:
            raise unknown(f"parameter of attack {name!r}", key, known, where)
    made = _at_place(lambda: attack(**(parameters or {})), where)
    if code:
        object.__setattr__(made, "own", (name, code))
    return made


def _code(name: str, attack: type[Attack]) -> str:
    """The digest of the code of an attack of one's own, which may change under its name; "" for any other."""
    if files.is_spec(name):
        return files.code_of(name)
    return digest([Reach(attack).digest(), constants_digest(attack)]) if ATTACKS.is_put(name) else ""


def check_current(attack: Attack) -> None:
    """Refuse an attack of one's own that another process asks for, and whose file has changed since then.

    Raises:
        BadInput: naming the file.
    """
    if attack.own is not None and files.is_spec(attack.own[0]):
        name, code = attack.own
        with trusting(True):  # that process does, and it is its attack that was sent here
            ATTACKS.get(name)
        if files.code_of(name) != code:
            raise BadInput(f"attack {name}: {files.path_of(name)} has changed since this began; begin again")


def _at_place(make: Callable[[], Attack], where: str) -> Attack:
    try:
        return make()
    except BadInput as error:
        raise BadInput(f"{where}: {error}" if where else str(error)) from None


def _is_finite(value: Any, or_infinite: bool) -> bool:
    """Whether there is no NaN in a value of a file, and no infinity: no record could say what it was made with.

    A parameter of a library's attack may itself be infinite, as the norm of adv-lib's APGD is.
    """
    if isinstance(value, dict | list | tuple):
        return all(_is_finite(item, False) for item in (value.values() if isinstance(value, dict) else value))
    return not isinstance(value, float) or math.isfinite(value) or (or_infinite and not math.isnan(value))
