"""How fast our training step is beside the plain loop that the papers' code uses, in one process, in turns.

    python perf/training.py                         # ResNet-18 at 32×32, AT, TRADES and MAT
    python perf/training.py --batch 64 --precision fp32 --json

The plain loop is what a reader finds in the official repositories: float32, the default memory layout, the input
gradient taken by `loss.backward()` (AT, MAT: weight gradients are computed and thrown away at every step of the
ascent) or by `autograd.grad` (TRADES, whose released code asks for the clean logits anew at every step of the ascent
and twice in the loss). Ours is `benchmark.training`'s own step. Both do the same ascent (10 steps in linf) and one
SGD update on the same images; the last line is what a second network costs: MAT with two against AT with one.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from contextlib import nullcontext

import torch
import torch.nn.functional as F
from measure import Comparison, compare, show, timed
from torch import Tensor, nn

from benchmark import models
from benchmark.hardware import describe, resolve_device, resolve_precision
from benchmark.methods.table import METHODS
from benchmark.noise import BatchNoise
from benchmark.recipes.radius import Radius
from benchmark.training.snapshot import snapshots
from benchmark.training.step import StepNetworks

EPSILON, STEP, STEPS = 8 / 255, 2 / 255, 10


def network(arch: str, device: torch.device, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    half = (0.5, 0.5, 0.5)
    return models.build(arch, num_classes=10, shape=(3, 32, 32), mean=half, std=half).to(device).train()


def sgd(networks: list[nn.Module]) -> torch.optim.SGD:
    parameters = [parameter for net in networks for parameter in net.parameters()]
    return torch.optim.SGD(parameters, lr=0.01, momentum=0.9, weight_decay=5e-4)


def plain_ascent(net: nn.Module, x: Tensor, loss: Callable[[Tensor], Tensor], through_backward: bool) -> Tensor:
    x_adv = (x + torch.empty_like(x).uniform_(-EPSILON, EPSILON)).clamp(0, 1)
    for _ in range(STEPS):
        x_adv.requires_grad_()
        value = loss(net(x_adv))
        if through_backward:
            value.backward()
            gradient = x_adv.grad
        else:
            (gradient,) = torch.autograd.grad(value, [x_adv])
        assert gradient is not None
        x_adv = x_adv.detach() + STEP * gradient.sign()
        x_adv = torch.min(torch.max(x_adv, x - EPSILON), x + EPSILON).clamp(0, 1)
    return x_adv.detach()


def kl(target: Tensor, logits: Tensor) -> Tensor:
    return F.kl_div(F.log_softmax(logits, 1), F.softmax(target, 1), reduction="batchmean")


def boosted(logits: Tensor, y: Tensor) -> Tensor:
    p = F.softmax(logits, 1)
    other = p.scatter(1, y[:, None], 0).amax(1)
    return F.cross_entropy(logits, y) - torch.log(1.0001 - other).mean()


def plain(method: str, nets: list[nn.Module], x: Tensor, y: Tensor) -> Callable[[], None]:
    """One step of `method` as its authors' code does it."""
    optimizer = sgd(nets)

    def step() -> None:
        if method == "at":
            x_adv = plain_ascent(nets[0], x, lambda z: F.cross_entropy(z, y), through_backward=True)
            loss = F.cross_entropy(nets[0](x_adv), y)
        elif method == "trades":
            nets[0].eval()
            x_adv = plain_ascent(nets[0], x, lambda z: kl(nets[0](x), z), through_backward=False)
            nets[0].train()
            loss = F.cross_entropy(nets[0](x), y) + 6 * kl(nets[0](x), nets[0](x_adv))
        else:
            own = [plain_ascent(n, x, lambda z: boosted(z, y), through_backward=True) for n in nets]
            clean_logits = [n(x) for n in nets]
            adversarial = [n(a) for n, a in zip(nets, own, strict=True)]
            loss = 0.4 * (boosted(adversarial[0], y) + boosted(adversarial[1], y)) + 0.6 * (
                kl(clean_logits[1], adversarial[0]) + kl(clean_logits[0], adversarial[1])
            )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def ours(method: str, nets: list[nn.Module], x: Tensor, y: Tensor, precision: str) -> Callable[[], None]:
    """One step of `method` as `benchmark.training` does it."""
    for net in nets:
        net.to(memory_format=torch.channels_last)
    bound = METHODS.get(method).bind({}, method)
    radii = {"linf": Radius(epsilon=EPSILON, step_size=STEP, steps=STEPS)}
    bf16 = precision == "bf16"
    players = StepNetworks(
        bound,
        nets,
        [],
        radii,
        lambda: torch.autocast(x.device.type, torch.bfloat16) if bf16 else nullcontext(),
        snapshots(nets, x[:2], bf16),
    )
    optimizer = sgd(nets)
    generator = torch.Generator(x.device).manual_seed(0)

    def step() -> None:
        examples = players.craft(x, y, ("linf",), BatchNoise(len(x), generator))
        loss = bound.outer(players.batch(x, y, examples, 0.0, {}))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    return step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", default="resnet18")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    device = resolve_device(options.device)
    precision = resolve_precision(options.precision, device)
    hardware = f"{describe(device)}, {precision}"
    x = torch.rand(options.batch, 3, 32, 32, generator=torch.Generator().manual_seed(0)).to(device)
    y = torch.arange(options.batch, device=device) % 10

    for method, size in (("at", 1), ("trades", 1), ("mat", 2)):
        fast = ours(method, [network(options.arch, device, n) for n in range(size)], x, y, precision)
        slow = plain(method, [network(options.arch, device, n) for n in range(size)], x, y)
        name = f"{method}-{options.arch}-{precision}"
        line = compare(name, fast, slow, repeats=options.repeats, hardware=hardware)
        line.more["images_per_second"] = options.batch / line.seconds
        show(line, options.json)

    one = ours("at", [network(options.arch, device)], x, y, precision)
    two = ours("mat", [network(options.arch, device, n) for n in range(2)], x, y, precision)
    one(), two()
    pairs = [(timed(one)[0], timed(two)[0]) for _ in range(options.repeats)]
    ratios = [b / a for a, b in pairs]
    show(
        Comparison(
            name=f"mat of 2 costs, in at, {options.arch}-{precision}",
            ratio=statistics.median(ratios),
            spread=(min(ratios), max(ratios)),
            seconds=statistics.median(a for a, _ in pairs),
            peer_seconds=statistics.median(b for _, b in pairs),
            hardware=hardware,
        ),
        options.json,
    )


if __name__ == "__main__":
    main()
