"""How often `bench decide` and `bench estimate` are wrong, and how much they save: the tables of docs/deciding.md.

    make simulate-decide
    python perf/simulate_decide.py --results perf/results/decide.jsonl --ledger results

Simulates pairs with exactly the difference and the discordance of a setting, in random order, looked at as
`bench decide` does; tournaments; and two-phase samples. With `--ledger`, replays all pairs of a results folder, too.
Each setting is a line of the results file; what is there already is not simulated again. The tables between the
markers of the page are written anew each time.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.analysis.paired import scores
from benchmark.ledger import load_results
from benchmark.ledger.record import SHARD
from benchmark.reporting.leaderboards import leaderboards
from benchmark.sequential.order import block_ends, image_order
from benchmark.statistics import two_phase
from benchmark.statistics.holm import holm
from benchmark.statistics.mcnemar import mcnemar
from benchmark.statistics.pair_tests import BETTER, EQUIVALENT, OPEN, WORSE, PairTests
from benchmark.statistics.tournament import Tournament

PAGE = Path(__file__).parents[1] / "docs" / "deciding.md"
BEGIN, END = "<!-- simulations: begin -->", "<!-- simulations: end -->"

MARGIN, ALPHA, PAIRS = 0.01, 0.05, 2000
SIZES = (450, 1000, 10_000)
#: In points, that of two networks just beyond the margin among them.
DIFFERENCES = (0.0, 1.0, 1.5, 2.0, 5.0, 10.0)
DISCORDANCES = (5, 10, 20, 30)
Line = dict[str, Any]


def pair_settings() -> Iterator[Line]:
    """Pairs of networks by flags, and two of Ravg over three threats, where an image counts in thirds."""
    for images in SIZES:
        for discordance in DISCORDANCES:
            for difference in DIFFERENCES:
                if difference <= discordance:
                    yield {"kind": "pairs", "metric": "flags", "images": images, "discordance": discordance,
                           "difference": difference}  # fmt: skip
        for difference in (0.0, 1.5, 5.0):
            yield {"kind": "pairs", "metric": "Ravg", "images": images, "discordance": 30, "difference": difference}


def population(setting: Line) -> NDArray[np.float64]:
    """The differences of a pair's N images."""
    images = setting["images"]
    parts = 3 if setting["metric"] == "Ravg" else 1
    both, net = (round(images * setting[name] / 100) for name in ("discordance", "difference"))
    both += (both + net) % 2  # so that the difference is what it shall be
    up, down = (both + net) // 2, (both - net) // 2
    values = np.zeros(images)
    values[:up], values[up : up + down] = 1, -1
    if parts > 1:  # the discordant ones differ in one, two or three of three threats
        values[:both] *= np.resize([1, 2, 3], both) / parts
    return values


def simulate_pairs(setting: Line) -> Line:
    """2,000 pairs, each looked at after every block until it is decided."""
    values, images = population(setting), setting["images"]
    generator = np.random.default_rng([images, int(10 * setting["difference"]), setting["discordance"]])
    truth = float(values.mean())
    used, verdicts, peeked = (np.zeros(PAIRS, int) for _ in range(3))
    for start in range(0, PAIRS, 250):
        rows = generator.permuted(np.tile(values, (250, 1)), axis=1)
        found = slice(start, start + 250)
        used[found], verdicts[found] = decided(rows)
        if setting["metric"] == "flags":
            peeked[found] = mcnemar_peeking(rows)
    wrong = (verdicts == BETTER) & (truth <= 0) | (verdicts == WORSE) & (truth >= 0)
    wrong |= (verdicts == EQUIVALENT) & (abs(truth) > MARGIN + 1e-9)
    shares = used / images
    return {
        "false": float(wrong.mean()),
        "median_share": float(np.median(shares)),
        "mean_share": float(shares.mean()),
        "before_the_end": float((used < images).mean()),
        "verdicts": {name: float((verdicts == value).mean()) for name, value in
                     (("better", BETTER), ("worse", WORSE), ("equivalent", EQUIVALENT))},
        "mcnemar_peeking": float((peeked != 0).mean()) if truth == 0 and setting["metric"] == "flags" else None,
    }  # fmt: skip


def decided(rows: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """After how many images each pair is decided, and the verdict."""
    pairs, images = rows.shape
    used, verdicts, left = np.full(pairs, images), np.full(pairs, OPEN), np.arange(pairs)
    tests, start = PairTests(images, MARGIN, ALPHA / 2, pairs), 0
    for end in block_ends(images, SHARD):
        tests.take(rows[left, start:end])
        found = tests.verdicts
        settled = found != OPEN
        verdicts[left[settled]], used[left[settled]] = found[settled], end
        tests.keep(~settled)
        left, start = left[~settled], end
        if not len(left):
            break
    return used, verdicts


def mcnemar_peeking(rows: NDArray[np.float64]) -> NDArray[np.int64]:
    """What is said if McNemar's p is looked at after every block instead, and the first below 5% is believed."""
    ends = np.array(block_ends(rows.shape[1], SHARD)) - 1
    wins, losses = (np.cumsum(rows == value, axis=1)[:, ends] for value in (1, -1))
    return (mcnemar(wins, losses) <= ALPHA).any(axis=1).astype(int)


def tournament_settings() -> Iterator[Line]:
    for goal in ("best", "order"):
        for networks in (4, 10):
            for spacing in (0.0, 2.0):
                yield {"kind": "tournament", "goal": goal, "networks": networks, "images": 450, "spacing": spacing}


def simulate_tournament(setting: Line) -> Line:
    """Networks whose accuracies lie `spacing` points apart, on images of which each has its own difficulty."""
    images, count = setting["images"], setting["networks"]
    runs = 200 if count <= 4 else 40
    false, shares = 0, []
    robust = np.array([round(images * (0.5 + setting["spacing"] / 100 * place)) for place in range(count)])
    for seed in range(runs):
        generator = np.random.default_rng(seed)
        difficulty = generator.normal(size=images)
        values = np.zeros((count, images))
        for row, number in zip(values, robust, strict=True):
            row[np.argsort(difficulty + 0.7 * generator.normal(size=images))[:number]] = 1
        tournament, start, used = Tournament(count, images, MARGIN, ALPHA, setting["goal"]), 0, np.zeros(count)
        for end in block_ends(images, SHARD):
            used[list(tournament.active)] = end
            tournament.take([values[network, start:end] for network in tournament.active])
            start = end
            if tournament.is_over:
                break
        shares.append(used.mean() / images)
        truth = robust / images
        if setting["goal"] == "best":
            assert tournament.best is not None
            false += truth.max() - truth[tournament.best] > MARGIN + 1e-9
        else:
            false += any(is_false(state.verdict, truth[i] - truth[j]) for (i, j), state in tournament.pairs.items())
    return {"runs": runs, "false": false / runs, "median_share": float(np.median(shares))}


def is_false(verdict: str, truth: float) -> bool:
    """Whether a verdict on a pair is false."""
    return (
        (verdict == "better" and truth <= 1e-12)
        or (verdict == "worse" and truth >= -1e-12)
        or (verdict == "equivalent" and abs(truth) > MARGIN + 1e-9)
    )


def estimate_settings() -> Iterator[Line]:
    for images in (1000, 10_000):
        for broken in (0.02, 0.05, 0.15):
            for to in (1.0, 2.0):
                yield {"kind": "estimate", "images": images, "standing": 0.52, "broken": broken, "to": to}


def simulate_estimate(setting: Line, runs: int = 500) -> Line:
    """Two-phase samples of the images that cheap attacks left standing, of which the expensive ones break a share."""
    images, width = setting["images"], setting["to"] / 100 * setting["images"]
    standing = round(setting["standing"] * images)
    marked = round(setting["broken"] * standing)
    truth = standing - marked
    generator = np.random.default_rng(images + marked)
    first = two_phase.first_size(standing, width, ALPHA)
    sizes: dict[int, int] = {}
    errors, covered, sampled, whole = [], 0, [], 0
    for _ in range(runs):
        one = int(generator.hypergeometric(marked, standing - marked, first))
        second = sizes.setdefault(one, two_phase.second_size(standing, (first, first - one), width, ALPHA))
        two = int(generator.hypergeometric(marked - one, standing - first - marked + one, second)) if second else 0
        found = two_phase.estimate(standing, (first, first - one), (second, second - two), ALPHA)
        is_whole = found.half_width > width + 1e-9
        whole += is_whole
        covered += is_whole or found.low <= truth <= found.high
        errors.append(0.0 if is_whole else (found.value - truth) / images)
        sampled.append(standing if is_whole else first + second)
    return {
        "runs": runs,
        "coverage": covered / runs,
        "bias": float(np.mean(errors)),
        "error": float(np.std(errors)),
        "sampled": float(np.median(sampled) / standing),
        "attacked_all": whole / runs,
    }


def replay(folder: Path) -> Iterator[tuple[Line, Line]]:
    """All pairs of each board of a results folder, as if nothing but what was looked at had been attacked."""
    for board in leaderboards(load_results(folder)):
        values = [scores(evaluation, "rworst") for evaluation in board.evaluations]
        names = [entry.name for entry in board.entries]
        known = [(name, value) for name, value in zip(names, values, strict=True) if value is not None]
        if len(known) < 3:
            continue
        table = np.stack([value for _, value in known])
        order = image_order(board.images, 0)
        pairs = list(combinations(range(len(known)), 2))
        only = [((table[i] > table[j]).sum(), (table[j] > table[i]).sum()) for i, j in pairs]
        raw = mcnemar(*np.array(only).T)
        used, verdicts = zip(*(decided((table[i] - table[j])[None, order]) for i, j in pairs), strict=True)
        share, found = np.concatenate(used) / board.images, np.concatenate(verdicts)
        truth = np.array([table[i].mean() - table[j].mean() for i, j in pairs])
        agree = (found == EQUIVALENT) | (np.sign(truth) == np.where(found == BETTER, 1, -1))
        for name, significant in (("p ≤ 5%", raw <= ALPHA), ("p (Holm) ≤ 5%", holm(raw) <= ALPHA)):
            early = significant & (share < 1)
            yield (
                {"kind": "replay", "board": board.title, "images": board.images, "which": name},
                {
                    "pairs": len(pairs),
                    "significant": int(significant.sum()),
                    "decided": int((significant & np.isin(found, (BETTER, WORSE))).sum()),
                    "before_the_end": int(early.sum()),
                    "contradicted": int((significant & ~agree).sum()),
                    "median_share": float(np.median(share[significant])),
                    "median_share_of_all": float(np.median(share)),
                },
            )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=Path("perf/results/decide.jsonl"))
    parser.add_argument("--ledger", type=Path, help="a results folder whose pairs are replayed")
    parser.add_argument("--tables-only", action="store_true", help="write the tables of what was simulated before")
    options = parser.parse_args(arguments)
    known = read(options.results)
    simulations = (
        (pair_settings, simulate_pairs),
        (estimate_settings, simulate_estimate),
        (tournament_settings, simulate_tournament),
    )
    if options.ledger and not options.tables_only:
        for setting, found in replay(options.ledger):
            add(options.results, known, setting, found)
    for settings, simulate in () if options.tables_only else simulations:
        for setting in settings():
            if key(setting) not in known:
                add(options.results, known, setting, simulate(setting))
    if PAGE.exists():
        write_tables([json.loads(name) | found for name, found in known.items()])


def key(setting: Line) -> str:
    return json.dumps(setting, sort_keys=True, ensure_ascii=False)


def read(path: Path) -> dict[str, Line]:
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {key(line["setting"]): line["found"] for line in map(json.loads, lines)}


def add(path: Path, known: dict[str, Line], setting: Line, found: Line) -> None:
    known[key(setting)] = found
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"setting": setting, "found": found}, ensure_ascii=False) + "\n")
    print(setting, found, flush=True)


def write_tables(lines: Sequence[Line]) -> None:
    """Put the tables between the markers of the page."""
    text = PAGE.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    tables = [
        table("Pairs: 2,000 for each setting, margin 1 point, α = 5%.", pair_rows(lines)),
        table("Several networks, each so many points above the one before, margin 1 point, α = 5%.",
              rows_of(lines, "tournament", ("goal", "networks", "images", "spacing"),
                      ("runs", "false", "median_share"))),
        table("`bench estimate`: 500 runs for each setting, 52% of the images standing after the cheap attacks.",
              rows_of(lines, "estimate", ("images", "broken", "to"),
                      ("coverage", "bias", "error", "sampled", "attacked_all"))),
        table("The demo's ledger, Rworst, margin 1 point, every pair by itself.",
              rows_of(lines, "replay", ("which", "images"), ("pairs", "significant", "decided", "before_the_end",
                                                             "contradicted", "median_share"))),
    ]  # fmt: skip
    content = "\n\n".join(part for part in tables if part)
    PAGE.write_text(f"{before}{BEGIN}\n\n{content}\n\n{END}{after}", encoding="utf-8")


def pair_rows(lines: Sequence[Line]) -> list[dict[str, str]]:
    """A row per size and difference: false decisions and median shares at each discordance."""
    rows: dict[tuple[Any, ...], dict[str, str]] = {}
    for line in lines:
        if line["kind"] != "pairs":
            continue
        row = rows.setdefault(
            (line["metric"], line["images"], line["difference"]),
            {"metric": line["metric"], "images": f"{line['images']:,}", "points apart": f"{line['difference']:g}"},
        )
        told = f"{percent(line['false'])} false, {percent(line['median_share'])} of images"
        if line.get("mcnemar_peeking") is not None:
            told += f" (McNemar, peeking: {percent(line['mcnemar_peeking'])} false)"
        row[f"{line['discordance']}% discordant"] = told
    return list(rows.values())


def rows_of(lines: Sequence[Line], kind: str, settings: Sequence[str], found: Sequence[str]) -> list[dict[str, str]]:
    return [
        {name.replace("_", " "): shown(name, line[name]) for name in (*settings, *found)}
        for line in lines
        if line["kind"] == kind
    ]


def shown(name: str, value: Any) -> str:
    if name in ("false", "median_share", "coverage", "sampled", "attacked_all", "broken"):
        return percent(value)
    if name in ("bias", "error"):
        return f"{100 * value:.3f} points"
    return f"{value:,}" if isinstance(value, int) else f"{value:g}" if isinstance(value, float) else str(value)


def percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def table(title: str, rows: Sequence[dict[str, str]]) -> str:
    """A Markdown table under its title; "" without rows."""
    if not rows:
        return ""
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = ["| " + " | ".join(names) + " |", "| " + " | ".join("---" for _ in names) + " |"]
    lines += ["| " + " | ".join(row.get(name, "") for name in names) + " |" for row in rows]
    return "\n".join([title, "", *lines])


if __name__ == "__main__":
    main()
