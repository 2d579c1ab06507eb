"""Put measurements into docs/performance.md: the JSON lines of the other scripts become its tables.

    python perf/attacks.py --json >> perf/results/attacks.jsonl
    python perf/results.py perf/results/*.jsonl

Only what stands between the two markers of the page changes. A line that was measured twice counts with its last one.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- results: begin.", "<!-- results: end -->"
Line = dict[str, Any]


def read(paths: Iterable[str]) -> list[Line]:
    """The measurements, each under its name and hardware once."""
    lines = [json.loads(line) for path in paths for line in Path(path).read_text().splitlines() if line.strip()]
    keys = ("name", "network", "checkpoint", "images", "preset", "hardware")
    return list({tuple(line.get(key) for key in keys): line for line in lines}.values())


def comparisons(lines: Sequence[Line]) -> list[str]:
    rows = []
    for line in lines:
        if "ratio" not in line:
            continue
        low, high = line["spread"]
        strength = line.get("accuracy_difference")
        told = "" if strength is None else f"{100 * strength:+.1f} points"
        rows.append(
            f"| {_named(line)} | {line['hardware']} "
            f"| {_digits(line['seconds'])} s | {_digits(line['peer_seconds'])} s "
            f"| **{line['ratio']:.2f}** [{low:.2f}, {high:.2f}] | {told} |"
        )
    head = ["| Measured | Hardware, precision | Ours | Peer | Ratio [spread] | Robust accuracy, ours − peer |"]
    return [*head, "| --- | --- | --- | --- | --- | --- |", *rows] if rows else []


def _digits(value: float) -> str:
    """Three significant digits, but never an exponent."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _short(microseconds: float) -> str:
    return f"{microseconds / 1e3:.2f} ms" if microseconds >= 100 else f"{microseconds:.1f} µs"


def _named(line: Line) -> str:
    told = [f"{line['images']} images" if "images" in line else "", line.get("network", "")]
    return f"{line['name']} ({', '.join(part for part in told if part)})" if any(told) else str(line["name"])


def strengths(lines: Sequence[Line]) -> list[str]:
    rows = []
    for line in lines:
        if "peer_accuracy" not in line or "ratio" in line:
            continue
        low, high = line["interval"]
        farther = line.get("median_distance_ratio")
        told = "" if farther is None else f"{farther:.4f}"
        rows.append(
            f"| {line['name']} | {line['checkpoint']}, {line['images']} images | {line['accuracy']:.1%} "
            f"| {line['peer_accuracy']:.1%} | {100 * line['difference']:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}] "
            f"| {told} |"
        )
    head = [
        "| Strength | Network | Robust: ours | Peer | Difference in points [95%] | Our distance / peer's, median |"
    ]
    return [*head, "| --- | --- | --- | --- | --- | --- |", *rows] if rows else []


def floors(lines: Sequence[Line]) -> list[str]:
    rows = []
    for line in lines:
        if "floor_us" not in line:
            continue
        low, high = line["spread"]
        rows.append(
            f"| {line['name']}, {line['images']} images | {line['hardware']} "
            f"| {line['matmul_gflops_per_second']:.0f} GFLOP/s | {_short(line['floor_us'])} "
            f"| {_short(line['bare_us'])} | {_short(line['loop_us'])} "
            f"| {line['overhead']:+.1%} [{low:+.1%}, {high:+.1%}] |"
        )
    head = [
        "| Floor, per image and step | Hardware, precision | Matrix product | Floor | Bare passes | Loop | Overhead |"
    ]
    return [*head, "| --- | --- | --- | --- | --- | --- | --- |", *rows] if rows else []


def suites(lines: Sequence[Line]) -> list[str]:
    rows = []
    for line in lines:
        if "seconds_per_image" not in line or not line["seconds_per_image"]:
            continue
        dearest = ", ".join(f"{label} {seconds:.2g} s" for label, seconds in line["dearest"].items())
        rows.append(
            f"| {line['name']} ({line['preset']}) | {line['forwards_per_image']:,.0f} "
            f"| {line['backwards_per_image']:,.0f} | {line['seconds_per_image']:.3g} s | {dearest} |"
        )
    if not rows:
        return []
    one = next(line for line in lines if "seconds_per_image" in line)
    told = (
        f"On {one['network']} at 32×32, {one['hardware']}: {one['forward_ms']:.2f} ms forward and "
        f"{one['gradient_ms']:.2f} ms backward per image in batches."
    )
    head = ["| Suite | Forward passes per image | Backward | A robust image takes | Dearest attacks |"]
    return [told, "", *head, "| --- | --- | --- | --- | --- |", *rows]


def main() -> None:
    lines = read(sys.argv[1:])
    text = PAGE.read_text()
    before, rest = text.split(BEGIN)
    marker, _ = rest.split("-->\n", 1)
    after = text.split(END)[1]
    made = (comparisons(lines), strengths(lines), floors(lines), suites(lines))
    tables = "\n\n".join("\n".join(table) for table in made if table)
    PAGE.write_text(f"{before}{BEGIN}{marker}-->\n\n{tables}\n\n{END}{after}")


if __name__ == "__main__":
    main()
