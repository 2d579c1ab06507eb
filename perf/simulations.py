"""How often the rules for differences and ranks are wrong, before and now: the tables of docs/statistics.md.

    OMP_NUM_THREADS=1 nice -n 19 python perf/simulations.py --write

Networks are made up: an image is hard for all of them alike to some degree, so that their flags are correlated as
those of real networks are, and what is true is known. "Before" are the rules up to version 0.1.0, which are kept
here: Holm's correction of McNemar's exact tests, ranks that count the significantly better, percentile intervals of a
bootstrap, "close" where such an interval lies within the margin. Each line of perf/results/simulations.csv is written
when it is done, and not computed again.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from made_up_networks import ALIKE, BOARD, CLEAN, TWINS, Floats, Setting, draw
from numpy.typing import NDArray

from benchmark.statistics.all_pairs import FEWER_DRAWS, AllPairs, all_pairs, histograms
from benchmark.statistics.holm import holm
from benchmark.statistics.mcnemar import mcnemar
from benchmark.statistics.power import smallest_difference
from benchmark.statistics.rank_sets import rank_sets
from benchmark.statistics.score import histogram, score, score_interval, score_p, support
from benchmark.statistics.verdicts import verdict
from benchmark.statistics.wilson import wilson

ROOT = Path(__file__).parents[1]
TABLE, PAGE = ROOT / "perf" / "results" / "simulations.csv", ROOT / "docs" / "statistics.md"
BEGIN, END = "<!-- simulations: begin", "<!-- simulations: end -->"
LEVEL, Z = 0.05, 1.959963984540054
IMAGES, NETWORKS = (50, 450, 1000, 10_000), (2, 10, 50)
#: So many boards are made up for a line about all pairs, by images and networks; large ones take their time.
RUNS = {
    50: {2: 4000, 10: 1000, 50: 400},
    450: {2: 4000, 10: 1000, 50: 200},
    1000: {2: 4000, 10: 400, 50: 150},
    10_000: {2: 1000, 10: 400, 50: 100},
}
#: So many pairs are made up for a line about one pair.
PAIRS = 4000


def old_p(table: Floats) -> Floats:
    """P exact p of all pairs, corrected by Holm's method."""
    counts = histograms(table)
    return holm(mcnemar(counts[:, 2], counts[:, 0]))


def old_intervals(counts: Floats, generator: np.random.Generator) -> tuple[Floats, Floats]:
    """Percentiles of 2,000 paired bootstrap means, for P×S counts of differences: images drawn anew decide these."""
    images, values = int(counts[0].sum()), support(counts.shape[1] // 2)
    ends = [
        np.quantile(generator.multinomial(images, own / images, size=2000) @ values / images, [0.025, 0.975])
        for own in counts
    ]
    low, high = np.array(ends).T
    return low, high


def old_ranks(table: Floats) -> NDArray[np.int64]:
    one, other = np.triu_indices(len(table), k=1)
    stands, means = old_p(table) <= LEVEL, table.mean(1)
    ranks = np.ones(len(table), np.int64)
    for first, second in zip(one[stands], other[stands], strict=True):
        ranks[second if means[first] > means[second] else first] += 1
    return ranks


def true_ranks(accuracies: Floats) -> NDArray[np.int64]:
    return 1 + (accuracies[None, :] > accuracies[:, None]).sum(1)


def test(table: Floats) -> AllPairs:
    """As `bench report` does; of large boards with as many draws as it makes for hundreds of networks."""
    return all_pairs(table, draws=FEWER_DRAWS if table.shape[1] >= 1000 or len(table) >= 50 else None)


def family_wise(table: Floats, truth: Floats) -> dict[str, float]:
    """Whether any difference at all is called real between networks that are equal, or in the wrong direction."""
    one, other = np.triu_indices(len(table), k=1)
    gain = truth[one] - truth[other]
    ahead = np.sign(table.mean(1)[one] - table.mean(1)[other])
    wrong = (gain == 0) | (np.sign(gain) != ahead)
    family = test(table)
    named = np.where(ahead > 0, family.better[one, other], family.better[other, one])
    old = old_p(table) <= LEVEL
    return {
        "any false difference, before": bool((old & wrong).any()),
        "any false difference, now": bool((named & wrong).any()),
        "share of true differences found, before": float(old[~wrong].mean()) if (~wrong).any() else np.nan,
        "share of true differences found, now": float(named[~wrong].mean()) if (~wrong).any() else np.nan,
    }


def ranking(table: Floats, truth: Floats) -> dict[str, float]:
    """Whether the ranks shown are right, and whether pairs of different ranks differ."""
    one, other = np.triu_indices(len(table), k=1)
    right, ranks = true_ranks(truth), old_ranks(table)
    family = test(table)
    sets = np.array(rank_sets(family.better))
    apart = ranks[one] != ranks[other]
    equally = apart & (old_p(table) > LEVEL)
    means = table.mean(1)
    inverted = (means[one] - means[other]) * (ranks[other] - ranks[one]) < 0
    return {
        "every rank right, before": bool((ranks == right).all()),
        "every rank set right, now": bool(((sets[:, 0] <= right) & (right <= sets[:, 1])).all()),
        "ranks in a rank set, now": float((sets[:, 1] - sets[:, 0] + 1).mean()),
        "different ranks without a significant difference, before": float(equally.sum() / max(1, apart.sum())),
        "ordered against the values, before": bool(inverted.any()),
    }


def extremes(table: Floats, truth: Floats) -> dict[str, float]:
    """Whether the leader is called better than the last of equal networks when a reader picks these two."""
    order = np.argsort(table.mean(1), kind="stable")
    first, last = table[order[-1]], table[order[0]]
    old = mcnemar((first > last).sum(), (first < last).sum()) <= LEVEL
    return {"picked, before": bool(old), "picked, now": bool(test(table).better[order[-1], order[0]])}


def intervals(counts: Floats, truth: float, generator: np.random.Generator) -> dict[str, Floats]:
    """Pairs: whether they are called different, whether the interval holds the truth, whether both say the same."""
    images, values = counts[0].sum(), support(counts.shape[1] // 2)
    low, high = old_intervals(counts, generator)
    p = mcnemar(counts[:, -1], counts[:, 0])
    if len(values) > 3:
        means = counts @ values / images
        spread = np.sqrt((counts @ values**2 / images - means**2) / images)
        p = np.where(spread > 1e-9, score_p(means / np.maximum(spread, 1e-9)), 1.0)
    new_low, new_high = score_interval(counts, Z)
    new_p = score_p(score(counts))
    return {
        "called different, before": p <= LEVEL,
        "called different, now": new_p <= LEVEL,
        "interval holds the truth, before": (low <= truth) & (truth <= high),
        "interval holds the truth, now": (new_low <= truth) & (truth <= new_high),
        "interval and p disagree, before": ((low > 0) | (high < 0)) != (p <= LEVEL),
        "interval and p disagree, now": ((new_low > 0) | (new_high < 0)) != (new_p <= LEVEL),
    }


def closeness(counts: Floats, margin: float, generator: np.random.Generator) -> dict[str, Floats]:
    """Whether two networks whose accuracies are apart by the margin are called close, or equivalent."""
    low, high = old_intervals(counts, generator)
    means = counts @ support(counts.shape[1] // 2) / counts[0].sum()
    new = zip(*score_interval(counts, Z), strict=True)
    equivalent = [verdict(float(one), float(other), None, margin) == "equivalent" for one, other in new]
    return {
        "called close, before": np.abs(means) + (high - low) / 2 <= margin,
        "called equivalent, now": np.array(equivalent),
    }


def detectable(
    images: int, discordant: float, gain: float, runs: int, generator: np.random.Generator
) -> dict[str, Floats]:
    """How often a difference that is said to be found in 80 % of cases is found."""
    chances = [(discordant - gain) / 2, 1 - discordant, (discordant + gain) / 2]
    counts = generator.multinomial(images, chances, size=runs).astype(float)
    return {"found": score_p(score(counts)) <= LEVEL}


Found = dict[str, Floats]


class Cell(NamedTuple):
    """Some lines of the table: what is simulated, how often, and how."""

    question: str
    setting: str
    images: int
    networks: int
    runs: int
    simulate: Callable[[np.random.Generator], Found]


def cells() -> Iterator[Cell]:
    for images in IMAGES:
        for networks in NETWORKS:
            runs = RUNS[images][networks]
            for setting in (ALIKE, TWINS, CLEAN, BOARD):
                yield _boards("family-wise error", setting, images, networks, runs, family_wise)
            if networks > 2:
                yield _boards("ranks", BOARD, images, networks, runs // 2, ranking)
                yield _boards("a pair picked after looking", ALIKE, images, networks, runs // 2, extremes)
        for setting in (ALIKE, TWINS, CLEAN, BOARD):
            gain = float(setting.accuracy(2) @ [1, -1])
            for question, threats in (("one pair, flags", 1), ("one pair, Ravg of three threats", 3)):
                yield _pairs(question, setting, images, threats, lambda found, g, d=gain: intervals(found, d, g))
        for margin, common, how in ((0.01, 1.0, ", one wins all"), (0.01, 0.98, ""), (0.05, 0.5, "")):
            apart = Setting(
                f"{margin:.0%} apart, margin {margin:.0%}{how}",
                common,
                lambda m, d=margin: np.array([0.5 + d / 2, 0.5 - d / 2]),
            )
            yield _pairs("equivalence", apart, images, 1, lambda found, g, d=margin: closeness(found, d, g))
        for name, assumed in (("before: 10 % of the images differ", 0.1), ("now: the pair's own 24 %", 0.24)):
            gain = smallest_difference(images, assumed, Z)
            if gain is not None:
                yield Cell("minimum detectable difference", name, images, 2, PAIRS,
                           lambda g, d=gain, n=images: detectable(n, 0.24, d, PAIRS, g))  # fmt: skip


def _boards(
    question: str,
    setting: Setting,
    images: int,
    networks: int,
    runs: int,
    judge: Callable[[Floats, Floats], dict[str, float]],
) -> Cell:
    def simulate(generator: np.random.Generator) -> Found:
        truth = setting.accuracy(networks)
        found = [judge(draw(setting, networks, images, generator), truth) for _ in range(runs)]
        return {what: np.array([one[what] for one in found], float) for what in found[0]}

    return Cell(question, setting.name, images, networks, runs, simulate)


def _pairs(
    question: str, setting: Setting, images: int, parts: int, judge: Callable[[Floats, np.random.Generator], Found]
) -> Cell:
    def simulate(generator: np.random.Generator) -> Found:
        drawn = (draw(setting, 2, images, generator, parts) for _ in range(PAIRS))
        return judge(np.stack([histogram(first, second, parts) for first, second in drawn]), generator)

    return Cell(question, setting.name, images, 2, PAIRS, simulate)


FIELDS = ("question", "setting", "images", "networks", "runs", "what", "value", "low", "high")


def compute(cell: Cell) -> Iterator[dict[str, object]]:
    """The lines of a cell: means over the runs, with Wilson's 95 % interval where they are shares of runs."""
    generator = np.random.default_rng([cell.images, cell.networks, sum(map(ord, cell.question + cell.setting))])
    for what, values in cell.simulate(generator).items():
        known = np.asarray(values, float)
        known = known[~np.isnan(known)]
        if len(known):
            is_share = set(known) <= {0.0, 1.0}
            low, high = wilson(float(known.sum()), len(known)) if is_share else (np.nan, np.nan)
            told = (f"{value:.4f}" for value in (known.mean(), low, high))
            yield dict(zip(FIELDS, (*cell[:5], what, *told), strict=True))


def done() -> list[dict[str, str]]:
    if not TABLE.exists():
        return []
    with TABLE.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def key(line: Mapping[str, object]) -> tuple[str, ...]:
    """What a line is about; how many runs it is of says how exact it is."""
    return tuple(str(line[name]) for name in FIELDS[:4])


def run(only: Sequence[str]) -> None:
    finished = {key(line) for line in done()}
    for cell in cells():
        name = tuple(map(str, cell[:4]))
        if name in finished or (only and cell.question not in only):
            continue
        lines = list(compute(cell))
        is_new = not TABLE.exists()
        with TABLE.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
            if is_new:
                writer.writeheader()
            writer.writerows(lines)
        print(", ".join(name), flush=True)


def tables() -> list[str]:
    """A table for each question: a row per setting and size, a column per thing counted."""
    told: list[str] = []
    lines = done()
    for question in dict.fromkeys(cell.question for cell in cells()):
        own = [line for line in lines if line["question"] == question]
        columns = list(dict.fromkeys(line["what"] for line in own))
        if not own:
            continue
        told += [f"### {question[0].upper()}{question[1:]}", ""]
        told += [f"| Networks made up | Images | Networks | Runs | {' | '.join(columns)} |"]
        told += ["| --- | --: | --: | --: |" + " --: |" * len(columns)]
        for name in sorted(set(map(key, own)), key=lambda one: (one[1], int(one[3]), int(one[2]))):
            values = {line["what"]: line for line in own if key(line) == name}
            figures = [_told(values.get(what)) for what in columns]
            runs = int(next(iter(values.values()))["runs"])
            told.append(f"| {name[1]} | {int(name[2]):,} | {name[3]} | {runs:,} | {' | '.join(figures)} |")
        told.append("")
    return told


def _told(line: dict[str, str] | None) -> str:
    if line is None:
        return "–"
    value = float(line["value"])
    if line["what"].startswith("ranks in"):
        return f"{value:.1f}"
    return f"{100 * value:.1f}"


def write() -> None:
    """Put the tables between the two markers of the page."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    marker = rest.partition("\n")[0]
    PAGE.write_text(
        f"{before}{BEGIN}{marker}\n\n" + "\n".join(tables()) + f"\n{END}{rest.split(END)[1]}", encoding="utf-8"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[], help="questions, by their names in the table")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/statistics.md")
    options = parser.parse_args()
    run(options.only)
    if options.write:
        write()


if __name__ == "__main__":
    main()
