"""What a decision or an estimate found out, for people and programs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmark.reporting.text import count, in_points, percent


@dataclass(frozen=True)
class Look:
    """What was known of a difference, or a value, after so many images.

    Attributes:
        images: how many.
        value: the mean on these, a fraction.
        low, high: the interval of that on all images.
    """

    images: int
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class NetworkLine:
    """One network.

    Attributes:
        network: what it is called.
        images: on how many images it was tried.
        value: the metric on these, a fraction.
        low, high: its interval for all images, each network by itself.
        passes: how many passes that took; 0 where it had been evaluated before.
        passes_of_all: roughly how many the whole suite takes on all images.
        standing: "best", "out" where another network is known to be better, or "" where none is.
    """

    network: str
    images: int
    value: float
    low: float
    high: float
    passes: int
    passes_of_all: float
    standing: str = ""


@dataclass(frozen=True)
class PairLine:
    """One pair: what is known of the difference first − second.

    Attributes:
        verdict: of the first: "better", "worse", "equivalent", or "undetermined" where nobody needs to know.
        looks: after each block; the last one is what is known.
    """

    first: str
    second: str
    verdict: str
    looks: tuple[Look, ...]

    @property
    def is_exact(self) -> bool:
        """Whether all images were used."""
        return self.looks[-1].low == self.looks[-1].high

    @property
    def sentence(self) -> str:
        """The verdict as a sentence."""
        last = self.looks[-1]
        if self.verdict == "equivalent":
            return f"{self.first} and {self.second} are equivalent"
        if self.verdict == "undetermined":
            return "undetermined"
        better = self.first if self.verdict == "better" else self.second
        return f"{better} is better{' on these images, exactly' if last.low == last.high else ''}"


@dataclass(frozen=True)
class Decision:
    """Which of some networks is better, on these test images under this suite.

    Attributes:
        metric, goal, margin, alpha: what was asked; the margin is a fraction.
        suite, preset, dataset: under which attacks, on which images.
        images: how many test images there are, which it is about.
        best: the network that is best, or not worse than the best by more than the margin; of two that are equivalent
            none.
        networks, pairs: the details.
        failures: networks that could not be attacked.
        page: where the page is.
    """

    metric: str
    goal: str
    margin: float
    alpha: float
    suite: str
    preset: str
    dataset: str
    images: int
    best: str | None
    networks: tuple[NetworkLine, ...]
    pairs: tuple[PairLine, ...]
    failures: tuple[str, ...] = ()
    page: Path | None = None

    @property
    def metric_name(self) -> str:
        """The metric as tables write it: "Rworst"."""
        return {"rworst": "Rworst", "ravg": "Ravg"}.get(self.metric, self.metric)

    @property
    def images_used(self) -> int:
        """On how many images the network that was tried on most was."""
        return max(line.images for line in self.networks)

    @property
    def share_of_images(self) -> float:
        """Of all networks' images, the share that was used."""
        return sum(line.images for line in self.networks) / (self.images * len(self.networks))

    @property
    def passes(self) -> int:
        return sum(line.passes for line in self.networks)

    @property
    def passes_of_all(self) -> float:
        return sum(line.passes_of_all for line in self.networks)

    @property
    def is_exact(self) -> bool:
        """Whether all images were used, so that no chance is left."""
        return all(pair.is_exact for pair in self.pairs)

    @property
    def certainty(self) -> str:
        """How sure the answer is and what it is about, in words that follow the answer."""
        if self.is_exact:
            return f"all {self.images} test images were attacked."
        return (
            f"false with probability {self.alpha:g} at most, however often one looks. It is about these "
            f"{self.images} test images, attacked in random order."
        )

    @property
    def headline(self) -> str:
        """The answer in a few words."""
        if len(self.pairs) == 1:
            return self.pairs[0].sentence
        if self.best is None:
            return "no network is known to be the best"
        close = any(self.best in (pair.first, pair.second) and pair.verdict == "equivalent" for pair in self.pairs)
        # One that was never beaten may be a little better, even where nobody needed to know by how much at least.
        close |= any(line.standing == "" for line in self.networks)
        within = f", or at most {in_points(100 * self.margin)} worse than the best" if close else ""
        return f"{self.best} is the best{within}"

    @property
    def summary(self) -> list[str]:
        """The answer, what it is about, and what it took, a line each."""
        lines = [
            f"{self.headline}: {self.certainty}",
            f"{percent(self.share_of_images)}% of the images and {count(self.passes)} passes were used; the whole "
            f"suite takes about {count(self.passes_of_all)} on all of them. bench evaluate attacks only the others.",
        ]
        return lines if self.page is None else [*lines, f"The page: {self.page}"]

    def to_json(self) -> dict[str, Any]:
        """Everything as plain JSON values; accuracies, differences and the margin are fractions."""
        told = asdict(self) | {
            "page": None if self.page is None else str(self.page),
            "images_used": self.images_used,
            "share_of_images": self.share_of_images,
            "passes": self.passes,
            "passes_of_all": self.passes_of_all,
            "headline": self.headline,
        }
        for pair, line in zip(told["pairs"], self.pairs, strict=True):
            pair |= {"sentence": line.sentence, "is_exact": line.is_exact}
        return told


@dataclass(frozen=True)
class Estimate:
    """Rworst of a network on its test images, from a sample of those that cheap attacks left standing.

    Attributes:
        network: what it is called.
        suite, preset, dataset: under which attacks, on which images.
        images: how many there are, which it is about.
        value, low, high: Rworst, and where it lies with probability 1 − alpha; fractions.
        width, alpha: what was asked: at most ± so much, a fraction.
        cheap, expensive: the attacks that were run on all images, and on the sample; none where the network had been
            evaluated before.
        standing: how many images the cheap ones left standing.
        sampled: how many of these were attacked with the expensive ones.
        passes: how many passes it took.
        passes_of_all: roughly how many all images would have taken, each attack on what those before it left.
        looks: the interval as the sample grew.
        page: where the page is.
    """

    network: str
    suite: str
    preset: str
    dataset: str
    images: int
    value: float
    low: float
    high: float
    width: float
    alpha: float
    cheap: tuple[str, ...]
    expensive: tuple[str, ...]
    standing: int
    sampled: int
    passes: int
    passes_of_all: float
    looks: tuple[Look, ...]
    page: Path | None = None

    @property
    def share_of_passes(self) -> float:
        """Of the passes that all images would have taken."""
        return self.passes / self.passes_of_all if self.passes_of_all else 0.0

    @property
    def is_exact(self) -> bool:
        """Whether all that was standing was attacked."""
        return self.low == self.high

    @property
    def summary(self) -> list[str]:
        """The interval, what it rests on, and what it took, a line each."""
        interval = "exact" if self.is_exact else f"{percent(self.low)}–{percent(self.high)}"
        about = f"{self.suite} ({self.preset}), {self.images} test images of {self.dataset}"
        lines = [f"Rworst of {self.network}: {percent(self.value)} ({interval}), {about}"]
        if not self.cheap:
            lines.append("All images had been attacked before.")
        else:
            lines.append(f"{', '.join(self.cheap)} on all images; {self.standing} withstood.")
            if self.expensive:
                lines.append(f"{', '.join(self.expensive)} on {self.sampled} of these, drawn at random.")
            lines.append(
                f"{count(self.passes)} passes, {percent(self.share_of_passes)}% of about "
                f"{count(self.passes_of_all)} for all images; the interval is wrong with probability "
                f"{self.alpha:g} at most."
            )
        return lines if self.page is None else [*lines, f"The page: {self.page}"]

    def to_json(self) -> dict[str, Any]:
        """Everything as plain JSON values; accuracies and the width are fractions."""
        page = None if self.page is None else str(self.page)
        return asdict(self) | {"page": page, "share_of_passes": self.share_of_passes, "is_exact": self.is_exact}
