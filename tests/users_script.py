"""What somebody writes who uses the package, for `make lint` alone: it is never run.

mypy reads it with the types that the package publishes. Right calls pass, and every wrong one is found: where it were
found no longer, the comment that expects an error would be unused, which mypy says.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from typing_extensions import assert_type

import benchmark


def own_network(model: nn.Module, x: Tensor, y: Tensor) -> float:
    images, success, distance = benchmark.attack(model, x, y, "pgd", norm="linf", epsilon=8 / 255, steps=20)
    assert_type(images, Tensor)
    data = benchmark.Dataset.from_arrays(x, y, name="mine", scale="cifar10")
    benchmark.evaluate(model, name="my-network", dataset=data, suite="multi-perturbation", preset="quick")
    page = benchmark.report()
    assert_type(page, Path)
    return float(distance[success].mean())


def training() -> list[str]:
    paths = benchmark.train("at", dataset="digits", recipe="quick", seed=1)
    benchmark.evaluate(paths, suite="multi-perturbation", preset="quick", stop_after="50m")
    tests = benchmark.compare(paths)
    return [type(test).__name__ for test in tests]


def mistakes(model: nn.Module, x: Tensor) -> None:
    benchmark.trian("at")  # type: ignore[attr-defined]
    benchmark.train(7)  # type: ignore[call-overload]
    benchmark.evaluate("zoo/at.pt", sweet="multi-perturbation")  # type: ignore[call-overload]
    benchmark.decide(["zoo/at.pt", "zoo/mat.pt"], stop_after=["1h"])  # type: ignore[call-overload]
    benchmark.report(reslts="results")  # type: ignore[call-arg]
    benchmark.attack(model, x)  # type: ignore[call-arg]
    number: int = benchmark.report()  # type: ignore[assignment]
    version: int = benchmark.__version__  # type: ignore[assignment]
    forward: Callable[[Tensor], str] = benchmark.load_model("zoo/at.pt")  # type: ignore[assignment]
    print(number, version, forward, torch.__version__)
