"""What is wrong, collected, and what becomes of it where only some networks are at fault."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmark.errors import BadInput, PartlyFailed, UnfitNetwork
from benchmark.ledger.evaluation import Evaluation


class Complaints:
    """What is wrong, collected so that all of it can be said at once.

    Attributes:
        messages: with the input, which stops everything.
        unfit: with single networks, which stops only their evaluation.
    """

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.unfit: list[str] = []

    @contextmanager
    def noted(self, network: str = "") -> Iterator[None]:
        """Within this context a BadInput is noted instead of raised; of a network, if it is no fault of the input."""
        try:
            yield
        except UnfitNetwork as error:
            self.unfit.append(str(error) if network in str(error) else f"{network}: {error}")
        except BadInput as error:
            self.messages.append(str(error))

    def raise_all(self) -> None:
        """Raises BadInput with everything that was noted, if anything was that stops everything."""
        if self.messages:
            raise BadInput("\n".join(dict.fromkeys([*self.messages, *self.unfit])))


def reported(evaluations: list[Evaluation], failures: Sequence[str]) -> list[Evaluation]:
    """The `evaluations`, unless networks failed.

    Raises:
        PartlyFailed: some did; it has the evaluations of the others.
        BadInput: all did.
    """
    failures = list(dict.fromkeys(failures))
    if failures and not evaluations:
        raise BadInput("\n".join(failures))
    if failures:
        raise PartlyFailed(failures, evaluations)
    return evaluations
