"""Every defence in one line: name, title, networks, inner maximisation, outer minimisation, paper.

A hyper-parameter written here is this method's default for it; all others have theirs where they are used, in
`cohort`, `inner`, `objectives` and `outer`. `--set` reaches each of them.
"""

# ruff: noqa: E501  (a table)
from __future__ import annotations

from functools import partial

from benchmark.registry import Registry
from benchmark.training import objectives as climb
from benchmark.training import outer
from benchmark.training.cohort import generalist, mutual, single
from benchmark.training.inner import Inner
from benchmark.training.method import Method

METHODS: Registry[Method] = Registry("method")

MADRY = "Madry et al. 2018, arXiv:1706.06083"
TRAMER = "Tramèr and Boneh 2019, arXiv:1904.13000"
MAINI = "Maini et al. 2020, arXiv:1909.04068"
MAT = "MAT, arXiv:2112.05005"


def attack(objective: climb.MakeObjective | None, *norms: str, **options: object) -> partial[Inner]:
    """The inner maximisation of `objective` in `norms` (linf if none is named)."""
    return partial(Inner, objective, **({"norms": norms} if norms else {}), **options)  # type: ignore[arg-type]


ALL = ("linf", "l2", "l1")

# fmt: off
_TABLE = {
    # one network
    "natural": Method("Natural training", "-", single, attack(None), outer.natural),
    "at": Method("Adversarial training, linf", f"{MADRY}, eq. 2.1", single, attack(climb.ce), outer.at),
    "at-l2": Method("Adversarial training, l2", MADRY, single, attack(climb.ce, "l2"), outer.at),
    "at-l1": Method("Adversarial training, l1", MAINI, single, attack(climb.ce, "l1"), outer.at),
    "trades": Method("TRADES", "Zhang et al. 2019, arXiv:1901.08573", single, attack(climb.trades, start="gaussian"), outer.trades),
    # several norms
    "at-avg": Method("Adversarial training, average of norms", TRAMER, single, attack(climb.ce, *ALL), outer.at),
    "at-max": Method("Adversarial training, worst norm", TRAMER, single, attack(climb.ce, *ALL, strategy="max"), outer.at),
    "at-msd": Method("Multi steepest descent", MAINI, single, attack(climb.ce, *ALL, strategy="msd", start="zero"), outer.at),
    # mutual
    "mat": Method("Mutual adversarial training", f"{MAT}, eq. 4 and 5", mutual, attack(climb.bce), outer.mat),
    "mat-avg": Method("MAT for several norms, average", f"{MAT}, eq. 6, 7 and 10", generalist, attack(climb.bce, *ALL), outer.mat_avg),
    "mat-max": Method("MAT for several norms, worst", f"{MAT}, eq. 6, 8 and 10", generalist, attack(climb.bce, *ALL, strategy="max"), outer.mat_max),
    "mat-msd": Method("MAT for several norms, MSD", f"{MAT}, eq. 6, 9 and 10", generalist, attack(climb.bce, *ALL, strategy="msd", start="zero"), outer.mat_msd),
}
# fmt: on

for _name, _method in _TABLE.items():
    METHODS.add(_name, _method, *(["at-linf"] if _name == "at" else []))
