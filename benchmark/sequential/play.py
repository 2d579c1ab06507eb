"""A decision at work: block after block of images, each attacked for every network that is still needed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from benchmark.engines import Means
from benchmark.errors import UnfitNetwork
from benchmark.evaluation.engine import run_jobs
from benchmark.evaluation.jobs import AttackJob, Done
from benchmark.evaluation.progress import Display
from benchmark.evaluation.target import forget
from benchmark.ledger.record import SHARD
from benchmark.reporting.text import points
from benchmark.sequential.contestant import Contestant
from benchmark.sequential.order import block_ends, image_order
from benchmark.sequential.progress import Pace
from benchmark.statistics.tournament import Tournament


def play(
    contestants: Sequence[Contestant],
    tournament: Tournament,
    means: Means | int | None,
    time_limit: float | None,
    progress: bool,
) -> dict[int, str]:
    """Attack block after block until all is known; returns which contestants had to be left out, and why."""
    images = tournament.images
    order = image_order(images, contestants[0].plan.seed)
    lost: dict[int, str] = {}
    attacks = sum(len(group) for group in contestants[0].groups)
    ends = block_ends(images, SHARD)
    with Display(attacks * len(contestants) * len(ends), progress) as display:
        display.announce([contestant.plan for contestant in contestants])
        pace = Pace(images)
        for start, end in pairwise([0, *ends]):
            block = order[start:end]
            done = _attack(contestants, tournament.active, block, means, time_limit, display, lost)
            values = {}
            for number in tournament.active:
                try:
                    if number not in lost:
                        values[number] = contestants[number].take(block, done[number])
                except UnfitNetwork as error:
                    lost[number] = str(error)
            for number in [number for number in tournament.active if number in lost]:
                tournament.withdraw(number)
            if not tournament.is_over:
                tournament.take([values[number] for number in tournament.active])
            display.say(f"{pace.after(end)}: {_told(tournament, contestants)}")
            if tournament.is_over:
                break
        for problem in dict.fromkeys(contestants[0].ledger.problems):
            display.say(f"damaged, and recomputed: {problem}")
    forget()
    return lost


def _attack(
    contestants: Sequence[Contestant],
    active: Sequence[int],
    block: Sequence[int],
    means: Means | int | None,
    time_limit: float | None,
    display: Display,
    lost: dict[int, str],
) -> dict[int, list[Done]]:
    """Run what the active contestants need for a block."""
    jobs: list[tuple[int, AttackJob]] = [
        (number, job) for number in active for job in contestants[number].jobs(block)
    ]
    done: dict[int, list[Done]] = {number: [] for number in active}

    def report(position: int, item: Done) -> None:
        number = jobs[position][0]
        display.advance(contestants[number].plan.card, item.label, item.error, reused=True)
        done[number].append(item)

    def give_up(position: int, reason: str) -> None:
        lost.setdefault(jobs[position][0], reason)

    ledger = contestants[0].ledger
    todo = [job for _, job in jobs]
    ledger.problems += run_jobs(todo, ledger.folder, means, report, time_limit, give_up, more_to_come=True)
    return done


def _told(tournament: Tournament, contestants: Sequence[Contestant]) -> str:
    """What is known so far, in a line."""
    pairs = list(tournament.pairs.values())
    if len(pairs) == 1:
        state = pairs[0]
        return f"{contestants[state.first].label} − {contestants[state.second].label}: {points(state.mean)} points"
    if tournament.goal == "best":
        return f"{max(len(tournament.active), 1)} of {len(contestants)} networks left"
    settled = sum(state.verdict != "undetermined" for state in pairs)
    return f"{settled} of {len(pairs)} pairs settled"
