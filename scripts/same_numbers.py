"""Whether two results folders hold the same verdicts and distances, record by record.

.venv/bin/python scripts/same_numbers.py BEFORE AFTER

For changes of code that should change no number: evaluate the same checkpoints before and after, into two folders.
Records are matched by network, attack, restarts, images and seed; what names them, such as digests, may differ.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmark.ledger import Ledger, Record

Place = tuple[str, str, int, int, int]


def records(results: Path) -> Iterator[tuple[Place, Record]]:
    """All records of the evaluations in a folder, by what they are about."""
    ledger = Ledger.open(results)
    for evaluation in ledger.evaluations():
        for outcome in evaluation.outcomes:
            for name in outcome.records:
                record = ledger.read(evaluation.model["digest"], name)
                if record is None:
                    raise SystemExit(f"{results}: the record {name} is corrupted or missing")
                data = record.key["data"]
                yield (evaluation.name, outcome.label, data["start"], data["stop"], evaluation.seed), record


def main(before: str, after: str) -> None:
    first, second = dict(records(Path(before))), dict(records(Path(after)))
    only = first.keys() ^ second.keys()
    for place in sorted(only):
        print(f"only in {before if place in first else after}: {place}")
    others = 0
    for place in sorted(first.keys() & second.keys()):
        for name in ("clean_errors", "evaluated", "broken", "distance"):
            found = [np.asarray(getattr(each[place], name)) for each in (first, second)]
            if not np.array_equal(*found, equal_nan=name == "distance"):
                others += 1
                print(f"{place}: {name} differs for {(found[0] != found[1]).sum()} images")
    images = sum(len(record.broken) for record in first.values())
    print(
        f"{len(first)} records, {images:,} verdicts: {'all the same' if not others and not only else 'not the same'}"
    )
    sys.exit(bool(others or only))


if __name__ == "__main__":
    main(*sys.argv[1:])
