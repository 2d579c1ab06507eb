"""Cards and attacks of networks that are trained with several seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

RECIPE = {"name": "quick", "epochs": 20, "threats": {"linf": {"epsilon": 0.15}}}


def card(method: str = "at", seed: int | None = 0, **more: Any) -> dict[str, Any]:
    extra = {"run": f"{method}-{seed}", "settings": {"beta": 6.0}, "inner": None, "outer": None, "precision": "fp32"}
    return {"method": method, "seed": seed, "recipe": RECIPE, "extra": extra | more.pop("extra", {}), **more}


def attack(broken: Sequence[int]) -> list[tuple[str, str, float, str, list[float]]]:
    return [("pgd", "linf", 0.03, "budget", [float(image in broken) for image in range(40)])]
