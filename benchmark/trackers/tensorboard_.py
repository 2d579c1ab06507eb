"""TensorBoard: event files in the run's folder; a resumed run adds a file there, which TensorBoard shows as one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from benchmark.trackers.tracker import Run

if TYPE_CHECKING:
    from torch.utils.tensorboard.writer import SummaryWriter


def open_run(run: Run) -> TensorBoard:
    """Begin writing to the run's folder."""
    from torch.utils.tensorboard.writer import SummaryWriter

    return TensorBoard(SummaryWriter(str(run.folder)))


class TensorBoard:
    """A run as event files."""

    def __init__(self, writer: SummaryWriter) -> None:
        self._writer = writer

    def log(self, values: Mapping[str, float], step: int) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def summary(self, values: Mapping[str, Any]) -> None:
        lines = ["| | |", "|---|---|", *(f"| {_cell(name)} | {_cell(value)} |" for name, value in values.items())]
        self._writer.add_text("summary", "\n".join(lines))

    def close(self) -> None:
        self._writer.close()


def _cell(value: Any) -> str:
    """A value in a cell of Markdown."""
    return str(value).replace("|", "\\|").replace("\n", " ")
