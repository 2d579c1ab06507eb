"""The public function that says which of some networks is better, and stops attacking as soon as it knows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmark.arguments import checked_arguments
from benchmark.deadline import stoppable
from benchmark.engines import Means
from benchmark.errors import BadInput, PartlyFailed, unknown
from benchmark.evaluation import objects
from benchmark.evaluation.checking import checked
from benchmark.evaluation.objects import Data
from benchmark.evaluation.plan import Plan
from benchmark.evaluation.repeatable import tell_of_earlier
from benchmark.evaluation.request import EvaluationRequest
from benchmark.given import Given as GivenSuite
from benchmark.labels import card_labels, key
from benchmark.ledger.marker import check_apart
from benchmark.ledger.record import SHARD
from benchmark.models import Given, listed
from benchmark.own.trust import trusts
from benchmark.scales import Epsilon
from benchmark.sequential.attacks import groups_of
from benchmark.sequential.contestant import Contestant
from benchmark.sequential.order import block_ends
from benchmark.sequential.page import write_decision
from benchmark.sequential.play import play
from benchmark.sequential.result import Decision, Look, NetworkLine, PairLine
from benchmark.statistics.betting import interval
from benchmark.statistics.tournament import GOALS, PairState, Tournament
from benchmark.storage import check_writable, safe_name

#: So many looks of a pair are drawn at most.
LOOKS = 12


@stoppable
@trusts
@checked_arguments
def decide(
    networks: Sequence[Given],
    *,
    name: str | Sequence[str] | None = None,
    suite: GivenSuite = "multi-perturbation",
    preset: str = "standard",
    metric: str = "rworst",
    margin: float | None = None,
    alpha: float = 0.05,
    goal: str = "best",
    n: int | None = None,
    seed: int = 0,
    device: str = "auto",
    precision: str = "auto",
    workers: int = 1,
    time_limit: float | None = None,
    results: str | Path = "results",
    out: str | Path | None = None,
    dataset: Data | None = None,
    resize: int | str | None = None,
    crop: int | None = None,
    scale: str | None = None,
    epsilon: Epsilon | None = None,
    data_dir: str | Path | None = None,
    download: bool = False,
    trust_remote_code: bool = False,
    compile: bool = False,
    classes: str | Path | Sequence[str] | None = None,
    deterministic: bool = False,
    progress: bool = True,
) -> Decision:
    """Attack images in random order, block by block and the same for all, until it is known which network is better.

    It is about these test images: what attacking all of them would show. However often one looks, and whenever it
    stops, what is said is false with probability `alpha` at most over the random order; all that is said together,
    where there are several pairs. What was attacked is in `results`, so that the same call goes on after an
    interruption, and a later `evaluate` attacks the other images only.

    Args:
        networks: two or more, as `evaluate` takes them.
        suite, preset, n: the attacks, and how many test images it is about, as `evaluate` takes them.
        metric: "rworst", "ravg", or a threat such as "linf".
        margin: in percentage points; networks whose difference is known to be at most that are equivalent. None for
            the one that the suite states.
        alpha: the probability with which what is said is false.
        goal: of more than two networks, "best" finds the best one, or one that is not worse than the best by more
            than the margin; "order" settles every pair.
        seed: of all noise, and of the order of the images.
        out: folder for the page and its tables; reports/decisions/NAME if left out.
        name, device, precision, workers, time_limit, results, dataset, resize, crop, scale, epsilon, data_dir,
            download, trust_remote_code, compile, classes, deterministic, progress: as `evaluate` takes them.

    Returns:
        Which network is best, every pair with its verdict, and the path of the page.

    Raises:
        BadInput: anything that is wrong with the input, before any attack begins; or fewer than two networks are left
            that can be attacked.
        PartlyFailed: some networks can't be attacked: its `done` has the decision on the others.
        KeyboardInterrupt: what was attacked is kept; call again to go on.
    """
    question = Question(metric, margin, alpha, goal)
    question.check()
    given = listed(networks)
    if len(given) < 2:
        raise BadInput("deciding takes two networks or more")
    with objects.held(given, name, dataset) as (sources, data):
        request = EvaluationRequest(
            suite=suite,
            preset=preset,
            n=n,
            mode="worst-case",
            seed=seed,
            device=device,
            precision=precision,
            means=objects.means_for(Means(workers), time_limit, suite),
            time_limit=time_limit,
            results=results,
            dataset=data,
            resize=resize,
            crop=crop,
            scale=scale,
            epsilon=epsilon,
            data_dir=data_dir,
            download=download,
            trust_remote_code=trust_remote_code,
            compile=compile,
            classes=classes,
            deterministic=deterministic,
        )
        return _decided(request, sources, question, out, progress)


@dataclass(frozen=True)
class Question:
    """What is to be decided: the arguments of `decide` of the same names."""

    metric: str
    margin: float | None
    alpha: float
    goal: str

    def check(self) -> None:
        """Raises BadInput if it makes no sense."""
        if self.margin is not None and not (math.isfinite(self.margin) and 0 <= self.margin < 100):
            raise BadInput(f"margin must be from 0 to less than 100 percentage points, not {self.margin:g}")
        if not 0 < self.alpha < 0.5:  # NaN is neither
            raise BadInput(f"alpha must lie between 0 and 0.5, not {self.alpha:g}; 0.05 is usual")
        if self.goal not in GOALS:
            raise unknown("goal", self.goal, GOALS)


def _decided(
    request: EvaluationRequest, sources: Sequence[str], question: Question, out: str | Path | None, progress: bool
) -> Decision:
    planned, ledger, failures = request.plans(sources)
    if len(planned) < 2 and not failures:
        raise BadInput("deciding takes two networks or more, and one was named twice")
    _check_left(len(planned), failures)
    check_comparable(list(planned.values()))
    metric, margin = question.metric, _margin(question, list(planned.values()))
    groups = {source: groups_of(plan.suite, metric) for source, plan in planned.items()}
    folder = Path(out) if out else Path("reports/decisions") / safe_name(_named(planned.values(), metric))
    check_apart(folder, ledger.folder)
    check_writable(folder)
    plans, unfit = checked(list(planned.values()))
    failures = [*failures, *unfit]
    _check_left(len(plans), failures)
    for plan in plans:
        ledger.remember(plan.target.known)
    labels = card_labels(plan.card for plan in plans)
    contestants = [
        Contestant(plan, metric, groups[plan.target.source], labels[key(plan.card)], ledger) for plan in plans
    ]
    images = plans[0].suite.images
    tournament = Tournament(len(plans), images, margin / 100, question.alpha, question.goal)
    lost = play(contestants, tournament, request.means, request.time_limit, progress)
    failures = [*failures, *lost.values()]
    _check_left(len(plans) - len(lost), failures)
    tell_of_earlier(request.deterministic, ((each.label, each.repeats) for each in contestants), ledger.folder)
    decision = _decision(contestants, tournament, lost, failures, question.alpha)
    decision = replace(decision, page=write_decision(folder, decision))
    if failures:
        raise PartlyFailed(failures, [decision])
    return decision


def _margin(question: Question, plans: Sequence[Plan]) -> float:
    """Which difference does not matter: as asked, or as the suite states.

    Raises:
        BadInput: neither says.
    """
    stated = plans[0].suite.margin if question.margin is None else question.margin
    if stated is None:
        raise BadInput(
            f"the suite {plans[0].suite.name} does not state which differences do not matter; name a margin in "
            "percentage points: --margin 1, or in Python margin=1"
        )
    return stated


def _named(plans: Iterable[Plan], metric: str) -> str:
    return f"{'-vs-'.join(plan.card['name'] for plan in plans)}-{metric}"


def _check_left(networks: int, failures: Sequence[str]) -> None:
    if networks < 2:
        raise BadInput("\n".join([*failures, "fewer than two networks are left, so that there is nothing to decide"]))


def check_comparable(plans: Sequence[Plan]) -> None:
    """Refuse networks that are not different ones on the same images under the same attacks.

    Raises:
        BadInput: with what is alike, or differs.
    """
    asked = {(plan.target.data, plan.suite.digest, plan.target.precision) for plan in plans}
    if len(asked) > 1:
        told = ", ".join(dict.fromkeys(f"{plan.card['name']} ({plan.target.dataset})" for plan in plans))
        raise BadInput(f"these networks would not be attacked alike, on the same images: {told}; name one --dataset")
    for one, other in pairwise(sorted(plans, key=lambda plan: plan.target.network)):
        if one.target.network == other.target.network:
            raise BadInput(f"{one.target.source} and {other.target.source} are the same network; name different ones")


def _decision(
    contestants: Sequence[Contestant], tournament: Tournament, lost: dict[int, str], failures: list[str], alpha: float
) -> Decision:
    plan = contestants[0].plan
    best = tournament.best
    pairs = [
        _pair(state, contestants, tournament)
        for state in tournament.pairs.values()
        if tournament.goal == "order" or best in (state.first, state.second)
    ]
    is_tie = len(pairs) == 1 and pairs[0].verdict == "equivalent"
    left = [number for number in range(len(contestants)) if number not in lost]
    standings = {number: "" if number in tournament.unbeaten else "out" for number in left}
    standings |= {} if best is None or is_tie else {best: "best"}
    lines = [_network(contestants[number], alpha, standings[number]) for number in left]
    return Decision(
        metric=contestants[0].metric,
        goal=tournament.goal,
        margin=tournament.margin,
        alpha=alpha,
        suite=plan.suite.name,
        preset=plan.suite.preset,
        dataset=plan.target.dataset,
        images=tournament.images,
        best=None if best is None or is_tie else contestants[best].label,
        networks=tuple(lines),
        pairs=tuple(pairs),
        failures=tuple(failures),
    )


def _pair(state: PairState, contestants: Sequence[Contestant], tournament: Tournament) -> PairLine:
    one, other = contestants[state.first], contestants[state.second]
    both = min(len(one.values), len(other.values), max(state.images, 1))
    differences = one.values[:both] - other.values[:both]
    looks = _looks(differences, tournament.images, tournament.level)
    return PairLine(one.label, other.label, state.verdict, looks)


def _looks(values: np.ndarray, images: int, level: float) -> tuple[Look, ...]:
    """The interval after each block, or after so many of them as are drawn; each lies within the one before."""
    ends = [end for end in block_ends(images, SHARD) if end < len(values)]
    chosen = sorted({ends[place * len(ends) // LOOKS] for place in range(LOOKS)} if len(ends) > LOOKS else {*ends})
    known, looks = (-1.0, 1.0), []
    for end in [*chosen, len(values)]:
        known = interval(values[:end], images, level, known)
        looks.append(Look(end, float(values[:end].mean()), *known))
    return tuple(looks)


def _network(contestant: Contestant, alpha: float, standing: str) -> NetworkLine:
    images = contestant.plan.suite.images
    low, high = interval(contestant.values, images, alpha / 2)
    return NetworkLine(
        network=contestant.label,
        images=len(contestant.values),
        value=float(contestant.values.mean()),
        low=max(low, 0.0),
        high=high,
        passes=contestant.passes,
        passes_of_all=contestant.passes_of_all,
        standing=standing,
    )
