"""How fast a network is here: a short probe, on the device and in the precision that the jobs will have."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from benchmark.attacks import Attack, PreparedClassifier
from benchmark.attacks.adapters.autoattack_passes import gradients_and_answers
from benchmark.attacks.ascent import Move, ascend
from benchmark.attacks.objectives import cross_entropy
from benchmark.evaluation.cost import search_passes
from benchmark.models.copying import copied
from benchmark.noise import BatchNoise, ExampleNoise
from benchmark.threats import Threat
from benchmark.training.passes import Passes

#: How long each of the probe's four parts looks, in seconds; on how many images at first; and how many gradient steps
#: of an attack it makes at once.
PROBE_SECONDS, FEW, STEPS = 0.25, 4, 3

#: Images of a probe of an attack's own work, of which there is little for each; of large ones as many as have so many
#: values. Which part of a library's steps it makes.
MANY, MOST_VALUES, PART = 128, 1 << 19, 25

#: Seconds that one forward pass of the probe may take, and how many after which there is none but the first.
LONG, SLOW = 0.25, 2.0

#: Of networks that are that slow, how many forward passes the way back to the images takes, and that to the weights,
#: too: 0.9 to 1.2 and 2.3 to 2.6 were measured of ResNet-18 and WRN-34-10.
BACK, BACK_TO_WEIGHTS = 1.1, 2.4


@dataclass(frozen=True)
class Speed:
    """Seconds that one image takes.

    Attributes:
        forward: of a pass through the network with constant weights, as attacks and teachers make them.
        backward: of the way back to the image, and of an attack's step there.
        learning_forward, learning_backward: of the network as it learns, the optimiser's step included.
    """

    forward: float
    backward: float
    learning_forward: float = 0.0
    learning_backward: float = 0.0

    @property
    def gradient(self) -> float:
        """Of one step of an attack."""
        return self.forward + self.backward

    def of(self, passes: Passes) -> float:
        """Of so many passes."""
        return (
            passes.forwards * self.forward
            + passes.backwards * self.backward
            + passes.learning_forwards * self.learning_forward
            + passes.learning_backwards * self.learning_backward
        )


def measure(
    network: nn.Module,
    shape: tuple[int, ...],
    classes: int,
    *,
    device: torch.device,
    precision: str,
    batch: int,
    learns: bool = True,
) -> Speed:
    """The speed of `network`, which is copied, with whatever weights it has.

    Args:
        network: maps N×C×H×W to N×K logits.
        shape, classes: C×H×W and K.
        device, precision: where, "fp32" or "bf16".
        batch: how many images a pass has, unless that many take longer than a probe should.
        learns: whether it is trained, too.
    """
    x = torch.rand(FEW, *shape, device=device)
    prepared = PreparedClassifier(network, classes, device, precision, x)
    clock = Clock(device)
    with torch.no_grad():
        prepared(x)
        few = clock.of(lambda: prepared(x))
    if few > SLOW:
        forward = few / FEW
        return Speed(forward, BACK * forward, forward, BACK_TO_WEIGHTS * forward)
    fits = max(FEW, int(FEW * LONG / few)) if few > 0 else batch
    size = batch if device.type != "cpu" else min(batch, fits)
    x = torch.rand(size, *shape, device=device)
    y = torch.arange(size, device=device) % classes
    noise = BatchNoise(size, torch.Generator(device).manual_seed(0))
    move = Move(Threat("linf", 8 / 255), 2 / 255)

    def answer() -> None:
        with torch.no_grad():
            prepared(x)

    def attack() -> None:
        ascend(prepared, x, y, cross_entropy, [move], steps=STEPS, start=x, noise=noise)

    forward = clock.best(answer) / size
    backward = max(0.0, clock.best(attack) / size / STEPS - forward)
    if not learns:
        return Speed(forward, backward)
    return Speed(forward, backward, *_learning(network, x, y, clock, precision))


def own_work(attack: Attack, threat: Threat, shape: tuple[int, ...], classes: int, device: torch.device) -> float:
    """Seconds that `attack` itself takes for one image, beside its network's passes and as many steps of PGD.

    That is little of our own attacks in a ball of pixels. But some draw fog or waves anew at every step, and
    libraries have loops over images. A part of the attack is run on a network that takes next to nothing.
    """
    images = min(MANY, max(2, MOST_VALUES // math.prod(shape)))
    x = torch.rand(images, *shape, device=device)
    y = torch.zeros(images, dtype=torch.long, device=device)
    few = _part(attack, threat.norm, classes)
    calm = PreparedClassifier(_Unmoved(x[0].numel(), classes), classes, device, "fp32", x[:2])
    move = Move(Threat("linf", 8 / 255), 2 / 255)
    clock = Clock(device)

    def noise() -> ExampleNoise:
        return ExampleNoise(0, torch.arange(images, device=device), 0, device)

    def plain() -> None:
        ascend(calm, x, y, cross_entropy, [move], steps=STEPS, start=x, noise=noise())

    def answers() -> None:
        with torch.no_grad():
            for _ in range(STEPS):
                calm(x)

    made, all_of_it = (search_passes(each, threat.norm, classes=classes) for each in (few, attack))
    beside = clock.best(lambda: few(calm, x, y, threat, noise())) - made.gradients * clock.best(plain) / STEPS
    if made.answers:
        beside -= made.answers * clock.best(answers) / STEPS
    return max(0.0, beside) / images * all_of_it.weight / made.weight


def _part(attack: Attack, norm: str, classes: int) -> Attack:
    """The same with few steps; of a library's all members in their proportions."""
    shorter: dict[str, Any] = {}
    if gradients_and_answers(attack, norm, classes):
        told = {name: getattr(attack, name) for name in ("steps", "queries") if hasattr(attack, name)}
        shorter = {name: min(number, max(STEPS, number // PART)) for name, number in told.items()}
    elif hasattr(attack, "steps"):
        shorter["steps"] = min(int(attack.steps), STEPS)
    return replace(attack, **shorter)


class _Unmoved(nn.Module):
    """A network that no image leads astray, but whose losses have gradients, AutoAttack's ratios of margins, too."""

    slope: Tensor
    start: Tensor

    def __init__(self, values: int, classes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.linspace(-1, 1, values) / values)
        number = torch.arange(classes)
        self.register_buffer("slope", 1.0 - 2 * (number % 2))
        self.register_buffer("start", -10.0 * number**2)

    def forward(self, x: Tensor) -> Tensor:
        score = x.flatten(1) @ self.weight
        return score[:, None] * self.slope + self.start


def _learning(network: nn.Module, x: Tensor, y: Tensor, clock: Clock, precision: str) -> tuple[float, float]:
    """Of forward and backward passes of a copy that learns."""
    module = copied(network).to(x.device).to(memory_format=torch.channels_last).train().requires_grad_(True)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.0, momentum=0.9)
    autocast: AbstractContextManager[object] = nullcontext()
    if precision == "bf16":
        autocast = torch.autocast(x.device.type, torch.bfloat16)

    def forward() -> Tensor:
        with autocast:
            result: Tensor = module(x.contiguous(memory_format=torch.channels_last))
        return result.float()

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        nn.functional.cross_entropy(forward(), y).backward()
        optimizer.step()

    there = clock.best(forward) / len(x)
    return there, max(0.0, clock.best(step) / len(x) - there)


@dataclass(frozen=True)
class Clock:
    """Times what this process computes: on a processor by the clock of this thread, so that what others compute
    meanwhile does not count; on an accelerator until it is done."""

    device: torch.device

    def of(self, once: Callable[[], object]) -> float:
        """Seconds of one call."""
        if self.device.type == "cpu":
            start = time.thread_time()
            once()
            return time.thread_time() - start
        self._wait()
        start = time.perf_counter()
        once()
        self._wait()
        return time.perf_counter() - start

    def best(self, once: Callable[[], object]) -> float:
        """Seconds of the fastest of as many calls as there is time for, after a first that does not count."""
        once()
        tries: list[float] = []
        end = time.perf_counter() + PROBE_SECONDS
        while not tries or time.perf_counter() < end:
            tries.append(self.of(once))
        return min(tries)

    def _wait(self) -> None:
        if self.device.type != "cpu":
            torch.accelerator.synchronize(self.device)
