"""The pages that `bench paper` made in the folder of a report, so that the leaderboard can lead to them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from pydantic import BaseModel, NonNegativeInt, ValidationError

from benchmark.errors import BadInput
from benchmark.storage import read_text

#: What a claim may be answered, in the order of the columns.
ANSWERS = ("supported", "contradicted", "undetermined", "not measured")


class Summary(BaseModel):
    """What a paper's page says about itself in the file `paper.json` beside it.

    Attributes:
        title, source: of the paper.
        dataset, images: what its tables were measured on.
        claims: how many of the paper's were answered "supported", "contradicted", "undetermined" and "not measured".
        sanity: the same of our own checks.
    """

    title: str
    source: str
    dataset: str
    images: NonNegativeInt | None
    claims: dict[str, NonNegativeInt]
    sanity: dict[str, NonNegativeInt] = {}

    @property
    def is_counted(self) -> bool:
        """Whether its claims are counted by those answers: versions before 0.2 had others, for fewer sentences."""
        return set(self.claims) <= set(ANSWERS)


@dataclass(frozen=True)
class PaperPage:
    """A paper's page: where it is, seen from the leaderboard, and what it says about itself."""

    link: str
    about: Summary


def paper_pages(out: Path) -> list[PaperPage]:
    """The papers' pages below `out`, by their place; what is no such page is passed over."""
    found = []
    for path in sorted(out.glob("*/*/paper.json")):
        try:
            about = Summary.model_validate(json.loads(read_text(path)))
        except (BadInput, FileNotFoundError, ValidationError, ValueError, RecursionError):
            continue
        if (path.parent / "index.html").is_file():
            found.append(PaperPage(quote((path.parent / "index.html").relative_to(out).as_posix()), about))
    return found
