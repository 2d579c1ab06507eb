"""What the random numbers of 250 images of 3×32×32 cost: as now, and as they were drawn before, image by image.

OMP_NUM_THREADS=1 python perf/noise.py            # writes perf/results/noise.csv and the table in docs/performance.md
"""

from __future__ import annotations

import csv
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmark.hardware import describe  # noqa: E402
from benchmark.noise import ExampleNoise  # noqa: E402

RESULTS, PAGE = ROOT / "perf" / "results" / "noise.csv", ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- noise: begin -->", "<!-- noise: end -->"
IMAGES, SHAPE, TURNS = 250, (3, 32, 32), 30
FIELDS = ("numbers", "before_ms", "now_ms", "before_least_ms", "now_least_ms", "torch_ms", "hardware")


def before(draw: Callable[[np.random.Generator], np.ndarray]) -> Callable[[], object]:
    """As `ExampleNoise` drew in its first version."""

    def all_images() -> torch.Tensor:
        streams = (np.random.Generator(np.random.Philox(key=[0, index], counter=[0] * 4)) for index in range(IMAGES))
        return torch.from_numpy(np.stack([draw(stream) for stream in streams]))

    return all_images


def seconds(program: Callable[[], object]) -> float:
    """Of the processor, so that who else computes here counts as little as may be."""
    start = time.process_time()
    program()
    return time.process_time() - start


def main() -> None:
    torch.set_num_threads(1)
    noise, generator = ExampleNoise(0, range(IMAGES)), torch.Generator().manual_seed(0)
    size = (IMAGES, *SHAPE)
    programs = {
        "normal": (
            before(lambda stream: stream.standard_normal(SHAPE, dtype=np.float32)),
            lambda: noise.normal(*SHAPE),
            lambda: torch.randn(size, generator=generator),
        ),
        "uniform": (
            before(lambda stream: stream.random(SHAPE, dtype=np.float32)),
            lambda: noise.uniform(*SHAPE),
            lambda: torch.rand(size, generator=generator),
        ),
        "integers": (
            before(lambda stream: stream.integers(5, 21, SHAPE)),
            lambda: noise.integers(5, 21, *SHAPE),
            lambda: torch.randint(5, 21, size, generator=generator),
        ),
    }
    rows = []
    for numbers, programs_of in programs.items():
        taken = [[seconds(program) * 1e3 for program in programs_of] for _ in range(TURNS)]
        old, new, torchs = (statistics.median(column) for column in zip(*taken, strict=True))
        least = [min(column) for column in zip(*taken, strict=True)]
        values = (old, new, least[0], least[1], torchs)
        rows.append([numbers, *(f"{value:.2f}" for value in values), describe(torch.device("cpu"))])
        print(*rows[-1], f"{old / new:.1f} times as fast", flush=True)
    with RESULTS.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(FIELDS)
        writer.writerows(rows)
    table = ["| 768,000 numbers | before | now | one generator of torch for all |", "| --- | ---: | ---: | ---: |"]
    table += [f"| {row[0]} | {row[1]} ({row[3]}) | {row[2]} ({row[4]}) | {row[5]} |" for row in rows]
    start, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text("\n".join([f"{start}{BEGIN}", *table, f"{END}{rest.split(END)[1]}"]))


if __name__ == "__main__":
    main()
