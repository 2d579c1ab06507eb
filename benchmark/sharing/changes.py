"""What changed on the leaderboards since they were published last: new networks, changed ranks, what is gone."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from benchmark.reporting.leaderboards import Leaderboard
from benchmark.reporting.text import percent

#: As many changes as a feed remembers.
MOST = 200

#: Names of changes are made of this and of what changed.
_NAMES = uuid.UUID("6f2b1c1e-7f0b-5d6e-9a59-0d8b8c1f4c11")

Standing = dict[str, Any]


def standing(boards: Sequence[Leaderboard]) -> Standing:
    """Who stands where, as plain values: by board, its title and date, and of each network name, rank and numbers."""
    return {
        board.file: {
            "title": board.title,
            "date": max(_moment(entry.evaluation.date) for entry in board.entries),
            "networks": {
                entry.id: {
                    "name": entry.name,
                    "rank": str(entry.rank),
                    "rworst": percent(entry.r_worst.value if entry.r_worst else None),
                    "link": f"index.html#{entry.anchor}",
                }
                for entry in board.entries
            },
        }
        for board in boards
    }


def changes(before: Standing, now: Standing) -> list[dict[str, str]]:
    """A change each, oldest first: its `id`, `title`, `summary`, `link` and `updated`.

    Their date is that of the latest record on the board, so that the same results give the same feed at any time.
    """
    found = [
        {**change, "updated": board["date"], "id": f"urn:uuid:{uuid.uuid5(_NAMES, '|'.join(change.values()))}"}
        for file, board in now.items()
        for change in _of_board(before.get(file), board)
    ]
    return sorted(found, key=lambda change: (change["updated"], change["title"], change["id"]))


def _of_board(before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    title = now["title"]
    known = before["networks"] if before else {}
    for identifier, network in now["networks"].items():
        name, rank, link = network["name"], network["rank"], network["link"]
        old = known.get(identifier)
        if old is None:
            yield {
                "title": f"New: {name}",
                "summary": f"{name} on {title}: rank {rank}, Rworst {network['rworst']}%.",
                "link": link,
            }
        elif old["rank"] != rank:
            yield {
                "title": f"Rank of {name}: {rank}, was {old['rank']}",
                "summary": f"{name} on {title}: rank {rank}, was {old['rank']}; Rworst {network['rworst']}%.",
                "link": link,
            }
    for identifier, network in known.items():
        if identifier not in now["networks"]:
            name = network["name"]
            yield {"title": f"Gone: {name}", "summary": f"{name} is no longer on {title}.", "link": "index.html"}


def _moment(date: str) -> str:
    """A date as feeds take it; the beginning of 1970 for what is none."""
    try:
        moment = datetime.fromisoformat(date.replace("Z", "+00:00"))
    except ValueError:
        moment = datetime.fromtimestamp(0, timezone.utc)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
