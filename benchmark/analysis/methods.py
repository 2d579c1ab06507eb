"""Which networks are seeds of one method, and whether one *method* is better than another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.analysis.paired import check_comparable, scores
from benchmark.statistics.seeds import Arm, MethodDifference, compare_methods
from benchmark.storage import digest

if TYPE_CHECKING:
    from benchmark.ledger.evaluation import Evaluation

#: What of a card decides, with the seed and the teachers, how its network came about.
_CARD = ("method", "network", "architecture", "dataset", "scale", "shape", "num_classes", "mean", "std", "selection")
#: The same of what training adds to it.
_EXTRA = ("settings", "inner", "outer", "precision")


@dataclass(frozen=True)
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
        same: tuple[Any, ...] = (made, evaluation.seed, evaluation.precision)
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
    teachers = [
        (taught.get("role"), _teacher(str(taught.get("digest", "")), known)) for taught in extra.get("lineage") or ()
    ]
    own = [card.get(name) for name in _CARD]
    settings = {name: value for name, value in recipe.items() if name != "name"}
    return digest([own, settings, [extra.get(name) for name in _EXTRA], teachers])


def compare_seeds(first: Seeds, second: Seeds, metric: str) -> MethodDifference | None:
    """The two methods by `metric`; None where a network has no value for it.

    What one training made together is compared training by training, see `compare_methods`.

    Raises:
        BadInput: they were not evaluated on the same images with the same suite.
        ValueError: one of them has a single seed.
    """
    check_comparable([*first.evaluations, *second.evaluations])
    one, other = first.scores(metric), second.scores(metric)
    if one is None or other is None:
        return None
    return compare_methods(one, other, is_paired=_made_together(first, second))


def method_pairs(groups: Sequence[Seeds]) -> list[tuple[Seeds, Seeds]]:
    """All pairs of methods that have seeds enough."""
    return list(combinations([group for group in groups if group.is_method], 2))


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
    return {str(extra.get("run", "")), str(card.get("digest", "")), *taught} - {""}


def _seeds(found: Mapping[int | None, Evaluation]) -> Seeds:
    ordered = sorted(found, key=lambda seed: (seed is None, seed or 0))
    names = {found[seed].name.replace(f"-seed-{seed}", "") for seed in ordered}
    label = names.pop() if len(names) == 1 and len(ordered) > 1 else found[ordered[0]].name
    return Seeds(label, tuple(ordered), tuple(found[seed] for seed in ordered))
