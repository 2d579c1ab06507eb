"""The public door of the evaluation floor: networks in, a ledger and evaluations out."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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
from benchmark.models import check_model
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
    dataset: str | None = None,
    root: str | Path | None = None,
    download: bool = False,
    trust: bool = False,
    progress: bool = True,
) -> list[Evaluation]:
    """Attack networks and keep, per image, what broke them. What is in `results` already is not run again.

    Args:
        checkpoints: one or several checkpoint files, or networks from elsewhere as `benchmark.load_model` takes them.
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
        dataset: whose test images to use; None for the dataset that each network was trained on.
        root: where datasets lie; None for the default.
        download: whether missing data and foreign networks may be fetched.
        trust: whether foreign code that a network is made by may be run.
        progress: whether to show how far it is, on the standard error stream.

    Returns:
        One evaluation per network, in their order. Attacks that failed are listed in `failures`.

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
    place, arithmetic = "cpu", "fp32"
    try:
        place = str(resolve_device(device))
        arithmetic = resolve_precision(precision, resolve_device(device))
    except BadInput as error:
        problems.append(str(error))
    ledger = Ledger(results)
    try:
        ledger = Ledger.open(check_writable(results), create=True)
    except BadInput as error:
        problems.append(str(error))
    folder = str(root) if root is not None else None
    order = _Order(suite, preset, n, mode, seed, place, arithmetic, dataset, folder, download, trust)
    plans: dict[str, Plan] = {}
    for source in sources:
        try:
            plan = _plan(str(source), order)
            plans.setdefault(plan.id, plan)
        except BadInput as error:
            problems.append(str(error))
    if problems:
        raise BadInput("\n".join(dict.fromkeys(problems)))
    finished = {key: evaluation for key, plan in plans.items() if (evaluation := _finished(plan, ledger)) is not None}
    missing = [_checked(plan) for key, plan in plans.items() if key not in finished]
    _run(missing, ledger, workers, progress)
    return [finished.get(key) or _written(plan, ledger) for key, plan in plans.items()]


@dataclass(frozen=True)
class _Order:
    """What the caller wants, apart from which networks."""

    suite: str | Path
    preset: str
    n: int | None
    mode: str
    seed: int
    device: str
    precision: str
    dataset: str | None
    root: str | None
    download: bool
    trust: bool


def _plan(source: str, order: _Order) -> Plan:
    """What evaluating `source` takes; raises BadInput for all that can be found wrong without running the network."""
    network = subject.open_network(source, order.download, order.trust)
    name = order.dataset or network.dataset
    if not name:
        raise BadInput(f"{source} does not say what it was trained on; name the images to try it on with dataset")
    dataset = subject.dataset_of(name, order.root, order.download)
    network.check_fits(dataset)
    suite = load_suite(order.suite, order.preset, dataset.scale)
    available = len(dataset.test)
    notes = []
    if order.n is not None and not 1 <= order.n <= available:
        raise BadInput(f"n must be from 1 to {available}, the number of test images of {dataset.name}, not {order.n}")
    if order.n is None and suite.images > available:
        notes.append(f"the suite asks for {suite.images} images; {dataset.name} has {available}, all were used")
    return Plan(
        target=Target(
            source=source,
            network=network.digest,
            dataset=name,
            root=order.root,
            data=dataset.digest,
            device=order.device,
            precision=order.precision,
            trust=order.trust,
        ),
        card=subject.card(network),
        suite=suite.first(order.n or min(suite.images, available)),
        mode=order.mode,
        seed=order.seed,
        notes=tuple(notes),
    )


def _finished(plan: Plan, ledger: Ledger) -> Evaluation | None:
    """The evaluation if it is in the ledger with all its records and nothing in it failed."""
    evaluation = ledger.evaluation(plan.card["name"], plan.id)
    whole = evaluation is not None and all(outcome.complete for outcome in evaluation.outcomes)
    return evaluation if whole else None


def _checked(plan: Plan) -> Plan:
    """The plan with notes on what is odd about the network; raises BadInput if it can't be evaluated."""
    network = subject.subject(plan.target)
    x, _, _ = network.shard(0, min(plan.suite.images, 64))
    notes = check_model(network.model, x, network.classifier.num_classes)
    return dataclasses.replace(plan, notes=(*plan.notes, *notes))


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
