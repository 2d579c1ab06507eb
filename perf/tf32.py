"""What attacks lose that search in TF32, emulated: images that they break, judged in float32.

    python perf/tf32.py > perf/results/tf32.csv

Torch convolves float32 in TF32 on GPUs unless it is told otherwise, and so did all passes that were called float32,
also those that decide whether an image is through. "before" is that again. "fp32" and "tf32" are what `--precision`
of these names does now. Convolutions and matrix products round what they are given to ten bits, on the second device
of the tests; the network is the tests' robust one on the first digits that it classifies correctly.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from unittest import mock

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import second_device
import torch
from fixed_networks import digits_right, fixed

from benchmark import arithmetic
from benchmark.attacks import PreparedClassifier, make_attack, prepared
from benchmark.noise import ExampleNoise
from benchmark.threats import Threat

ATTACKS: list[tuple[str, str, float, dict[str, Any]]] = [
    ("fmn", "linf", 0.15, {}),
    ("fmn", "l2", 0.8, {}),
    ("deepfool", "linf", 0.15, {}),
    ("deepfool", "l2", 0.8, {}),
    ("ddn", "l2", 0.8, {}),
    ("cw", "l2", 0.8, {"searches": 4, "steps": 50}),
    ("pgd", "linf", 0.15, {"steps": 20}),
]


@contextmanager
def before() -> Iterator[None]:
    """Within this context nothing that prepares or passes is more than TF32."""
    tf32 = arithmetic.tf32
    with (
        mock.patch.object(prepared, "full_precision", tf32),
        mock.patch.object(prepared, "arithmetic", side_effect=lambda precision: tf32()),
    ):
        yield


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=100)
    images = parser.parse_args().images
    net = fixed("at").model().eval()
    x, y = digits_right(net, images)
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["attack", "norm", "epsilon", "search", "images", "through", "within_epsilon", "median_distance"])
    for name, norm, epsilon, parameters in ATTACKS:
        for search in ("before", "tf32", "fp32"):
            found = _found(net, x, y, make_attack(name, parameters), Threat(norm, epsilon), search)
            with torch.no_grad():
                wrong = net(found).argmax(1) != y
            distance = Threat(norm, epsilon).distance(found - x)
            within = wrong & Threat(norm, epsilon).contains(x, found)
            median = float(torch.where(wrong, distance, torch.inf).median())
            out.writerow([name, norm, epsilon, search, len(x), int(wrong.sum()), int(within.sum()), f"{median:.4g}"])
            sys.stdout.flush()


def _found(net: torch.nn.Module, x: torch.Tensor, y: torch.Tensor, attack: Any, threat: Threat, search: str) -> Any:
    old = before() if search == "before" else nullcontext()
    with second_device.on_tensor_cores(), old, torch.enable_grad():
        classifier = PreparedClassifier(
            net, 10, "second", "fp32" if search == "before" else search, x[:2].to("second")
        )
        noise = ExampleNoise(0, range(len(x)), 0, "second")
        return attack(classifier, x.to("second"), y.to("second"), threat, noise).detach().cpu()


if __name__ == "__main__":
    main()
