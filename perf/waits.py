"""How often an accelerator waits for the host: of every attack and method, per step and in all.

    python perf/waits.py                # writes perf/results/waits.csv and the table in docs/performance.md

Counted on the second device of the tests, which is CPU memory that behaves like an accelerator's. What waits: a
number that is read, a mask that chooses rows, a copy to or from the host. Four images of 8×8 are attacked with a
radius too small to break them, so that nobody leaves; attacks without a radius find what they find. A training step
takes 16 digits.
"""

from __future__ import annotations

import csv
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import second_device  # noqa: E402
from attack_toys import CHEAP, EVERY, threat  # noqa: E402
from fixed_networks import fixed  # noqa: E402
from second_device_toys import found, trained  # noqa: E402

from benchmark.attacks import make_attack  # noqa: E402
from benchmark.models import save_checkpoint  # noqa: E402
from benchmark.threats import Threat  # noqa: E402
from benchmark.training import METHODS  # noqa: E402
from benchmark.training.report import Reporter  # noqa: E402

RESULTS, PAGE = ROOT / "perf" / "results" / "waits.csv", ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- waits: begin -->", "<!-- waits: end -->"

#: What a step of an attack is counted by, if not by `steps`; None for attacks that have none.
COUNTED = {"square": "queries", "gaussian-noise": "repeats", "fgsm": None, "spatial": None, "corruption": None}
COUNTED |= {"pointwise": None, "autoattack": None}
FEW, MANY = 8, 16
#: Of an attack that stops by itself, early.
FEWER = {"deepfool": (2, 4)}


@dataclass(frozen=True)
class Line:
    """What was counted.

    Attributes:
        kind: "attack" or "method".
        name: with its norm.
        step: waits per step, in float32; None where there are no steps.
        step_bf16: the same of a search in bfloat16.
        inner: of a method, waits per step of its attack.
        whole: waits of a call with 8 steps (DeepFool 2), preparing the network included, or of a
            training step with one step of its attack.
    """

    kind: str
    name: str
    step: float | None
    step_bf16: float | None
    inner: float | None
    whole: int


def of_attack(name: str, norm: str, **more: Any) -> Line:
    few, many = FEWER.get(name, (FEW, MANY))
    by = COUNTED.get(name, "steps")
    within = Threat(norm, threat(norm).epsilon * (1e-4 if norm in ("linf", "l2", "l1") else 1))

    def counted(steps: int, precision: str = "fp32") -> int:
        parameters: dict[str, Any] = {**CHEAP.get(name, {}), **({by: steps} if by else {}), **more}
        with second_device.counted() as waits:
            found(make_attack(name, parameters), norm, "second", precision=precision, within=within)
        return waits.total()

    said = " ".join([name, norm, *(f"({key}: {value})" for key, value in more.items())])
    whole = counted(few)
    if by is None:
        return Line("attack", said, None, None, None, whole)
    step, low = ((counted(many, each) - counted(few, each)) / (many - few) for each in ("fp32", "bf16"))
    return Line("attack", said, step, low, None, whole)


def of_method(name: str, zoo: Mapping[str, Path]) -> Line:
    def counted(steps: int, inner: int = 1) -> int:
        trainer, _ = trained(name, zoo, "second", steps, inner)
        with tempfile.TemporaryDirectory() as folder, Reporter(name, 1, trainer.steps, False, None) as report:
            with second_device.counted() as waits:
                trainer.fit(Path(folder) / "state", None, report)
            return waits.total()

    one, two = counted(2), counted(3)
    return Line("method", name, None, None, (counted(2, 3) - one) / (2 * 2), two - one)


def lines() -> Iterator[Line]:
    for norm in ("linf", "l2", "l1"):
        yield of_attack("pgd", norm, success="last")
    for name, norm in EVERY:
        yield of_attack(name, norm)
    with tempfile.TemporaryDirectory() as folder:
        zoo = {name: save_checkpoint(Path(folder) / f"{name}.pt", fixed(name)) for name in ("natural", "at")}
        for name in METHODS.names():
            yield of_method(name, zoo)


def table(found: list[Line]) -> str:
    rows = ["| attack | waits per step | in bf16 | in all, for 8 steps |", "| --- | ---: | ---: | ---: |"]
    rows += [
        f"| {line.name} | {_told(line.step)} | {_told(line.step_bf16)} | {line.whole} |"
        for line in found
        if line.kind == "attack"
    ]
    rows += ["", "| method | waits per training step | more per step of its attack |", "| --- | ---: | ---: |"]
    rows += [f"| {line.name} | {line.whole} | {_told(line.inner)} |" for line in found if line.kind == "method"]
    return "\n".join(rows)


def _told(value: float | None) -> str:
    return "" if value is None else f"{value:.2g}" if value < 10 else f"{value:.0f}"


def main() -> None:
    found = []
    for line in lines():
        print(line, flush=True)
        found.append(line)
    with RESULTS.open("w", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Line)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(asdict, found))
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{table(found)}\n{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    main()
