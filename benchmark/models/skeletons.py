"""Networks of the libraries without their weights: as large as the published ones, before those are fetched."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from torch import nn

from benchmark.models.fetching import needs
from benchmark.models.sources import robustbench_zoo


def skeleton(source: str) -> nn.Module | None:
    """The network that `source` names, with random weights; None where nothing but the weights' file tells it.

    Args:
        source: "robustbench:NAME", "torchvision:NAME" or "timm:NAME"; of all others None.

    Raises:
        BadInput: the library is not installed.
    """
    kind, _, name = source.partition("?")[0].partition(":")
    made: Any = None
    if kind == "robustbench":
        *place, short = name.split("/")
        board = (place[0], place[1]) if len(place) == 2 else ("cifar10", "Linf")
        entry = robustbench_zoo().get(board, {}).get(short)
        made = entry["model"]() if entry else None
    elif kind == "torchvision":
        from torchvision import models

        with suppress(ValueError):  # an unknown name, which is told by who loads it
            made = models.get_model(name, weights=None)
    elif kind == "timm":
        with needs("timm", "pip install timm"):
            import timm
        with suppress(RuntimeError):
            made = timm.create_model(name, pretrained=False)
    return made if isinstance(made, nn.Module) else None
