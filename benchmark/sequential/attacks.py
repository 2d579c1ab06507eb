"""Which attacks of a suite a metric needs, the cheap ones first, and the jobs that run them on chosen images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from benchmark.attacks import make_attack
from benchmark.attacks.adapters.autoattack import MEMBERS, AutoAttack
from benchmark.errors import BadInput, unknown
from benchmark.evaluation.cost import passes_of_attack
from benchmark.evaluation.jobs import AttackJob
from benchmark.evaluation.plan import Plan
from benchmark.evaluation.suite import Suite, SuiteItem
from benchmark.ledger.evaluation import name_threats
from benchmark.radii import NORMS
from benchmark.threats import Threat

Group = tuple[SuiteItem, ...]


def threats_of(suite: Suite, metric: str) -> list[Threat]:
    """The threats that `metric` counts.

    Raises:
        BadInput: the suite has no such metric.
    """
    if metric in ("rworst", "ravg"):
        return list(suite.union)
    names = name_threats((threat.norm, threat.epsilon) for threat in suite.threats)
    if metric == "clean":
        raise BadInput("clean accuracy takes one pass per image, so there is nothing to be saved; use bench evaluate")
    if metric not in names:
        raise unknown("metric", metric, ["rworst", "ravg", *names])
    return [threat for threat in suite.threats if (threat.norm, threat.epsilon) == names[metric]]


def groups_of(suite: Suite, metric: str) -> list[Group]:
    """The attacks that `metric` depends on, in groups: each attack sees only what those before it left standing.

    For Rworst that is one group, since an image that is broken under one threat need not be attacked under another;
    unless a norm has several radii: what is broken at the larger one may withstand at the smaller.
    """
    counted = threats_of(suite, metric)
    norms = {threat.norm for threat in counted if threat.norm in NORMS}
    items = [item for item in suite.items if item.threat in counted or item.threat.norm in norms]
    threats = list(dict.fromkeys(item.threat for item in items))
    if metric == "rworst" and len({threat.norm for threat in threats}) == len(threats):
        return [tuple(sorted(items, key=passes_of_item))]
    own = ([item for item in items if item.threat == threat] for threat in threats)
    return [tuple(sorted(group, key=passes_of_item)) for group in own]


def passes_of_item(item: SuiteItem) -> float:
    """Roughly how many passes it takes for an image that withstands it."""
    return passes_of_attack(item.attack, item.threat.norm) * item.restarts


def members_apart(suite: Suite) -> list[SuiteItem]:
    """The attacks of a suite, AutoAttack as its members: each sees what those before it left standing either way."""
    items: list[SuiteItem] = []
    for item in suite.items:
        if isinstance(item.attack, AutoAttack) and item.attack.variant == "standard":
            items += [_member(item, name, item.attack) for name in MEMBERS["standard"]]
        else:
            items.append(item)
    return items


def _member(item: SuiteItem, name: str, whole: AutoAttack) -> SuiteItem:
    parameters = {"queries": whole.queries} if name == "square" else {"steps": whole.steps}
    attack = make_attack(name, parameters, item.label)
    return replace(item, label=f"{item.label}: {name}", attack=attack, restarts=item.restarts if attack.random else 1)


def block_jobs(plan: Plan, groups: Sequence[Group], images: Sequence[int]) -> list[AttackJob]:
    """The jobs that run the attacks of each group on the images at these positions."""
    return [
        AttackJob(plan.target, group, 0, len(images), plan.seed, images=tuple(images))
        for group in groups
        if len(images)
    ]
