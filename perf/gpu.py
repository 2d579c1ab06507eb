"""Everything that is to be measured on a GPU that is lent for ten minutes, in one call; proven on a processor.

    python perf/gpu.py --out figures                     # on the GPU: ResNet-18, full sizes, under ten minutes
    python perf/gpu.py --out tiny --device cpu --tiny    # the same on a processor: a small network, few images

Each part runs in a process of its own with a time limit, and leaves OUT/PART.csv; what is there already is not
measured again, so that a call that was interrupted goes on. Of a part that took too long the lines so far are in
OUT/PART.unfinished.csv, and its messages in OUT/PART.log. Ours and the peers take turns in one process.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from gpu_parts import PARTS, Line, Sizes

#: Seconds for each part, at most; together a bit under ten minutes.
LIMITS = {"machine": 40, "attacks": 110, "training": 120, "epoch": 90, "peers": 90, "autoattack": 60, "suite": 80}


def measure(part: str, options: argparse.Namespace) -> None:
    """In the process of its own: a line of JSON for each figure, as soon as it is known."""
    sizes = Sizes.tiny(options.device) if options.tiny else Sizes.full(options.device)
    with (options.out / f"{part}.jsonl").open("w") as file:
        for line in PARTS[part](sizes):
            file.write(json.dumps({"device": sizes.hardware, **line}) + "\n")
            file.flush()


def lines_of(path: Path) -> Iterator[Line]:
    """The whole lines of a file that may have been left in the middle of one."""
    for line in path.read_text().splitlines() if path.exists() else ():
        try:
            yield json.loads(line)
        except ValueError:
            return


def keep(part: str, out: Path, is_whole: bool) -> Path:
    """Make a table of the lines of a part."""
    found = list(lines_of(out / f"{part}.jsonl"))
    columns = list(dict.fromkeys(name for line in found for name in line))
    target = out / (f"{part}.csv" if is_whole else f"{part}.unfinished.csv")
    temporary = out / f".{part}.part"
    with temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)
    temporary.replace(target)
    if is_whole:
        (out / f"{part}.unfinished.csv").unlink(missing_ok=True)
    return target


def run(part: str, options: argparse.Namespace, seconds: float) -> str:
    """What became of a part, in words."""
    if (options.out / f"{part}.csv").exists():
        return "there already"
    if seconds < 5:
        return "not begun: no time left"
    command = [sys.executable, __file__, "--out", str(options.out), "--device", options.device, "--part", part]
    began = time.monotonic()
    with (options.out / f"{part}.log").open("w") as log:
        try:
            done = subprocess.run(
                command + ["--tiny"] * options.tiny, stdout=log, stderr=log, timeout=seconds, check=False
            )
            said = "" if done.returncode == 0 else f"failed with {done.returncode}"
        except subprocess.TimeoutExpired:
            said = "took too long"
    table = keep(part, options.out, not said)
    return f"{said or 'measured'} in {time.monotonic() - began:.0f} s: {table}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for the tables")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--seconds", type=float, default=560, help="for all parts together")
    parser.add_argument("--only", nargs="+", default=list(PARTS), choices=list(PARTS))
    parser.add_argument("--tiny", action="store_true", help="sizes that a processor takes seconds for")
    parser.add_argument("--part", choices=list(PARTS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.part:
        measure(options.part, options)
        return 0
    patience = 5 if options.tiny else 1  # on a processor that others use, too
    end = time.monotonic() + options.seconds * patience
    missing = 0
    for part in options.only:
        said = run(part, options, min(LIMITS[part] * patience, end - time.monotonic()))
        missing += not (options.out / f"{part}.csv").exists()
        print(f"{part:10} {said}", flush=True)
    return int(missing > 0)


if __name__ == "__main__":
    sys.exit(main())
