"""How often verdicts about methods, intervals of Ravg and values of a sweep's best are wrong, before and now.

    OMP_NUM_THREADS=1 nice -n 19 python perf/simulate_seeds.py --write

Networks are made up, so that what is true is known: an image is hard for all of them alike to some degree, for the
seeds of one method to another, and the rest is each network's own. "Before" is what was said up to version 0.1.0: a
test on the images of the seeds' mean, and Wilson's interval as if nothing had been chosen and shares were flags. Each
line of perf/results/seeds.csv is written when it is done, and not computed again.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Iterator
from itertools import combinations, product
from math import sqrt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from benchmark.statistics import selection
from benchmark.statistics.holm import holm
from benchmark.statistics.pigeonhole import pigeonhole, welch
from benchmark.statistics.ravg_interval import mean_interval
from benchmark.statistics.seeds import compare_methods
from benchmark.statistics.selection import select
from benchmark.statistics.wilson import wilson

ROOT = Path(__file__).parents[1]
TABLE, PAGE = ROOT / "perf" / "results" / "seeds.csv", ROOT / "docs" / "statistics-seeds.md"
FIELDS = ("question", "setting", "measure", "value", "rounds")
Floats = NDArray[np.float64]
Line = dict[str, float]


class Population:
    """Methods whose expected accuracy is known.

    Args:
        accuracy: of all of them, at the median seed.
        spread: standard deviation of a network's accuracy from seed to seed, about 0.022 for AT on digits.
        own: SD of what one network, or one method, alone finds in an image; what all of them find has 1.
    """

    def __init__(self, accuracy: float, spread: float, own: float = 0.5) -> None:
        self.own, self.scale = own, sqrt(1 + 2 * own**2)
        self.level = float(ndtri(accuracy))
        self.shift = spread / (np.exp(-(self.level**2) / 2) / sqrt(2 * np.pi)) * self.scale
        self.expected = float(ndtr(self.level * self.scale / sqrt(self.scale**2 + self.shift**2)))

    def draw(
        self, generator: np.random.Generator, methods: int, seeds: int, images: int, steps: float = 0.0
    ) -> Floats:
        """Methods×S×N flags; each method is `steps` less accurate than the one before it."""
        normal = generator.standard_normal
        common = normal(images, dtype=np.float32) + self.own * normal((methods, 1, images), dtype=np.float32)
        seed = self.shift * normal((methods, seeds, 1), dtype=np.float32)
        own = self.own * normal((methods, seeds, images), dtype=np.float32)
        level = self.level * self.scale - self._lower(methods, steps)
        return (level[:, None, None] + seed + common + own > 0).astype(float)

    def truth(self, methods: int, steps: float) -> Floats:
        """What each method's accuracy is expected to be over seeds and images."""
        spread = sqrt(self.scale**2 + self.shift**2)
        return np.asarray(ndtr((self.level * self.scale - self._lower(methods, steps)) / spread))

    def _lower(self, methods: int, steps: float) -> Floats:
        return steps * np.arange(methods) * sqrt(2 * np.pi) * np.exp(self.level**2 / 2) * self.scale


def methods(generator: np.random.Generator, images: int, seeds: int, spread: float, rounds: int) -> Line:
    """Two methods that are equal: how often one is called better."""
    population = Population(0.5, spread)
    found: dict[str, list[bool]] = {"before": [], "bootstrap": [], "welch": [], "now": []}
    for turn in range(rounds):
        first, second = population.draw(generator, 2, seeds, images)
        differences = first.mean(0) - second.mean(0)
        error = max(float(differences.std()) / sqrt(images), 1e-9)
        found["before"].append(bool(abs(differences.mean()) > 1.959964 * error))
        if seeds == 1:
            continue
        found["now"].append(compare_methods(first, second).p < 0.05)
        found["welch"].append((welch([first, -second]) or 1.0) < 0.05)
        if turn < 300 and images <= 1000:
            low, high = np.quantile(pigeonhole([first, -second], turn, 300), [0.025, 0.975])
            found["bootstrap"].append(bool(low > 0 or high < 0))
    return {name: float(np.mean(wrong)) for name, wrong in found.items() if wrong}


def families(generator: np.random.Generator, images: int, number: int, spread: float, rounds: int) -> Line:
    """Several equal methods with three seeds each: how often any pair is called different."""
    population, wrong = Population(0.5, spread), 0
    for _ in range(rounds):
        arms = population.draw(generator, number, 3, images)
        p = [compare_methods(one, other).p for one, other in combinations(arms, 2)]
        wrong += bool(holm(p).min() <= 0.05)
    return {"any wrong now": wrong / rounds}


def best(generator: np.random.Generator, number: int, images: int, seeds: int, steps: float, rounds: int) -> Line:
    """The best of several variants: by how much its value is too high, and how often its interval holds."""
    population = Population(0.6, 0.022 if seeds > 1 else 0.0, own=0.7)
    truth = population.truth(number, steps)
    rows = []
    for turn in range(rounds):
        found = select(list(population.draw(generator, number, seeds, images, steps)), seed=turn)
        true = truth[found.chosen]
        low, high = wilson(found.value * images, images)
        is_wrong = found.p < 0.05 and not (steps and found.chosen == 0)
        rows.append(
            [found.value - true, found.corrected - true, low <= true <= high, found.low <= true <= found.high]
        )
        rows[-1] += [high - low, found.high - found.low, is_wrong]
    names = ("optimism before", "optimism now", "coverage before", "coverage now")
    names += ("width before", "width now", "wrongly best")
    return dict(zip(names, np.mean(rows, axis=0).tolist(), strict=True))


def ravg(generator: np.random.Generator, images: int, accuracies: tuple[float, ...], rounds: int) -> Line:
    """Ravg over three threats: how often its interval holds, and how wide it is."""
    rows, true = [], float(np.mean(accuracies))
    for _ in range(rounds):
        common, own = generator.standard_normal((images, 1)), generator.standard_normal((images, 3))
        shares = (sqrt(0.5) * (common + own) < ndtri(accuracies)).mean(1)
        ends = [wilson(shares.sum(), images), mean_interval(shares)]
        rows.append([*(low <= true <= high for low, high in ends), *(high - low for low, high in ends)])
    names = ("coverage before", "coverage now", "width before", "width now")
    return dict(zip(names, np.mean(rows, axis=0).tolist(), strict=True))


def tasks() -> Iterator[tuple[str, str, int, Callable[[np.random.Generator], Line]]]:
    """Question, setting, rounds, and what computes the line."""
    for spread, images, seeds in product((0.0, 0.022), (50, 450, 1000, 10_000), (1, 2, 3, 5, 10)):
        rounds = 2000 if images <= 1000 else 400
        name = f"{images:,} images, {seeds} seeds, SD {100 * spread:g}"
        yield "methods", name, rounds, lambda g, a=(images, seeds, spread, rounds): methods(g, *a)
    for number, images in product((2, 10), (450, 1000)):
        name = f"{number} methods, {images:,} images, 3 seeds, SD 2.2"
        yield "families", name, 400, lambda g, a=(images, number, 0.022, 400): families(g, *a)
    for steps, seeds, number, images in product((0.0, 0.01), (1, 3), (2, 9, 20), (50, 450, 1000)):
        name = f"{number} variants {100 * steps:g} points apart, {images:,} images, {seeds} seeds"
        yield "best", name, 400, lambda g, a=(number, images, seeds, steps, 400): best(g, *a)
    for accuracies, images in product(((0.9, 0.5, 0.3), (0.99, 0.98, 0.97)), (50, 450, 1000, 10_000)):
        name = f"{images:,} images, {' '.join(f'{100 * each:g}' for each in accuracies)} %"
        yield "ravg", name, 2000, lambda g, a=(images, accuracies, 2000): ravg(g, *a)


def run(only: list[str]) -> None:
    """Compute what is missing; of each line the draws depend on its own name alone."""
    selection.RESAMPLES, selection.DRAWS = 200, 4000  # rough, as each is one of hundreds
    done = {(row["question"], row["setting"]) for row in read()}
    TABLE.parent.mkdir(exist_ok=True)
    if not done:
        TABLE.write_text(",".join(FIELDS) + "\n", encoding="utf-8")
    for question, setting, rounds, compute in tasks():
        if (question, setting) in done or (only and question not in only):
            continue
        line = compute(np.random.default_rng([*f"{question} {setting}".encode()]))
        with TABLE.open("a", newline="", encoding="utf-8") as file:
            for measure, value in line.items():
                csv.writer(file, lineterminator="\n").writerow([question, setting, measure, f"{value:.4f}", rounds])
        print(question, setting, {name: round(value, 3) for name, value in line.items()}, flush=True)


def read() -> list[dict[str, str]]:
    """The lines that there are."""
    if not TABLE.is_file():
        return []
    with TABLE.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def page(text: str) -> str:
    """`text` with the table of each question between its marks; lines in the order of `tasks`."""
    rows = read()
    for question in dict.fromkeys(row["question"] for row in rows):
        own = [row for row in rows if row["question"] == question]
        measures = list(dict.fromkeys(row["measure"] for row in own))
        values = {(row["setting"], row["measure"]): row["value"] for row in own}
        order = [setting for name, setting, _, _ in tasks() if name == question]
        settings = [setting for setting in order if any(row["setting"] == setting for row in own)]
        lines = [["", *measures]]
        lines += [
            [each.replace(" 1 seeds", " 1 seed"), *(_percent(values.get((each, measure))) for measure in measures)]
            for each in settings
        ]
        body = "\n".join(
            f"| {' | '.join(line)} |" for line in [lines[0], ["---", *["---:"] * len(measures)], *lines[1:]]
        )
        begin, end = f"<!-- {question}: begin, made by perf/simulate_seeds.py -->", f"<!-- {question}: end -->"
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}\n\n{body}\n\n{end}{rest.partition(end)[2]}"
    return text


def _percent(value: str | None) -> str:
    return "–" if value is None else f"{100 * float(value):.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[], help="questions: methods, families, best, ravg")
    parser.add_argument("--write", action="store_true", help=f"put the tables into {PAGE.relative_to(ROOT)}")
    options = parser.parse_args()
    run(options.only)
    if options.write:
        PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
