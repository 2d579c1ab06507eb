"""Black-box matrices as the site shows them: one set for each setting."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmark.analysis.labels import labels_of
from benchmark.analysis.transfer import Matrix, transfer_matrices
from benchmark.labels import Key, key
from benchmark.ledger import Evaluation
from benchmark.reporting.entries import Accuracy, Row, accuracy_values
from benchmark.reporting.leaderboards import Leaderboard, leaderboards
from benchmark.statistics.wilson import wilson


@dataclass(frozen=True)
class Tried:
    """What is left of a target's accuracy: a fraction with its 95% interval."""

    source: str
    target: str
    accuracy: float
    low: float
    high: float


@dataclass(frozen=True)
class Transfers:
    """The matrices of one setting, one for each attack."""

    board: Leaderboard
    matrices: tuple[Matrix, ...]

    def rows(self, matrix: Matrix) -> list[list[Tried | None]]:
        """For each source, for each target what was measured; None for a pair that was not tried or failed."""
        images = self.board.images
        return [
            [
                Tried(source, target, value, *wilson(value * images, images)) if value == value else None
                for target, value in zip(matrix.targets, line, strict=True)
            ]
            for source, line in zip(matrix.sources, matrix.accuracy.tolist(), strict=True)
        ]


def transfers(evaluations: Iterable[Evaluation], named: Mapping[Key, str] | None = None) -> list[Transfers]:
    """Matrices that never mix what is not comparable, from evaluations with images crafted on other networks.

    `named` are labels of more networks than these; None for those of these alone.
    """
    evaluations = [*evaluations]
    named = labels_of(evaluations) if named is None else named
    return [
        Transfers(board, tuple(transfer_matrices(sorted(board.evaluations, key=_pair), named)))
        for board in leaderboards(evaluations, named=named)
    ]


def _pair(evaluation: Evaluation) -> tuple[Key, Key]:
    """Source and target: by both, so that what is white-box lies on the diagonal."""
    return key(evaluation.crafted_on or {"name": ""}), key(evaluation.model)


def transfer_rows(found: Sequence[Transfers]) -> Iterator[Row]:
    """A row per setting, attack, source and target that was tried."""
    for item in found:
        for matrix in item.matrices:
            for tried in (tried for line in item.rows(matrix) for tried in line if tried):
                names = {"attack": matrix.label, "source": tried.source, "target": tried.target}
                accuracy = Accuracy(tried.accuracy, tried.low, tried.high)
                yield item.board.setting() | names | accuracy_values("accuracy", accuracy)
