"""Which networks are seeds of one method, and whether one *method* is better than another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.analysis.paired import LEVEL, check_comparable, scores, stated_margin
from benchmark.statistics.holm import holm
from benchmark.statistics.pigeonhole import Checks, check_methods
from benchmark.statistics.seeds import Arm, MethodDifference, compare_methods
from benchmark.statistics.verdicts import Verdict, verdict
from benchmark.storage import canonical_json, digest

if TYPE_CHECKING:
    from benchmark.ledger.evaluation import Evaluation

#: What of a card decides, with the seed and the teachers, how its network came about.
_CARD = ("method", "network", "architecture", "dataset", "scale", "shape", "num_classes", "mean", "std", "selection")
#: The same of what training adds to it.
_EXTRA = ("settings", "inner", "outer", "precision")


@dataclass(frozen=True, eq=False)
class Seeds:
    """One method on one board: its networks differ in nothing but the seed of their training.

    Attributes:
        label: what they are called without the seed.
        seeds: of the trainings; None for a network of which that is not known, which is then alone.
        evaluations: one per seed, in the order of the seeds.
    """

    label: str
    seeds: tuple[int | None, ...]
    evaluations: tuple[Evaluation, ...]

    @property
    def is_method(self) -> bool:
        """Whether there are seeds enough to say something about the method, and not about these checkpoints alone."""
        return len(self.evaluations) > 1

    def scores(self, metric: str) -> Arm | None:
        """S×N values, see `paired.scores`; None where one of them is not known."""
        found = [scores(evaluation, metric) for evaluation in self.evaluations]
        known = [values for values in found if values is not None]
        return np.stack(known) if len(known) == len(found) else None


def by_method(evaluations: Sequence[Evaluation], cards: Sequence[Mapping[str, Any]] = ()) -> list[Seeds]:
    """The evaluations of one board, those of one method's seeds together, in order of first appearance.

    Networks belong together if their cards tell the same method, recipe, settings, architecture and data, the same of
    their teachers, and different seeds, and if they were attacked alike. Their names say nothing. A network whose
    card tells no seed or no recipe, as an imported one, stands alone; so does a second one of the same seed, or with
    the same weights.

    Args:
        evaluations: of the same question.
        cards: of more networks: teachers are looked up there, too. Of one that is not found, its weights count.
    """
    known = {str(card.get("digest", "")): card for card in [*cards, *(found.model for found in evaluations)]}
    groups: dict[tuple[Any, ...], dict[int | None, Evaluation]] = {}
    for position, evaluation in enumerate(evaluations):
        seed, made = evaluation.model.get("seed"), method_of(evaluation.model, known)
        same: tuple[Any, ...] = (made, evaluation.seed, evaluation.precision, canonical_json(evaluation.judging))
        before = groups.get(same, {})
        weights = [each.model.get("digest") for each in before.values()]
        if made is None or seed in before or evaluation.model.get("digest") in weights:
            same = (position,)
        groups.setdefault(same, {})[seed] = evaluation
    return [_seeds(found) for found in groups.values()]


def method_of(card: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> str | None:
    """A digest of how a network came about, but for its seed and those of its teachers; None if that is not told.

    Args:
        card: of the network.
        known: cards by the digests of their networks.
    """
    extra, recipe = card.get("extra") or {}, card.get("recipe") or {}
    if card.get("seed") is None or not card.get("method") or not recipe:
        return None
    lineage = extra.get("lineage") or ()
    if not isinstance(lineage, Sequence) or not all(isinstance(taught, Mapping) for taught in lineage):
        return None  # the card is untrusted and may say anything
    teachers = [(taught.get("role"), _teacher(str(taught.get("digest", "")), known)) for taught in lineage]
    if isinstance(begun := extra.get("init"), Mapping):
        teachers.append(("init", _teacher(str(begun.get("digest", "")), known)))
    if extra.get("extra_data"):
        teachers.append(("extra data", str(extra["extra_data"])))
    own = [card.get(name) for name in _CARD]
    settings = {name: value for name, value in recipe.items() if name != "name"}
    return digest([own, settings, [extra.get(name) for name in _EXTRA], teachers])


@dataclass(frozen=True)
class MethodComparison:
    """Two methods by one metric, over seeds and images, as one pair of a family; see docs/statistics.md.

    Attributes:
        metric: "clean", "rworst", "ravg" or a threat.
        first, second: the methods.
        found: the difference; its interval is that of all pairs of the family together (Bonferroni).
        corrected: p corrected for all pairs of the family, by Holm's method.
        checks: what other methods say of this pair alone.
        verdict: what is known of the first.
        margin: differences of less than that do not matter, a fraction; None where nobody said so beforehand.
    """

    metric: str
    first: Seeds
    second: Seeds
    found: MethodDifference
    corrected: float
    checks: Checks
    verdict: Verdict
    margin: float | None


def compare_all_methods(groups: Sequence[Seeds], metric: str) -> list[MethodComparison]:
    """All pairs of the methods that have several seeds and values for `metric`, as one family.

    What one training made together is compared training by training, see `compare_methods`.

    Raises:
        BadInput: they were not evaluated on the same images with the same suite.
    """
    several = [group for group in groups if group.is_method]
    check_comparable([evaluation for group in several for evaluation in group.evaluations])
    known = {id(group): values for group in several if (values := group.scores(metric)) is not None}
    pairs = [
        (one, other, _made_together(one, other))
        for one, other in combinations([group for group in several if id(group) in known], 2)
    ]
    confidence = 1 - LEVEL / max(1, len(pairs))
    found = [
        compare_methods(known[id(one)], known[id(other)], is_paired=together, confidence=confidence)
        for one, other, together in pairs
    ]
    comparisons = []
    for (one, other, together), each, p in zip(pairs, found, holm([each.p for each in found]), strict=True):
        margin = stated_margin([*one.evaluations, *other.evaluations])
        stands = each.difference > 0 if p <= LEVEL else None
        checks = check_methods(known[id(one)], known[id(other)], is_paired=together)
        told = verdict(each.low, each.high, stands, margin)
        comparisons.append(MethodComparison(metric, one, other, each, float(p), checks, told, margin))
    return comparisons


def _teacher(found: str, known: Mapping[str, Mapping[str, Any]]) -> str:
    others = {name: card for name, card in known.items() if name != found}  # a card may name itself as its teacher
    card = known.get(found)
    return (card and method_of(card, others)) or found


def _made_together(first: Seeds, second: Seeds) -> bool:
    """Whether, seed by seed, the networks share a training: those of one run, or a teacher and its student."""
    pairs = zip(first.evaluations, second.evaluations, strict=False)
    return first.seeds == second.seeds and all(_lineage(one.model) & _lineage(other.model) for one, other in pairs)


def _lineage(card: Mapping[str, Any]) -> set[str]:
    """Digests of the run that made it, of its weights, and of its teachers' weights."""
    extra = card.get("extra") or {}
    taught = (str(teacher.get("digest", "")) for teacher in extra.get("lineage") or ())
    begun = extra.get("init")
    first = str(begun.get("digest", "")) if isinstance(begun, Mapping) else ""
    return {str(extra.get("run", "")), str(card.get("digest", "")), first, *taught} - {""}


def _seeds(found: Mapping[int | None, Evaluation]) -> Seeds:
    ordered = sorted(found, key=lambda seed: (seed is None, seed or 0))
    names = {found[seed].name.replace(f"-seed-{seed}", "") for seed in ordered}
    label = names.pop() if len(names) == 1 and len(ordered) > 1 else found[ordered[0]].name
    return Seeds(label, tuple(ordered), tuple(found[seed] for seed in ordered))
