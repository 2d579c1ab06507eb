"""Black-box transfer: adversarial images crafted on one network, tried on others."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from benchmark.errors import BadInput, UnfitNetwork, reason
from benchmark.evaluation import objects
from benchmark.evaluation.attack_run import Trial, craft
from benchmark.evaluation.filing import finished, written
from benchmark.evaluation.jobs import Done, Job, file_trial, keep_images
from benchmark.evaluation.judge import AttackFault
from benchmark.evaluation.meter import Meter, metered
from benchmark.evaluation.objects import Data
from benchmark.evaluation.plan import Plan
from benchmark.evaluation.progress import Display
from benchmark.evaluation.request import EvaluationRequest, check_fileable, checked, reported
from benchmark.evaluation.suite import SuiteItem
from benchmark.evaluation.target import LoadedTarget, load_target
from benchmark.given import Given as GivenSuite
from benchmark.ledger.evaluation import Evaluation
from benchmark.ledger.ledger import Ledger
from benchmark.models import Given, listed
from benchmark.scales import Epsilon
from benchmark.storage import digest


def transfer(
    sources: Sequence[Given] | Given,
    targets: Sequence[Given] | Given | None = None,
    *,
    name: str | Sequence[str] | None = None,
    suite: GivenSuite = "transfer",
    preset: str = "standard",
    n: int | None = None,
    seed: int = 0,
    device: str = "auto",
    precision: str = "auto",
    results: str | Path = "results",
    save_adversarial: bool = False,
    dataset: Data | None = None,
    resize: int | str | None = None,
    crop: int | None = None,
    scale: str | None = None,
    epsilon: Epsilon | None = None,
    data_dir: str | Path | None = None,
    download: bool = False,
    trust_remote_code: bool = False,
    compile: bool = False,
    classes: str | Path | Sequence[str] | None = None,
    progress: bool = True,
) -> list[Evaluation]:
    """Try what is crafted on each source on every target; each source is attacked once.

    Every image is attacked, whether the source classifies it correctly or not, and nothing that fools the source
    is kept back: only the target's verdict counts. Where source and target are the same network this is the white-box
    attack.

    Args:
        sources: networks to craft on, as `evaluate` takes them.
        targets: networks to try the images on; None for the sources themselves.
        name: what to call the modules among sources and targets, each once, in their order; None for the names of
            their classes.
        suite: name or YAML file of the attacks, or a dict of what stands in such a file.
        preset, n, seed, device, precision, results, dataset, resize, crop, scale, epsilon, data_dir, download,
            trust_remote_code, compile, classes, progress: as for `evaluate`. There is one process, and nothing to
            stop an attack that takes long.
        save_adversarial: whether to store the adversarial images, too; each target keeps those that fooled it.

    Returns:
        One evaluation per pair, source by source: `crafted_on` is the source's card, `model` the target's.

    Raises:
        BadInput: anything that is wrong with the input, or networks that are not tried on the same images; also if no
            source or no target is left that passes its check.
        PartlyFailed: some networks failed, as for `evaluate`; its `done` has the pairs of the others.
    """
    first = listed(sources)
    second = first if targets is None else listed(targets)
    with objects.held([*first, *second], name, dataset) as (called, data):
        request = EvaluationRequest(
            suite=suite,
            preset=preset,
            n=n,
            seed=seed,
            device=device,
            precision=precision,
            results=results,
            save_adversarial=save_adversarial,
            dataset=data,
            resize=resize,
            crop=crop,
            scale=scale,
            epsilon=epsilon,
            data_dir=data_dir,
            download=download,
            trust_remote_code=trust_remote_code,
            compile=compile,
            classes=classes,
        )
        return _transferred(request, called[: len(first)], called[len(first) :], progress)


def _transferred(
    request: EvaluationRequest, first: Sequence[str], second: Sequence[str], progress: bool
) -> list[Evaluation]:
    """Each of the networks `first` tried on each of `second`."""
    planned, ledger, failures = request.plans([*first, *second])
    if len({(plan.target.data, plan.suite.digest) for plan in planned.values()}) > 1:
        datasets = ", ".join(
            dict.fromkeys(f"{plan.card['name']} ({plan.target.dataset})" for plan in planned.values())
        )
        raise BadInput(f"sources and targets must be tried on the same images, but these are not: {datasets}")
    plans = {plan.id: plan for plan in planned.values()}
    from_ids, to_ids = (
        dict.fromkeys(planned[name].id for name in names if name in planned) for names in (first, second)
    )
    pairs = [(source, target) for source in from_ids for target in to_ids]
    wanted = [_pair(plans[source], plans[target]) for source, target in pairs]
    for pair in wanted:
        check_fileable(pair)
    missing = any(finished(pair, ledger) is None for pair in wanted)
    if missing:
        fit, unfit = checked(list(plans.values()))
        plans, failures = {plan.id: plan for plan in fit}, [*failures, *unfit]
    for plan in plans.values():
        ledger.remember(plan.target.known)
    if missing:
        loaded, lost = _loaded(plans.values())
        plans, failures = {key: plan for key, plan in plans.items() if key not in lost}, [*failures, *lost.values()]
        sources_left, targets_left = ([plans[key] for key in ids if key in plans] for ids in (from_ids, to_ids))
        if sources_left and targets_left:
            _run(sources_left, targets_left, loaded, ledger, progress)
    left = [_pair(plans[source], plans[target]) for source, target in pairs if source in plans and target in plans]
    return reported([written(pair, ledger) for pair in left], failures)


def _loaded(plans: Iterable[Plan]) -> tuple[dict[str, LoadedTarget], dict[str, str]]:
    """All networks by the digest that their results are filed under, and by plan why some have no answers.

    Each is asked for all images, so that none fails when others have been attacked for its sake.
    """
    loaded: dict[str, LoadedTarget] = {}
    lost: dict[str, str] = {}
    for plan in plans:
        try:
            network = load_target(plan.target)
            for start, stop in plan.shards:
                network.shard(start, stop)
        except UnfitNetwork as error:
            lost[plan.id] = str(error)
        else:
            loaded[plan.target.network] = network
    return loaded, lost


def _run(
    sources: Sequence[Plan],
    targets: Sequence[Plan],
    loaded: Mapping[str, LoadedTarget],
    ledger: Ledger,
    progress: bool,
) -> None:
    """Craft on each source what is missing for any target, let the targets judge it, and file each pair."""
    jobs = {source.id: [alone for job in source.jobs() for alone in job.split()] for source in sources}
    with Display(sum(map(len, jobs.values())), progress) as display:
        display.announce({plan.id: plan for plan in (*sources, *targets)}.values())
        for source in sources:
            done: dict[str, list[Done]] = {target.id: [] for target in targets}
            for job in jobs[source.id]:
                verdicts = _verdicts(job, source, targets, loaded, ledger)
                for plan, item in verdicts.items():
                    done[plan].append(item)
                error = next((item.error for item in verdicts.values() if item.error), None)
                reused = all(item.reused for item in verdicts.values())
                display.advance(source.card, job.items[0].label, error, reused)
            for target in targets:
                ledger.write_evaluation(_pair(source, target).manifest(done[target.id]))


def _verdicts(
    job: Job, source: Plan, targets: Sequence[Plan], loaded: Mapping[str, LoadedTarget], ledger: Ledger
) -> dict[str, Done]:
    """One attack on one shard of the source, and what each target says to it, by the target's plan."""
    (item,) = job.items
    keys = {
        target.id: dataclasses.replace(job, target=_pair(source, target).target).key(item, None)
        | {"crafted_on": source.target.network}
        for target in targets
    }
    records = {plan: ledger.read(key["network"], digest(key)) for plan, key in keys.items()}
    stored = {plan: ledger.stored_adversarials_path(key["network"], digest(key)) for plan, key in keys.items()}
    missing = [
        plan
        for plan, record in records.items()
        if record is None or record.error or (job.save_adversarial and not stored[plan].exists())
    ]
    if missing:
        meter, candidates = _candidates(loaded[source.target.network], job, item)
        for plan in missing:
            trial = Trial(loaded[keys[plan]["network"]], item, job.start, job.stop, None)
            record = file_trial(trial, keys[plan], _judged(trial, candidates, meter).info())
            if job.save_adversarial and not record.error:
                keep_images(stored[plan], trial)
            ledger.write(record)
            records[plan] = record
    return {
        plan: Done(item.label, job.start, digest(keys[plan]), record.error if record else None, plan not in missing)
        for plan, record in records.items()
    }


def _candidates(source: LoadedTarget, job: Job, item: SuiteItem) -> tuple[Meter, list[Tensor]]:
    """Candidates for all images of the shard, one tensor per restart."""
    x, y, *_ = source.shard(job.start, job.stop)
    rows = torch.arange(len(x), device=x.device)
    candidates: list[Tensor] = []
    with metered(source.classifier) as meter:
        for restart in range(item.restarts):
            candidates.append(craft(source, item, rows, job.start, x, y, job.seed, restart))
    return meter, candidates


def _judged(trial: Trial, candidates: Sequence[Tensor], meter: Meter) -> Meter:
    """Let the target judge the candidates; the meter of crafting them, with the error if all were rejected."""
    if meter.error:
        return meter
    try:
        for x_adv in candidates:
            trial.judge(x_adv)
        trial.check()
    except AttackFault as fault:
        return dataclasses.replace(meter, error=reason(fault))
    return meter


def _pair(source: Plan, target: Plan) -> Plan:
    """What the target says to images that were crafted on the source, where the source's last layer was left out."""
    whom = dataclasses.replace(target.target, last_layer=source.target.last_layer)
    return dataclasses.replace(target, target=whom, crafted_on=source.card)
