"""What random and non-differentiable defences are worth, judged naively and honestly: the table of docs/defences.md.

    OMP_NUM_THREADS=1 python perf/defences.py --zoo zoo --work runs/defences

Each defence stands in front of a network of the demo (`make demo`), on the first test images of the digits, under PGD
with 40 steps and 3 restarts in linf 0.15 and l2 0.75. What is in the working folder already is not computed again.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn

import benchmark
from benchmark.analysis import aggregate
from benchmark.analysis.masking import is_masked, masking_flags

SUITE = """\
name: defences
version: 1
description: PGD in two norms, its steps a tenth of the radius.
images: {images}
union: all
epsilons:
  digits: {{linf: 0.15, l2: 0.75}}
attacks:
  - {{attack: pgd, norm: linf, restarts: 3, parameters: {{steps: 40, relative_step_size: 0.1}}}}
  - {{attack: pgd, norm: l2, restarts: 3, parameters: {{steps: 40, relative_step_size: 0.1}}}}
"""


class Behind(nn.Module):
    """A network behind something that is done to its images."""

    def __init__(self, change: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.network = benchmark.load_model(os.environ["DEFENDED"]).model()
        self.change = change

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.network(self.change(x))
        return logits


def to_levels(x: Tensor) -> Tensor:
    """17 levels, those of the digits."""
    return (16 * x).round() / 16


def through_jpeg(x: Tensor) -> Tensor:
    """Each image as a JPEG file of quality 75 holds it."""
    made = []
    for image in (255 * x).round().to(torch.uint8):
        file = io.BytesIO()
        Image.fromarray(image[0].numpy()).save(file, "JPEG", quality=75)
        read = torch.frombuffer(bytearray(Image.open(file).tobytes()), dtype=torch.uint8)
        made.append(read.view(image.shape) / 255)
    return torch.stack(made)


def noise(x: Tensor) -> Tensor:
    return x + 0.2 * torch.randn_like(x)


def nothing() -> Behind:
    return Behind(lambda x: x)


def levels() -> Behind:
    return Behind(to_levels)


def levels_seen_through() -> Behind:
    return Behind(benchmark.straight_through(to_levels))


def jpeg() -> Behind:
    return Behind(through_jpeg)


def jpeg_seen_through() -> Behind:
    return Behind(benchmark.straight_through(through_jpeg))


def noisy() -> Behind:
    return Behind(noise)


#: What is evaluated: the defence, how, the factory, and the options.
ROWS: tuple[tuple[str, str, str, dict[str, int]], ...] = (
    ("none", "as usual", "nothing", {}),
    ("17 levels", "as usual", "levels", {}),
    ("17 levels", "`straight_through`", "levels_seen_through", {}),
    ("JPEG, quality 75", "as usual", "jpeg", {}),
    ("JPEG, quality 75", "`straight_through`", "jpeg_seen_through", {}),
    ("noise of standard deviation 0.2", "one pass per gradient", "noisy", {"stochastic": 1, "verdict_passes": 20}),
    ("noise of standard deviation 0.2", "`--stochastic 20`", "noisy", {"stochastic": 20, "verdict_passes": 20}),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zoo", type=Path, default=Path("zoo"))
    parser.add_argument("--work", type=Path, default=Path("runs/defences"))
    parser.add_argument("--images", type=int, default=200)
    options = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parent))
    options.work.mkdir(parents=True, exist_ok=True)
    suite = options.work / "suite.yaml"
    suite.write_text(SUITE.format(images=options.images), encoding="utf-8")
    print("| network | defence | judged | clean | linf | l2 | worst | possible masking |")
    print("|---|---|---|---:|---:|---:|---:|---|")
    for name in ("natural", "at"):
        os.environ["DEFENDED"] = str(options.zoo / f"{name}.pt")
        for defence, judged, factory, how in ROWS:
            (found,) = benchmark.evaluate(
                f"python:defences:{factory}",
                suite=suite,
                dataset="digits",
                results=options.work / name,
                trust_remote_code=True,
                precision="fp32",
                device="cpu",
                progress=False,
                **how,
            )
            numbers = [
                aggregate.clean_accuracy(found),
                *(aggregate.norm_accuracy(found, threat) for threat in found.threats),
            ]
            numbers.append(aggregate.r_worst(found))
            flags = "strong evidence" if is_masked(masking_flags(found)) else ""
            told = " | ".join(f"{100 * (number or 0):.1f}" for number in numbers)
            print(f"| {name} | {defence} | {judged} | {told} | {flags} |", flush=True)


if __name__ == "__main__":
    main()
