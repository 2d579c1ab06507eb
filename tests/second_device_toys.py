"""Small attacks and trainings on the CPU or on the second device, for tests and for `perf/waits.py`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path

import second_device
import torch
from attack_toys import Net, images, predictions, threat
from torch import Tensor

from benchmark.attacks import Attack, PreparedClassifier
from benchmark.noise import ExampleNoise
from benchmark.threats import Threat
from benchmark.training import METHODS
from benchmark.training.plan import Plan
from benchmark.training.request import make_plan
from benchmark.training.trainer import Trainer


def found(
    attack: Attack,
    norm: str,
    device: str,
    shape: tuple[int, int, int] = (1, 8, 8),
    precision: str = "fp32",
    within: Threat | None = None,
) -> Tensor:
    """The candidates of an attack on four images, on the CPU again."""
    x = images(4, shape).round(decimals=3)
    net = Net(shape, 5)
    y = predictions(net, x)
    classifier = PreparedClassifier(net, 5, device, precision, x[:2].to(device))
    noise = ExampleNoise(0, range(len(x)), 0, device)
    with torch.enable_grad():
        return attack(classifier, x.to(device), y.to(device), within or threat(norm), noise).detach().cpu()


def trained(method: str, zoo: Mapping[str, Path], device: str, steps: int, inner: int = 1) -> tuple[Trainer, Plan]:
    """What trains for so many steps, each with so many of the attack.

    Args:
        zoo: paths of the networks "natural" and "at", which teach.
    """
    roles = METHODS.get(method).cohort().teachers
    settings = {"epochs": 1, "batch_size": 16, "validation.images": 16, "validation.steps": 1}
    settings |= {f"threats.{norm}.steps": inner for norm in ("linf", "l2", "l1")}
    plan = make_plan(
        method,
        dataset="digits",
        arch=None,
        recipe="quick",
        set=settings,
        teacher=[zoo["natural" if role == "natural" else "at"] for role in roles],
        inner=None,
        outer=None,
        seed=0,
        device=device,
        precision="fp32",
        name=None,
    )
    dataset = dataclasses.replace(plan.dataset, train=plan.dataset.train.first(16 * steps))
    plan = dataclasses.replace(plan, dataset=dataset)
    accelerator = second_device.Accelerator()
    accelerator.device = torch.device(device)
    accelerator.autocast = nullcontext
    return Trainer(plan, accelerator), plan
