"""Is one network really better than another? The public door to the paired tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from benchmark.analysis import paired
from benchmark.analysis.paired import Comparison, check_comparable
from benchmark.analysis.power import smallest_difference
from benchmark.analysis.ranks import holm
from benchmark.errors import BadInput, unknown
from benchmark.evaluation import Evaluation, load_results
from benchmark.models import load_model
from benchmark.reporting.tables import Board, boards


@dataclass(frozen=True)
class Contest:
    """All pairs of some networks on one board.

    Attributes:
        board: the question that all of them answered; its networks are those compared.
        rows: the comparisons, each with the names of its pair and p corrected by Holm's method for all pairs
            compared by the same metric.
        visible: the difference of accuracies that a paired test on this many images will probably find where they
            differ on a tenth of the images; None if so few can't show any.
    """

    board: Board
    rows: tuple[Pair, ...]
    visible: float | None


@dataclass(frozen=True)
class Pair:
    """One comparison of two networks, its p value corrected for the number of pairs, and who may be masked."""

    first: str
    second: str
    comparison: Comparison
    p_corrected: float
    masked: tuple[bool, bool] = (False, False)

    @property
    def verdict(self) -> str:
        """Who is better, at 5%, and whether strong signs of gradient masking speak against it."""
        if self.p_corrected > 0.05:
            return "may be chance"
        best = 0 if self.comparison.difference > 0 else 1
        name = (self.first, self.second)[best]
        return f"{name} is better, but may be masked" if self.masked[best] else f"{name} is better"


def compare(
    networks: Sequence[str | Path],
    *,
    results: str | Path = "results",
    suite: str | None = None,
    preset: str | None = None,
    dataset: str | None = None,
) -> list[Contest]:
    """Paired tests between networks on the same images under the same suite, for every question they all answered.

    Exact McNemar for clean accuracy, Rworst and each threat; for Ravg over several threats, of which an image counts
    a share, a normal distribution with the spread of the images' differences.

    Args:
        networks: at least two, by name, by checkpoint, or by the first eight or more digits of their digest.
        results: the folder of the ledger.
        suite, preset, dataset: only results of these.

    Raises:
        BadInput: a network that is unknown, ambiguous or has no results; no question that all of them answered, with
            what differs.
    """
    if len(networks) < 2:
        raise BadInput("comparing takes at least two networks, by name or checkpoint")
    wanted = {"name": suite, "preset": preset}
    found = [
        evaluation
        for evaluation in load_results(results)
        if all(value in (None, evaluation.suite[name]) for name, value in wanted.items())
        and dataset in (None, evaluation.dataset["name"])
    ]
    if not found:
        raise BadInput(f"there are no such results in {results}; bench evaluate makes some")
    chosen = [_evaluations_of(str(network), found) for network in networks]
    digests = [{str(evaluation.model["digest"]) for evaluation in own} for own in chosen]
    for number, own in enumerate(digests):
        if own in digests[:number]:
            raise BadInput(f"{networks[number]} is named twice; compare different networks")
    everything = boards(evaluation for own in chosen for evaluation in own)
    contests = [
        _contest(board)
        for board in everything
        if all(own & {str(row["checkpoint_digest"]) for row in board.networks} for own in digests)
    ]
    if not contests:
        check_comparable([own[0] for own in chosen])
        raise BadInput("these networks were not evaluated in the same mode; evaluate them alike")
    return contests


def _contest(board: Board) -> Contest:
    metrics = ("rworst", "ravg", *board.columns, "clean")
    masked = {row["evaluation"]: row["is_masked"] for row in board.networks}
    rows: list[Pair] = []
    for metric in metrics:
        pairs = [
            (one, other, result)
            for one, other in combinations(board.evaluations, 2)
            if one.model["digest"] != other.model["digest"]
            and (result := paired.compare(one, other, metric)) is not None
        ]
        corrected = holm([result.p for _, _, result in pairs])
        rows += [
            Pair(one.name, other.name, result, float(p), (masked[one.id], masked[other.id]))
            for (one, other, result), p in zip(pairs, corrected, strict=True)
        ]
    return Contest(board, tuple(rows), smallest_difference(board.images))


def _evaluations_of(network: str, evaluations: Sequence[Evaluation]) -> list[Evaluation]:
    """The evaluations of the network that the user means."""
    if network.endswith(".pt") or Path(network).is_file():
        digest = load_model(network).digest
        own = [each for each in evaluations if digest in (each.model["digest"], each.model.get("contents"))]
        if not own:
            raise BadInput(f"{network} has no such results; bench evaluate makes some")
        return _of_one(network, own)
    own = [evaluation for evaluation in evaluations if evaluation.name == network]
    if not own and len(network) >= 8:
        own = [evaluation for evaluation in evaluations if evaluation.model["digest"].startswith(network)]
    if not own:
        raise unknown("network", network, {evaluation.name for evaluation in evaluations})
    return _of_one(network, own)


def _of_one(network: str, own: list[Evaluation]) -> list[Evaluation]:
    digests = sorted({str(evaluation.model["digest"])[:12] for evaluation in own})
    if len(digests) > 1:
        raise BadInput(f"{len(digests)} networks are called {network}; name one by its digest: {', '.join(digests)}")
    return own
