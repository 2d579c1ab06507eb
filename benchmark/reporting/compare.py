"""Is one network significantly better than another? The public function for the paired tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from unicodedata import normalize

from benchmark.analysis.labels import labels_of
from benchmark.analysis.paired import Comparison, check_comparable, family
from benchmark.errors import BadInput, unknown
from benchmark.labels import Key, key
from benchmark.ledger import Evaluation, load_results
from benchmark.reporting.leaderboards import Leaderboard, leaderboards, setting_of
from benchmark.storage import digest

#: So many digits of a digest name a network, or more.
FEWEST_DIGITS = 8


@dataclass(frozen=True)
class PairedTests:
    """All pairs of some networks on one leaderboard.

    Attributes:
        board: the networks compared, in the setting that all of them were evaluated in.
        pairs: the comparisons, each with the labels of its pair.
        tested: how many networks' pairs were tested together by each metric, so that all intervals hold at once:
            those compared, or all that were evaluated in this setting.
    """

    board: Leaderboard
    pairs: tuple[Pair, ...]
    tested: int

    @property
    def family(self) -> str:
        """For which pairs intervals and p are corrected, in words."""
        if self.tested == len(self.board.entries):
            return "the pair" if self.tested == 2 else f"all pairs of the {self.tested} networks compared"
        return f"all pairs of the {self.tested} networks evaluated in this setting"


@dataclass(frozen=True)
class Pair:
    """One comparison of two networks, and who may be masked."""

    first: str
    second: str
    comparison: Comparison
    masked: tuple[bool, bool] = (False, False)

    @property
    def verdict(self) -> str:
        """What is known, in words, and whether there is strong evidence of gradient masking in the better one."""
        found, margin = self.comparison, self.comparison.margin
        points = f"{100 * (margin or 0.0):g} point{'' if margin == 0.01 else 's'}"
        if found.verdict == "undetermined":
            return "undetermined"
        if found.verdict == "equivalent":
            return f"equivalent: less than {points} apart"
        best = 0 if found.verdict == "better" else 1
        told = f"{(self.first, self.second)[best]} is significantly better"
        if margin is not None and max(-found.low, found.high) < margin:
            told += f", by less than {points}"
        return f"{told}, but possible gradient masking" if self.masked[best] else told


def compare(
    networks: Sequence[str | Path],
    *,
    results: str | Path = "results",
    suite: str | None = None,
    preset: str | None = None,
    dataset: str | None = None,
    planned: bool = False,
) -> list[PairedTests]:
    """Paired tests between networks on the same images under the same suite, for each setting that all of them
    were evaluated in.

    Score tests with their intervals (Tango 1998), corrected for all pairs of the networks that were evaluated in that
    setting: who picks two of them has seen the others, too. docs/statistics.md explains what stands beside them.

    Args:
        networks: at least two, by name, by checkpoint, by the first eight or more digits of their digest, or as
            tables call them: "at (3f2a91c0)".
        results: the folder of the ledger.
        suite, preset, dataset: only results of these.
        planned: whether it was decided to compare these networks before any of their results was seen; then only
            their own pairs are corrected for.

    Raises:
        BadInput: a network that is unknown, ambiguous or has no results; no setting that all of them were evaluated
            in, with what differs.
    """
    if len(networks) < 2:
        raise BadInput("comparing takes at least two networks, by name or checkpoint")
    wanted = {"name": suite, "preset": preset}
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
    chosen = [_evaluations_of(str(network), found, named) for network in networks]
    digests = [{str(evaluation.model["digest"]) for evaluation in own} for own in chosen]
    for number, own in enumerate(digests):
        if own in digests[:number]:
            raise BadInput(f"{networks[number]} is named twice; compare different networks")
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
    return found_tests


def _paired_tests(board: Leaderboard, tested: list[Evaluation]) -> PairedTests:
    places = {evaluation.id: place for place, evaluation in enumerate(tested)}
    pairs: list[Pair] = []
    for metric in ("rworst", "ravg", *board.threats, "clean"):
        known = family(tested, metric)
        for one, other in combinations(board.entries, 2):
            if known is None or one.card["digest"] == other.card["digest"]:
                continue
            result = known.compare(places[one.id], places[other.id])
            if result is not None:
                pairs.append(Pair(one.name, other.name, result, (one.is_masked, other.is_masked)))
    return PairedTests(board, tuple(pairs), len({evaluation.model["digest"] for evaluation in tested}))


def _others(evaluations: Sequence[Evaluation], compared: Sequence[Evaluation]) -> list[Evaluation]:
    """Those of other networks: the same network under another name makes no pair of its own."""
    known = {evaluation.model["digest"] for evaluation in compared}
    return [evaluation for evaluation in evaluations if evaluation.model["digest"] not in known]


def _evaluations_of(network: str, evaluations: Sequence[Evaluation], named: Mapping[Key, str]) -> list[Evaluation]:
    """The evaluations of the network that the user means."""
    if _is_file(network):
        from benchmark.models import load_model

        opened = load_model(network)
        kinds = ("digest", "contents", "unordered")
        own = [each for each in evaluations if opened.digest in [each.model.get(kind) for kind in kinds]]
        if not own:
            raise BadInput(f"{network} has no such results; run bench evaluate first")
        return _of_one(network, own, opened.name)
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
        asked = [each.model["digest"], *setting_of(each).values(), each.seed, each.precision]
        once.setdefault(digest(asked), each)
    return list(once.values())


def _shortest(whole: str, others: Sequence[str]) -> str:
    """As many of the digits of a digest as tell it from the others."""
    digits = range(FEWEST_DIGITS + 4, len(whole))
    enough = (whole[:count] for count in digits if sum(other.startswith(whole[:count]) for other in others) == 1)
    return next(enough, whole)
