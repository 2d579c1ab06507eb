"""Is one network significantly better than another? The public function for the paired tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any
from unicodedata import normalize

from benchmark.analysis import paired
from benchmark.analysis.labels import labels_of
from benchmark.analysis.paired import Comparison, check_comparable
from benchmark.analysis.ranks import holm
from benchmark.errors import BadInput, unknown
from benchmark.labels import Key, key
from benchmark.ledger import Evaluation, load_results
from benchmark.reporting.leaderboards import Leaderboard, leaderboards
from benchmark.storage import digest
from benchmark.suites.files import suite_name

#: So many digits of a digest name a network, or more.
FEWEST_DIGITS = 8


@dataclass(frozen=True)
class PairedTests:
    """All pairs of some networks on one leaderboard.

    Attributes:
        board: the networks compared, in the setting that all of them were evaluated in.
        pairs: the comparisons, each with the labels of its pair and p corrected by Holm's method for all pairs
            compared by the same metric.
        detectable: the difference of accuracies that a paired test on this many images will probably find where they
            differ on a tenth of the images; None if so few can't show any.
    """

    board: Leaderboard
    pairs: tuple[Pair, ...]
    detectable: float | None


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
        """Who is better, at 5%, and whether there is strong evidence of gradient masking against it."""
        if self.p_corrected > 0.05:
            return "not significant"
        best = 0 if self.comparison.difference > 0 else 1
        name = (self.first, self.second)[best]
        return (
            f"{name} is significantly better, but possible gradient masking"
            if self.masked[best]
            else f"{name} is significantly better"
        )


def compare(
    networks: Sequence[Any],
    *,
    results: str | Path = "results",
    suite: str | Path | None = None,
    preset: str | None = None,
    dataset: str | None = None,
) -> list[PairedTests]:
    """Paired tests between networks on the same images under the same suite, for each setting that all of them
    were evaluated in.

    Exact McNemar for clean accuracy, Rworst and each threat; for Ravg over several threats, of which an image counts
    a share, a normal distribution with the spread of the images' differences.

    Args:
        networks: at least two, by name, by checkpoint, by the first eight or more digits of their digest, or as
            tables call them: "at (3f2a91c0)"; or networks themselves, and evaluations of them.
        results: the folder of the ledger.
        suite, preset, dataset: only results of these.

    Raises:
        BadInput: a network that is unknown, ambiguous or has no results; no setting that all of them were evaluated
            in, with what differs.
    """
    if len(networks) < 2:
        raise BadInput("comparing takes at least two networks, by name or checkpoint")
    wanted = {"name": None if suite is None else suite_name(suite), "preset": preset}
    everything = load_results(results)
    named = labels_of(everything)
    found = [
        evaluation
        for evaluation in everything
        if all(value in (None, evaluation.suite[name]) for name, value in wanted.items())
        and dataset in (None, evaluation.dataset["name"])
    ]
    if not found:
        raise BadInput(f"there are no such results in {results}; run bench evaluate first")
    chosen = [_evaluations_of(network, found, named) for network in networks]
    digests = [{str(evaluation.model["digest"]) for evaluation in own} for own in chosen]
    for number, own in enumerate(digests):
        if own in digests[:number]:
            raise BadInput(f"{_called(networks[number])} is named twice; compare different networks")
    found_tests = [
        _paired_tests(board)
        for board in leaderboards((evaluation for own in chosen for evaluation in own), named=named)
        if all(own & {str(entry.card["digest"]) for entry in board.entries} for own in digests)
    ]
    if not found_tests:
        check_comparable([own[0] for own in chosen])
        raise BadInput("these networks were not evaluated in the same mode; evaluate them alike")
    return found_tests


def _paired_tests(board: Leaderboard) -> PairedTests:
    from benchmark.analysis.power import smallest_difference  # which loads scipy.optimize

    metrics = ("rworst", "ravg", *board.threats, "clean")
    found: list[Pair] = []
    for metric in metrics:
        pairs = [
            (one, other, result)
            for one, other in combinations(board.entries, 2)
            if one.card["digest"] != other.card["digest"]
            and (result := paired.compare(one.evaluation, other.evaluation, metric)) is not None
        ]
        corrected = holm([result.p for _, _, result in pairs])
        found += [
            Pair(one.name, other.name, result, float(p), (one.is_masked, other.is_masked))
            for (one, other, result), p in zip(pairs, corrected, strict=True)
        ]
    return PairedTests(board, tuple(found), smallest_difference(board.images))


def _called(network: Any) -> str:
    """A network in messages."""
    if isinstance(network, str | Path):
        return str(network)
    return network.name if isinstance(network, Evaluation) else f"the {type(network).__name__}"


def _evaluations_of(network: Any, evaluations: Sequence[Evaluation], named: Mapping[Key, str]) -> list[Evaluation]:
    """The evaluations of the network that the user means."""
    if isinstance(network, Evaluation):
        network = str(network.model["digest"])
    network = str(network) if isinstance(network, Path) else network
    if not isinstance(network, str) or _is_file(network):
        from benchmark.models import load_model

        opened = load_model(network)
        kinds = ("digest", "contents", "unordered")
        own = [each for each in evaluations if opened.digest in [each.model.get(kind) for kind in kinds]]
        if not own:
            raise BadInput(f"{_called(network)} has no such results; run bench evaluate first")
        return _of_one(_called(network), own, opened.name)
    asked = normalize("NFC", network)
    ways: list[Callable[[Evaluation], bool]] = [
        lambda each: asked == named[key(each.model)],
        lambda each: asked == normalize("NFC", each.name),
        lambda each: len(asked) >= FEWEST_DIGITS and str(each.model["digest"]).startswith(asked.lower()),
    ]
    for means in ways:
        if own := [evaluation for evaluation in evaluations if means(evaluation)]:
            return _of_one(network, own)
    raise unknown("network", network, {named[key(evaluation.model)] for evaluation in evaluations})


def _is_file(network: str) -> bool:
    return network.endswith(".pt") or Path(network).is_file()


def _of_one(network: str, own: list[Evaluation], name: str = "") -> list[Evaluation]:
    """Its evaluations, each once: what was evaluated under several names, and under `name` if that is one of them,
    would otherwise be as many networks, and p be corrected for as many pairs."""
    digests = sorted({str(evaluation.model["digest"]) for evaluation in own})
    if len(digests) > 1:
        told = ", ".join(_shortest(each, digests) for each in digests)
        way = "" if _is_file(network) else "its checkpoint, or by "
        raise BadInput(f"{network} may be any of {len(digests)} networks; name one by {way}its digest: {told}")
    once: dict[str, Evaluation] = {}
    for each in sorted(own, key=lambda each: (each.name != name, each.name)):
        asked = [each.model["digest"], each.dataset["digest"], each.suite, each.mode, each.seed, each.precision]
        asked.append(each.judging)
        once.setdefault(digest(asked), each)
    return list(once.values())


def _shortest(whole: str, others: Sequence[str]) -> str:
    """As many of the digits of a digest as tell it from the others."""
    digits = range(FEWEST_DIGITS + 4, len(whole))
    enough = (whole[:count] for count in digits if sum(other.startswith(whole[:count]) for other in others) == 1)
    return next(enough, whole)
