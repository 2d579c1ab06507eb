"""How efficient two workers are on two cores: the same evaluation by one and by two, in turns.

    python perf/workers.py --json >> perf/results/workers.jsonl    # PGD-40 on a ResNet-18, 1,000 images of 32×32
    python perf/workers.py --arch small-cnn --images 8 --shard 2 --steps 5 --turns 1

Efficiency is the time that one worker takes for more images, over twice the time of two, each with one thread: of
either what fewer images take is subtracted. So starting processes does not count, which takes seconds once, nor what
one process checks beforehand on the first 250 images, if there are more than these.
Measure on a quiet machine of two cores.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import attacks
import numpy as np
import torch

import benchmark
from benchmark.evaluation import plan
from benchmark.hardware import describe
from benchmark.ledger.record import SHARD as CHECKED


def timed(workers: int, network: torch.nn.Module, data: benchmark.Dataset, options: argparse.Namespace) -> float:
    """Seconds of an evaluation by so many processes of one thread each."""
    suite = {
        "name": "pgd",
        "version": 1,
        "images": len(data.test),
        "epsilons": {"cifar10": {"linf": 1e-6}},
        "attacks": [{"attack": "pgd", "norm": "linf", "parameters": {"steps": options.steps}}],
    }
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        benchmark.evaluate(
            network,
            name="random",
            dataset=data,
            suite=suite,
            n=len(data.test),
            device="cpu",
            precision=options.precision,
            workers=workers,
            time_limit=3600,  # so that one worker is a process, too
            results=Path(folder) / "results",
            progress=False,
        )
        return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", default="resnet18")
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--shard", type=int, default=plan.SHARD, help="images of a job")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)  # as workers do
    plan.SHARD = options.shard
    network = attacks.network(options.arch)
    x = np.random.default_rng(0).integers(0, 256, (options.images, 3, 32, 32), np.uint8)
    with torch.no_grad():
        y = torch.cat([network(part).argmax(1) for part in (torch.from_numpy(x).float() / 255).split(100)]).numpy()

    def of(images: int) -> benchmark.Dataset:
        return benchmark.Dataset.from_arrays(x[:images], y[:images], name="noise", scale="cifar10", classes=10)

    pair = 2 * options.shard
    checked = -(-CHECKED // pair) * pair
    few, many = of(checked if options.images > checked else pair), of(options.images)
    efficiencies, starts = [], []
    for _ in range(options.turns):
        base = {workers: timed(workers, network, few, options) for workers in (1, 2)}
        whole = {workers: timed(workers, network, many, options) for workers in (1, 2)}
        efficiencies.append((whole[1] - base[1]) / (2 * (whole[2] - base[2])))
        starts.append(base[2])
    line = {
        "name": f"pgd-{options.steps} linf, {options.arch}",
        "images": options.images,
        "fewer_images": len(few.test),
        "efficiency": statistics.median(efficiencies),
        "lowest": min(efficiencies),
        "highest": max(efficiencies),
        "seconds_of_fewer_by_two": statistics.median(starts),
        "hardware": f"{describe(torch.device('cpu'))}, {options.precision}",
    }
    print(json.dumps(line) if options.json else f"{line['name']}: efficiency {line['efficiency']:.3f}")


if __name__ == "__main__":
    main()
