"""A ledger as far as it is about some networks: what a report of these alone is made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmark.analysis.labels import labels_of
from benchmark.errors import BadInput
from benchmark.ledger import Evaluation, Ledger
from benchmark.ledger.sample_images import SampleImages
from benchmark.reporting.compare import evaluations_of


class Selection(Ledger):
    """Some evaluations, wherever they are from, and of a ledger what is beside them.

    Args:
        ledger: where stored images are looked for first.
        chosen: the evaluations.
        others: further ledgers that they are from.
    """

    def __init__(self, ledger: Ledger, chosen: Sequence[Evaluation], others: Sequence[Ledger] = ()) -> None:
        super().__init__(ledger.folder)
        self._chosen = list({each.id: each for each in chosen}.values())
        self._ledgers = [ledger, *others]

    def evaluations(self) -> list[Evaluation]:
        return [each for each in self._chosen if not each.crafted_on and each.sample is None]

    def transfers(self) -> list[Evaluation]:
        return [each for each in self._chosen if each.crafted_on]

    def samples(self) -> list[Evaluation]:
        return [each for each in self._chosen if each.sample is not None]

    def pictured(self, network: str) -> set[str]:
        return {record for ledger in self._ledgers for record in ledger.pictured(network)}

    def sample_images(self, network: str, record: str) -> SampleImages | None:
        found = (ledger.sample_images(network, record) for ledger in self._ledgers)
        return next((images for images in found if images is not None), None)


def only(networks: Sequence[Any] | Any, ledger: Ledger) -> Selection:
    """What of the ledger, and of others, is meant by `networks`, see `benchmark.report`.

    Raises:
        BadInput: nothing is, or something that is no network and no result.
    """
    one = isinstance(networks, str | Path | Evaluation) or not isinstance(networks, Sequence | Iterator)
    given = [networks] if one else list(networks)
    if not given:
        raise BadInput("there is nothing to report: the list is empty; leave it out for all results of the folder")
    chosen: list[Evaluation] = []
    others: list[Ledger] = []
    known: list[Evaluation] | None = None
    for each in given:
        if isinstance(each, Evaluation):
            chosen.append(each)
        elif isinstance(each, str | Path) and Path(each).is_dir():
            others.append(Ledger.open(each))
            chosen += [*others[-1].evaluations(), *others[-1].transfers(), *others[-1].samples()]
        elif isinstance(each, list | tuple):
            raise BadInput("report: a list in a list; give the evaluations one beside the other: [*first, *second]")
        else:
            known = ledger.evaluations() if known is None else known
            if not known:
                raise BadInput(f"there are no results in {ledger.folder}; run bench evaluate first")
            chosen += evaluations_of(each, known, labels_of(known))
    return Selection(ledger, chosen, others)
