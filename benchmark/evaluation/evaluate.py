"""The public door of the evaluation floor: networks in, a ledger and evaluations out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmark import models
from benchmark.errors import BadInput, unknown
from benchmark.evaluation import subject
from benchmark.evaluation.engine import run_jobs
from benchmark.evaluation.jobs import Done
from benchmark.evaluation.ledger import Ledger
from benchmark.evaluation.outcomes import Evaluation
from benchmark.evaluation.plan import MODES, Plan
from benchmark.evaluation.progress import Display
from benchmark.evaluation.subject import Target
from benchmark.evaluation.suite import load_suite
from benchmark.hardware import resolve_device, resolve_precision
from benchmark.models import Checkpoint
from benchmark.storage import check_writable


def evaluate(
    checkpoints: Sequence[str | Path] | str | Path,
    *,
    suite: str | Path = "multi-perturbation",
    preset: str = "full",
    n: int | None = None,
    mode: str = "full",
    seed: int = 0,
    device: str = "auto",
    precision: str = "auto",
    workers: int = 1,
    results: str | Path = "results",
    root: str | Path | None = None,
    download: bool = False,
    progress: bool = True,
) -> list[Evaluation]:
    """Attack networks and keep, per image, what broke them. What is in `results` already is not run again.

    Args:
        checkpoints: one or several checkpoint files; each is tried on the test images of its own dataset.
        suite: name or YAML file of the attacks to run.
        preset: "full", or one that the suite defines, such as "quick".
        n: use the first `n` test images; None for the suite's number, or all if there are fewer.
        mode: "full": every attack sees every image. "worst-case": only what earlier attacks of the same norm left
            standing, which gives the same per-norm and worst-case accuracies at a fraction of the cost.
        seed: of all noise.
        device: "auto", "cpu", "cuda", "cuda:1", ...
        precision: of the search: "auto", "fp32" or "bf16". Verdicts are always float32.
        workers: processes that attack at once.
        results: the folder of the ledger.
        root: where datasets lie; None for the default.
        download: whether missing data may be fetched.
        progress: whether to show how far it is, on the standard error stream.

    Returns:
        One evaluation per checkpoint, in their order. Attacks that failed are listed in `failures`.

    Raises:
        BadInput: anything that is wrong with the input; all of it is reported at once, before any attack begins.
        KeyboardInterrupt: the ledger is whole; call again to go on.
    """
    sources = [checkpoints] if isinstance(checkpoints, str | Path) else list(checkpoints)
    problems: list[str] = []
    if not sources:
        problems.append("there is no checkpoint to evaluate; name one or more, e.g. zoo/*.pt")
    if mode not in MODES:
        problems.append(str(unknown("mode", mode, MODES)))
    if workers < 1:
        problems.append(f"workers must be 1 or more, not {workers}")
    if not 0 <= seed < 2**63:
        problems.append(f"seed must be a number from 0 to 2^63 - 1, not {seed}")
    place, used_precision = "cpu", "fp32"
    try:
        place = str(resolve_device(device))
        used_precision = resolve_precision(precision, resolve_device(device))
    except BadInput as error:
        problems.append(str(error))
    try:
        ledger = Ledger.open(check_writable(results), create=True)
    except BadInput as error:
        problems.append(str(error))
    plans: dict[str, Plan] = {}
    for source in sources:
        try:
            plan = _plan(source, suite, preset, n, root, download, place, used_precision, mode, seed)
            plans.setdefault(plan.id, plan)
        except BadInput as error:
            problems.append(str(error))
    if problems:
        raise BadInput("\n".join(dict.fromkeys(problems)))
    finished = {key: evaluation for key, plan in plans.items() if (evaluation := _finished(plan, ledger)) is not None}
    missing = [plan for key, plan in plans.items() if key not in finished]
    for plan in missing:
        _check(plan)
    _run(missing, ledger, workers, progress)
    return [finished.get(key) or _written(plan, ledger) for key, plan in plans.items()]


def _plan(
    source: str | Path,
    suite: str | Path,
    preset: str,
    n: int | None,
    root: str | Path | None,
    download: bool,
    device: str,
    precision: str,
    mode: str,
    seed: int,
) -> Plan:
    """What evaluating `source` takes; raises BadInput for all that can be found wrong without attacking."""
    checkpoint: Checkpoint = subject.open_network(str(source))
    bound = load_suite(suite, preset, checkpoint.scale)
    place = str(root) if root is not None else None
    dataset = subject.dataset_of(checkpoint.dataset, place, download)
    checkpoint.check_fits(dataset)
    available = len(dataset.test)
    notes = []
    if n is not None and not 1 <= n <= available:
        raise BadInput(f"n must be from 1 to {available}, the number of test images of {dataset.name}, not {n}")
    if n is None and bound.images > available:
        notes.append(f"the suite asks for {bound.images} images; {dataset.name} has {available}, all were used")
    bound = bound.first(n or min(bound.images, available))
    target = Target(
        source=str(source),
        network=checkpoint.digest,
        dataset=checkpoint.dataset,
        root=place,
        data=dataset.digest,
        device=device,
        precision=precision,
    )
    return Plan(target, subject.card(checkpoint), bound, mode, seed, tuple(notes))


def _finished(plan: Plan, ledger: Ledger) -> Evaluation | None:
    """The evaluation if it is in the ledger with all its records and nothing in it failed."""
    evaluation = ledger.evaluation(plan.card["name"], plan.id)
    whole = evaluation is not None and all(outcome.complete for outcome in evaluation.outcomes)
    return evaluation if whole else None


def _check(plan: Plan) -> None:
    """Refuse a network that can't be evaluated, such as one that returns NaN."""
    network = subject.subject(plan.target)
    x, _, _ = network.shard(0, min(plan.suite.images, 64))
    check = getattr(models, "check_model", None)
    if check:
        check(network.model, x, network.classifier.num_classes)


def _run(plans: Sequence[Plan], ledger: Ledger, workers: int, progress: bool) -> None:
    """Run all jobs of all plans; an evaluation is filed as soon as its last job is done."""
    jobs = [(plan, job) for plan in plans for job in plan.jobs()]
    done: dict[str, list[Done]] = {plan.id: [] for plan in plans}
    expected = {plan.id: sum(len(job.items) for job in plan.jobs()) for plan in plans}
    with Display(sum(expected.values()), progress and bool(jobs)) as display:

        def report(position: int, item: Done) -> None:
            plan = jobs[position][0]
            display.advance(plan.card["name"], item.label, item.error, item.reused)
            done[plan.id].append(item)
            if len(done[plan.id]) == expected[plan.id]:
                ledger.write_evaluation(plan.manifest(done[plan.id]))

        for problem in run_jobs([job for _, job in jobs], ledger.folder, workers, report):
            display.say(f"damaged, and made again: {problem}")


def _written(plan: Plan, ledger: Ledger) -> Evaluation:
    evaluation = ledger.evaluation(plan.card["name"], plan.id)
    if evaluation is None:
        raise BadInput(f"the results of {plan.card['name']} were damaged as soon as written: {ledger.problems[-1]}")
    return evaluation
