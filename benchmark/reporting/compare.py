"""Is one network significantly better than another? The public function for the paired tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any
from unicodedata import normalize

from benchmark.analysis.labels import labels_of
from benchmark.analysis.methods import Seeds, by_method, compare_all_methods
from benchmark.analysis.paired import check_comparable, family
from benchmark.arguments import checked_arguments
from benchmark.errors import BadInput, unknown
from benchmark.labels import Key, key
from benchmark.ledger import Evaluation, load_results
from benchmark.own.trust import trusts
from benchmark.reporting.latex_tables import write_comparisons
from benchmark.reporting.leaderboards import Leaderboard, leaderboards, setting_of
from benchmark.reporting.pairs import MethodPair, Pair, PairedTests
from benchmark.storage import digest
from benchmark.suites.files import suite_name

#: So many digits of a digest name a network, or more.
FEWEST_DIGITS = 8


@trusts
@checked_arguments
def compare(
    networks: Sequence[Any],
    *,
    results: str | Path = "results",
    suite: str | Path | None = None,
    preset: str | None = None,
    dataset: str | None = None,
    planned: bool = False,
    latex: str | Path | None = None,
    trust_remote_code: bool = False,
) -> list[PairedTests]:
    """Paired tests between networks on the same images under the same suite, for each setting that all of them
    were evaluated in.

    Score tests with their intervals (Tango 1998), corrected for all pairs of the networks that were evaluated in that
    setting: who picks two of them has seen the others, too. docs/statistics.md explains what stands beside them.

    Args:
        networks: at least two, by name, by checkpoint, by the first eight or more digits of their digest, or as
            tables call them: "at (3f2a91c0)"; or networks themselves, and evaluations of them.
        results: the folder of the ledger.
        suite, preset, dataset: only results of these.
        planned: whether it was decided to compare these networks before any of their results was seen; then only
            their own pairs are corrected for.
        latex: a file to write the comparisons to as tables for a paper, too.
        trust_remote_code: whether the code that a checkpoint of an architecture of one's own names may run.

    Returns:
        One entry per setting (suite, preset, data, mode, radii) that all networks were evaluated in.

    Raises:
        BadInput: a network that is unknown, ambiguous or has no results; no setting that all of them were evaluated
            in, with what differs; `latex` can't be written.
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
    chosen = [evaluations_of(network, found, named) for network in networks]
    digests = [{str(evaluation.model["digest"]) for evaluation in own} for own in chosen]
    for number, own in enumerate(digests):
        if own in digests[:number]:
            raise BadInput(f"{_called(networks[number])} is named twice; compare different networks")
    compared = [evaluation for own in chosen for evaluation in own]
    tested = compared if planned else [*compared, *_others(found, compared)]
    found_tests = [
        _paired_tests(board, [each for each in tested if setting_of(each) == board.setting()])
        for board in leaderboards(compared, named=named)
        if all(own & {str(entry.card["digest"]) for entry in board.entries} for own in digests)
    ]
    if not found_tests:
        check_comparable([own[0] for own in chosen])
        raise BadInput("these networks were not evaluated in the same mode; evaluate them alike")
    if latex is not None:
        write_comparisons(found_tests, Path(latex))
    return found_tests


def _paired_tests(board: Leaderboard, tested: list[Evaluation]) -> PairedTests:
    places = {evaluation.id: place for place, evaluation in enumerate(tested)}
    groups = by_method([entry.evaluation for entry in board.entries])
    method_of = {evaluation.id: place for place, group in enumerate(groups) for evaluation in group.evaluations}
    together = [group.is_method and len(groups) > 1 for group in groups]
    pairs: list[Pair] = []
    for metric in ("rworst", "ravg", *board.threats, "clean"):
        known = family(tested, metric)
        for one, other in combinations(board.entries, 2):
            own, theirs = method_of[one.id], method_of[other.id]
            as_methods = together[own] and (together[theirs] or own == theirs)
            if known is None or as_methods or one.card["digest"] == other.card["digest"]:
                continue
            result = known.compare(places[one.id], places[other.id])
            if result is not None:
                pairs.append(Pair(one.name, other.name, result, (one.is_masked, other.is_masked)))
    number = len({evaluation.model["digest"] for evaluation in tested})
    return PairedTests(board, tuple(pairs), number, _method_pairs(board, groups, tested), _more(groups, tested))


def _method_pairs(board: Leaderboard, named: Sequence[Seeds], tested: Sequence[Evaluation]) -> tuple[MethodPair, ...]:
    """All pairs of the methods of which several seeds were named, in a family with those of all that were tested."""
    masked = {entry.id: entry.is_masked for entry in board.entries}
    own = {evaluation.id for group in named for evaluation in group.evaluations}
    others = [
        group for group in by_method(tested) if not any(evaluation.id in own for evaluation in group.evaluations)
    ]
    if sum(group.is_method for group in named) < 2:
        return ()
    return tuple(
        MethodPair(
            found.first.label, found.second.label, found, (_any(found.first, masked), _any(found.second, masked))
        )
        for metric in ("rworst", "ravg", *board.threats, "clean")
        for found in compare_all_methods([*named, *others], metric)
        if found.first in named and found.second in named
    )


def _any(seeds: Seeds, masked: Mapping[str, bool]) -> bool:
    return any(masked[evaluation.id] for evaluation in seeds.evaluations)


def _more(named: Sequence[Seeds], tested: Sequence[Evaluation]) -> dict[str, int]:
    """By method that was named, how many more of its seeds there are."""
    found = {}
    for whole in by_method(tested):
        own = [
            group for group in named if {each.id for each in group.evaluations} & {e.id for e in whole.evaluations}
        ]
        if len(own) == 1 and len(whole.evaluations) > len(own[0].evaluations):
            found[own[0].label] = len(whole.evaluations) - len(own[0].evaluations)
    return found


def _others(evaluations: Sequence[Evaluation], compared: Sequence[Evaluation]) -> list[Evaluation]:
    """Those of other networks: the same network under another name makes no pair of its own."""
    known = {evaluation.model["digest"] for evaluation in compared}
    return [evaluation for evaluation in evaluations if evaluation.model["digest"] not in known]


def _called(network: Any) -> str:
    """A network in messages."""
    if isinstance(network, str | Path):
        return str(network)
    return network.name if isinstance(network, Evaluation) else f"the {type(network).__name__}"


def evaluations_of(network: Any, evaluations: Sequence[Evaluation], named: Mapping[Key, str]) -> list[Evaluation]:
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
        asked = [each.model["digest"], *setting_of(each).values(), each.seed, each.precision, each.judging]
        once.setdefault(digest(asked), each)
    return list(once.values())


def _shortest(whole: str, others: Sequence[str]) -> str:
    """As many of the digits of a digest as tell it from the others."""
    digits = range(FEWEST_DIGITS + 4, len(whole))
    enough = (whole[:count] for count in digits if sum(other.startswith(whole[:count]) for other in others) == 1)
    return next(enough, whole)
