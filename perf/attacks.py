"""How fast our attacks are beside the peers', at equal budgets, on the same network and images, in one process.

    python perf/attacks.py                          # ResNet-18 at 32×32 with random weights, nothing breaks
    python perf/attacks.py --checkpoint zoo/at.pt   # a real network: survivors-only counts, strength shows
    python perf/attacks.py --precision fp32 --only pgd --json

With random weights the radius is chosen so small that every image survives every step: the hardest case for
a search that saves work on broken images, and the same number of passes on both sides. With a checkpoint the
radii are the real ones and the table shows the robust accuracy that each side reached, both judged by the same
float32 pass of the plain network. The peers' libraries are listed in perf/requirements.txt; what is
not installed is left out with a message. Preparing the network (once per network) is not timed, nor is the
final check; both sides are warmed up first, and take turns.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import peers
import torch
from measure import compare, show
from torch import Tensor, nn

from benchmark import data, models
from benchmark.attacks import PreparedClassifier, make_attack
from benchmark.attacks.objectives import is_wrong
from benchmark.hardware import describe, resolve_device, resolve_precision
from benchmark.noise import ExampleNoise
from benchmark.threats import Threat

RADII = {"linf": 8 / 255, "l2": 0.5, "l1": 12.0}


class Bench:
    """One network, one batch of images, and the peers."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.device = resolve_device(options.device)
        self.precision = resolve_precision(options.precision, self.device)
        self.model, self.x, self.y = problem(options, self.device, options.arch)
        classes = self.model(self.x[:1]).shape[1]
        self.classifier = PreparedClassifier(self.model, classes, self.device, self.precision, self.x[:2])
        self.hardware = f"{describe(self.device)}, {self.precision}"
        self.shrink = 1.0 if options.checkpoint else 1e-4
        self.network = Path(options.checkpoint).stem if options.checkpoint else f"{options.arch}, random weights"

    def threat(self, norm: str) -> Threat:
        return Threat(norm, RADII[norm] * self.shrink)

    def ours(self, name: str, norm: str, images: int, **parameters: object) -> Callable[[], Tensor]:
        attack, threat = make_attack(name, parameters), self.threat(norm)
        x, y = self.x[:images], self.y[:images]
        return lambda: attack(self.classifier, x, y, threat, ExampleNoise(0, range(len(x)), device=self.device))

    def lines(self) -> Iterator[tuple[str, str, int, Callable[[], Tensor], Callable[[], Tensor]]]:
        """(name, peer, images, ours, theirs) of each comparison."""
        n = self.options.images
        m, x, y = self.model, self.x[:n], self.y[:n]
        eps, eps2 = self.threat("linf"), self.threat("l2")
        step, step2 = eps.epsilon / 10, eps2.epsilon / 10
        pgd = self.ours("pgd", "linf", n, steps=40)
        pgd2 = self.ours("pgd", "l2", n, steps=40)
        yield (
            "pgd-40-linf vs foolbox",
            "foolbox",
            n,
            pgd,
            lambda: peers.foolbox(
                m, x, y, "LinfProjectedGradientDescentAttack", eps, abs_stepsize=step, steps=40, random_start=True
            ),
        )
        yield (
            "pgd-40-linf vs torchattacks",
            "torchattacks",
            n,
            pgd,
            lambda: peers.torchattacks(m, x, y, "PGD", eps=eps.epsilon, alpha=step, steps=40, random_start=True),
        )
        yield (
            "pgd-40-linf vs adv-lib",
            "adv_lib",
            n,
            pgd,
            lambda: peers.advlib(m, x, y, "pgd_linf", ε=eps.epsilon, steps=40, absolute_step_size=step),
        )
        yield (
            "pgd-40-l2 vs foolbox",
            "foolbox",
            n,
            pgd2,
            lambda: peers.foolbox(
                m, x, y, "L2ProjectedGradientDescentAttack", eps2, abs_stepsize=step2, steps=40, random_start=True
            ),
        )
        yield (
            "ddn-100 vs foolbox",
            "foolbox",
            n,
            self.ours("ddn", "l2", n, steps=100),
            lambda: peers.foolbox(m, x, y, "DDNAttack", None, steps=100),
        )
        if self.options.checkpoint:  # without a network that learnt something both give up at once
            yield (
                "cw-5x200 vs foolbox",
                "foolbox",
                n,
                self.ours("cw", "l2", n),
                lambda: peers.foolbox(
                    *(m, x, y, "L2CarliniWagnerAttack", None),
                    binary_search_steps=5,
                    steps=200,
                    stepsize=0.025,
                    initial_const=0.01,
                ),
            )
        few = self.options.autoattack_images
        yield (
            "autoattack-linf vs pyautoattack",
            "pyautoattack",
            few,
            self.ours("autoattack", "linf", few),
            lambda: peers.autoattack(m, x[:few], y[:few], eps, few),
        )


def network(architecture: str) -> nn.Module:
    """One with random weights for ten classes of images of 32×32."""
    torch.manual_seed(0)
    half = (0.5, 0.5, 0.5)
    return models.build(architecture, num_classes=10, shape=(3, 32, 32), mean=half, std=half).eval()


def problem(
    options: argparse.Namespace, device: torch.device, architecture: str = "resnet18"
) -> tuple[nn.Module, Tensor, Tensor]:
    """The network and the images (correctly classified ones only, so that both sides attack the same set)."""
    count = options.images
    if options.checkpoint:
        checkpoint = models.load_checkpoint(options.checkpoint)
        model = checkpoint.model().to(device)
        x, y = data.load(checkpoint.dataset).test.batch(slice(0, 4 * count))
        x, y = x.to(device), y.to(device)
        with torch.no_grad():
            right = ~is_wrong(model(x), y)
        return model, x[right][:count], y[right][:count]
    model = network(architecture).to(device)
    x = torch.rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(0)).to(device)
    with torch.no_grad():
        return model, x, model(x).argmax(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", help="a .pt of the zoo; without it a ResNet-18 with random weights")
    parser.add_argument("--arch", default="resnet18", help="of the network with random weights")
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--autoattack-images", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", default="", help="run the comparisons whose name contains this")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    bench = Bench(options)

    for name, peer, images, ours, theirs in bench.lines():
        if options.only not in name:
            continue
        if find_spec(peer) is None:
            print(f"{name}: {peer} is not installed (see perf/requirements.txt)", file=sys.stderr)
            continue
        y = bench.y[:images]

        def robust(candidates: Tensor, y: Tensor = y) -> float:
            with torch.no_grad():
                return float((~is_wrong(bench.model(candidates.float()), y)).float().mean())

        repeats = 1 if "autoattack" in name else options.repeats
        line = compare(
            name,
            ours,
            theirs,
            repeats=repeats,
            hardware=bench.hardware,
            score=robust,
            warm_up="autoattack" not in name,
        )
        line.more |= {"images": images, "network": bench.network}
        show(line, options.json)


if __name__ == "__main__":
    main()
