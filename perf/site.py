"""How large and how fast the site is with many networks: fills a ledger at random, reports it, says the times.

    python perf/site.py --networks 500 --attacks 30 --images 1000

The ledger is written through the evaluation room's own records, so reading it back is part of what is timed.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

import benchmark
from benchmark.ledger import Ledger, Record, load_results
from benchmark.ledger.record import FORMAT
from benchmark.reporting import leaderboards
from benchmark.storage import digest

THREATS = (("linf", 0.03), ("l2", 0.5), ("l1", 12.0))


def fill(results: Path, networks: int, attacks: int, images: int) -> None:
    """Write the ledger: each network breaks with a probability of its own."""
    generator = np.random.default_rng(0)
    ledger = Ledger.open(results, create=True)
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
    suite = {"name": "synthetic", "preset": "standard", "version": 1, "description": "", "digest": digest(items)}
    history = [{"epoch": epoch, "loss": 1 / epoch, "clean": 0.8, "robust": 0.4} for epoch in range(1, 31)]
    for number in range(networks):
        name, share = f"network-{number:03}", generator.uniform(0.2, 0.9)
        hardness = generator.uniform(0, 1, images)
        wrong = hardness < 0.1 * share
        records = {}
        for item in items:
            near = hardness + generator.normal(0, 0.1, images) < share
            distance = np.where(wrong, 0, np.where(near, item["epsilon"] * generator.uniform(0, 1, images), np.inf))
            record = Record(
                key={
                    "network": digest(name),
                    "data": {"digest": digest("cifar10"), "start": 0, "stop": images},
                    "attack": item["attack"],
                    "item": item,
                },
                broken=wrong | near,
                distance=distance,
                evaluated=np.ones(images, bool),
                clean_errors=wrong,
                info={
                    **dict.fromkeys(("seconds", "forwards", "backwards", "attacked"), 100),
                    **dict.fromkeys(("dead_gradients", "disagreements"), 0),
                    "faults": {},
                    "error": None,
                    "hardware": "a machine",
                    "date": "2026-01-02T03:04:05+00:00",
                },
            )
            ledger.write(record)
            records[item["label"]] = [record.digest]
        ledger.write_evaluation(
            {
                "format": FORMAT,
                "id": digest(name),
                "model": {
                    "name": name,
                    "method": ("at", "trades", "mat")[number % 3],
                    "network": "",
                    "architecture": "resnet18",
                    "dataset": "cifar10",
                    "seed": number,
                    "digest": digest(name),
                    "history": history,
                },
                "suite": {**suite, "items": items},
                "dataset": {"name": "cifar10", "digest": digest("cifar10"), "images": images},
                "mode": "complete",
                "seed": 0,
                "precision": "fp32",
                "notes": [],
                "records": records,
            }
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", type=int, default=500)
    parser.add_argument("--attacks", type=int, default=30)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--keep", type=Path, help="Folder to leave ledger and site in.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        start = time.perf_counter()
        fill(folder / "results", options.networks, options.attacks, options.images)
        print(f"filling the ledger   {time.perf_counter() - start:7.1f} s")
        start = time.perf_counter()
        evaluations = load_results(folder / "results")
        print(f"reading it           {time.perf_counter() - start:7.1f} s")
        start = time.perf_counter()
        leaderboards(evaluations)
        print(f"ranks, flags, rows   {time.perf_counter() - start:7.1f} s")
        start = time.perf_counter()
        page = benchmark.report(results=folder / "results", out=folder / "reports")
        print(f"bench report, whole  {time.perf_counter() - start:7.1f} s")
        files = [path for path in page.parent.rglob("*") if path.is_file()]
        print(f"index.html           {page.stat().st_size / 1e6:7.2f} MB")
        print(f"{len(files):5} files          {sum(path.stat().st_size for path in files) / 1e6:7.1f} MB")


if __name__ == "__main__":
    main()
