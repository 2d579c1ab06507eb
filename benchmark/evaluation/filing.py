"""From jobs to evaluations in the ledger: which are there, making those that are not, and taking them out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmark.damage import Damaged
from benchmark.engines import Means
from benchmark.errors import BadInput, notice
from benchmark.evaluation.engine import run_jobs
from benchmark.evaluation.jobs import AttackJob, Done
from benchmark.evaluation.plan import Plan
from benchmark.evaluation.progress import Display
from benchmark.ledger.evaluation import Evaluation
from benchmark.ledger.ledger import Ledger
from benchmark.ledger.packing import pack
from benchmark.ledger.parts import DonePart, assembled, lacking, parts_of, write_part
from benchmark.parts import WHOLE, Part


@dataclass(frozen=True)
class Work:
    """A job, and where its results go.

    Attributes:
        job: what is to be done.
        card: of the network that is attacked.
        plans: the evaluations that its records belong to: one for each of its judges, or one in all.
    """

    job: AttackJob
    card: dict[str, Any]
    plans: Sequence[Plan]


def run_and_file(
    work: Sequence[Work],
    announced: Iterable[Plan],
    ledger: Ledger,
    means: Means | int | None = 1,
    progress: bool = True,
    time_limit: float | None = None,
    part: Part = WHOLE,
    follow: Callable[[Plan, Done], None] = lambda plan, item: None,
) -> dict[str, str]:
    """Run all jobs; an evaluation is filed as soon as its last job is done.

    Args:
        work: in the order in which it should be begun.
        announced: the plans of all networks that take part, whose notes are told before.
        ledger: where results go.
        means: what jobs run on.
        progress, time_limit: as for `evaluate`.
        part: of what the work is a part; what is done of it is then filed as such.
        follow: is told of each attack on each shard.

    Returns:
        The ids of the plans whose network failed under way, each with the reason.
    """
    lost: dict[str, str] = {}
    done: dict[str, list[Done]] = {plan.id: [] for each in work for plan in each.plans}
    expected = dict.fromkeys(done, 0)
    for each in work:
        for plan in each.plans:
            expected[plan.id] += len(each.job.items)
    judged: dict[tuple[int, str], list[Done]] = {}
    with Display(sum(len(each.job.items) for each in work), progress and bool(work)) as display:
        display.announce(announced)

        def report(position: int, item: Done) -> None:
            own, verdicts = work[position], judged.setdefault((position, item.label), [])
            plan = own.plans[item.judge or 0]
            verdicts.append(item)
            if len(verdicts) == len(own.plans):
                error = next((verdict.error for verdict in verdicts if verdict.error), None)
                display.advance(own.card, item.label, error, all(verdict.reused for verdict in verdicts))
            if item.unfit is not None:
                lost.setdefault(plan.id, item.unfit)
                return
            done[plan.id].append(item)
            follow(plan, item)
            if len(done[plan.id]) == expected[plan.id]:
                file(plan)

        def file(plan: Plan) -> None:
            own = done[plan.id]
            if part == WHOLE:
                file_evaluation(plan.manifest(own), ledger)
                return
            starts: dict[str, dict[int, str]] = {}
            for item in own:
                starts.setdefault(item.label, {})[item.start] = item.record
            write_part(ledger, DonePart(plan.manifest([]), starts, str(part)))

        def give_up(position: int, reason: str) -> None:
            for plan in work[position].plans:
                lost.setdefault(plan.id, reason)

        found = run_jobs([each.job for each in work], ledger.folder, means, report, time_limit, give_up)
        for problem in dict.fromkeys([*ledger.problems, *found]):
            display.say(f"damaged, and recomputed: {problem}")
    return lost


def file_evaluation(manifest: dict[str, Any], ledger: Ledger) -> None:
    """File an evaluation whose records are all there, and pack these if they are many.

    Raises:
        BadInput: the folder can't be written or the disk is full.
    """
    ledger.write_evaluation(manifest)
    pack(ledger, manifest["model"]["digest"], [name for names in manifest["records"].values() for name in names])


def file_if_whole(plan: Plan, ledger: Ledger) -> bool:
    """File an evaluation that is made in parts if the last of them is there; else say what is lacking.

    Raises:
        BadInput: a part can't be read.
    """
    try:
        parts = [part for part in parts_of(ledger) if part.manifest["id"] == plan.id]
    except Damaged as error:
        raise BadInput(f"{error}; delete it and do this part again") from error
    whole = assembled(parts)
    if whole is not None:
        file_evaluation(whole, ledger)
        return True
    told = f"it lacks {', '.join(lacking(parts))}" if parts else "nothing of it was to be done in this part"
    notice(
        f"{plan.card['name']}: this part is done; {told}. Do the other parts, then bench merge joins their folders"
    )
    return False


def finished(plan: Plan, ledger: Ledger) -> Evaluation | None:
    """The evaluation if it is in the ledger with all its records and nothing in it failed.

    One of an older version that doesn't know the classes of its images, or of a suite that said another margin, is
    filed again, from the same records. Where predicted classes are asked for, one that lacks them is not finished.
    """
    evaluation = ledger.evaluation(plan.card["name"], plan.id, plan.source_name)
    if evaluation is None or evaluation.classes is None or not all(each.complete for each in evaluation.outcomes):
        return None
    if evaluation.suite.get("margin") != plan.suite.margin:
        return None
    if plan.add_classes and not all(each.knows_classes for each in evaluation.outcomes):
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
