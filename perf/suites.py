"""What each suite costs per image on ResNet-18 at 32×32: the passes it takes, at the speed of this machine.

    python perf/suites.py                            # every suite, preset standard
    python perf/suites.py --suite multi-perturbation --json

Passes are counted, not assumed: each attack runs on a few images of a small network, within a radius so small that
none of them leaves early, which is what a robust image costs; restarts are multiplied. They don't depend on the size
of the network, whose own passes are timed on a full batch. The verdict's pass is one of them, for each restart.
Attacks that ask the network nothing, the corruptions, are timed instead. Worst-case mode, and images that break, cost
less. With --checkpoint passes are counted on a network that learnt something and its images; without, on random
weights, where attacks that begin at noise have the longest way to go.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from attacks import RADII, network, problem
from measure import timed
from overhead import bare_step
from torch import Tensor

from benchmark.attacks import PreparedClassifier
from benchmark.evaluation.suite import SuiteItem, load_suite
from benchmark.hardware import describe, resolve_device, resolve_precision
from benchmark.noise import ExampleNoise
from benchmark.suites.files import SUITES
from benchmark.threats import Threat


@dataclass
class Speed:
    """Seconds per image of one pass of the prepared network."""

    forward: float
    gradient: float


def speed(architecture: str, device: torch.device, precision: str, images: int) -> Speed:
    """The best of five, so that what others compute meanwhile does not count."""
    x = torch.rand(images, 3, 32, 32, device=device).contiguous(memory_format=torch.channels_last)
    y = torch.zeros(images, dtype=torch.long, device=device)
    classifier = PreparedClassifier(network(architecture), 10, device, precision, x[:2])

    def forward() -> Tensor:
        with torch.no_grad():
            return classifier(x)

    def both() -> Tensor:
        return bare_step(classifier.networks[precision], x, y, precision == "bf16")

    forward(), both()
    one, two = (min(timed(program)[0] for _ in range(5)) / images for program in (forward, both))
    return Speed(one, two - one)


def passes(item: SuiteItem, classifier: PreparedClassifier, x: Tensor, y: Tensor) -> tuple[float, float, float]:
    """Forward and backward passes per image of one restart on images that withstand it, the verdict's included.

    Third, the seconds per image that crafting takes where it asks the network nothing, else 0.
    """
    threat = item.threat
    if item.attack.kind == "fixed-budget" and threat.norm in RADII:
        threat = Threat(threat.norm, 1e-4 * threat.epsilon)
    forwards, backwards = classifier.forwards, classifier.backwards

    def run() -> Tensor:
        return item.attack(classifier, x, y, threat, ExampleNoise(0, range(len(x)), device=x.device))

    run()
    asked = classifier.forwards - forwards, classifier.backwards - backwards
    own = 0.0 if asked[0] else timed(run)[0]
    return asked[0] / len(x) + 1, asked[1] / len(x), own / len(x)


def lines(options: argparse.Namespace) -> Iterator[dict[str, object]]:
    device = resolve_device(options.device)
    precision = resolve_precision(options.precision, device)
    cost = speed(options.arch, device, precision, options.batch)
    small, x, y = problem(options, device, "small-cnn")
    classifier = PreparedClassifier(small, 10, device, precision, x[:2])
    counted: dict[str, tuple[float, float, float]] = {}
    for name in [options.suite] if options.suite else SUITES.names():
        parts: dict[str, float] = {}
        total = [0.0, 0.0]
        for item in load_suite(name, options.preset, "cifar10").items:
            key = json.dumps(item.definition(), sort_keys=True, default=str)
            counted[key] = counted.get(key) or passes(item, classifier, x, y)
            forwards, backwards, own = (count * item.restarts for count in counted[key])
            parts[item.label] = own + forwards * cost.forward + backwards * cost.gradient
            total = [total[0] + forwards, total[1] + backwards]
        yield {
            "name": name,
            "preset": options.preset,
            "network": options.arch,
            "forwards_per_image": total[0],
            "backwards_per_image": total[1],
            "seconds_per_image": sum(parts.values()),
            "dearest": dict(sorted(parts.items(), key=lambda part: -part[1])[:3]),
            "forward_ms": 1e3 * cost.forward,
            "gradient_ms": 1e3 * cost.gradient,
            "hardware": f"{describe(device)}, {precision}",
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", default="", help="only this one")
    parser.add_argument("--preset", default="standard")
    parser.add_argument("--arch", default="resnet18")
    parser.add_argument("--checkpoint", help="a .pt of the zoo to count passes on; without it random weights")
    parser.add_argument("--images", type=int, default=4, help="on which passes are counted")
    parser.add_argument("--batch", type=int, default=64, help="on which the network's passes are timed")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    for line in lines(options):
        if options.json:
            print(json.dumps(line), flush=True)
            continue
        dearest = ", ".join(f"{label} {seconds:.2g}" for label, seconds in line["dearest"].items())  # type: ignore[attr-defined]
        print(
            f"{line['name']:22} {line['forwards_per_image']:9.0f} forward {line['backwards_per_image']:9.0f} backward"
            f"   {line['seconds_per_image']:8.2f} s per image   dearest: {dearest}",
            flush=True,
        )


if __name__ == "__main__":
    main()
