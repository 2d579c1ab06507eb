"""The pages that `bench sweep` made in the folder of a report, so that the leaderboard can lead to them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from pydantic import BaseModel, NonNegativeInt, ValidationError

from benchmark.errors import BadInput
from benchmark.storage import read_text

#: What a sweep's page says about itself, beside it.
FILE = "sweep.json"


class Summary(BaseModel):
    """What a sweep's page says about itself.

    Attributes:
        title: of the page.
        about: how it was measured, in sentences.
        networks: how many were compared.
        selected: what the choice comes to, in sentences; "" where it can't be said.
    """

    title: str
    about: str = ""
    networks: NonNegativeInt
    selected: str = ""


@dataclass(frozen=True)
class SweepPage:
    """A sweep's page: where it is, seen from the leaderboard, and what it says about itself."""

    link: str
    about: Summary


def sweep_pages(out: Path) -> list[SweepPage]:
    """The sweeps' pages below `out`, by their place; what is no such page is passed over."""
    found = []
    for path in sorted(out.glob("sweeps/*/index.html")):
        try:
            about = Summary.model_validate(json.loads(read_text(path.with_name(FILE))))
        except FileNotFoundError:  # of an earlier version
            about = Summary(title=path.parent.name, networks=0)
        except (BadInput, ValidationError, ValueError, RecursionError):
            continue
        found.append(SweepPage(quote(path.relative_to(out).as_posix()), about))
    return found
