"""How a training went, as its history tells it: lines over epochs, and drawings of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from markupsafe import Markup

from benchmark.charts import Axis, Line, Marker, line_chart

#: What a training history tells besides losses and accuracies.
_PROGRESS = ("epoch", "lr", "images_per_second", "seconds")


@dataclass(frozen=True)
class Training:
    """The lines of a training.

    Attributes:
        shares: accuracies on the validation split, in percent.
        losses: in what units the method has.
    """

    shares: tuple[Line, ...] = ()
    losses: tuple[Line, ...] = ()


def training_lines(history: Sequence[Mapping[str, Any]]) -> Training:
    """The lines of a history; none of one that is shorter than two epochs."""
    if len(history) < 2:
        return Training()
    names = [name for name in dict.fromkeys(name for row in history for name in row) if name not in _PROGRESS]
    lines = [line for name in names if (line := _line(history, name))]
    shares = [line for line in lines if "loss" not in line.name and all(0 <= y <= 1 for _, y in line.points)]
    return Training(
        tuple(Line(line.name, [(x, 100 * y) for x, y in line.points]) for line in shares),
        tuple(line for line in lines if "loss" in line.name),
    )


def draw_training(training: Training, selected: Any) -> Iterator[Markup]:
    """A drawing of the accuracies, with the epoch whose weights were `selected`, and one of the losses."""
    lines = [*training.shares, *training.losses]
    epochs = Axis("epoch", 0, max(x for line in lines for x, _ in line.points)) if lines else None
    if epochs and training.shares:
        markers = [Marker(selected, f"selected: {selected}")] if selected else []
        title, y = "Accuracy on the validation split", Axis("accuracy %", 0, 100)
        yield line_chart(title, training.shares, epochs, y, markers)
    if epochs and training.losses:
        values = [y for line in training.losses for _, y in line.points]
        low, high = min(0.0, *values), max(values)
        yield line_chart("Loss", training.losses, epochs, Axis("loss", low, high if high > low else low + 1))


def _line(history: Sequence[Mapping[str, Any]], name: str) -> Line | None:
    """The figures called `name` that are numbers, over the epochs; one that says no epoch is counted."""
    points = [
        (float(epoch if _is_number(epoch := row.get("epoch")) and epoch > 0 else number), float(row[name]))
        for number, row in enumerate(history, start=1)
        if _is_number(row.get(name))
    ]
    return Line(name, points) if len(points) > 1 else None


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float)
