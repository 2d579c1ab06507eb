"""What trackers are told of an evaluation: each attack as far as it is, and the row at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from benchmark.analysis import aggregate
from benchmark.evaluation.jobs import Done
from benchmark.evaluation.plan import Plan
from benchmark.ledger.evaluation import Evaluation
from benchmark.ledger.ledger import Ledger
from benchmark.storage import flat, safe_name
from benchmark.trackers import Run, Trackers


class Followed:
    """The trackers of several evaluations, by the plans' ids; to be used as a context.

    Args:
        names: of trackers; () for none, which costs nothing.
        plans: what is evaluated.
        ledger: where records are filed.

    Raises:
        BadInput: a tracker can't begin.
    """

    def __init__(self, names: Sequence[str], plans: Mapping[str, Plan], ledger: Ledger) -> None:
        self._ledger = ledger
        self._seen: dict[str, dict[str, list[int]]] = {}
        self._runs: dict[str, Trackers] = {}
        for key, plan in plans.items() if names else ():
            try:
                self._runs[key] = Trackers(names, _run(plan, ledger))
            except BaseException:
                self.__exit__()
                raise

    def __enter__(self) -> Followed:
        return self

    def __exit__(self, *exception: object) -> None:
        for trackers in self._runs.values():
            trackers.close()

    def done(self, plan: Plan, item: Done) -> None:
        """An attack is done on one shard: the share of the images so far that it left robust, and how many shards."""
        trackers = self._runs.get(plan.id)
        record = self._ledger.read(plan.target.network, item.record) if trackers else None
        if trackers is None or record is None or record.error:
            return
        seen = self._seen.setdefault(plan.id, {})
        counts = seen.setdefault(item.label, [0, 0, 0])
        for place, more in enumerate((1, int((~record.broken).sum()), len(record.broken))):
            counts[place] += more
        step = sum(shards for shards, *_ in seen.values())
        trackers.log({f"attacks/{item.label}": counts[1] / counts[2], "shards": step}, step)

    def finished(self, evaluations: Sequence[Evaluation]) -> None:
        """The rows, once all is filed."""
        for evaluation in evaluations:
            with suppress(KeyError):
                self._runs[evaluation.id].summary(_row(evaluation))


def _run(plan: Plan, ledger: Ledger) -> Run:
    name = f"{plan.card['name']} under {plan.suite.name}"
    told: dict[str, Any] = {
        "network": plan.card["name"],
        "digest": plan.target.network,
        "dataset": plan.target.dataset,
        "suite": {"name": plan.suite.name, "preset": plan.suite.preset, "digest": plan.suite.digest},
        "images": plan.suite.images,
        "mode": plan.mode,
        "seed": plan.seed,
        "precision": plan.target.precision,
    }
    folder = ledger.folder / "runs" / f"{safe_name(plan.card['name'], 60)}-{plan.id[:16]}"
    return Run(name, plan.id, folder, dict(flat(told)), "evaluate")


def _row(evaluation: Evaluation) -> dict[str, Any]:
    """Accuracies as fractions; what is not known is left out."""
    row: dict[str, Any] = {
        "clean": aggregate.clean_accuracy(evaluation),
        "Ravg": aggregate.r_avg(evaluation),
        "Rworst": aggregate.r_worst(evaluation),
        **{name: aggregate.norm_accuracy(evaluation, name) for name in evaluation.threats},
    }
    for outcome in evaluation.outcomes:
        row[f"attacks/{outcome.label}"] = aggregate.attack_accuracy(evaluation, outcome.label)
    return {name: value for name, value in row.items() if value is not None}
