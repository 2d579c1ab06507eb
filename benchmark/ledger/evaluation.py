"""What an evaluation found out, in memory: per example and attack, plain numpy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.ledger.classes import Classes
from benchmark.ledger.positions import Sample
from benchmark.ledger.predictions import UNKNOWN
from benchmark.ledger.predictions import Classes as Predicted
from benchmark.radii import format_radius

Flags = NDArray[np.bool_]
Distances = NDArray[np.float32]

#: How many images every attack sees in worst-case mode at most; of few images it is every second one.
COMMON = 100


def common(images: int) -> Flags:
    """N flags: the images that in worst-case mode every attack sees, whatever the attacks before it did to them.

    They are chosen by their places alone, evenly over all `images`: only what several attacks were tried on alike can
    tell which of them is the stronger one.
    """
    number = min(COMMON, -(-images // 2))
    flags = np.zeros(images, bool)
    flags[[place * images // number for place in range(number)]] = True
    return flags


@dataclass(frozen=True)
class Probe:
    """What a small step along the gradient did to the loss, before any attack: see `evaluation.probe`.

    Attributes:
        images: how many were looked at, all of them classified correctly.
        dead: of these, how many have a gradient that is zero or not finite, there or at a random point of the ball.
        uphill: of those that are not dead, for how many the loss rises more along the gradient than in random
            directions.
    """

    images: int
    dead: int
    uphill: int


@dataclass(frozen=True)
class Outcome:
    """What one attack of a suite did to the N images of an evaluation.

    Attributes:
        label: its name in the suite.
        norm, epsilon: the threat.
        kind: "fixed-budget" or "minimum-norm".
        broken: N flags: misclassified from the start, or broken within ε by a verified adversarial.
        distance: N float32: norm of the smallest verified adversarial, 0 where misclassified from the start, inf
            where none was found; for a minimal attack it may be larger than ε.
        evaluated: N flags: False where the attack was not tried, because in worst-case mode an earlier one under
            its threat had succeeded on an image that is not one of the `common` ones, or because it failed there.
        errors: why it failed on some shard of the images; a failed attack proves nothing about robustness.
        missing: how many of its records are absent or damaged.
        costs: seconds, forwards, backwards, dead_gradients, disagreements (successes claimed in bfloat16 that were
            none in float32), no_answer (images it broke because the network returned NaN or infinity), and the faults
            by reason.
        definition: the attack's identity as the suite states it.
        records: the digests of the records that all this was read from.
        warnings: what the attack itself warned of.
        probe: of the gradient under this threat; None for an attack that asks for none, and in older ledgers.
        wrong_share: N float32: of a network that draws random numbers, in which share of the passes it was wrong
            about the image, attacked where the attack was tried; None of others, wrong where `broken`.
        adversarial_class: N class indices: what the network takes the closest adversarial image for, see
            `record.Record`; `predictions.UNKNOWN` where the attack was not tried or its record does not tell; None
            where none does, as in ledgers of older versions.
    """

    label: str
    norm: str
    epsilon: float
    kind: str
    broken: Flags
    distance: Distances
    evaluated: Flags
    errors: tuple[str, ...] = ()
    missing: int = 0
    costs: dict[str, Any] = field(default_factory=dict)
    definition: dict[str, Any] = field(default_factory=dict)
    records: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    probe: Probe | None = None
    wrong_share: Distances | None = None
    adversarial_class: Predicted | None = None

    @property
    def is_flat_by_design(self) -> bool:
        """Whether its loss is flat where it has succeeded, so that zero gradients say nothing: that of C&W is."""
        return bool(self.definition.get("attack", {}).get("name") == "cw")

    @property
    def knows_classes(self) -> bool:
        """Whether it is known what the network takes each image for that the attack was tried on."""
        known = self.adversarial_class
        return known is not None and not bool((known[self.evaluated] == UNKNOWN).any())

    @property
    def complete(self) -> bool:
        """Whether the attack ran on all images, so that accuracies may be computed from it."""
        return not self.errors and not self.missing


@dataclass(frozen=True, repr=False)
class Evaluation:
    """One network under one suite.

    Attributes:
        id: digest of what identifies it: network, data, suite, mode, seed, precision.
        model: the card: name, method, network, architecture, dataset, digest, history, ...
        suite: the suite's definition, with its digest.
        dataset: name, digest and number of images.
        mode: "complete", or "worst-case": attacks after the first under a threat saw only what was still standing,
            and the `common` images.
        seed, precision: of the search.
        clean_errors: N flags: misclassified without any attack.
        outcomes: one per attack, in the suite's order.
        warnings: what a reader should know, e.g. that gradients were zero.
        failures: attacks that raised or returned what is no candidate; the evaluation is then incomplete.
        hardware: where the records were computed.
        versions: of what computed them, e.g. "torch 2.4.0".
        deterministic: whether all of them were computed by what gives the same bits again on the same device.
        date: when the last record was, ISO 8601.
        crafted_on: the card of the network that the adversarial images come from, where it was not this one.
        classes: of the images, and the network's answers without attack; None in ledgers of older versions.
        clean_class: N class indices: what the network takes each image for without attack, `classes.NONE` where it
            has no answer; None where neither records nor `classes` tell.
        sample: which of the data's images these N are, where they were chosen at random; None for the first ones.
        unstable: for how many images the answer to them, or to candidates made of them, was not always the same: the
            network is random, keeps something between calls, lets other images of a batch decide or answers otherwise
            when it is asked for gradients.
        no_answer: N flags: broken under some attack, or misclassified from the start, because the network returned
            NaN or infinity.
        rules: by which rules verdicts were made, see `record.RULES`.
        judging: how, where not by one pass of each candidate as it is: `draws` and `verdict_passes` of a network that
            draws random numbers, `eight_bit`.
    """

    id: str
    model: dict[str, Any]
    suite: dict[str, Any]
    dataset: dict[str, Any]
    mode: str
    seed: int
    precision: str
    clean_errors: Flags
    outcomes: tuple[Outcome, ...]
    warnings: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    hardware: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    deterministic: bool = False
    date: str = ""
    unstable: int = 0
    no_answer: Flags = field(default_factory=lambda: np.zeros(0, np.bool_))
    rules: int = 1
    crafted_on: dict[str, Any] | None = None
    classes: Classes | None = None
    clean_class: NDArray[np.int64] | None = None
    judging: dict[str, Any] = field(default_factory=dict)
    sample: Sample | None = None

    def __repr__(self) -> str:
        """In a line, since a notebook shows it: which network, under what, on how many images."""
        preset, attacks = self.suite.get("preset", ""), len(self.outcomes)
        under = f"{self.suite.get('name', '')} ({preset})" if preset else self.suite.get("name", "")
        told = f"{self.name!r} under {under!r}, {len(self.clean_errors)} images of {self.dataset.get('name', '')!r}"
        return f"<Evaluation of {told}, {attacks} attack{'s' * (attacks != 1)}>"

    @property
    def is_random(self) -> bool:
        """Whether the network was declared to draw random numbers."""
        return "verdict_passes" in self.judging

    @property
    def conditions(self) -> str:
        """How verdicts were made, in words, where not by one pass of each candidate as it is; "" where so."""
        told = []
        if self.is_random:
            draws, votes = self.judging["draws"], self.judging["verdict_passes"]
            told.append(f"random: gradients over {draws}, verdicts over {votes} passes")
        if self.judging.get("eight_bit"):
            told.append("8-bit images")
        return ", ".join(told)

    @property
    def name(self) -> str:
        """The network's name."""
        return str(self.model["name"])

    @property
    def norms(self) -> list[str]:
        """The norms of the attacks, in order of appearance."""
        return list(dict.fromkeys(outcome.norm for outcome in self.outcomes))

    @cached_property
    def threats(self) -> dict[str, tuple[str, float]]:
        """The threats that were attacked under, norm and radius, by their names; see `name_threats`."""
        return name_threats((outcome.norm, outcome.epsilon) for outcome in self.outcomes)

    @property
    def union(self) -> tuple[str, ...]:
        """The names of the threats that Ravg and Rworst count: those that the suite names, or all."""
        named = self.suite.get("union")
        counted = None if named is None else {(item["norm"], item["epsilon"]) for item in named}
        return tuple(name for name, threat in self.threats.items() if counted is None or threat in counted)

    @property
    def common(self) -> Flags:
        """N flags: the images that every attack is shown in this mode; records of older versions may lack some."""
        images = len(self.clean_errors)
        return np.ones(images, bool) if self.mode == "complete" else common(images)

    def outcome(self, label: str) -> Outcome:
        """The outcome of the attack called `label`.

        Raises:
            KeyError: the suite has no such attack.
        """
        for outcome in self.outcomes:
            if outcome.label == label:
                return outcome
        raise KeyError(label)


def name_threats(threats: Iterable[tuple[str, float]]) -> dict[str, tuple[str, float]]:
    """Norms and radii, in order of appearance, by names as people write them.

    A norm with one radius gives its name, "linf"; of one with several, each radius is a threat of its own and part of
    the name: "linf 4/255" and "linf 8/255".
    """
    found = list(dict.fromkeys(threats))
    norms = [norm for norm, _ in found]
    names: dict[str, tuple[str, float]] = {}
    for norm, radius in found:
        name = norm if norms.count(norm) == 1 else f"{norm} {format_radius(norm, radius)}"
        names[f"{norm} {radius!r}" if name in names else name] = (norm, radius)  # radii that are written alike
    return names
