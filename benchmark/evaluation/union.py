"""Which threats of a suite Ravg and Rworst count: `union:` in its file, all where no norm has several radii."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from math import isclose

from benchmark.errors import BadInput, unknown
from benchmark.ledger.evaluation import name_threats
from benchmark.radii import Length, format_radius
from benchmark.suites.files import Union
from benchmark.threats import Threat

#: Radii by norm, one or several.
Row = Mapping[str, Length | list[Length]]

#: How exactly a radius that is named has to be one that is attacked, relative.
_SAME = 1e-5


def read_union(
    union: Union | None, threats: Sequence[Threat], scale: str, where: Callable[..., str]
) -> tuple[Threat, ...]:
    """Those of the suite's `threats` that count, in their order.

    Args:
        union: what the file says; None if it says nothing.
        threats: of the suite at this scale, each once.
        scale: whose row to use.
        where: gives "file:line" of the value at a path of keys.

    Raises:
        BadInput: a norm has several radii and the file does not say which count; a radius or a norm is named that no
            attack of the suite has, or none at all. All of it at once.
    """
    if union == "all":
        return tuple(threats)
    if union is None or scale not in union:
        several = [norm for norm in dict.fromkeys(threat.norm for threat in threats) if len(_of(norm, threats)) > 1]
        if several:
            raise BadInput(_unnamed(several, threats, scale, where("attacks") if union is None else where("union")))
        return tuple(threats)
    if not union[scale]:
        raise BadInput(f"{where('union', scale)}: name at least one threat that Ravg and Rworst count, or write all")
    problems: list[str] = []
    counted = list(_named(union[scale], threats, lambda *path: where("union", scale, *path), problems))
    if problems:
        raise BadInput("\n".join(problems))
    return tuple(threat for threat in threats if threat in counted)


def _named(row: Row, threats: Sequence[Threat], where: Callable[..., str], problems: list[str]) -> Iterator[Threat]:
    """The threats that `row` names; what is wrong with it is added to `problems`."""
    norms = dict.fromkeys(threat.norm for threat in threats)
    for norm, radii in row.items():
        path: tuple[Hashable, ...] = (norm,)
        if norm not in norms:
            problems.append(str(unknown("norm of the suite's attacks", norm, norms, where(*path))))
            continue
        for radius in radii if isinstance(radii, list) else [radii]:
            found = [threat for threat in _of(norm, threats) if isclose(threat.epsilon, radius, rel_tol=_SAME)]
            if not found:
                there = ", ".join(str(threat) for threat in _of(norm, threats))
                named = f"{norm} {format_radius(norm, radius)}"
                problems.append(f"{where(*path)}: no attack of the suite has {named}; there is {there}")
            yield from found


def _of(norm: str, threats: Sequence[Threat]) -> list[Threat]:
    return [threat for threat in threats if threat.norm == norm]


def _unnamed(several: Sequence[str], threats: Sequence[Threat], scale: str, place: str) -> str:
    names = name_threats((threat.norm, threat.epsilon) for threat in threats)
    found = ", ".join(name for name, (norm, _) in names.items() if norm in several)
    last = dict(names.values())
    row = ", ".join(f"{norm}: {format_radius(norm, radius)}" for norm, radius in last.items())
    return (
        f"{place}: {found} are threats of their own, and the suite does not say which threats Ravg and Rworst count; "
        f"add `union: all`, or those that count, e.g. `union: {{{scale}: {{{row}}}}}`"
    )
