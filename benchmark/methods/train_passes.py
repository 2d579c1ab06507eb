"""How often a step passes through a network in train mode, which is how often it moves the running statistics.

Counted in the authors' code by hand and here by a hook (a test compares), with the numbers of steps that the recipes
have for CIFAR-10, once warm-up phases are over. Passes of the attack count where it crafts in train mode.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TrainPasses:
    """Passes in train mode in one step, of one network.

    Attributes:
        code: in the authors' code; None where none was found.
        paper, as_code: here, by the recipes of these names; where a norm is drawn at random, the fewest and the most.
        why: what the recipe `as-code` leaves, or what the code's are for.
    """

    code: int | tuple[int, int]
    paper: int | tuple[int, int]
    as_code: int | tuple[int, int]
    why: str = ""


_ROBUST = "its attack passes twice at each of its points"
_LOOKS = "it looks at the loss where its attack ends, and at the clean images after each update"

#: By method and network; "" where there is one.
PASSES: dict[str, dict[str, TrainPasses]] = {
    "at": {"": TrainPasses(13, 11, 13, _LOOKS)},
    "at-l2": {"": TrainPasses(13, 11, 13, _LOOKS)},
    "at-l1": {"": TrainPasses(202, 102, 202, _ROBUST)},
    "trades": {"": TrainPasses(3, 2, 3, "it computes h(x) once for each term")},
    "mart": {"": TrainPasses(2, 2, 2)},
    "at-awp": {"": TrainPasses(13, 11, 13, _LOOKS)},
    "trades-awp": {"": TrainPasses(3, 2, 3, "it computes h(x) once for each term")},
    "ard": {"": TrainPasses(12, 11, 12, "it computes S(x), which α = 1 leaves out")},
    "iad": {"": TrainPasses(14, 12, 14, "it computes S(x') twice, and S(x), which α = 1 leaves out")},
    "iad-2": {"": TrainPasses(12, 12, 12)},
    "rslad": {"": TrainPasses(2, 2, 2)},
    "mtard": {"": TrainPasses(2, 2, 2)},
    "act": {"natural": TrainPasses(1, 1, 1), "robust": TrainPasses(1, 1, 1)},
    "cat": {
        "h1": TrainPasses(4, 3, 4, "it looks at the clean images after each update"),
        "h2": TrainPasses(3, 3, 3),
    },
    "at-avg": {"": TrainPasses(384, 194, 384, f"{_ROBUST}, and it updates after each norm")},
    "at-max": {"": TrainPasses(385, 195, 385, _ROBUST)},
    "at-msd": {"": TrainPasses(201, 202, 202, "the loss of the last point is looked at here, too")},
    "e-at": {"": TrainPasses(1, 1, 1)},
    "sat-stochastic": {"": TrainPasses((11, 21), (11, 21), (11, 21))},
    "ramp": {
        "": TrainPasses(3, 2, 2, "it passes the examples of larger loss once more, which is not reproduced"),
        "natural": TrainPasses(1, 1, 1),
    },
}


def in_words(method: str) -> str:
    """The passes of the networks of a method, in a sentence for each; "" where no code was found."""
    return " ".join(_of_network(name, told) for name, told in PASSES.get(method, {}).items())


def _of_network(name: str, told: TrainPasses) -> str:
    who = f" of {name}" if name else ""
    why = f": {told.why}" if told.why else ""
    counts = f"{_number(told.code)} in the code, {_number(told.paper)} by the recipe paper"
    return f"Passes in train mode{who}, in a step: {counts}, {_number(told.as_code)} by as-code{why}."


def _number(count: int | tuple[int, int]) -> str:
    return str(count) if isinstance(count, int) else f"{count[0]} to {count[1]}"
