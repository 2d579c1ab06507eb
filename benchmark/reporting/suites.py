"""A suite's attacks as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from benchmark.reporting.tables import Board
from benchmark.reporting.text_tables import latex

if TYPE_CHECKING:
    import pandas as pd


def suite_frame(board: Board) -> pd.DataFrame:
    """A row per attack of the board's suite, with all that determines its numbers."""
    import pandas as pd

    told = ("label", "norm", "epsilon", "restarts", "kind", "source", "paper")
    return pd.DataFrame(
        [
            {name: item[name] for name in told}
            | {"attack": item["attack"]["name"], "parameters": parameters(item["attack"])}
            for item in board.evaluations[0].suite["items"]
        ]
    )


def suite_latex(board: Board) -> str:
    """The same for a manuscript."""
    rows = [
        [
            item["label"],
            f"{item['norm']} ≤ {item['epsilon']:g}",
            parameters(item["attack"]).replace("_", " "),
            str(item["restarts"]),
        ]
        for item in board.evaluations[0].suite["items"]
    ]
    caption = f"Suite {board.suite} ({board.preset}) on {board.dataset}, first {board.images} images"
    return latex(caption, ["Attack", "Threat", "Parameters", "Restarts"], rows, words=3)


def parameters(attack: Mapping[str, Any]) -> str:
    """{"name": "pgd", "steps": 40} → "steps=40"."""
    return ", ".join(f"{name}={value}" for name, value in attack.items() if name not in ("name", "version"))
