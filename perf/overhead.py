"""Where the time of an attack goes: the machine's floor, the bare passes of the network, our loop around them.

    python perf/overhead.py                            # PGD-40 in linf on ResNet-18 at 32×32, 100 images
    python perf/overhead.py --checkpoint zoo/at.pt --images 100 --steps 20 --json

Three times, per image and step. The floor: the FLOPs of one forward pass and input gradient, at the rate that the
machine reaches on a large matrix product in the precision of the search. Bare: these passes on the prepared
network, in the precisions that the attack uses, with nothing between them. Loop: the attack itself, everything
it does included, on a radius so small that no image leaves. Bare and loop take turns; the overhead is the
median of their pairs.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable

import torch
from attacks import problem
from measure import timed
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from benchmark.attacks import PreparedClassifier, make_attack
from benchmark.attacks.objectives import cross_entropy
from benchmark.hardware import describe, resolve_device, resolve_precision
from benchmark.noise import ExampleNoise
from benchmark.threats import Threat


def bare_step(network: Callable[[Tensor], Tensor], x: Tensor, y: Tensor, bf16: bool) -> Tensor:
    """The input gradient of the cross-entropy, and nothing else."""
    x = x.detach().requires_grad_()
    with torch.autocast(x.device.type, torch.bfloat16, enabled=bf16):
        logits = network(x)
    (gradient,) = torch.autograd.grad(cross_entropy(logits, y).sum(), x)
    return gradient


def flops_per_image(network: Callable[[Tensor], Tensor], x: Tensor, y: Tensor) -> float:
    """Of a forward pass and an input gradient; a multiplication and its addition count as two."""
    # The counter hooks the modules' inputs, which must not be a leaf then.
    with FlopCounterMode(display=False) as counter:
        bare_step(lambda z: network(z.view_as(z)), x[:1], y[:1], bf16=False)
    return float(counter.get_total_flops())


def matmul_rate(device: torch.device, bf16: bool) -> float:
    """FLOPs per second on a large square matrix product, the best of five runs.

    Networks get theirs through the library of convolutions, which on some processors is the faster one; so the
    product is also tried as a 1×1 convolution.
    """
    size = 8192 if device.type == "cuda" else 2048
    dtype = torch.bfloat16 if bf16 else torch.float32
    a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    rows = a.view(size // 64, 8, 8, size).permute(0, 3, 1, 2)  # as images, channels last
    kernel = b.view(size, size, 1, 1).contiguous(memory_format=torch.channels_last)
    seconds = []
    with torch.no_grad():
        for product in (lambda: a @ b, lambda: torch.conv2d(rows, kernel)):
            product()
            seconds += [timed(product)[0] for _ in range(5)]
    return 2 * size**3 / min(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", help="a .pt of the zoo; without it a ResNet-18 with random weights")
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    device = resolve_device(options.device)
    precision = resolve_precision(options.precision, device)
    bf16, steps = precision == "bf16", options.steps

    model, x, y = problem(options, device)
    classifier = PreparedClassifier(model, model(x[:1]).shape[1], device, precision)
    attack, threat = make_attack("pgd", {"steps": steps}), Threat("linf", 1e-6)
    channels_last = x.contiguous(memory_format=torch.channels_last)
    # As the attack does: its last tenth of steps is in float32.
    in_bf16 = [bf16 and step < steps - -(-steps // 10) for step in range(steps)]

    def bare() -> None:
        for low in in_bf16:
            bare_step(classifier.networks["bf16" if low else "fp32"], channels_last, y, low)

    def loop() -> Tensor:
        return attack(classifier, x, y, threat, ExampleNoise(0, range(len(x)), device=device))

    bare(), loop()
    pairs = [_pair(bare, loop, turn) for turn in range(options.repeats)]
    overheads = [ours / passes - 1 for passes, ours in pairs]
    each = 1e6 / (len(x) * steps)
    flops, rate = flops_per_image(classifier.networks["fp32"], channels_last, y), matmul_rate(device, bf16)
    line = {
        "name": f"pgd-{steps}-linf, {options.checkpoint or 'resnet18'}",
        "images": len(x),
        "gflops_per_image_and_step": flops / 1e9,
        "matmul_gflops_per_second": rate / 1e9,
        "floor_us": 1e6 * flops / rate,
        "bare_us": each * statistics.median(passes for passes, _ in pairs),
        "loop_us": each * statistics.median(ours for _, ours in pairs),
        "overhead": statistics.median(overheads),
        "spread": [min(overheads), max(overheads)],
        "hardware": f"{describe(device)}, {precision}",
    }
    if options.json:
        print(json.dumps(line))
        return
    low, high = line["spread"]
    print(f"{line['name']}, {line['images']} images, {line['hardware']}")
    print(f"{flops / 1e9:.3g} GFLOP per image and step; large matrix products run at {rate / 1e9:.4g} GFLOP/s")
    print(
        "µs per image and step:" + "".join(f"  {name} {line[name + '_us']:.2f}" for name in ("floor", "bare", "loop"))
    )
    print(f"overhead of the loop over the bare passes: {line['overhead']:+.1%} [{low:+.1%}, {high:+.1%}]")


def _pair(bare: Callable[[], object], loop: Callable[[], object], turn: int) -> tuple[float, float]:
    """Seconds of both; who goes first changes from turn to turn."""
    if turn % 2:
        ours = timed(loop)[0]
        return timed(bare)[0], ours
    passes = timed(bare)[0]
    return passes, timed(loop)[0]


if __name__ == "__main__":
    main()
