"""Black-box matrices as the site shows them: one set for each question that they answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmark.analysis.transfer import Matrix, transfer_matrices
from benchmark.evaluation import Evaluation
from benchmark.reporting.tables import Board, boards

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Transfers:
    """The matrices of one question, one for each attack."""

    board: Board
    matrices: tuple[Matrix, ...]


def transfers(evaluations: Iterable[Evaluation]) -> list[Transfers]:
    """Matrices that never mix what is not comparable, from evaluations with images crafted on other networks."""
    return [Transfers(board, tuple(transfer_matrices(board.evaluations))) for board in boards(evaluations)]


def transfers_frame(found: Sequence[Transfers]) -> pd.DataFrame:
    """A row per question, attack, source and target that was tried."""
    import pandas as pd

    rows = [
        item.board.question() | {"attack": matrix.label, "source": source, "target": target, "accuracy": accuracy}
        for item in found
        for matrix in item.matrices
        for source, line in zip(matrix.sources, matrix.accuracy, strict=True)
        for target, accuracy in zip(matrix.targets, line, strict=True)
        if accuracy == accuracy
    ]
    return pd.DataFrame(rows)
