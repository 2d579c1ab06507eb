"""Is one *method* better than another? Seeds and images are both drawn, so both are sources of error.

Of a method there are S networks, trained with S seeds, each tried on the same N images: S×N values. With effects of
seed, image and both together, x = μ + seed + image + seed×image, the variance of a difference of two methods is

    Σ over methods (σ²_seed / S + σ²_seed×image / SN)  +  σ²_image / N

where the last is of the images' differences, the images being the same for both. The two-way ("pigeonhole") bootstrap
of Owen (2007, Annals of Applied Statistics 1, 386–411), which draws seeds and images anew independently, estimates
it too, but for two things that matter with few seeds: it takes the seeds' variance (S − 1)/S too small, and knows
nothing of Student's t. Hence the variance is computed in closed form without the first, from the mean squares of a
two-way layout, and the quantiles are those of t with Satterthwaite's (1946) degrees of freedom. The bootstrap itself
and Welch's test on the seeds' means are checks: see `pigeonhole`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from benchmark.statistics.ravg_interval import wilson_bound

#: S×N values in [0, 1]: a row per seed, a column per image.
Arm = NDArray[np.float64]

#: Images that are thought to be there besides, half of them for each side (Agresti & Min 2005, Statistics in Medicine
#: 24, 729–740): without them images that happen to say the same would have no variance.
PSEUDO_IMAGES = 1.0


@dataclass(frozen=True)
class MethodDifference:
    """Two methods, each trained with several seeds, on the same images. All are fractions.

    Attributes:
        first, second: means over seeds and images.
        difference: first − second.
        low, high: interval of the difference of the methods' expected values, over seeds and images.
        p: two-sided probability of such a difference if there is none; never 0.
        seeds: how many of each.
        images: how many.
        freedom: degrees of freedom of the t distribution.
        seed_deviations: of each method the standard deviation from seed to seed, without what N images add to it.
        seed_error, image_error: parts of the standard error; their squares add up to its square.
        half_width: of the interval.
        half_width_seeds, half_width_images: what it would be with twice the seeds, or twice the images.
    """

    first: float
    second: float
    difference: float
    low: float
    high: float
    p: float
    seeds: tuple[int, int]
    images: int
    freedom: float
    seed_deviations: tuple[float, ...]
    seed_error: float
    image_error: float
    half_width: float
    half_width_seeds: float
    half_width_images: float

    @property
    def advice(self) -> str:
        """What narrows the interval more, in words."""
        seeds, images = self.half_width_seeds, self.half_width_images
        what = "more seeds" if seeds < images else "more images"
        return (
            f"half the interval is {100 * self.half_width:.1f} points; expected {100 * seeds:.1f} with twice the "
            f"seeds, {100 * images:.1f} with twice the images: {what} would help more"
        )


@dataclass(frozen=True)
class MethodMean:
    """One method, trained with several seeds. All are fractions.

    Attributes:
        value: mean over seeds and images.
        low, high: interval of the method's expected value, over seeds and images.
        seed_deviation: from seed to seed, without what N images add to it.
        seed_error, image_error: parts of the standard error; their squares add up to its square.
    """

    value: float
    low: float
    high: float
    seed_deviation: float
    seed_error: float
    image_error: float


def mean_of_method(arm: Arm, confidence: float = 0.95) -> MethodMean:
    """A method's expected value, with its interval over seeds and images.

    The interval is Wilson's of as many flags as have that standard error, with quantiles of t: see `ravg_interval`.

    Args:
        arm: S×N values in [0, 1]; S ≥ 2.
        confidence: of the interval.

    Raises:
        ValueError: there are fewer than two seeds.
    """
    _check_seeds(arm)
    layout, value = _Layout([arm]), min(max(float(arm.mean()), 0.0), 1.0)
    flags = value * (1 - value) / layout.error**2 or float(arm.shape[1])
    quantile = layout.quantile(confidence)
    low, high = (wilson_bound(value, flags, sign * quantile) for sign in (-1, 1))
    return MethodMean(
        value, max(0.0, low), min(1.0, high), seed_deviation(arm), sqrt(layout.of_seeds), sqrt(layout.of_images)
    )


def compare_methods(
    first: Arm, second: Arm, *, is_paired: bool = False, confidence: float = 0.95
) -> MethodDifference:
    """The difference of two methods' expected values, with its interval over seeds and images.

    Args:
        first, second: S×N and T×N values in [0, 1], of the same N images; S, T ≥ 2.
        is_paired: whether row s of both came out of one training, as the two networks of one run do, or a teacher
            and its student. Then S = T, and what a training adds to both cancels.
        confidence: of the interval.

    Raises:
        ValueError: there are fewer than two seeds of one of them, other images, or rows that make no pairs.
    """
    arms, images = make_arms(first, second, is_paired), first.shape[1]
    layout = _Layout(arms)
    difference = sum(float(arm.mean()) for arm in arms)
    half_width = layout.half_width(confidence)
    return MethodDifference(
        first=float(first.mean()),
        second=float(second.mean()),
        difference=difference,
        low=max(-1.0, difference - half_width),
        high=min(1.0, difference + half_width),
        p=two_sided(difference / layout.error, layout.freedom),
        seeds=(len(first), len(second)),
        images=images,
        freedom=layout.freedom,
        seed_deviations=tuple(map(seed_deviation, (first, second))),
        seed_error=sqrt(layout.of_seeds),
        image_error=sqrt(layout.of_images),
        half_width=half_width,
        half_width_seeds=layout.half_width(confidence, seeds=2),
        half_width_images=layout.half_width(confidence, images=2),
    )


def seed_deviation(arm: Arm) -> float:
    """Standard deviation, from seed to seed, of the accuracy on all images that there might be; S ≥ 2.

    What N images alone make the seeds' accuracies differ by is taken off; 0 where that is all.
    """
    return sqrt(max(0.0, float(arm.mean(1).var(ddof=1)) - residual(arm) / arm.shape[1]))


def make_arms(first: Arm, second: Arm, is_paired: bool) -> list[Arm]:
    """What adds up to the difference, seeds of each drawn by themselves: the first and minus the second, or pairs.

    Raises:
        ValueError: as `compare_methods`.
    """
    _check_seeds(first, second)
    if first.shape[1] != second.shape[1] or (is_paired and len(first) != len(second)):
        raise ValueError(f"{first.shape} and {second.shape} values can't be compared")
    return [first - second] if is_paired else [first, -second]


def _check_seeds(*arms: Arm) -> None:
    if min(map(len, arms)) < 2:
        raise ValueError("what seeds add can't be known from fewer than two of them")


def two_sided(statistic: float, freedom: float) -> float:
    """Probability that Student's t is as far from 0 on either side; never 0, however far that is."""
    return max(2 * float(stdtr(freedom, -abs(statistic))), float(np.finfo(float).tiny))


class _Layout:
    """The mean squares of one or two arms, each S×N, on the same images.

    Attributes:
        of_seeds: variance of the arms' sum for the seeds' sake, interaction with the images included.
        of_images: for the images' sake alone.
    """

    def __init__(self, arms: Sequence[Arm]) -> None:
        self.images = arms[0].shape[1]
        self.counts = [len(arm) for arm in arms]
        # Of a seed's mean over these images; never less than what the images alone make seeds differ by.
        self.interaction = [residual(arm) / self.images for arm in arms]
        self.per_seed = [
            max(float(arm.mean(1).var(ddof=1)), part) for arm, part in zip(arms, self.interaction, strict=True)
        ]
        self.of_seeds = sum(self._over_seeds(self.per_seed))
        per_image = sum(arm.mean(0) for arm in arms)
        total = float(((per_image - per_image.mean()) ** 2).sum() + PSEUDO_IMAGES) / (self.images + PSEUDO_IMAGES + 1)
        at_least = PSEUDO_IMAGES / self.images**2
        self.of_images = max(total / self.images - sum(self._over_seeds(self.interaction)), at_least)

    @property
    def error(self) -> float:
        """The standard error of the arms' sum."""
        return sqrt(self.of_seeds + self.of_images)

    @property
    def freedom(self) -> float:
        """Satterthwaite's degrees of freedom of the variance."""
        return self._freedom(self._over_seeds(self.per_seed), self.of_images, 1)

    def quantile(self, confidence: float) -> float:
        """Of Student's t, for a two-sided interval."""
        return float(stdtrit(self.freedom, (1 + confidence) / 2))

    def half_width(self, confidence: float, seeds: int = 1, images: int = 1) -> float:
        """Of the interval, with so many times the seeds or the images."""
        of_each = [
            (whole - part + part / images) / (count * seeds)
            for whole, part, count in zip(self.per_seed, self.interaction, self.counts, strict=True)
        ]
        of_images = self.of_images / images
        quantile = float(stdtrit(self._freedom(of_each, of_images, seeds), (1 + confidence) / 2))
        return quantile * sqrt(sum(of_each) + of_images)

    def _over_seeds(self, variances: Sequence[float]) -> list[float]:
        return [variance / count for variance, count in zip(variances, self.counts, strict=True)]

    def _freedom(self, of_each: Sequence[float], of_images: float, seeds: int) -> float:
        parts = [part**2 / (count * seeds - 1) for part, count in zip(of_each, self.counts, strict=True)]
        parts.append(of_images**2 / max(self.images - 1, 1))
        return (sum(of_each) + of_images) ** 2 / sum(parts)


def residual(arm: Arm) -> float:
    """Mean square of what neither the seed nor the image alone explains."""
    seeds, images = arm.shape
    rest = arm - arm.mean(1, keepdims=True) - arm.mean(0, keepdims=True) + arm.mean()
    return float((rest**2).sum()) / max((seeds - 1) * (images - 1), 1)
