"""Outer minimisations: the loss of each method, written like its formula.

h(x) is `h.clean`, h(x') on its own adversarial example is `h.adversarial`, h's logits on the example of another
network is `h.on(other)`; D(a‖b) is `kl(a, b)`, the target first. Hyper-parameters are keyword arguments with
the papers' values. The formula stands above each; its docstring says where the authors' code differs.
"""

from benchmark.methods.outer.alone import alp, at, mart, natural, ramp, trades
from benchmark.methods.outer.base import OUTERS, Outer
from benchmark.methods.outer.taught import ard, dd, distil, iad, iad_2, mat_offline, mmard, mtard, rslad
from benchmark.methods.outer.together import act, cat, mat, mat_avg, mat_max, mat_msd, mat_nat_rob

__all__ = [
    "OUTERS",
    "Outer",
    "act",
    "alp",
    "ard",
    "at",
    "cat",
    "dd",
    "distil",
    "iad",
    "iad_2",
    "mart",
    "mat",
    "mat_avg",
    "mat_max",
    "mat_msd",
    "mat_nat_rob",
    "mat_offline",
    "mmard",
    "mtard",
    "natural",
    "ramp",
    "rslad",
    "trades",
]
