"""Images that were chosen from a test set: by their positions, which files keep as words of one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Sample:
    """A random sample of the images that an evaluation is about, attacked as far as one metric needs it.

    Attributes:
        metric: which: "rworst", "ravg" or a threat. Only this one may be computed.
        positions: of the images in the test set, in the order in which they were drawn.
    """

    metric: str
    positions: tuple[int, ...]

    def written(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"metric": self.metric, "images": write_positions(self.positions)}


def read_sample(written: Mapping[str, Any] | None) -> Sample | None:
    """What `Sample.written` gave; None for None."""
    return None if written is None else Sample(written["metric"], read_positions(written["images"]))


def write_positions(positions: Sequence[int]) -> str:
    """The positions as text: "3 17 250"."""
    return " ".join(map(str, positions))


def read_positions(text: str) -> tuple[int, ...]:
    """What `write_positions` wrote."""
    return tuple(int(word) for word in text.split(" "))
