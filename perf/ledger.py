"""What reading a large ledger takes: makes up a ledger, and runs each verb on it in a process of its own.

    python perf/ledger.py --networks 200 --attacks 30 --images 10000 > perf/results/ledger.csv

Seconds are those of a processor, in all threads; memory is the most that the process had at once.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.hardware import describe
from benchmark.ledger import Ledger, Record
from benchmark.ledger.packing import write_pack
from benchmark.ledger.predictions import fitting
from benchmark.ledger.record import FORMAT, RULES, SHARD
from benchmark.ledger.schema import suite_digest
from benchmark.storage import digest

THREATS = (("linf", 0.03), ("l2", 0.5), ("l1", 12.0))
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

VERBS = {
    "report": "benchmark.report(results=folder, out=folder.parent / 'reports')",
    "report --format csv": "benchmark.report(results=folder, out=folder.parent / 'tables', format='csv')",
    "compare": "benchmark.compare(['network-000', 'network-001'], results=folder)",
    "doctor": "assert not benchmark.doctor(results=folder, zoo='.')",
    "load": "assert len(benchmark.results.load(folder)) == ROWS",
}


def suite_of(attacks: int, images: int) -> dict[str, Any]:
    items = [
        {
            "label": f"attack-{number}-{norm}",
            "attack": {"name": "pgd", "version": 1, "steps": 10, "number": number},
            "norm": norm,
            "epsilon": epsilon,
            "restarts": 1,
            "kind": "minimum-norm" if number % 2 else "fixed-budget",
            "source": "own",
            "paper": "Madry et al. 2018",
        }
        for number, (norm, epsilon) in ((number, THREATS[number % len(THREATS)]) for number in range(attacks))
    ]
    told = {"name": "made-up", "scale": "cifar10", "preset": "standard", "version": 1, "description": ""}
    return {**told, "items": items, "digest": suite_digest({"items": items}, images)}


def records_of(name: str, suite: dict[str, Any], images: int, labels: np.ndarray) -> tuple[list[Record], np.ndarray]:
    """All records of a network that breaks with a probability of its own, and its answers without attack."""
    generator = np.random.default_rng(int(digest(name)[:8], 16))
    share = generator.uniform(0.2, 0.9)
    hardness = generator.uniform(0, 1, images)
    wrong = hardness < 0.1 * share
    clean = np.where(wrong, (labels + 1) % len(CLASSES), labels)
    records = []
    for item in suite["items"]:
        broken = wrong | (hardness + generator.normal(0, 0.1, images) < share)
        near = item["epsilon"] * generator.uniform(0, 1, images)
        distance = np.where(wrong, 0, np.where(broken, near, np.inf)).astype(np.float32)
        for start in range(0, images, SHARD):
            rows = slice(start, min(start + SHARD, images))
            attacked = int((~wrong[rows]).sum())
            key = {
                "network": digest(name),
                "data": {"digest": digest("cifar10"), "start": start, "stop": rows.stop},
                "attack": item["attack"],
                "threat": {"norm": item["norm"], "epsilon": item["epsilon"]},
                "restarts": 1,
                "seed": 0,
                "precision": "fp32",
                "rules": RULES,
                "handed": None,
            }
            info = {
                **dict.fromkeys(("forwards", "backwards"), 10 * attacked),
                **dict.fromkeys(("dead_gradients", "disagreements", "changed_answers", "inherited_steps"), 0),
                "attacked": attacked,
                "seconds": float(generator.uniform(1, 2)),
                "faults": {},
                "error": None,
                "label": item["label"],
                "hardware": "a machine",
                "probe": None,
                "versions": {"benchmark": "0.1.0", "python": "3.11.7", "torch": "2.9.0"},
                "warnings": [],
                "date": f"2026-01-02T03:{start // SHARD % 60:02}:05+00:00",
            }
            flags = (np.ascontiguousarray(each[rows]) for each in (np.ones(images, bool), wrong))
            classes = (
                fitting(each[rows], len(CLASSES))
                for each in (clean, np.where(broken & ~wrong, (labels + 2) % len(CLASSES), clean))
            )
            told = dict(zip(("clean_class", "adversarial_class"), classes, strict=True))
            records.append(Record(key, broken[rows], distance[rows], *flags, info, **told))
    return records, clean


def evaluations(networks: int, attacks: int, images: int) -> Iterator[tuple[list[Record], dict[str, Any]]]:
    """The records of each network, and its evaluation as it is filed."""
    suite = suite_of(attacks, images)
    labels = np.arange(images) % len(CLASSES)
    history = [{"epoch": epoch, "loss": 1 / epoch, "clean": 0.8, "robust": 0.4} for epoch in range(1, 31)]
    for number in range(networks):
        name = f"network-{number:03}"
        records, answers = records_of(name, suite, images, labels)
        by_label: dict[str, list[str]] = {item["label"]: [] for item in suite["items"]}
        for record in records:
            by_label[record.info["label"]].append(record.digest)
        yield (
            records,
            {
                "format": FORMAT,
                "id": digest(["evaluation", name]),
                "model": {
                    "name": name,
                    "method": ("at", "trades", "mat")[number % 3],
                    "network": digest(name),
                    "architecture": "resnet18",
                    "dataset": "cifar10",
                    "seed": number,
                    "digest": digest(name),
                    "history": history,
                },
                "suite": suite,
                "dataset": {"name": "cifar10", "digest": digest("cifar10"), "images": images},
                "mode": "complete",
                "seed": 0,
                "precision": "fp32",
                "rules": RULES,
                "notes": [],
                "records": by_label,
                "crafted_on": None,
                "classes": {
                    "names": list(CLASSES),
                    "labels": " ".join(map(str, labels.tolist())),
                    "answers": " ".join(map(str, answers.tolist())),
                },
            },
        )


def fill(results: Path, networks: int, attacks: int, images: int, single: bool) -> None:
    """Write the ledger, packed as `evaluate` leaves it, or a `single` file per record, as it was before.

    Nobody minds if it is lost, so that nothing waits for the disk.
    """
    wait, os.fsync = os.fsync, lambda handle: None
    try:
        ledger = Ledger.open(results, create=True)
        for records, manifest in evaluations(networks, attacks, images):
            for record in records if single else ():
                ledger.write(record)
            if not single:
                write_pack(ledger, manifest["model"]["digest"], records)
            ledger.write_evaluation(manifest)
    finally:
        os.fsync = wait


def measure(verb: str, folder: Path, rows: int) -> tuple[float, float]:
    """Seconds of a processor and MiB that a verb takes, in a process of its own."""
    code = (
        "import contextlib, io, sys; from pathlib import Path; import benchmark, benchmark.results;"
        f"folder = Path({str(folder)!r}); ROWS = {rows};\n{VERBS[verb]}"
    )
    with tempfile.TemporaryDirectory() as empty:
        told = "import re, time; from pathlib import Path; status = Path('/proc/self/status').read_text();"
        told += "print(time.process_time(), int(re.search(r'VmHWM:\\s+(\\d+) kB', status)[1]) / 2**10)"
        done = subprocess.run(
            [sys.executable, "-c", f"{code}\n{told}"],
            cwd=empty,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path[1:])},
        )
    if done.returncode:
        raise SystemExit(done.stderr)
    seconds, memory = map(float, done.stdout.splitlines()[-1].split())
    return seconds, memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", type=int, default=200)
    parser.add_argument("--attacks", type=int, default=30)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--keep", type=Path, help="Folder to leave the ledger in; one that is there is read.")
    parser.add_argument("--single", action="store_true", help="Leave each record in a file of its own.")
    parser.add_argument("--verbs", nargs="+", default=list(VERBS), choices=list(VERBS))
    options = parser.parse_args()
    import torch

    hardware = describe(torch.device("cpu"))
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["verb", "networks", "attacks", "images", "files", "cpu_seconds", "peak_mib", "hardware"])
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.keep or Path(temporary)) / "results"
        if not folder.exists():
            fill(folder, options.networks, options.attacks, options.images, options.single)
        size = (options.networks, options.attacks, options.images)
        files = sum(len(names) for _, _, names in os.walk(folder))
        for verb in options.verbs:
            seconds, memory = measure(verb, folder, options.networks * options.attacks)
            writer.writerow([verb, *size, files, f"{seconds:.1f}", f"{memory:.0f}", hardware])
            sys.stdout.flush()


if __name__ == "__main__":
    main()
