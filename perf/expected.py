"""What the long jobs are expected to take on an H100: from counted launches and FLOPs, not measured.

    python perf/expected.py             # writes perf/results/expected.csv and the table in docs/performance.md

A step takes as long as the host needs to launch its operations or the device to compute them, whichever is longer.
Launches and FLOPs are counted here, on a processor, for ResNet-18. Two figures are taken from what this project
measured on an H100 (perf/results/overhead.jsonl): the bare passes on 1,000 images, where the device is busy, say what
part of the matrix product's rate a network reaches; those on 100 images, where it waits for the host, what a launch
costs.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import attacks
import torch
import training
from launches import Counts, counted
from overhead import bare_step, flops_per_image

from benchmark.attacks import PreparedClassifier

ROOT = Path(__file__).parents[1]
RESULTS, PAGE = ROOT / "perf" / "results", ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- expected: begin -->", "<!-- expected: end -->"

#: Images of CIFAR-10, steps of its ascent and epochs in `gpu-30`, and images that are attacked at a time.
TRAIN, INNER, EPOCHS, BATCH, SHARD = 50_000, 10, 30, 128, 250


@dataclass(frozen=True)
class Device:
    """What is known of an H100.

    Attributes:
        rate: FLOP/s of a network whose batch is large.
        launch: seconds that the host takes for an operation.
    """

    rate: float
    launch: float

    def seconds(self, launches: float, flops: float) -> float:
        return max(launches * self.launch, flops / self.rate)


def lines(name: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (RESULTS / name).read_text().splitlines()]


def h100(launches: int, flops: float) -> Device:
    """From its bare passes on 1,000 and on 100 images, of so many launches for all and FLOPs for each image."""
    bare = {
        line["images"]: 1e-6 * float(line["bare_us"])  # type: ignore[arg-type]
        for line in lines("overhead.jsonl")
        if "H100" in str(line["hardware"])
    }
    return Device(flops / bare[1000], 100 * bare[100] / launches)


def counts() -> tuple[Counts, Counts, float]:
    """Of a forward pass, and of one with its input gradient: launches; FLOPs of both per image."""
    model, device = attacks.network("resnet18"), torch.device("cpu")
    x = torch.rand(2, 3, 32, 32)
    y = torch.zeros(2, dtype=torch.long)
    network = PreparedClassifier(model, 10, device, "bf16", x).networks["bf16"]
    plain = PreparedClassifier(model, 10, device).networks["fp32"]

    def forward() -> None:
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            network(x)

    return counted(forward), counted(lambda: bare_step(network, x, y, True)), flops_per_image(plain, x, y)


def step_of(method: str, networks: int) -> Counts:
    """Launches of a training step."""
    x, y = torch.rand(4, 3, 32, 32), torch.arange(4)
    made = [training.network("resnet18", torch.device("cpu"), seed) for seed in range(networks)]
    return counted(training.ours(method, made, x, y, "bf16"))


def expected() -> list[dict[str, object]]:
    one, both, flops = counts()
    device = h100(both.launches, flops)
    found: list[dict[str, object]] = []

    def add(job: str, launches: float, work: float, seconds: float) -> None:
        told = {"job": job, "launches": round(launches), "pflop": round(work / 1e15, 3)}
        found.append(
            {**told, "by_launches_s": launches * device.launch, "by_flops_s": work / device.rate}
            | {"expected_s": seconds, "rate_tflops": device.rate / 1e12, "launch_us": 1e6 * device.launch}
        )

    steps = TRAIN // BATCH * EPOCHS
    for method, networks in (("at", 1), ("mat", 2)):
        launches = step_of(method, networks).launches
        # A pass with the gradients of the weights takes half as much again; MAT's loss asks for two of these.
        work = networks * BATCH * flops * (INNER + (1.5 if method == "at" else 3.0))
        add(
            f"{method.upper()}, ResNet-18, gpu-30",
            steps * launches,
            steps * work,
            steps * device.seconds(launches, work),
        )
    passes = {line["name"]: line for line in lines("suites.jsonl") if line["preset"] == "standard"}
    shards = 1000 / SHARD
    asked = {"PGD-40 linf, 1,000 images": (41.0, 40.0)} | {
        f"{title}, 1,000 robust images": (
            float(passes[name]["forwards_per_image"]),  # type: ignore[arg-type]
            float(passes[name]["backwards_per_image"]),  # type: ignore[arg-type]
        )
        for title, name in (("AutoAttack linf", "autoattack"), ("multi-perturbation", "multi-perturbation"))
    }
    for job, (forwards, backwards) in asked.items():
        alone = forwards - backwards
        seconds = backwards * device.seconds(both.launches, SHARD * flops)
        seconds += alone * device.seconds(one.launches, SHARD * flops / 2)
        launches = shards * (backwards * both.launches + alone * one.launches)
        add(job, launches, 1000 * flops * (backwards + alone / 2), shards * seconds)
    return found


def table(found: list[dict[str, object]]) -> str:
    rows = [
        "| job | launches | PFLOP | by launches | by FLOPs | expected |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for line in found:
        times = " | ".join(_told(float(line[name])) for name in ("by_launches_s", "by_flops_s", "expected_s"))  # type: ignore[arg-type]
        rows.append(f"| {line['job']} | {line['launches']:,} | {line['pflop']:,} | {times} |")
    return "\n".join(rows)


def _told(seconds: float) -> str:
    return f"{seconds:.2g} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def main() -> None:
    found = expected()
    with (RESULTS / "expected.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(found[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(
            {name: f"{value:.4g}" if isinstance(value, float) else value for name, value in line.items()}
            for line in found
        )
    print(table(found))
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{table(found)}\n{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    main()
