"""How gradients and verdicts are made where one pass of a network is not enough, or where images have eight bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benchmark.errors import BadInput

#: Verdicts on a random network are by the majority of so many passes, if nothing is said.
VERDICT_PASSES = 20


@dataclass(frozen=True)
class Judging:
    """What differs from one float32 pass of each candidate as it is.

    Attributes:
        draws: over how many passes of a random network each gradient and each answer to an attack is averaged.
        verdict_passes: float32 passes of the original network that vote on each image; it counts as classified
            correctly where more than half of them do.
        eight_bit: whether candidates are rounded to 256 levels per channel, as image files hold, before the verdict.
    """

    draws: int = 1
    verdict_passes: int = 1
    eight_bit: bool = False

    @property
    def is_random(self) -> bool:
        """Whether the network is declared to draw random numbers."""
        return self.verdict_passes > 1

    def identity(self) -> dict[str, Any]:
        """What decides numbers, as plain JSON values; {} where it is the usual single pass."""
        random = {"draws": self.draws, "verdict_passes": self.verdict_passes} if self.is_random else {}
        return random | ({"eight_bit": True} if self.eight_bit else {})


#: One pass of the candidate as it is.
SINGLE = Judging()


def read_judging(stochastic: int | None, verdict_passes: int | None, eight_bit: bool) -> Judging:
    """What `evaluate` was asked for.

    Raises:
        BadInput: a number is out of range, or passes are given for a network that is not said to be random.
    """
    if stochastic is None:
        if verdict_passes is not None:
            raise BadInput("--verdict-passes is for networks that draw random numbers; name --stochastic N as well")
        return Judging(eight_bit=eight_bit)
    passes = VERDICT_PASSES if verdict_passes is None else verdict_passes
    for name, value, least in (("--stochastic", stochastic, 1), ("--verdict-passes", passes, 2)):
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= 10_000:
            raise BadInput(f"{name} must be a whole number from {least} to 10,000, not {value!r}")
    return Judging(stochastic, passes, eight_bit)


def judging_of(told: dict[str, Any] | None) -> Judging:
    """What `Judging.identity` gave; the usual single pass for None."""
    return Judging(**(told or {}))
