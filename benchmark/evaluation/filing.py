"""Whether an evaluation is in the ledger already, and taking it out once it has been filed."""

from __future__ import annotations

from benchmark.errors import BadInput
from benchmark.evaluation.plan import Plan
from benchmark.ledger.evaluation import Evaluation
from benchmark.ledger.ledger import Ledger


def finished(plan: Plan, ledger: Ledger) -> Evaluation | None:
    """The evaluation if it is in the ledger with all its records and nothing in it failed.

    One of an older version that doesn't know the classes of its images is filed again, from the same records.
    """
    evaluation = ledger.evaluation(plan.card["name"], plan.id, plan.source_name)
    if evaluation is None or evaluation.classes is None or not all(each.complete for each in evaluation.outcomes):
        return None
    names = [name for outcome in evaluation.outcomes for name in outcome.records]
    kept = not plan.save_adversarial or all(
        ledger.stored_adversarials_path(plan.target.network, name).exists() for name in names
    )
    return evaluation if kept else None


def written(plan: Plan, ledger: Ledger) -> Evaluation:
    """The evaluation that was just filed.

    Raises:
        BadInput: what was written can't be read again, or is gone.
    """
    evaluation = ledger.evaluation(plan.card["name"], plan.id, plan.source_name)
    if evaluation is None:
        reason = ledger.problems[-1] if ledger.problems else "the evaluation is gone"
        raise BadInput(f"the results of {plan.card['name']} were damaged as soon as written: {reason}")
    gone = sum(outcome.missing for outcome in evaluation.outcomes)
    if gone:
        raise BadInput(f"{gone} records of {plan.card['name']} vanished from {ledger.folder}; evaluate again")
    return evaluation
