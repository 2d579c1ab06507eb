"""The attack battery: one projected-ascent engine, one file per further family, adapters to libraries."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Callable
from typing import Any

from benchmark.attacks.adapters.autoattack import APGD, AutoAttack, Square, TargetedAPGD, TargetedFAB
from benchmark.attacks.adapters.third_party import Foreign
from benchmark.attacks.base import Attack, Classifier, Resumable, Stage
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
from benchmark.radii import read_number
from benchmark.registry import Registry

__all__ = [
    "ATTACKS",
    "Attack",
    "Classifier",
    "PreparedClassifier",
    "Resumable",
    "Stage",
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
    return f"does not say its {', '.join(lacking)}" if lacking else ""


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
        if not _is_finite(read_number(value)):
            raise BadInput(f"{where}: parameter {key!r} of attack {name!r} must be finite".removeprefix(": "))
    if ":" in name:
        given = {key: read_number(value) for key, value in (parameters or {}).items()}
        return _at_place(lambda: Foreign(name, given), where)
    attack = ATTACKS.get(name, where)
    fields = {field.name: field for field in dataclasses.fields(attack)}
    hints = typing.get_type_hints(attack)
    given = {}
    for key, value in (parameters or {}).items():
        if key not in fields:
            raise unknown(f"parameter of attack {name!r}", key, fields, where)
        given[key] = value if _fits(value, hints[key]) else read_number(value)
        if not _fits(given[key], hints[key]):
            place = f"{where}: " if where else ""
            expected = getattr(hints[key], "__name__", str(hints[key]))
            raise BadInput(f"{place}parameter {key!r} of attack {name!r} must be {expected}, not {value!r}")
    return _at_place(lambda: attack(**given), where)


def _at_place(make: Callable[[], Attack], where: str) -> Attack:
    try:
        return make()
    except BadInput as error:
        raise BadInput(f"{where}: {error}" if where else str(error)) from None


def _is_finite(value: Any) -> bool:
    """Whether there is no infinity and no NaN in a value of a file: no record could say what it was made with."""
    if isinstance(value, dict | list | tuple):
        return all(map(_is_finite, value.values() if isinstance(value, dict) else value))
    return not isinstance(value, float) or math.isfinite(value)


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value read from YAML can stand where `hint` is asked for (ints pass as floats, lists as tuples)."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, option) for option in arguments)
    if origin is tuple:
        return isinstance(value, list | tuple) and all(_fits(item, arguments[0]) for item in value)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, hint) if isinstance(hint, type) else True
