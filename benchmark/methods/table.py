"""Every defence in one line: name, title, paper, networks, inner maximisation, outer minimisation.

A hyper-parameter written here is this method's default for it; all others have theirs where they are used, in
`cohort`, `inner`, `objectives` and `outer`. `--set` reaches each of them.
"""

# ruff: noqa: E501  (a table)
from __future__ import annotations

from functools import partial

from benchmark.methods import objectives as climb
from benchmark.methods import outer
from benchmark.methods.cohort import generalist, mutual, natural_and_robust, pair, scaffolded, single, student
from benchmark.methods.inner import Inner
from benchmark.methods.method import Method
from benchmark.methods.weights import AWP, Merge
from benchmark.own.fresh_import import load_entry
from benchmark.own.functions import no_instance
from benchmark.registry import Registry

MADRY = "Madry et al. 2018, arXiv:1706.06083"
TRAMER = "Tramèr and Boneh 2019, arXiv:1904.13000"
MAINI = "Maini et al. 2020, arXiv:1909.04068"
WU = "Wu et al. 2020, arXiv:2004.05884"
MAT = "Liu et al. 2021, arXiv:2112.05005"


def attack(objective: climb.MakeObjective | None, *norms: str, **options: object) -> partial[Inner]:
    """The inner maximisation of `objective` in `norms` (linf if none is named)."""
    return partial(Inner, objective, **({"norms": norms} if norms else {}), **options)  # type: ignore[arg-type]


ALL = ("linf", "l2", "l1")
distilled = student
distilled_twice = partial(student, ("natural", "robust"))

# fmt: off
_TABLE = {
    # One network.
    "natural": Method("Natural training", "", single, attack(None), outer.natural),
    "at": Method("Adversarial training, linf", MADRY, single, attack(climb.ce), outer.at, equation="eq. 2.1", code="MadryLab/cifar10_challenge@f15682d"),
    "at-l2": Method("Adversarial training, l2", MADRY, single, attack(climb.ce, "l2"), outer.at, code="locuslab/robust_overfitting@c47a25c"),
    "at-l1": Method("Adversarial training, l1", MAINI, single, attack(climb.ce, "l1"), outer.at, code="locuslab/robust_union@ef34194"),
    "alp": Method("Adversarial logit pairing", "Kannan et al. 2018, arXiv:1803.06373", single, attack(climb.ce), outer.alp, code="liuxingbin/CAT@2325fa1"),
    "trades": Method("TRADES", "Zhang et al. 2019, arXiv:1901.08573", single, attack(climb.trades, start="gaussian"), outer.trades, equation="as in table 1 of arXiv:2503.06559", code="yaodongyu/TRADES@6e8e11b"),
    "mart": Method("Misclassification aware adversarial training", "Wang et al. 2020, ICLR", single, attack(climb.ce, start="gaussian"), outer.mart, code="YisenWang/MART@2d83e17"),
    "at-awp": Method("Adversarial training with weight perturbation", WU, single, attack(climb.ce), outer.at, awp=partial(AWP, awp=0.01), code="csdongxian/AWP@a7acf5d"),
    "trades-awp": Method("TRADES with weight perturbation", WU, single, attack(climb.trades, start="gaussian"), outer.trades, awp=partial(AWP, awp=0.005, awp_warmup=0.045), code="csdongxian/AWP@a7acf5d"),

    # One network and frozen teachers.
    "dd": Method("Defensive distillation", "Papernot et al. 2016, arXiv:1511.04508", distilled, attack(None), outer.dd, code="carlini/nn_robust_attacks@c6b8f6a"),
    "ard": Method("Adversarially robust distillation", "Goldblum et al. 2020, arXiv:1905.09747", distilled, attack(climb.ce), outer.ard, code="goldblum/AdversariallyRobustDistillation@779ade3"),
    "iad": Method("Introspective adversarial distillation, I", "Zhu et al. 2022, arXiv:2106.04928", distilled, attack(climb.ce), outer.iad, equation="as in table 1 of arXiv:2503.06559", code="ZFancy/IAD@a8091a8"),
    "iad-2": Method("Introspective adversarial distillation, II", "Zhu et al. 2022, arXiv:2106.04928", distilled_twice, attack(climb.ce), outer.iad_2, code="ZFancy/IAD@a8091a8"),
    "rslad": Method("Robust soft label adversarial distillation", "Zi et al. 2021, arXiv:2108.07969", distilled, attack(climb.rslad, start="gaussian"), outer.rslad, equation="as in table 1 of arXiv:2503.06559", code="zibojia/RSLAD@c40e04f"),
    "mtard": Method("Multi-teacher adversarial distillation", "Zhao et al. 2022, ECCV", distilled_twice, attack(climb.ce, start="gaussian"), outer.mtard, code="zhaoshiji123/MTARD@6480a1b"),
    "mmard": Method("Min-max adversarial robustness distillation", "Wang et al. 2025, arXiv:2503.06559", distilled, attack(climb.mmard, start="gaussian"), outer.mmard, equation="eq. 6, algorithm 1"),

    # Several networks that learn from each other.
    "act": Method("Adversarial concurrent training", "Arani et al. 2020, arXiv:2008.07015", natural_and_robust, attack(climb.act, start="gaussian"), outer.act, code="NeurAI-Lab/ACT@7379937"),
    "cat": Method("Collaborative adversarial training", "Liu et al. 2023, arXiv:2303.14922", pair, attack(climb.ce), outer.cat, code="liuxingbin/CAT@2325fa1"),
    "mat": Method("Mutual adversarial training", MAT, mutual, attack(climb.bce), outer.mat, equation="eq. 4 and 5"),
    "mat-rob-rob-offline": Method("MAT with a robust teacher trained before", MAT, distilled, attack(climb.bce), outer.mat_offline, equation="section 3.2.5"),
    "mat-nat-rob-online": Method("MAT of a natural and a robust network", MAT, natural_and_robust, attack(climb.bce), outer.mat_nat_rob, equation="section 3.2.5"),
    "mat-nat-rob-offline": Method("MAT with a natural teacher trained before", MAT, distilled, attack(climb.bce), outer.mat_offline, equation="section 3.2.5"),

    # Several norms.
    "at-avg": Method("Adversarial training, average of norms", TRAMER, single, attack(climb.ce, *ALL), outer.at, code="locuslab/robust_union@ef34194"),
    "at-max": Method("Adversarial training, worst norm", TRAMER, single, attack(climb.ce, *ALL, strategy="max"), outer.at, code="locuslab/robust_union@ef34194"),
    "at-msd": Method("Multi steepest descent", MAINI, single, attack(climb.ce, *ALL, strategy="msd", start="zero", keep="best"), outer.at, code="locuslab/robust_union@ef34194"),
    "mat-avg": Method("MAT for several norms, average", MAT, generalist, attack(climb.bce, *ALL), outer.mat_avg, equation="eq. 6, 7 and 10"),
    "mat-max": Method("MAT for several norms, worst", MAT, generalist, attack(climb.bce, *ALL, strategy="max"), outer.mat_max, equation="eq. 6, 8 and 10"),
    "mat-msd": Method("MAT for several norms, MSD", MAT, generalist, attack(climb.bce, *ALL, strategy="msd", start="zero"), outer.mat_msd, equation="eq. 6, 9 and 10"),
    "e-at": Method("Extreme norm adversarial training", "Croce and Hein 2022, arXiv:2105.12508", single, attack(climb.ce, "linf", "l1", strategy="hardest", start="zero", keep="best", ascent="apgd"), outer.at, code="fra31/robust-finetuning@0201a49"),
    "sat-stochastic": Method("Stochastic adversarial training over norms", "Madaan et al. 2021, arXiv:2006.12135", single, attack(climb.ce, *ALL, strategy="random"), outer.at, code="divyam3897/MNG_AC@40c25a0"),
    "ramp": Method("RAMP", "Jiang and Singh 2024, arXiv:2402.06827", scaffolded, attack(climb.ce, "linf", "l1", start="zero", keep="best", ascent="apgd"), outer.ramp, merge=Merge, code="uiuc-focal-lab/RAMP@be4971f"),
}
# fmt: on

#: Every defence by name.
METHODS: Registry[Method] = Registry(
    "method", fault=lambda thing: "" if isinstance(thing, Method) else no_instance(thing, "Method"), load=load_entry
)
for _name, _method in _TABLE.items():
    METHODS.add(_name, _method, *(["at-linf"] if _name == "at" else []))
